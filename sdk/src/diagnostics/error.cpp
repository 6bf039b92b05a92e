// SPDX-License-Identifier: MIT
#include "backplane/error.h"

#include <cxxabi.h>

#include <exception>
#include <system_error>

#include "diagnostics/module_fault.h"

namespace backplane {

Error Error::system(const std::string& what, int errno_value) {
  const std::string text = std::generic_category().message(errno_value);
  Error error(shown(what) + ": " + text);
  error.system_text_ = text;
  return error;
}

std::string Error::line() const {
  return hint_.empty() ? what() : fmt::format("{}; {}", what(), hint_);
}

Error Error::as_system(int errno_value) && {
  system_text_ = std::generic_category().message(errno_value);
  return std::move(*this);
}

void detail::raise(const Error& error) { throw error; }

std::string current_exception_text() {
  try {
    throw;
  } catch (const std::exception& exception) {
    return exception.what();
  } catch (...) {
    const std::type_info* const type = abi::__cxa_current_exception_type();
    if (type == nullptr) return "a foreign exception";
    return fmt::format("an exception of type {}", demangled(*type));
  }
}

}  // namespace backplane

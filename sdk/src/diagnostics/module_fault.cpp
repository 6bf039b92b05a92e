// SPDX-License-Identifier: MIT
#include "diagnostics/module_fault.h"

#include <cxxabi.h>
#include <fmt/format.h>

#include <cstdlib>
#include <memory>

#include "backplane/error.h"
#include "backplane/log.h"
#include "backplane/module.h"

namespace backplane {

void end_for_exception(const void* address, const std::string& doing) {
  log::report(fmt::format("{}: {} threw: {}; this is a mistake of that file",
                          file_of_address(address), doing, current_exception_text()));
  std::abort();
}

std::string demangled(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), &std::free);
  return name ? name.get() : type.name();
}

}  // namespace backplane

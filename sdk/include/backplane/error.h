// SPDX-License-Identifier: MIT
// The one exception type for host failures (a file, an option, a module, a property).
// What a guest does wrong is never an Error: devices answer it as their specification says.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

#include "backplane/shown.h"

namespace backplane {

class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message, std::string hint = {})
      : std::runtime_error(message), hint_(std::move(hint)) {}

  // Formats the message as fmt::format does, each argument as shown_argument() has it.
  template <class... Args>
  static Error of(fmt::format_string<Args...> format, Args&&... args) {
    return Error(
        fmt::vformat(fmt::string_view(format), fmt::make_format_args(shown_argument(args)...)));
  }

  // "<what>: <the system's text for errno_value>", `what` as shown() has it.
  static Error system(const std::string& what, int errno_value);

  // What the user can do about it; printed after the message. May be empty.
  const std::string& hint() const { return hint_; }
  Error with_hint(std::string hint) && {
    hint_ = std::move(hint);
    return std::move(*this);
  }
  // Message and hint in one line.
  std::string line() const;
  // The same error with the system_text() of an errno, which its own message leaves out.
  Error as_system(int errno_value) &&;
  // The system's text ("No such file or directory") of an error made by system(), or empty.
  const std::string& system_text() const { return system_text_; }
  // The same error, its message preceded by "<context>: ".
  Error in(const std::string& context) const {
    Error error(context + ": " + what(), hint_);
    error.system_text_ = system_text_;
    return error;
  }

 private:
  std::string hint_;
  std::string system_text_;
};

namespace detail {

// Throws it, for headers: a module may be compiled without exceptions.
[[noreturn]] void raise(const Error& error);

}  // namespace detail

// What the exception being handled says: its what(), or its type if it is no std::exception. For a
// catch (...), where code of a module was called.
std::string current_exception_text();

}  // namespace backplane

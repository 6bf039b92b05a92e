// SPDX-License-Identifier: MIT
// How failures reach the user: one line each on stderr, the program's name first.
#pragma once

#include <exception>
#include <string>

#include "backplane/error.h"
#include "backplane/options.h"

namespace backplane::host {

// Ends the launch with status 1; everything there is to say was printed before.
class ReportedFailure : public std::exception {
 public:
  const char* what() const noexcept override { return "already reported"; }
};

// Prints it. `given` is the option as the user wrote it ("-accel foo"), or empty.
void report(const std::string& given, const Error& error);
void report(const std::string& given, const std::string& message);

// Runs fn; an Error that it throws gets the option before it, if there is one.
template <class Fn>
decltype(auto) with_option(const std::string& given, Fn&& fn) {
  try {
    return fn();
  } catch (const Error& error) {
    if (given.empty()) throw;
    throw error.in(given);
  }
}

// The same, with the option's list of values as argument.
template <class Fn>
decltype(auto) with_values(const GivenOption& option, Fn&& fn) {
  KeyValueList values = option.list();  // its errors have the option already
  return with_option(option.text, [&] { return fn(std::move(values)); });
}

}  // namespace backplane::host

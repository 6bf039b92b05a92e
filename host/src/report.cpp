// SPDX-License-Identifier: MIT
#include "report.h"

#include "backplane/log.h"

namespace backplane::host {

std::string line_of(const Error& error) {
  if (error.hint().empty()) return error.what();
  return fmt::format("{}; {}", error.what(), error.hint());
}

void report(const std::string& given, const std::string& message) {
  log::report(given.empty() ? message : given + ": " + message);
}

void report(const std::string& given, const Error& error) { report(given, line_of(error)); }

}  // namespace backplane::host

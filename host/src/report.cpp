// SPDX-License-Identifier: MIT
#include "report.h"

#include "backplane/log.h"

namespace backplane::host {

void report(const std::string& given, const std::string& message) {
  log::report(given.empty() ? message : given + ": " + message);
}

void report(const std::string& given, const Error& error) { report(given, error.line()); }

}  // namespace backplane::host

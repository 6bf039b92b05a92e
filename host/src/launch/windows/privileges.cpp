// SPDX-License-Identifier: MIT
#include "launch/privileges.h"

#include "backplane/error.h"

namespace backplane::host {

RunAs parse_run_as(const std::string&) { throw Error("a program keeps its user on Windows"); }
void change_root(const std::string&) { throw Error("files have no single root on Windows"); }
void become(const RunAs&) {}

}  // namespace backplane::host

// SPDX-License-Identifier: MIT
#include "launch/daemon.h"

#include "backplane/error.h"

namespace backplane::host {

struct Daemon::Impl {};
Daemon::Daemon() = default;
Daemon::~Daemon() = default;
void Daemon::begin() { throw Error("a program cannot go into the background on Windows"); }
void Daemon::ready() {}

struct PidFile::Impl {};
PidFile::PidFile(const std::string&) { throw Error("there are no files of this kind on Windows"); }
PidFile::~PidFile() = default;

}  // namespace backplane::host

// SPDX-License-Identifier: MIT
#include "module/load_watch.h"

namespace backplane {

struct CrashWatch::Impl {};
CrashWatch::CrashWatch(const std::string&) {}
CrashWatch::~CrashWatch() = default;

}  // namespace backplane

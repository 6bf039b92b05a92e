// SPDX-License-Identifier: MIT
// What is logged while it is there, for tests of what a device says about its guest.
//
//   const LogRecorder log("guest_errors");
//   registers.write32(0x14, 1);
//   EXPECT_NE(log.text().find("START while one is under way"), std::string::npos);
#pragma once

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "backplane/log.h"
#include "backplane/testing/scratch_directory.h"

namespace backplane::testing {

class LogRecorder {
 public:
  // Categories as -d has them. One recorder at a time.
  explicit LogRecorder(std::string_view categories) {
    log::set_file((directory_ / "log").string());
    log::enable(categories);
  }
  // Nothing is logged any more.
  ~LogRecorder() {
    log::set("none");
    log::set_file("/dev/stderr");
  }
  LogRecorder(const LogRecorder&) = delete;
  LogRecorder& operator=(const LogRecorder&) = delete;

  // All lines so far.
  std::string text() const {
    std::fflush(nullptr);
    std::ifstream file(directory_ / "log");
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  ScratchDirectory directory_;
};

}  // namespace backplane::testing

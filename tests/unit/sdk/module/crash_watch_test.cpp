// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <thread>

#include "backplane/log.h"
#include "module/load_watch.h"

namespace backplane {
namespace {

std::atomic<int> faults = 0;

// An accelerator's, to which faults of its threads are no crashes.
class FormerHandler {
 public:
  FormerHandler() {
    struct sigaction action {};
    action.sa_sigaction = [](int, siginfo_t* info, void* context) {
      if (info != nullptr && context != nullptr) ++faults;
    };
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &action, &former_);
  }
  ~FormerHandler() { sigaction(SIGSEGV, &former_, nullptr); }

 private:
  struct sigaction former_;
};

TEST(CrashWatch, LeavesOtherThreadsTheirFaults) {
  const FormerHandler handler;
  faults = 0;
  ::testing::internal::CaptureStderr();
  {
    const CrashWatch watch("x.so");
    std::thread([] { raise(SIGSEGV); }).join();
  }
  EXPECT_EQ(faults, 1);
  raise(SIGSEGV);  // it is over
  EXPECT_EQ(faults, 2);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST(CrashWatch, NamesTheFileAndLeavesTheRestToTheFormerHandler) {
  const FormerHandler handler;
  faults = 0;
  log::set_program_name("program");
  ::testing::internal::CaptureStderr();
  {
    const CrashWatch watch("x.so");
    raise(SIGSEGV);
  }
  EXPECT_EQ(faults, 1);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "program: x.so: its start-up code crashed (signal 11); reinstall the module's package "
            "and those it needs\n");
}

}  // namespace
}  // namespace backplane

// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <sstream>

#include "backplane/log.h"
#include "backplane/testing/test_machine.h"

namespace backplane {
namespace {

class Inner final : public Device {
 public:
  static void class_init(DeviceClass& k) { k.property<&Inner::fail_>("fail", "realize() throws"); }
  void realize() {
    if (fail_) throw Error("no");
  }

 private:
  bool fail_ = false;
};
BACKPLANE_TYPE(Inner, "trace-inner")

class Middle : public Device {
  BACKPLANE_OBJECT(Middle, Device, "trace-middle")
 public:
  static void class_init(DeviceClass& k) { k.stateless(); }
  void realize() {}
};
BACKPLANE_REGISTER(Middle)

class Outer final : public Middle {
 public:
  void realize() {}
  void realized_all() { add_child("inner", std::make_unique<Inner>()).set_realized(machine()); }
};
BACKPLANE_TYPE(Outer, "trace-outer")

class RealizeTraceTest : public ::testing::Test {
 protected:
  RealizeTraceTest() { log::enabled_mask |= kBit; }
  ~RealizeTraceTest() override { log::enabled_mask &= ~kBit; }

  // What `-d realize` prints while fn runs, without files and times.
  template <class Fn>
  static std::string trace(Fn fn) {
    ::testing::internal::CaptureStderr();
    fn();
    std::istringstream text(::testing::internal::GetCapturedStderr());
    std::string result;
    for (std::string line; std::getline(text, line);) {
      const bool failed = line.ends_with(", failed)");
      result += line.substr(0, line.find(" (")) + (failed ? " failed\n" : "\n");
    }
    return result;
  }

  static constexpr unsigned kBit = 1U << static_cast<unsigned>(LogCategory::Realize);
  testing::TestMachine machine;
};

TEST_F(RealizeTraceTest, StepsStandInTheOrderInWhichTheyBegan) {
  EXPECT_EQ(trace([&] { machine.create_device("trace-outer"); }),
            "trace-outer: realized=true\n"
            "  trace-outer: trace-middle realize\n"
            "  trace-outer: realize\n"
            "  trace-outer: realized all\n"
            "    trace-inner: realized=true\n"
            "      trace-inner: realize\n");
}

TEST_F(RealizeTraceTest, FailedStepsAreMarked) {
  EXPECT_EQ(trace([&] {
              EXPECT_THROW(machine.create_device("trace-inner", {{"fail", "on"}}), Error);
            }),
            "trace-inner: realized=true failed\n"
            "  trace-inner: realize failed\n");
}

TEST_F(RealizeTraceTest, LinesNameFileAndTime) {
  ::testing::internal::CaptureStderr();
  machine.create_device("trace-inner");
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(text.find("(sdk-device-tests, "), std::string::npos) << text;
  EXPECT_NE(text.find(" us)\n"), std::string::npos) << text;
}

TEST_F(RealizeTraceTest, NothingIsPrintedUnlessAsked) {
  log::enabled_mask &= ~kBit;
  EXPECT_EQ(trace([&] { machine.create_device("trace-outer"); }), "");
}

}  // namespace
}  // namespace backplane

// SPDX-License-Identifier: MIT
#include "backplane/machine.h"

#include <gtest/gtest.h>

#include "backplane/testing/test_machine.h"

namespace backplane {
namespace {

using testing::TestBus;
using testing::TestMachine;

std::string event_log;
std::string take_log() { return std::exchange(event_log, {}); }

class Part final : public Device {
 public:
  static void class_init(DeviceClass& k) { k.property<&Part::name_>("name", "in the log"); }
  ~Part() override { event_log += "~" + name_; }
  void unrealize() { event_log += "-" + name_; }
  void reset() override {
    event_log += "!" + name_;
    Device::reset();
  }

 private:
  std::string name_;
};
BACKPLANE_TYPE(Part, "machine-part")

class IdleCpu final : public Cpu {
 public:
  bool has_work() const override { return false; }
  void reset() override {
    event_log += fmt::format("!cpu{}", index());
    Cpu::reset();
  }
};
BACKPLANE_TYPE(IdleCpu, "idle-cpu")

class FailingAccelerator final : public Accelerator {
 public:
  void init_machine(Machine&) override { throw Error("cannot run here"); }
  void create_vcpu(Cpu&) override {}
};
BACKPLANE_TYPE(FailingAccelerator, "failing-accel")

class PlainMachine final : public Machine {
 public:
  void init() override {}
};
BACKPLANE_TYPE(PlainMachine, "plain-machine")

class MachineTest : public ::testing::Test {
 protected:
  MachineTest() { event_log.clear(); }
  ~MachineTest() override { event_log.clear(); }
  Device& part(const std::string& name) {
    return machine.create_device("machine-part", {{"name", name}});
  }

  TestMachine machine;
};

TEST_F(MachineTest, ResetsDevicesThenCpusThenCallsHooks) {
  const Subscription done = machine.reset_sequence().on_done([] { event_log += "!hook"; });
  part("a");
  machine.add_cpu(std::make_unique<IdleCpu>());
  part("b");
  machine.add_cpu(std::make_unique<IdleCpu>());
  machine.run_control().reset();
  EXPECT_EQ(take_log(), "!a!b!cpu0!cpu1!hook");
}

TEST_F(MachineTest, ResetClearsACpusRequestsAndWakesIt) {
  machine.add_cpu(std::make_unique<IdleCpu>());
  Cpu& cpu = *machine.cpus().front();
  cpu.raise(3);
  cpu.set_halted(true);
  machine.run_control().reset();
  EXPECT_EQ(cpu.interrupt_request(), 0U);
  EXPECT_FALSE(cpu.halted());
}

TEST_F(MachineTest, TearDownUnrealizesAndDestroysInReverse) {
  part("a");
  part("b");
  machine.add_device("machine-part", "user", "", {{"name", "u"}});
  machine.tear_down();
  EXPECT_EQ(take_log(), "-u~u-b~b-a~a");
}

TEST_F(MachineTest, TearDownTwiceDoesNothing) {
  machine.tear_down();
  machine.tear_down();
}

TEST_F(MachineTest, AcceleratorThatFailsIsGone) {
  PlainMachine plain;
  EXPECT_THROW(plain.set_accelerator(std::make_unique<FailingAccelerator>()), Error);
  EXPECT_EQ(plain.find("accel"), nullptr);
  plain.set_accelerator(std::make_unique<testing::NullAccelerator>());
  EXPECT_EQ(plain.accelerator().name(), "null");
}

TEST_F(MachineTest, VirtualClockRunsWithTheMachine) {
  PlainMachine plain;
  plain.set_accelerator(std::make_unique<testing::NullAccelerator>());
  EXPECT_FALSE(plain.virtual_clock().running());
  std::string states;
  const Subscription change =
      plain.run_control().on_change([&](bool running) { states += running ? "+" : "-"; });
  plain.run_control().start();
  plain.run_control().start();
  EXPECT_TRUE(plain.virtual_clock().running());
  plain.run_control().stop();
  plain.run_control().stop();
  EXPECT_FALSE(plain.virtual_clock().running());
  EXPECT_EQ(states, "+-");
}

TEST_F(MachineTest, RequestedResetIsCarriedOutOnceByTheMainLoop) {
  part("a");
  machine.run_control().request_reset();
  machine.run_control().request_reset();
  EXPECT_EQ(take_log(), "");
  machine.run_main_loop();
  EXPECT_EQ(take_log(), "!a");
  machine.run_control().request_reset();
  machine.run_main_loop();
  EXPECT_EQ(take_log(), "!a");
}

TEST_F(MachineTest, ResetOfAStoppedMachineLeavesItStopped) {
  machine.run_control().request_reset();
  machine.run_main_loop();
  EXPECT_EQ(machine.run_control().state(), RunState::Stopped);
}

TEST_F(MachineTest, ResetOfARunningMachineLeavesItRunning) {
  machine.run_control().start();
  machine.run_control().request_reset();
  machine.run_main_loop();
  EXPECT_EQ(machine.run_control().state(), RunState::Running);
}

TEST_F(MachineTest, NoRebootTurnsAGuestResetIntoAShutdown) {
  machine.run_control().actions().reboot = RebootAction::Shutdown;
  part("a");
  machine.run_control().request_reset();
  const MachineLock::Release release;
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(machine.main_loop().run(), kGuestResetStatus);
  EXPECT_NE(::testing::internal::GetCapturedStderr().find("the guest has reset the machine\n"),
            std::string::npos);
  EXPECT_EQ(machine.run_control().shutdown_cause(), ShutdownCause::GuestReset);
  EXPECT_EQ(take_log(), "");
}

TEST_F(MachineTest, NoRebootTellsOfATripleFault) {
  machine.run_control().actions().reboot = RebootAction::Shutdown;
  machine.run_control().request_reset(ShutdownCause::TripleFault);
  const MachineLock::Release release;
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(machine.main_loop().run(), kGuestResetStatus);
  EXPECT_NE(::testing::internal::GetCapturedStderr().find("triple fault"), std::string::npos);
  EXPECT_EQ(machine.run_control().shutdown_cause(), ShutdownCause::TripleFault);
}

TEST_F(MachineTest, NoRebootLetsTheUserReset) {
  machine.run_control().actions().reboot = RebootAction::Shutdown;
  part("a");
  machine.run_control().request_reset(ShutdownCause::HostRequest);
  machine.run_main_loop();
  EXPECT_EQ(take_log(), "!a");
}

TEST_F(MachineTest, AGuestsShutdownCanBeAPause) {
  machine.run_control().actions() = {.reboot = RebootAction::Shutdown,
                                     .shutdown = ShutdownAction::Pause};
  std::string told;
  const Subscription events = machine.events().subscribe(
      [&](const EventType& type, const Value&) { told += std::string(type.name) + " "; });
  for (const ShutdownCause cause : {ShutdownCause::Guest, ShutdownCause::TripleFault}) {
    machine.run_control().start();
    machine.run_control().request_reset(cause);
    machine.run_main_loop();
    EXPECT_EQ(machine.run_control().state(), RunState::Stopped);
    EXPECT_FALSE(machine.run_control().shutdown_cause());
    EXPECT_EQ(std::exchange(told, {}), "RESUME SHUTDOWN STOP ");
  }
  machine.run_control().request_shutdown(ShutdownCause::HostRequest, 5);
  const MachineLock::Release release;
  EXPECT_EQ(machine.main_loop().run(), 5);
}

TEST_F(MachineTest, APanicIsToldAndDoesWhatTheUserWants) {
  const auto panic = [&](PanicAction action) {
    machine.run_control().actions().panic = action;
    machine.run_control().start();
    ::testing::internal::CaptureStderr();
    machine.run_control().report_panic();
    machine.run_main_loop();
    EXPECT_NE(::testing::internal::GetCapturedStderr().find("the guest has panicked\n"),
              std::string::npos);
    return machine.run_control().state();
  };
  EXPECT_EQ(panic(PanicAction::None), RunState::Running);
  EXPECT_EQ(panic(PanicAction::Pause), RunState::Stopped);
  EXPECT_FALSE(machine.run_control().shutdown_cause());
  EXPECT_EQ(panic(PanicAction::ExitFailure), RunState::Stopped);
  EXPECT_EQ(machine.run_control().shutdown_cause(), ShutdownCause::Panic);
  const MachineLock::Release release;
  EXPECT_EQ(machine.main_loop().run(), 1);
}

TEST_F(MachineTest, FirstShutdownCounts) {
  machine.run_control().request_shutdown(ShutdownCause::Guest, 4);
  machine.run_control().request_shutdown(ShutdownCause::HostRequest, 5);
  const MachineLock::Release release;
  EXPECT_EQ(machine.main_loop().run(), 4);
  EXPECT_EQ(machine.run_control().shutdown_cause(), ShutdownCause::Guest);
}

TEST_F(MachineTest, ThePowerButtonIsHeardByThoseWhoListen) {
  bool pressed = false;
  machine.run_control().request_powerdown();
  machine.run_main_loop();
  const Subscription button = machine.run_control().on_powerdown([&] { pressed = true; });
  machine.run_control().request_powerdown();
  EXPECT_FALSE(pressed);
  machine.run_main_loop();
  EXPECT_TRUE(pressed);
}

TEST_F(MachineTest, ServicesAreFoundByType) {
  EXPECT_EQ(machine.service<Bus>(), nullptr);
  machine.provide<Bus>(machine.bus());
  EXPECT_EQ(machine.service<Bus>(), &machine.bus());
  EXPECT_EQ(machine.service<Device>(), nullptr);
}

TEST_F(MachineTest, BusesAreFoundByNameAndPath) {
  EXPECT_EQ(machine.buses(), std::vector<Bus*>{&machine.bus()});
  EXPECT_EQ(machine.find_bus("test-bus.0"), &machine.bus());
  EXPECT_EQ(machine.find_bus(machine.bus().path()), &machine.bus());
  EXPECT_EQ(machine.find_bus("nosuch"), nullptr);
}

TEST_F(MachineTest, PhasesAdvanceOneByOne) {
  EXPECT_EQ(machine.phases().current(), Phase::MachineInitialized);
  machine.power_on();
  EXPECT_EQ(machine.phases().current(), Phase::MachineReady);
}

}  // namespace
}  // namespace backplane

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
  void unrealize() override {
    event_log += "-" + name_;
    Device::unrealize();
  }
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
  std::string describe_registers() const override { return {}; }
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

class AliasMachine final : public Machine {
 public:
  static void class_init(MachineClass& k) { k.alias = "known-as"; }
  void init() override {}
};
BACKPLANE_TYPE(AliasMachine, "alias-1.0-machine")

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
  machine.on_reset([] { event_log += "!hook"; });
  part("a");
  machine.add_cpu(std::make_unique<IdleCpu>());
  part("b");
  machine.add_cpu(std::make_unique<IdleCpu>());
  machine.reset();
  EXPECT_EQ(take_log(), "!a!b!cpu0!cpu1!hook");
}

TEST_F(MachineTest, ResetClearsACpusRequestsAndWakesIt) {
  machine.add_cpu(std::make_unique<IdleCpu>());
  Cpu& cpu = *machine.cpus().front();
  cpu.raise(3);
  cpu.set_halted(true);
  machine.reset();
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
  plain.on_run_state([&](bool running) { states += running ? "+" : "-"; });
  plain.start();
  plain.start();
  EXPECT_TRUE(plain.virtual_clock().running());
  plain.stop();
  plain.stop();
  EXPECT_FALSE(plain.virtual_clock().running());
  EXPECT_EQ(states, "+-");
}

TEST_F(MachineTest, RequestedResetIsCarriedOutOnceByTheMainLoop) {
  part("a");
  machine.request_reset();
  machine.request_reset();
  EXPECT_EQ(take_log(), "");
  machine.run_main_loop();
  EXPECT_EQ(take_log(), "!a");
  machine.request_reset();
  machine.run_main_loop();
  EXPECT_EQ(take_log(), "!a");
}

TEST_F(MachineTest, ResetOfAStoppedMachineLeavesItStopped) {
  machine.request_reset();
  machine.run_main_loop();
  EXPECT_EQ(machine.run_state(), RunState::Stopped);
}

TEST_F(MachineTest, ResetOfARunningMachineLeavesItRunning) {
  machine.start();
  machine.request_reset();
  machine.run_main_loop();
  EXPECT_EQ(machine.run_state(), RunState::Running);
}

TEST_F(MachineTest, NoRebootTurnsAGuestResetIntoAShutdown) {
  machine.config().actions.reboot = RebootAction::Shutdown;
  part("a");
  machine.request_reset();
  const MachineLock::Release release;
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(machine.main_loop().run(), kGuestResetStatus);
  EXPECT_NE(::testing::internal::GetCapturedStderr().find("the guest has reset the machine\n"),
            std::string::npos);
  EXPECT_EQ(machine.shutdown_cause(), ShutdownCause::GuestReset);
  EXPECT_EQ(take_log(), "");
}

TEST_F(MachineTest, NoRebootTellsOfATripleFault) {
  machine.config().actions.reboot = RebootAction::Shutdown;
  machine.request_reset(ShutdownCause::TripleFault);
  const MachineLock::Release release;
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(machine.main_loop().run(), kGuestResetStatus);
  EXPECT_NE(::testing::internal::GetCapturedStderr().find("triple fault"), std::string::npos);
  EXPECT_EQ(machine.shutdown_cause(), ShutdownCause::TripleFault);
}

TEST_F(MachineTest, NoRebootLetsTheUserReset) {
  machine.config().actions.reboot = RebootAction::Shutdown;
  part("a");
  machine.request_reset(ShutdownCause::HostRequest);
  machine.run_main_loop();
  EXPECT_EQ(take_log(), "!a");
}

TEST_F(MachineTest, AGuestsShutdownCanBeAPause) {
  machine.config().actions = {.reboot = RebootAction::Shutdown, .shutdown = ShutdownAction::Pause};
  for (const ShutdownCause cause : {ShutdownCause::Guest, ShutdownCause::TripleFault}) {
    machine.start();
    machine.request_reset(cause);
    machine.run_main_loop();
    EXPECT_EQ(machine.run_state(), RunState::Stopped);
    EXPECT_FALSE(machine.shutdown_cause());
  }
  machine.request_shutdown(ShutdownCause::HostRequest, 5);
  const MachineLock::Release release;
  EXPECT_EQ(machine.main_loop().run(), 5);
}

TEST_F(MachineTest, APanicIsToldAndDoesWhatTheUserWants) {
  const auto panic = [&](PanicAction action) {
    machine.config().actions.panic = action;
    machine.start();
    ::testing::internal::CaptureStderr();
    machine.report_panic();
    machine.run_main_loop();
    EXPECT_NE(::testing::internal::GetCapturedStderr().find("the guest has panicked\n"),
              std::string::npos);
    return machine.run_state();
  };
  EXPECT_EQ(panic(PanicAction::None), RunState::Running);
  EXPECT_EQ(panic(PanicAction::Pause), RunState::Stopped);
  EXPECT_FALSE(machine.shutdown_cause());
  EXPECT_EQ(panic(PanicAction::ExitFailure), RunState::Stopped);
  EXPECT_EQ(machine.shutdown_cause(), ShutdownCause::Panic);
  const MachineLock::Release release;
  EXPECT_EQ(machine.main_loop().run(), 1);
}

TEST_F(MachineTest, FirstShutdownCounts) {
  machine.request_shutdown(ShutdownCause::Guest, 4);
  machine.request_shutdown(ShutdownCause::HostRequest, 5);
  const MachineLock::Release release;
  EXPECT_EQ(machine.main_loop().run(), 4);
  EXPECT_EQ(machine.shutdown_cause(), ShutdownCause::Guest);
}

TEST_F(MachineTest, PowerdownCallsTheBoardsHandler) {
  bool pressed = false;
  machine.request_powerdown();
  machine.run_main_loop();
  machine.set_powerdown_handler([&] { pressed = true; });
  machine.request_powerdown();
  EXPECT_FALSE(pressed);
  machine.run_main_loop();
  EXPECT_TRUE(pressed);
}

TEST_F(MachineTest, ServicesAreFoundByName) {
  EXPECT_EQ(machine.service("thing"), nullptr);
  machine.set_service("thing", machine.bus());
  EXPECT_EQ(machine.service("thing"), &machine.bus());
}

TEST_F(MachineTest, BusesAreFoundByNameAndPath) {
  EXPECT_EQ(machine.buses(), std::vector<Bus*>{&machine.bus()});
  EXPECT_EQ(machine.find_bus("test-bus.0"), &machine.bus());
  EXPECT_EQ(machine.find_bus(machine.bus().path()), &machine.bus());
  EXPECT_EQ(machine.find_bus("nosuch"), nullptr);
}

TEST_F(MachineTest, PhasesAdvanceOneByOne) {
  EXPECT_EQ(machine.phase(), Phase::MachineInitialized);
  machine.power_on();
  EXPECT_EQ(machine.phase(), Phase::MachineReady);
}

TEST(MachineFind, KnowsNamesAndAliases) {
  ASSERT_NE(machine_find("plain"), nullptr);
  EXPECT_EQ(machine_find("plain")->name, "plain-machine");
  ASSERT_NE(machine_find("known-as"), nullptr);
  EXPECT_EQ(machine_find("known-as")->name, "alias-1.0-machine");
  EXPECT_EQ(machine_find("nosuch"), nullptr);
  EXPECT_EQ(machine_find(""), nullptr);
}

}  // namespace
}  // namespace backplane

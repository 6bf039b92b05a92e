// SPDX-License-Identifier: MIT
// Candidates are tried in order; what is printed and what stops the launch is the user's contract.
#include "accelerator/selection.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>

#include "backplane/log.h"
#include "backplane/machine.h"
#include "command_line.h"
#include "report.h"

namespace backplane::host {
namespace {

class GoodAccel final : public Accelerator {
 public:
  static void class_init(AccelClass& k) { k.property<&GoodAccel::level_>("level", "a number"); }
  void init_machine(Machine&) override {}
  void create_vcpu(Cpu&) override {}

 private:
  u32 level_ = 1;
};
BACKPLANE_TYPE(GoodAccel, "good-accel")

class AbsentAccel final : public Accelerator {
 public:
  static void class_init(AccelClass& k) { k.property<&AbsentAccel::level_>("level", "a number"); }
  void init_machine(Machine&) override { throw Error::system("cannot open /dev/absent", ENOENT); }
  void create_vcpu(Cpu&) override {}

 private:
  u32 level_ = 1;
};
BACKPLANE_TYPE(AbsentAccel, "absent-accel")

class BrokenAccel final : public Accelerator {
 public:
  void init_machine(Machine&) override { throw Error("the host is too old"); }
  void create_vcpu(Cpu&) override {}
};
BACKPLANE_TYPE(BrokenAccel, "broken-accel")

// Would do damage if it were tried.
class DoubtingAccel final : public Accelerator {
 public:
  static void class_init(AccelClass& k) {
    k.unavailable_reason = [] { return std::optional<std::string>(reason); };
  }
  void init_machine(Machine&) override { std::abort(); }
  void create_vcpu(Cpu&) override {}

  static inline std::string reason;
};
BACKPLANE_TYPE(DoubtingAccel, "doubting-accel")

class HardwareAccel final : public Accelerator {
 public:
  void init_machine(Machine&) override {}
  void create_vcpu(Cpu&) override {}
};
BACKPLANE_TYPE(HardwareAccel, "hardware-accel")

class EmptyMachine final : public Machine {
 public:
  void init() override {}
};
BACKPLANE_TYPE(EmptyMachine, "selection-test-machine")

// What one selection did.
struct Outcome {
  std::string runs;     // the accelerator's name, or empty
  std::string message;  // of the Error that stopped it; "reported" if that was printed
  std::string printed;  // on stderr
};

Outcome select(const std::string& words, const std::optional<InstructionCounting>& icount = {},
               bool has_defaults = true) {
  const MachineLock::Guard lock;
  const Asked asked(words);
  const auto machine = create_object<Machine>("selection-test-machine");
  Outcome outcome;
  log::set_program_name("backplane");
  testing::internal::CaptureStderr();
  try {
    select_accelerator(*machine,
                       plan_accelerators(asked.configuration, "backplane",
                                         [=](const std::string&) { return has_defaults; }),
                       icount);
    outcome.runs = machine->accelerator().name();
  } catch (const ReportedFailure&) {
    outcome.message = "reported";
  } catch (const Error& error) {
    outcome.message = error.what();
  }
  outcome.printed = testing::internal::GetCapturedStderr();
  machine->tear_down();
  return outcome;
}

TEST(AcceleratorSelection, AsksWhetherItIsAvailableBeforeItIsTried) {
  DoubtingAccel::reason = "the platform is switched off";
  Outcome outcome = select("-accel doubting -accel good");
  EXPECT_EQ(outcome.runs, "good");
  EXPECT_EQ(outcome.printed,
            "backplane: -accel doubting: the platform is switched off\n"
            "backplane: -accel doubting: failed to initialize doubting: Function not implemented\n"
            "backplane: falling back to good\n");
  DoubtingAccel::reason = "cannot open /dev/x: No such file or directory";
  outcome = select("-accel doubting -accel good");
  EXPECT_EQ(outcome.printed,
            "backplane: -accel doubting: cannot open /dev/x: No such file or directory\n"
            "backplane: -accel doubting: failed to initialize doubting: No such file or directory\n"
            "backplane: falling back to good\n");
}

TEST(AccelSelection, TheFirstThatWorksRunsSilently) {
  const Outcome outcome = select("-accel good -accel absent");
  EXPECT_EQ(outcome.runs, "good");
  EXPECT_EQ(outcome.printed, "");
}

TEST(AccelSelection, AFailureIsReportedWithTheSystemsWordsAndTheNextIsTried) {
  const Outcome outcome = select("-accel absent -accel good");
  EXPECT_EQ(outcome.runs, "good");
  EXPECT_EQ(outcome.printed,
            "backplane: -accel absent: cannot open /dev/absent: No such file or directory\n"
            "backplane: -accel absent: failed to initialize absent: No such file or directory\n"
            "backplane: falling back to good\n");
}

TEST(AccelSelection, AFailureOfAnotherKindIsOneLine) {
  const Outcome outcome = select("-accel broken -accel good");
  EXPECT_EQ(outcome.runs, "good");
  EXPECT_EQ(outcome.printed,
            "backplane: -accel broken: failed to initialize broken: the host is too old\n"
            "backplane: falling back to good\n");
}

TEST(AccelSelection, AnUnknownNameIsReportedAndTheNextIsTried) {
  const Outcome outcome = select("-machine accel=nosuch:good");
  EXPECT_EQ(outcome.runs, "good");
  EXPECT_EQ(outcome.printed,
            "backplane: -machine accel=nosuch:good: invalid accelerator nosuch\n"
            "backplane: falling back to good\n");
}

TEST(AccelSelection, AnUnknownNameThatIsNotNeededIsAWarning) {
  const Outcome outcome = select("-machine accel=good:nosuch");
  EXPECT_EQ(outcome.runs, "good");
  EXPECT_EQ(outcome.printed,
            "backplane: warning: -machine accel=good:nosuch: invalid accelerator nosuch; not "
            "needed, as good runs\n");
}

TEST(AccelSelection, WhereNoneIsLeftThoseInstalledAreListed) {
  const Outcome outcome = select("-accel nosuch");
  EXPECT_EQ(outcome.message, "reported");
  EXPECT_TRUE(outcome.printed.starts_with(
      "backplane: -accel nosuch: invalid accelerator nosuch\nbackplane: installed accelerators: "))
      << outcome.printed;
  EXPECT_NE(outcome.printed.find("good"), std::string::npos);
}

TEST(AccelSelection, WithoutADefaultItIsSaidHowToGetOne) {
  const Outcome outcome = select("-S", {}, false);
  EXPECT_EQ(outcome.message, "reported");
  EXPECT_TRUE(outcome.printed.starts_with(
      "backplane: No accelerator selected and no default accelerator available\nbackplane: "))
      << outcome.printed;
}

TEST(AccelSelection, ARequiredOneIsNotReplaced) {
  const Outcome outcome = select("-accel absent,required=on -accel good");
  EXPECT_EQ(outcome.runs, "");
  EXPECT_EQ(outcome.message, "reported");
  EXPECT_EQ(outcome.printed.find("falling back"), std::string::npos);
}

TEST(AccelSelection, AWrongPropertyStopsTheLaunchThoughAnotherIsNamed) {
  const Outcome outcome = select("-accel absent,foo=1 -accel good");
  EXPECT_EQ(outcome.runs, "");
  EXPECT_TRUE(outcome.message.starts_with("-accel absent,foo=1: absent-accel.foo: "))
      << outcome.message;
  EXPECT_NE(outcome.message.find("level"), std::string::npos);
  EXPECT_EQ(outcome.printed, "");
}

TEST(AccelSelection, AWrongValueStopsTheLaunchToo) {
  const Outcome outcome = select("-accel good,level=high");
  EXPECT_TRUE(outcome.message.starts_with("-accel good,level=high: ")) << outcome.message;
}

TEST(AccelSelection, HardwareVirtualisationCannotCountInstructions) {
  const Outcome outcome =
      select("-accel hardware -accel good", InstructionCounting{{}, "-icount 3"});
  EXPECT_EQ(outcome.runs, "");
  EXPECT_EQ(outcome.message, "-icount 3: -icount is not allowed with hardware virtualization");
}

}  // namespace
}  // namespace backplane::host

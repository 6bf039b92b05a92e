// SPDX-License-Identifier: MIT
#include "../guest.h"
#include "apic/describe.h"

namespace backplane::x86::testing {
namespace {

using A = LocalApic;

class Apic : public ::testing::Test {
 protected:
  static constexpr unsigned kCpus = 4;
  Guest guest{"max", kCpus};

  A& apic(unsigned i = 0) { return guest.cpu(i).apic(); }
  void SetUp() override {
    for (unsigned i = 0; i < kCpus; ++i) {
      apic(i).write_page(A::kSvr, 0x1ff);
      apic(i).write_page(A::kLdr, 0x01000000u << i);
    }
  }
  void fixed(u32 destination, u8 vector, bool logical = false, bool level = false) {
    deliver_interrupt(guest.machine, {.destination = destination,
                                      .logical = logical,
                                      .vector = vector,
                                      .level_triggered = level});
  }
  bool requested(unsigned i = 0) { return (guest.cpu(i).interrupt_request() & kRequestHard) != 0; }
  void use_x2apic() {
    for (unsigned i = 0; i < kCpus; ++i) ASSERT_TRUE(apic(i).set_base(apic(i).base() | 0xc00));
  }
};

TEST_F(Apic, ResetState) {
  EXPECT_EQ(apic().read_page(A::kVersion), 0x00050014u);
  EXPECT_EQ(apic(2).read_page(A::kId), 0x02000000u);
  EXPECT_TRUE(apic(0).is_bsp());
  EXPECT_FALSE(apic(1).is_bsp());
  guest.machine.run_control().reset();
  EXPECT_EQ(apic(1).read_page(A::kSvr), 0xffu);
  EXPECT_EQ(apic(1).read_page(A::kDfr), 0xffffffffu);
  EXPECT_EQ(apic(1).read_page(A::kLvtLint0), 0x10000u);
}

TEST_F(Apic, TheHighestVectorIsTakenFirstAndBlocksLowerOnes) {
  fixed(0, 0x31);
  fixed(0, 0x52);
  fixed(0, 0x41);
  EXPECT_TRUE(requested());
  EXPECT_EQ(apic().acknowledge(), 0x52);
  EXPECT_EQ(apic().read_page(A::kPpr), 0x50u);
  EXPECT_EQ(apic().acknowledge(), A::kNone);
  EXPECT_FALSE(requested());
  fixed(0, 0x59);
  EXPECT_EQ(apic().acknowledge(), A::kNone) << "the same class waits";
  fixed(0, 0x61);
  EXPECT_EQ(apic().acknowledge(), 0x61) << "a higher one nests";
  apic().write_page(A::kEoi, 0);
  apic().write_page(A::kEoi, 0);
  EXPECT_EQ(apic().acknowledge(), 0x59);
  apic().write_page(A::kEoi, 0);
  EXPECT_EQ(apic().acknowledge(), 0x41);
}

TEST_F(Apic, TheTaskPriorityHoldsInterruptsBack) {
  apic().write_page(A::kTpr, 0x40);
  fixed(0, 0x4f);
  EXPECT_FALSE(requested());
  apic().write_page(A::kTpr, 0x30);
  EXPECT_TRUE(requested());
  EXPECT_EQ(apic().acknowledge(), 0x4f);
}

TEST_F(Apic, PendingAndServedVectorsAreReadable) {
  fixed(0, 0x45);
  EXPECT_EQ(apic().read_page(A::kIrr + 2), 1u << 5);
  apic().acknowledge();
  EXPECT_EQ(apic().read_page(A::kIrr + 2), 0u);
  EXPECT_EQ(apic().read_page(A::kIsr + 2), 1u << 5);
}

struct Eoi final : IoApicEoi {
  std::vector<u8> vectors;
  void end_of_interrupt(u8 vector) override { vectors.push_back(vector); }
};

TEST_F(Apic, OnlyLevelTriggeredInterruptsReportTheirEnd) {
  Eoi eoi;
  ApicBus::of(guest.machine).add_eoi_listener(eoi);
  fixed(0, 0x40, false, true);
  EXPECT_EQ(apic().read_page(A::kTmr + 2), 1u);
  apic().acknowledge();
  apic().write_page(A::kEoi, 0);
  fixed(0, 0x50);
  apic().acknowledge();
  apic().write_page(A::kEoi, 0);
  EXPECT_EQ(eoi.vectors, std::vector<u8>{0x40});
  ApicBus::of(guest.machine).remove_eoi_listener(eoi);
}

TEST_F(Apic, ASoftwareDisabledApicTakesNoFixedInterrupts) {
  apic().write_page(A::kSvr, 0xff);
  fixed(0, 0x40);
  EXPECT_FALSE(requested());
  EXPECT_EQ(apic().read_page(A::kLvtTimer), 0x10000u);
  apic().write_page(A::kLvtTimer, 0x40);
  EXPECT_EQ(apic().read_page(A::kLvtTimer), 0x10040u) << "masked while disabled";
}

TEST_F(Apic, PhysicalAndLogicalDestinations) {
  fixed(2, 0x40);
  EXPECT_TRUE(requested(2));
  EXPECT_FALSE(requested(0) || requested(1) || requested(3));
  fixed(0x0a, 0x41, true);
  EXPECT_EQ(apic(1).acknowledge(), 0x41);
  EXPECT_EQ(apic(3).acknowledge(), 0x41);
  EXPECT_FALSE(requested(0));
  fixed(0xff, 0x52);
  EXPECT_TRUE(requested(0) && requested(1) && requested(3));
}

TEST_F(Apic, ClusterDestinations) {
  for (unsigned i = 0; i < kCpus; ++i) {
    apic(i).write_page(A::kDfr, 0x0fffffff);
    apic(i).write_page(A::kLdr, (i / 2) << 28 | (1u << (24 + i % 2)));
  }
  fixed(0x12, 0x40, true);
  EXPECT_FALSE(requested(0) || requested(1) || requested(2));
  EXPECT_TRUE(requested(3));
}

TEST_F(Apic, LowestPriorityGoesToTheLeastBusy) {
  apic(0).write_page(A::kTpr, 0x20);
  apic(1).write_page(A::kTpr, 0x10);
  deliver_interrupt(
      guest.machine,
      {.destination = 3, .logical = true, .mode = DeliveryMode::LowestPriority, .vector = 0x40});
  EXPECT_FALSE(requested(0));
  EXPECT_TRUE(requested(1));
}

TEST_F(Apic, MessageSignalledInterruptsAreDecoded) {
  const InterruptMessage m = decode_msi(0xfee0300c, 0xc1a5);
  EXPECT_EQ(m.destination, 3u);
  EXPECT_TRUE(m.logical && m.level_triggered);
  EXPECT_EQ(m.mode, DeliveryMode::LowestPriority);
  EXPECT_EQ(m.vector, 0xa5);
  deliver_msi(guest.machine, 0xfee02000, 0x0044);
  EXPECT_EQ(apic(2).acknowledge(), 0x44);
  // A write by a device that reaches memory, not deliver_msi().
  guest.machine.memory().store<u32>(0xfee01000, 0x55);
  EXPECT_EQ(apic(1).acknowledge(), 0x55);
}

TEST_F(Apic, OnlyAnAlignedWriteOfFourBytesIsAMessage) {
  AddressSpace& memory = guest.machine.memory();
  for (const u64 address : {0xfee00000, 0xfee01000, 0xfee0100c}) {
    memory.store<u8>(address, 0x55);
    memory.store<u16>(address, 0x55);
    memory.store<u64>(address, 0x55);
    memory.store<u32>(address + 1, 0x55);
    memory.store<u32>(address + 2, 0x55);
  }
  for (unsigned i = 0; i < kCpus; ++i) EXPECT_FALSE(requested(i)) << i;
}

// [SDM 3A "Local APIC Register Address Map"]
TEST_F(Apic, RegistersAreWrittenAsAWholeOnly) {
  AddressSpace& memory = guest.machine.memory();
  apic(1).write_page(A::kTpr, 0x30);
  guest.cpu(1).run_on_thread([&] {
    memory.store<u8>(0xfee00080, 0x50);
    memory.store<u16>(0xfee00080, 0x50);
    memory.store<u64>(0xfee00080, 0x50);
    memory.store<u32>(0xfee00084, 0x50);
    memory.store<u32>(0xfee0007e, 0x500000);
    EXPECT_EQ(memory.load<u32>(0xfee00080), 0x30u);
    memory.store<u32>(0xfee00080, 0x50);
    EXPECT_EQ(memory.load<u8>(0xfee00080), 0x50u);
    EXPECT_EQ(memory.load<u8>(0xfee00032), 5u) << "of the version";
    EXPECT_EQ(memory.load<u32>(0xfee00084), 0u);
  });
}

TEST_F(Apic, ThePageIsUnreadableForWhoIsNoCpu) {
  EXPECT_EQ(guest.machine.memory().load<u32>(0xfee00020), 0xffffffffu);
  guest.machine.memory().store<u32>(0xfee000f0, 0);
  EXPECT_EQ(apic().read_page(A::kSvr), 0x1ffu);
}

// --- interprocessor interrupts ---------------------------------------------------------------

class Ipi : public Apic {
 protected:
  void send(unsigned from, u32 destination, u32 low) {
    apic(from).write_page(A::kIcrHigh, destination << 24);
    apic(from).write_page(A::kIcrLow, low);
  }
};

TEST_F(Ipi, ToOneCpuByIdOrLogicalAddress) {
  send(0, 1, 0x40);
  EXPECT_EQ(apic(1).acknowledge(), 0x40);
  send(0, 0x0c, 0x841);
  EXPECT_TRUE(requested(2) && requested(3));
  EXPECT_EQ(apic().read_page(A::kIcrLow), 0x841u) << "no delivery pending";
}

TEST_F(Ipi, Shorthands) {
  send(1, 0, 0x40040);
  EXPECT_TRUE(requested(1));
  EXPECT_FALSE(requested(0));
  send(1, 0, 0xc0041);
  EXPECT_TRUE(requested(0) && requested(2) && requested(3));
  EXPECT_EQ(apic(1).acknowledge(), 0x40);
  send(1, 0, 0x80052);
  EXPECT_EQ(apic(1).acknowledge(), 0x52);
  EXPECT_EQ(apic(2).acknowledge(), 0x52);
}

TEST_F(Ipi, NmiInitAndStartup) {
  send(0, 1, 0x400);
  EXPECT_TRUE(guest.cpu(1).interrupt_request() & kRequestNmi);
  send(0, 2, 0x4500);
  EXPECT_TRUE(guest.cpu(2).interrupt_request() & kRequestInit);
  guest.cpu(3).clear(~0u);
  send(0, 3, 0x8500);
  EXPECT_FALSE(guest.cpu(3).interrupt_request() & kRequestInit) << "level de-assert";
  send(0, 3, 0x069a);
  EXPECT_TRUE(guest.cpu(3).interrupt_request() & kRequestSipi);
  EXPECT_EQ(guest.cpu(3).sipi_vector(), 0x9a);
}

TEST_F(Ipi, IllegalVectorsAreErrors) {
  apic().write_page(A::kLvtError, 0x70);
  send(0, 1, 0x05);
  EXPECT_EQ(apic().acknowledge(), 0x70);
  EXPECT_EQ(apic().read_page(A::kEsr), 0u) << "not yet latched";
  apic().write_page(A::kEsr, 0);
  EXPECT_EQ(apic().read_page(A::kEsr), 0x20u);
  fixed(1, 5);
  apic(1).write_page(A::kEsr, 0);
  EXPECT_EQ(apic(1).read_page(A::kEsr), 0x40u);
  apic(2).read_page(0x05);
  apic(2).write_page(A::kEsr, 0);
  EXPECT_EQ(apic(2).read_page(A::kEsr), 0x80u) << "no such register";
}

// --- pins ------------------------------------------------------------------------------------

TEST_F(Apic, The8259ReachesTheBootProcessorInVirtualWireMode) {
  guest.machine.run_control().reset();
  int asked = 0;
  guest.cpu().set_pic_acknowledge([&] { return 0x20 + asked++; });
  const IrqLine line = ApicBus::of(guest.machine).pic_interrupt_line();
  line.raise();
  EXPECT_TRUE(requested(0));
  EXPECT_FALSE(requested(1));
  EXPECT_EQ(guest.cpu().acknowledge_interrupt(), 0x20);
  line.lower();
  EXPECT_FALSE(requested(0));
  EXPECT_EQ(guest.cpu().acknowledge_interrupt(), A::kNone);
  EXPECT_EQ(asked, 1);
}

TEST_F(Apic, AMaskedPinDeliversNothingAndADisabledApicLetsItThrough) {
  const IrqLine line = ApicBus::of(guest.machine).pic_interrupt_line();
  guest.cpu().set_pic_acknowledge([] { return 0x20; });
  apic().write_page(A::kLvtLint0, 0x10700);
  line.raise();
  EXPECT_FALSE(requested());
  apic().write_page(A::kLvtLint0, 0x700);
  EXPECT_TRUE(requested()) << "the level is seen when unmasked";
  apic().write_page(A::kLvtLint0, 0x10700);
  ASSERT_TRUE(apic().set_base(A::kBaseAddress | A::kBaseBsp));
  EXPECT_TRUE(requested());
}

TEST_F(Apic, PinsDeliverFixedVectorsAndNmis) {
  apic().write_page(A::kLvtLint0, 0x33);
  ApicBus::of(guest.machine).pic_interrupt_line().raise();
  EXPECT_EQ(apic().acknowledge(), 0x33);
  apic(1).write_page(A::kLvtLint1, 0x400);
  guest.machine.call(ApicBus::of(guest.machine), "inject-nmi");
  EXPECT_TRUE(guest.cpu(1).interrupt_request() & kRequestNmi);
  EXPECT_FALSE(guest.cpu(2).interrupt_request() & kRequestNmi);
}

TEST_F(Apic, AnNmiIsInjectedWithoutArguments) {
  EXPECT_THROW(
      guest.machine.call(ApicBus::of(guest.machine), "inject-nmi", Value::Record{{"cpu", 1}}),
      Error);
  EXPECT_FALSE(guest.cpu(0).interrupt_request() & kRequestNmi);
}

// --- timer -----------------------------------------------------------------------------------

class ApicTimer : public Apic {
 protected:
  static constexpr i64 kTick = 1'000'000'000 / static_cast<i64>(A::kTimerFrequency);
  static constexpr u32 kDivideBy1 = 0xb, kDivideBy16 = 3;
};

TEST_F(ApicTimer, OneShotFiresOnce) {
  apic().write_page(A::kTimerDivide, kDivideBy1);
  apic().write_page(A::kLvtTimer, 0x40);
  apic().write_page(A::kTimerInitial, 1000);
  guest.machine.advance_time(400 * kTick);
  EXPECT_EQ(apic().read_page(A::kTimerCurrent), 600u);
  EXPECT_FALSE(requested());
  guest.machine.advance_time(600 * kTick);
  EXPECT_EQ(apic().acknowledge(), 0x40);
  EXPECT_EQ(apic().read_page(A::kTimerCurrent), 0u);
  apic().write_page(A::kEoi, 0);
  guest.machine.advance_time(5000 * kTick);
  EXPECT_FALSE(requested());
}

TEST_F(ApicTimer, PeriodicFiresAgainAndAgain) {
  apic().write_page(A::kTimerDivide, kDivideBy16);
  apic().write_page(A::kLvtTimer, 0x20040);
  apic().write_page(A::kTimerInitial, 1000);
  for (unsigned i = 0; i < 3; ++i) {
    guest.machine.advance_time(16'000 * kTick - 1);
    EXPECT_FALSE(requested()) << i;
    guest.machine.advance_time(1);
    EXPECT_EQ(apic().acknowledge(), 0x40) << i;
    apic().write_page(A::kEoi, 0);
  }
  apic().write_page(A::kTimerInitial, 0);
  guest.machine.advance_time(100'000 * kTick);
  EXPECT_FALSE(requested());
}

TEST_F(ApicTimer, AOneShotCountThatHasEndedStaysEndedInAnyMode) {
  apic().write_page(A::kTimerDivide, kDivideBy1);
  apic().write_page(A::kLvtTimer, 0x40);
  apic().write_page(A::kTimerInitial, 1000);
  guest.machine.advance_time(1000 * kTick);
  EXPECT_EQ(apic().acknowledge(), 0x40);
  apic().write_page(A::kEoi, 0);
  apic().write_page(A::kLvtTimer, 0x20040);
  EXPECT_EQ(apic().read_page(A::kTimerCurrent), 0u);
  apic().write_page(A::kTimerDivide, kDivideBy16);
  guest.machine.advance_time(100'000 * kTick);
  EXPECT_FALSE(requested());
  EXPECT_EQ(apic().read_page(A::kTimerCurrent), 0u);
  apic().write_page(A::kTimerInitial, 1000);
  guest.machine.advance_time(16'000 * kTick);
  EXPECT_TRUE(requested());
}

// As of a machine whose local APICs were the accelerator's.
TEST_F(ApicTimer, GoesOnWithACountThatWasLoaded) {
  x86::ApicPage page = apic().page();
  page[A::kSvr] = 0x1ff;
  page[A::kTimerDivide] = kDivideBy1;
  page[A::kLvtTimer] = 0x40;
  page[A::kTimerInitial] = 1000;
  page[A::kTimerCurrent] = 400;
  apic().load_page(apic().base(), page);
  apic().loaded(0);
  guest.machine.advance_time(399 * kTick);
  EXPECT_FALSE(requested());
  guest.machine.advance_time(2 * kTick);
  EXPECT_TRUE(requested());
}

TEST_F(ApicTimer, GoesOnToADeadlineThatWasLoaded) {
  x86::ApicPage page = apic().page();
  page[A::kSvr] = 0x1ff;
  page[A::kLvtTimer] = 0x40040;
  const u64 ticks = guest.cpu().tsc_frequency() / 1000;  // a millisecond
  apic().load_page(apic().base(), page, 5000 + ticks);
  apic().loaded(5000);
  guest.machine.advance_time(990'000);
  EXPECT_FALSE(requested());
  guest.machine.advance_time(20'000);
  EXPECT_TRUE(requested());
}

TEST_F(ApicTimer, ACountThatIsUnderWayGoesOnInTheOtherMode) {
  constexpr i64 kHundred = 100 * kTick;
  apic().write_page(A::kTimerDivide, kDivideBy1);
  apic().write_page(A::kLvtTimer, 0x40);
  apic().write_page(A::kTimerInitial, 100'000);
  guest.machine.advance_time(400 * kHundred);
  apic().write_page(A::kLvtTimer, 0x20040);  // now it will begin again
  EXPECT_EQ(apic().read_page(A::kTimerCurrent), 60'000u);
  guest.machine.advance_time(600 * kHundred);
  EXPECT_EQ(apic().acknowledge(), 0x40);
  apic().write_page(A::kEoi, 0);
  guest.machine.advance_time(1300 * kHundred);
  EXPECT_EQ(apic().acknowledge(), 0x40);
  apic().write_page(A::kEoi, 0);
  EXPECT_EQ(apic().read_page(A::kTimerCurrent), 70'000u);
  apic().write_page(A::kLvtTimer, 0x40);  // the last period
  EXPECT_EQ(apic().read_page(A::kTimerCurrent), 70'000u);
  guest.machine.advance_time(699 * kHundred);
  EXPECT_FALSE(requested());
  guest.machine.advance_time(kHundred);
  EXPECT_EQ(apic().acknowledge(), 0x40);
  apic().write_page(A::kEoi, 0);
  guest.machine.advance_time(10'000 * kHundred);
  EXPECT_FALSE(requested());
}

TEST_F(ApicTimer, AnotherDivisorChangesTheRateAndNotTheCount) {
  apic().write_page(A::kTimerDivide, kDivideBy1);
  apic().write_page(A::kLvtTimer, 0x40);
  apic().write_page(A::kTimerInitial, 1000);
  guest.machine.advance_time(400 * kTick);
  apic().write_page(A::kTimerDivide, kDivideBy16);
  EXPECT_EQ(apic().read_page(A::kTimerCurrent), 600u);
  guest.machine.advance_time(16 * 599 * kTick);
  EXPECT_EQ(apic().read_page(A::kTimerCurrent), 1u);
  EXPECT_FALSE(requested());
  guest.machine.advance_time(16 * kTick);
  EXPECT_TRUE(requested());
}

TEST_F(ApicTimer, TscDeadlineModeDisarmsACountAndOtherModesADeadline) {
  X86Cpu& cpu = guest.cpu();
  guest.enter_long_mode();
  apic().write_page(A::kLvtTimer, 0x40);
  apic().write_page(A::kTimerInitial, 1000);
  apic().write_page(A::kLvtTimer, 0x40040);
  EXPECT_EQ(apic().read_page(A::kTimerInitial), 0u);
  EXPECT_EQ(apic().read_page(A::kTimerCurrent), 0u);
  apic().write_page(A::kTimerInitial, 5);  // ignored
  write_msr(guest.context(), 0x6e0, cpu.tsc() + cpu.tsc_frequency() / 1000);
  apic().write_page(A::kLvtTimer, 0x20040);
  apic().write_page(A::kLvtTimer, 0x40040);
  EXPECT_EQ(read_msr(guest.context(), 0x6e0), 0u);
  guest.machine.advance_time(1'000'000'000);
  EXPECT_FALSE(requested());
}

TEST_F(ApicTimer, MaskedItCountsButDeliversNothing) {
  apic().write_page(A::kLvtTimer, 0x10040);
  apic().write_page(A::kTimerInitial, 100);
  guest.machine.advance_time(1'000'000);
  EXPECT_FALSE(requested());
}

TEST_F(ApicTimer, ATinyPeriodDoesNotKeepTheHostBusy) {
  apic().write_page(A::kTimerDivide, kDivideBy1);
  apic().write_page(A::kLvtTimer, 0x20040);
  apic().write_page(A::kTimerInitial, 1);
  EXPECT_GE(guest.machine.virtual_clock().next_deadline(),
            guest.machine.virtual_clock().now() + 10'000);
}

TEST_F(ApicTimer, TscDeadline) {
  X86Cpu& cpu = guest.cpu();
  const auto write = [&](u64 value) { write_msr(guest.context(), 0x6e0, value); };
  guest.enter_long_mode();
  write(1);
  EXPECT_EQ(read_msr(guest.context(), 0x6e0), 0u) << "not in this mode";
  apic().write_page(A::kLvtTimer, 0x40040);
  const u64 deadline = cpu.tsc() + cpu.tsc_frequency();
  write(deadline);
  EXPECT_EQ(read_msr(guest.context(), 0x6e0), deadline);
  guest.machine.advance_time(1'100'000'000);
  EXPECT_EQ(apic().acknowledge(), 0x40);
  EXPECT_EQ(read_msr(guest.context(), 0x6e0), 0u);
  apic().write_page(A::kEoi, 0);
  write(1);
  EXPECT_TRUE(requested()) << "already past";
  apic().acknowledge();
  apic().write_page(A::kEoi, 0);
  write(cpu.tsc() + cpu.tsc_frequency());
  write(0);
  guest.machine.advance_time(2'000'000'000);
  EXPECT_FALSE(requested());
  write(~u64{0});
  guest.machine.advance_time(1'000'000'000);
  EXPECT_FALSE(requested());
}

// --- x2APIC ----------------------------------------------------------------------------------

TEST_F(Apic, X2apicRegistersAreMsrs) {
  use_x2apic();
  u64 value = 0;
  EXPECT_TRUE(apic(2).read_msr(A::kId, value));
  EXPECT_EQ(value, 2u);
  EXPECT_TRUE(apic(2).read_msr(A::kLdr, value));
  EXPECT_EQ(value, 4u);
  EXPECT_FALSE(apic(2).read_msr(A::kDfr, value));
  EXPECT_FALSE(apic(2).read_msr(A::kIcrHigh, value));
  EXPECT_FALSE(apic(2).read_msr(A::kEoi, value));
  EXPECT_FALSE(apic(2).write_msr(A::kEoi, 1));
  EXPECT_FALSE(apic(2).write_msr(A::kId, 1));
  EXPECT_FALSE(apic(2).write_msr(A::kTpr, u64{1} << 32));
  EXPECT_TRUE(apic(2).write_msr(A::kTpr, 0x20));
}

// IA32_APIC_BASE: [SDM 3A "Local APIC State Transitions with IA32_APIC_BASE"].
struct Transition {
  const char* name;
  u64 from, to;
  bool allowed;
};
void PrintTo(const Transition& t, std::ostream* out) { *out << t.name; }

class ApicTransition : public Apic, public ::testing::WithParamInterface<Transition> {};

TEST_P(ApicTransition, IsAllowedOrAGeneralProtectionException) {
  constexpr u64 kBase = A::kBaseAddress | A::kBaseBsp;
  const Transition& t = GetParam();
  ASSERT_TRUE(apic().set_base(kBase));  // disabled, whence each state can be reached
  if ((t.from & A::kBaseEnable) != 0) {
    ASSERT_TRUE(apic().set_base(kBase | A::kBaseEnable));
  }
  if ((t.from & A::kBaseX2apic) != 0) {
    ASSERT_TRUE(apic().set_base(kBase | t.from));
  }
  guest.enter_long_mode();
  if (t.allowed)
    write_msr(guest.context(), 0x1b, kBase | t.to);
  else
    expect_fault(kGP, 0, [&] { write_msr(guest.context(), 0x1b, kBase | t.to); });
  EXPECT_EQ(apic().base(), kBase | (t.allowed ? t.to : t.from));
}

constexpr u64 kXapic = A::kBaseEnable, kX2apic = A::kBaseEnable | A::kBaseX2apic,
              kInvalid = A::kBaseX2apic;
INSTANTIATE_TEST_SUITE_P(
    Each, ApicTransition,
    ::testing::Values(Transition{"DisabledToXapic", 0, kXapic, true},
                      Transition{"DisabledToX2apic", 0, kX2apic, false},
                      Transition{"DisabledToInvalid", 0, kInvalid, false},
                      Transition{"XapicToDisabled", kXapic, 0, true},
                      Transition{"XapicToX2apic", kXapic, kX2apic, true},
                      Transition{"XapicToInvalid", kXapic, kInvalid, false},
                      Transition{"X2apicToDisabled", kX2apic, 0, true},
                      Transition{"X2apicToXapic", kX2apic, kXapic, false},
                      Transition{"X2apicToInvalid", kX2apic, kInvalid, false},
                      Transition{"ReservedBit0", kXapic, kXapic | 1, false},
                      Transition{"ReservedBit9", kXapic, kXapic | 0x200, false},
                      Transition{"BeyondPhysicalAddresses", kXapic, kXapic | u64{1} << 60, false}),
    [](const auto& info) { return std::string(info.param.name); });

TEST_F(Apic, WithoutX2apicItsBitIsReserved) {
  Guest old("max,-x2apic");
  EXPECT_FALSE(old.cpu().apic().set_base(A::kBaseAddress | A::kBaseEnable | A::kBaseX2apic));
}

TEST_F(Apic, X2apicRegistersAreOnlyThereInX2apicMode) {
  u64 value = 0;
  EXPECT_FALSE(apic().read_msr(A::kVersion, value));
  EXPECT_FALSE(apic().write_msr(A::kTpr, 0));
  use_x2apic();
  EXPECT_TRUE(apic().read_msr(A::kVersion, value));
  EXPECT_FALSE(apic().write_msr(A::kIcrLow, 1u << 13));
  EXPECT_FALSE(apic().write_msr(A::kIcrLow, 1u << 20 | 0x40));
}

TEST_F(Apic, ThePageMovesWhereItsBaseSays) {
  constexpr u64 kNew = 0x100000;
  AddressSpace& memory = guest.machine.memory();
  const auto as_cpu = [&](unsigned i, u64 address) {
    u32 value = 0;
    guest.cpu(i).run_on_thread([&] { value = memory.load<u32>(address); });
    return value;
  };
  memory.store<u32>(kNew + 0x20, 0x12345678);
  EXPECT_EQ(as_cpu(1, A::kBaseAddress + 0x20), 0x01000000u);
  EXPECT_EQ(as_cpu(1, kNew + 0x20), 0x12345678u);

  ASSERT_TRUE(apic(1).set_base(kNew | A::kBaseEnable));
  EXPECT_EQ(as_cpu(1, kNew + 0x20), 0x01000000u);
  EXPECT_EQ(as_cpu(1, A::kBaseAddress + 0x20), 0xffffffffu);
  EXPECT_EQ(as_cpu(2, A::kBaseAddress + 0x20), 0x02000000u) << "the others stay";
  guest.cpu(1).run_on_thread([&] { memory.store<u32>(kNew + 0x80, 0x40); });
  EXPECT_EQ(apic(1).read_page(A::kTpr), 0x40u);

  // Two at the same place: each sees its own.
  ASSERT_TRUE(apic(2).set_base(kNew | A::kBaseEnable));
  EXPECT_EQ(as_cpu(1, kNew + 0x20), 0x01000000u);
  EXPECT_EQ(as_cpu(2, kNew + 0x20), 0x02000000u);

  // Without a page there is memory again, and after a reset all is as before.
  ASSERT_TRUE(apic(1).set_base(kNew | A::kBaseEnable | A::kBaseX2apic));
  ASSERT_TRUE(apic(2).set_base(kNew));
  EXPECT_EQ(as_cpu(1, kNew + 0x20), 0x12345678u);
  ASSERT_TRUE(apic(2).set_base(kNew | A::kBaseEnable));
  guest.machine.run_control().reset();
  EXPECT_EQ(as_cpu(2, kNew + 0x20), 0x12345678u);
  EXPECT_EQ(as_cpu(2, A::kBaseAddress + 0x20), 0x02000000u);
}

TEST_F(Apic, X2apicInterruptCommandIsOneWrite) {
  use_x2apic();
  EXPECT_TRUE(apic(0).write_msr(A::kIcrLow, (u64{3} << 32) | 0x40));
  EXPECT_EQ(apic(3).acknowledge(), 0x40);
  EXPECT_TRUE(apic(0).write_msr(A::kIcrLow, (u64{0x6} << 32) | 0x850));
  EXPECT_TRUE(requested(1) && requested(2));
  EXPECT_FALSE(requested(0));
  EXPECT_TRUE(apic(0).write_msr(A::kSelfIpi, 0x60));
  EXPECT_EQ(apic(0).acknowledge(), 0x60);
  EXPECT_TRUE(apic(0).write_msr(A::kIcrLow, (u64{0xffffffff} << 32) | 0x70));
  EXPECT_EQ(apic(1).acknowledge(), 0x70);
}

TEST_F(Apic, TheMonitorShowsThem) {
  fixed(1, 0x45);
  const Value apics = guest.machine.call(ApicBus::of(guest.machine), "query-lapic");
  EXPECT_EQ(*apics.as_list().at(1).find("requested"), Value(Value::List{0x45}));
  const std::string text = print_apics(apics);
  EXPECT_NE(text.find("APIC 0: xAPIC, boot processor"), std::string::npos);
  EXPECT_NE(text.find("requested: 45; in service: none"), std::string::npos);
}

TEST_F(Apic, EachRegisterSurvivesEachValue) {
  guest.enter_long_mode();
  for (unsigned number = 0; number < 256; ++number)
    for (const u32 value : {0u, 1u, 0xffu, 0x20040u, 0x40040u, 0x0000c500u, 0xffffffffu}) {
      apic(1).write_page(number, value);
      apic(1).read_page(number);
      guest.machine.advance_time(1000);
    }
}

}  // namespace
}  // namespace backplane::x86::testing

// SPDX-License-Identifier: MIT
#include "../guest.h"

namespace backplane::x86::testing {
namespace {

class Events : public ::testing::Test {
 protected:
  Guest guest;
  X86State& s() { return guest.state(); }
  Context c() { return guest.context(); }
  void exception(u8 vector, u32 error) {
    deliver_exception(c(), {.vector = vector, .has_error_code = true, .error_code = error});
  }
  void interrupt(u8 vector) { deliver_event(c(), EventKind::External, vector, 0); }
  u64 stack64(unsigned index) { return guest.load<u64>(guest.reg(RSP) + 8 * index); }
  u32 stack32(unsigned index) { return guest.load<u32>(guest.reg(RSP) + 4 * index); }
};

constexpr u8 kInterruptGate = 0xe, kTrapGate = 0xf;
constexpr u64 kHandler = Guest::kHandler;

// --- real mode -------------------------------------------------------------------------------

TEST_F(Events, RealModePushesFlagsAndReturnAddressAsWords) {
  guest.enter_real_mode();
  guest.store<u32>(0x21 * 4, 0x20003456);
  interrupt(0x21);
  EXPECT_EQ(s().seg[CS].selector, 0x2000);
  EXPECT_EQ(s().seg[CS].base, 0x20000u);
  EXPECT_EQ(s().rip, 0x3456u);
  EXPECT_EQ(guest.reg(RSP), 0x7ffau);
  EXPECT_EQ(guest.load<u16>(0x17ffa), 0x100);
  EXPECT_EQ(guest.load<u16>(0x17ffc), 0x1000);
  EXPECT_EQ(guest.load<u16>(0x17ffe), 2 | kIF);
  EXPECT_EQ(s().rflags & (kIF | kTF), 0u);
}

TEST_F(Events, RealModeTableTooShortEndsInShutdown) {
  guest.enter_real_mode();
  s().idtr.limit = 3;
  interrupt(0x21);
  EXPECT_TRUE(s().shutdown);
}

// --- 32-bit protected mode -------------------------------------------------------------------

TEST_F(Events, ProtectedModeSameLevel) {
  guest.enter_protected_mode();
  guest.set_gate(0x30, Guest::gate(Guest::kCode32, kHandler, kInterruptGate));
  interrupt(0x30);
  EXPECT_EQ(s().rip, kHandler);
  EXPECT_EQ(guest.reg(RSP), Guest::kStack - 12);
  EXPECT_EQ(stack32(0), 0x1234u);
  EXPECT_EQ(stack32(1), Guest::kCode32);
  EXPECT_EQ(stack32(2), 2 | kIF);
  EXPECT_EQ(s().rflags & kIF, 0u);
}

TEST_F(Events, ATrapGateLeavesInterruptsEnabled) {
  guest.enter_protected_mode();
  guest.set_gate(0x30, Guest::gate(Guest::kCode32, kHandler, kTrapGate));
  s().rflags |= kTF | kNT;
  interrupt(0x30);
  EXPECT_EQ(s().rflags & (kIF | kTF | kNT), kIF);
}

TEST_F(Events, FromUserCodeTheStackOfTheTaskStateIsTaken) {
  guest.enter_protected_mode(3);
  guest.set_gate(13, Guest::gate(Guest::kCode32, kHandler, kInterruptGate));
  exception(13, 0x5678);
  EXPECT_EQ(s().cpl(), 0u);
  EXPECT_EQ(s().seg[CS].selector, Guest::kCode32);
  EXPECT_EQ(s().seg[SS].selector, Guest::kData0);
  EXPECT_EQ(guest.reg(RSP), Guest::kInnerStack - 24);
  EXPECT_EQ(stack32(0), 0x5678u);
  EXPECT_EQ(stack32(1), 0x1234u);
  EXPECT_EQ(stack32(2), Guest::kUserCode32);
  EXPECT_EQ(stack32(3), 2 | kIF | kRF) << "a fault";
  EXPECT_EQ(stack32(4), Guest::kStack);
  EXPECT_EQ(stack32(5), Guest::kUserData);
}

TEST_F(Events, SixteenBitGatesPushWords) {
  guest.enter_protected_mode();
  guest.set_gate(0x30, Guest::gate(Guest::kCode32, 0x4444, 6));
  interrupt(0x30);
  EXPECT_EQ(guest.reg(RSP), Guest::kStack - 6);
  EXPECT_EQ(s().rip, 0x4444u);
}

TEST_F(Events, FromVirtual8086ModeTheDataSegmentsAreSavedAndCleared) {
  guest.enter_virtual8086_mode();
  guest.set_gate(0x30, Guest::gate(Guest::kCode32, kHandler, kInterruptGate));
  interrupt(0x30);
  EXPECT_EQ(s().rflags & kVM, 0u);
  EXPECT_EQ(s().cpl(), 0u);
  EXPECT_EQ(guest.reg(RSP), Guest::kInnerStack - 36);
  EXPECT_EQ(stack32(2) & kVM, kVM);
  EXPECT_EQ(stack32(3), 0x8000u);
  EXPECT_EQ(stack32(4), 0x1000u);
  EXPECT_EQ(stack32(8), 0x1000u);
  EXPECT_EQ(s().seg[DS].selector, 0);
  EXPECT_FALSE(s().seg[GS].present());
}

TEST_F(Events, SoftwareInterruptsRespectTheGatesLevel) {
  guest.enter_protected_mode(3);
  guest.set_gate(0x80, Guest::gate(Guest::kCode32, kHandler, kTrapGate, 3));
  guest.set_gate(13, Guest::gate(Guest::kCode32, kHandler + 1, kInterruptGate));
  guest.set_gate(0x81, Guest::gate(Guest::kCode32, kHandler, kTrapGate, 0));
  deliver_event(c(), EventKind::SoftwareInt, 0x81, 0x1236);
  EXPECT_EQ(s().rip, kHandler + 1) << "#GP";
  EXPECT_EQ(stack32(0), 0x81u * 8 + 2);
  EXPECT_EQ(stack32(1), 0x1234u) << "the instruction itself";

  guest.enter_protected_mode(3);
  guest.set_gate(0x80, Guest::gate(Guest::kCode32, kHandler, kTrapGate, 3));
  deliver_event(c(), EventKind::SoftwareInt, 0x80, 0x1236);
  EXPECT_EQ(s().rip, kHandler);
  EXPECT_EQ(stack32(0), 0x1236u) << "after the instruction";
}

TEST_F(Events, AGateThatIsNotPresentRaisesNotPresentWithTheVector) {
  guest.enter_protected_mode();
  guest.set_gate(11, Guest::gate(Guest::kCode32, kHandler, kInterruptGate));
  guest.set_gate(0x30, Guest::gate(Guest::kCode32, kHandler, kInterruptGate) & ~(u64{0x80} << 40));
  interrupt(0x30);
  EXPECT_EQ(s().rip, kHandler);
  EXPECT_EQ(stack32(0), 0x30u * 8 + 3) << "IDT and EXT";
}

// --- long mode -------------------------------------------------------------------------------

TEST_F(Events, LongModePushesTheStackAlwaysAndAlignsIt) {
  guest.enter_long_mode();
  guest.set_gate(0x30, Guest::gate(Guest::kCode64, kHandler, kInterruptGate));
  guest.reg(RSP) = Guest::kStack - 3;
  interrupt(0x30);
  EXPECT_EQ(guest.reg(RSP), Guest::kStack - 16 - 40);
  EXPECT_EQ(stack64(0), 0x1234u);
  EXPECT_EQ(stack64(1), Guest::kCode64);
  EXPECT_EQ(stack64(3), Guest::kStack - 3);
  EXPECT_EQ(stack64(4), Guest::kData0);
  EXPECT_EQ(s().seg[SS].selector, Guest::kData0) << "no change of level: SS stays";
}

TEST_F(Events, LongModeFromUserCodeLoadsANullStackSegment) {
  guest.enter_long_mode(3);
  guest.store<u64>(Guest::kTss + 4, Guest::kInnerStack);
  guest.set_gate(14, Guest::gate(Guest::kCode64, kHandler, kInterruptGate));
  deliver_exception(c(), {.vector = 14, .has_error_code = true, .error_code = 7, .cr2 = 0xdead000});
  EXPECT_EQ(s().cr2, 0xdead000u);
  EXPECT_EQ(s().cpl(), 0u);
  EXPECT_EQ(s().seg[SS].selector, 0);
  EXPECT_EQ(guest.reg(RSP), Guest::kInnerStack - 48);
  EXPECT_EQ(stack64(0), 7u);
  EXPECT_EQ(stack64(2), Guest::kUserCode64);
  EXPECT_EQ(stack64(5), Guest::kUserData);
}

TEST_F(Events, InterruptStackTableIsUsedAtAnyLevel) {
  guest.enter_long_mode();
  guest.store<u64>(Guest::kTss + 0x24 + 8 * 2, Guest::kIstStack);
  guest.set_gate(2, Guest::gate(Guest::kCode64, kHandler, kInterruptGate, 0, 3));
  deliver_event(c(), EventKind::Nmi, 2, 0);
  EXPECT_EQ(guest.reg(RSP), Guest::kIstStack - 40);
  EXPECT_TRUE(s().nmi_blocked);
}

// [SDM 3A "Handling Multiple NMIs"]
class Nmis : public Events {
 protected:
  void SetUp() override {
    guest.enter_long_mode();
    guest.set_gate(kNMI, Guest::gate(Guest::kCode64, kHandler, kInterruptGate));
  }
  // How many are taken from now on, each handled before the next.
  unsigned taken() {
    unsigned count = 0;
    while (service_interrupts(c())) {
      ++count;
      iret(c(), 8, kNextRip);
    }
    return count;
  }
};

TEST_F(Nmis, TwoThatComeAtOnceAreTakenOneAfterTheOther) {
  guest.cpu().raise_nmi();
  guest.cpu().raise_nmi();
  EXPECT_TRUE(service_interrupts(c()));
  EXPECT_FALSE(service_interrupts(c())) << "the first is being handled";
  iret(c(), 8, kNextRip);
  EXPECT_EQ(taken(), 1U);
  EXPECT_EQ(guest.cpu().interrupt_request() & kRequestNmi, 0U);
  for (unsigned n = 0; n < 4; ++n) guest.cpu().raise_nmi();
  EXPECT_EQ(taken(), 2U);
}

TEST_F(Nmis, OneWaitsWhileAnotherIsHandled) {
  guest.cpu().raise_nmi();
  EXPECT_TRUE(service_interrupts(c()));
  for (unsigned n = 0; n < 3; ++n) {
    guest.cpu().raise_nmi();
    EXPECT_FALSE(service_interrupts(c()));
  }
  iret(c(), 8, kNextRip);
  EXPECT_EQ(taken(), 1U);
}

TEST_F(Nmis, DoNotSurviveAReset) {
  guest.cpu().raise_nmi();
  guest.cpu().raise_nmi();
  guest.cpu().reset();
  guest.enter_long_mode();
  guest.cpu().raise_nmi();
  EXPECT_EQ(taken(), 1U);
}

TEST_F(Events, LongModeHandlersMustBe64BitCode) {
  guest.enter_long_mode();
  guest.set_gate(0x30, Guest::gate(Guest::kCode32, kHandler, kInterruptGate));
  guest.set_gate(13, Guest::gate(Guest::kCode64, kHandler, kInterruptGate));
  interrupt(0x30);
  EXPECT_EQ(s().rip, kHandler);
  EXPECT_EQ(stack64(0), Guest::kCode32 | 1u);
}

// --- faults on the way -----------------------------------------------------------------------

TEST_F(Events, AContributoryFaultDuringOneIsADoubleFault) {
  guest.enter_long_mode();
  guest.set_gate(8, Guest::gate(Guest::kCode64, kHandler, kInterruptGate));
  exception(kGP, 0x10);  // gate 13 is not present
  EXPECT_EQ(s().rip, kHandler);
  EXPECT_EQ(stack64(0), 0u);
  EXPECT_EQ(stack64(1), 0x1234u);
  EXPECT_FALSE(s().shutdown);
}

TEST_F(Events, AContributoryFaultAfterAPageFaultIsADoubleFault) {
  guest.enter_long_mode();
  guest.set_gate(8, Guest::gate(Guest::kCode64, kHandler, kInterruptGate));
  deliver_exception(c(), {.vector = 14, .has_error_code = true, .error_code = 0, .cr2 = 1});
  EXPECT_EQ(s().rip, kHandler);
}

TEST_F(Events, APageFaultAfterAContributoryFaultIsHandledByItself) {
  guest.enter_long_mode();
  guest.set_gate(13, Guest::gate(Guest::kCode64, kHandler, kInterruptGate, 0, 1));
  guest.set_gate(14, Guest::gate(Guest::kCode64, kHandler + 1, kInterruptGate));
  guest.store<u64>(Guest::kTss + 0x24, u64{2} << 30);  // not mapped
  exception(kGP, 0);
  EXPECT_EQ(s().rip, kHandler + 1);
  EXPECT_EQ(s().cr2, (u64{2} << 30) - 48);
  EXPECT_EQ(stack64(0), kPfWrite);
}

TEST_F(Events, AFaultDuringAnInterruptIsHandledByItself) {
  guest.enter_long_mode();
  guest.set_gate(11, Guest::gate(Guest::kCode64, kHandler, kInterruptGate));
  guest.set_gate(0x30, Guest::gate(Guest::kCode64, kHandler, kInterruptGate) & ~(u64{0x80} << 40));
  interrupt(0x30);
  EXPECT_EQ(s().rip, kHandler);
  EXPECT_EQ(stack64(0), 0x30u * 8 + 3);
}

TEST_F(Events, AFaultDuringADoubleFaultStopsTheCpuAndResetsTheMachine) {
  guest.enter_long_mode();
  s().idtr.limit = 0;
  exception(kGP, 0);
  EXPECT_TRUE(s().shutdown);
  EXPECT_TRUE(guest.cpu().halted());
  EXPECT_EQ(s().rip, 0x1234u);
}

// --- what is pending -------------------------------------------------------------------------

class Pending : public Events {
 protected:
  void SetUp() override {
    guest.enter_long_mode();
    guest.set_gate(0x30, Guest::gate(Guest::kCode64, kHandler, kInterruptGate));
    guest.set_gate(2, Guest::gate(Guest::kCode64, kHandler + 1, kInterruptGate));
    guest.cpu().apic().write_page(LocalApic::kSvr, 0x1ff);
  }
  void send(DeliveryMode mode, u8 vector = 0x30) {
    deliver_interrupt(guest.machine, {.destination = 0, .mode = mode, .vector = vector});
  }
};

TEST_F(Pending, NothingPendingChangesNothing) {
  EXPECT_FALSE(service_interrupts(c()));
  EXPECT_EQ(s().rip, 0x1234u);
}

TEST_F(Pending, AnInterruptIsTakenIfEnabledAndWakesTheCpu) {
  send(DeliveryMode::Fixed);
  s().rflags &= ~kIF;
  guest.cpu().set_halted(true);
  EXPECT_FALSE(guest.cpu().has_work());
  EXPECT_FALSE(service_interrupts(c()));
  s().rflags |= kIF;
  EXPECT_TRUE(guest.cpu().has_work());
  EXPECT_TRUE(service_interrupts(c()));
  EXPECT_EQ(s().rip, kHandler);
  EXPECT_FALSE(guest.cpu().halted());
}

TEST_F(Pending, TheInterruptShadowDelaysIt) {
  send(DeliveryMode::Fixed);
  s().interrupt_shadow = 1;
  EXPECT_FALSE(service_interrupts(c()));
  s().interrupt_shadow = 0;
  EXPECT_TRUE(service_interrupts(c()));
}

TEST_F(Pending, AnNmiComesFirstAndIsBlockedUntilIret) {
  send(DeliveryMode::Fixed);
  send(DeliveryMode::Nmi);
  EXPECT_TRUE(service_interrupts(c()));
  EXPECT_EQ(s().rip, kHandler + 1);
  send(DeliveryMode::Nmi);
  EXPECT_FALSE(service_interrupts(c()));
  iret(c(), 8, kNextRip);
  EXPECT_FALSE(s().nmi_blocked);
  EXPECT_TRUE(service_interrupts(c()));
  EXPECT_EQ(s().rip, kHandler + 1);
}

TEST_F(Pending, InitResetsTheBootProcessorToItsResetVector) {
  send(DeliveryMode::Init);
  EXPECT_TRUE(service_interrupts(c()));
  EXPECT_EQ(s().rip, 0xfff0u);
  EXPECT_FALSE(s().protected_mode());
  EXPECT_FALSE(guest.cpu().halted());
}

TEST(ApplicationProcessor, WaitsForAStartupInterrupt) {
  Guest guest("max", 2);
  X86Cpu& second = guest.cpu(1);
  WalkingMemory memory(second.state(), guest.machine.memory());
  EXPECT_TRUE(second.halted());
  EXPECT_FALSE(second.has_work());
  const auto send = [&](DeliveryMode mode, u8 vector) {
    deliver_interrupt(guest.machine, {.destination = 1, .mode = mode, .vector = vector});
  };
  send(DeliveryMode::Init, 0);
  send(DeliveryMode::Startup, 0x9a);
  EXPECT_TRUE(second.has_work());
  EXPECT_TRUE(service_interrupts({second, memory}));
  EXPECT_FALSE(second.halted());
  EXPECT_EQ(second.state().seg[CS].selector, 0x9a00);
  EXPECT_EQ(second.state().seg[CS].base, 0x9a000u);
  EXPECT_EQ(second.state().rip, 0u);
  send(DeliveryMode::Startup, 0x11);
  EXPECT_FALSE(service_interrupts({second, memory})) << "only the first one counts";
  EXPECT_EQ(second.state().seg[CS].selector, 0x9a00);
}

}  // namespace
}  // namespace backplane::x86::testing

// SPDX-License-Identifier: MIT
// What of the kernel's interrupt controllers can be seen without KVM.
#include <gtest/gtest.h>

#include <cstring>

#include "backplane/x86/apic.h"
#include "interrupts/gsi_routing.h"
#include "interrupts/irqchip_mode.h"
#include "interrupts/local_apic.h"

namespace backplane::kvm {
namespace {

using Mode = PropertyTraits<IrqchipMode>;

TEST(KernelIrqchip, IsOnSplitOrOff) {
  EXPECT_EQ(Mode::parse("on"), IrqchipMode::On);
  EXPECT_EQ(Mode::parse("split"), IrqchipMode::Split);
  EXPECT_EQ(Mode::parse("off"), IrqchipMode::Off);
  for (const IrqchipMode mode : {IrqchipMode::On, IrqchipMode::Split, IrqchipMode::Off})
    EXPECT_EQ(Mode::parse(Mode::print(mode)), mode);
}

TEST(KernelIrqchip, AnotherValueIsRefusedWithThoseThereAre) {
  try {
    Mode::parse("half");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "expects on, off or split");
  }
}

TEST(KernelLocalApic, EachRegisterIsAtItsOffset) {
  x86::ApicPage page{};
  page[x86::LocalApic::kSvr] = 0x1ff;
  page[x86::LocalApic::kLvtLint0] = 0x700;
  const kvm_lapic_state state = to_kernel(page);
  u32 spurious = 0, lint0 = 0;
  std::memcpy(&spurious, state.regs + 0xf0, sizeof spurious);
  std::memcpy(&lint0, state.regs + 0x350, sizeof lint0);
  EXPECT_EQ(spurious, 0x1ffu);
  EXPECT_EQ(lint0, 0x700u);
  EXPECT_EQ(from_kernel(state), page);
}

// The kernel's 8254 sends no further tick before it is told that the last one ended.
TEST(KernelGsiRouting, OfTheGsisOfOneInputTheLowestIsToldOfItsEnd) {
  const Descriptor none;
  GsiRouting routing(none, 48, 1024);
  for (const u32 gsi : {2u, 0u, 26u}) routing.add_chip_input(gsi, KVM_IRQCHIP_IOAPIC, 2);
  const std::vector<kvm_irq_routing_entry> table = routing.table();
  ASSERT_EQ(table.size(), 3U);
  EXPECT_EQ(table.back().gsi, 0U);
}

}  // namespace
}  // namespace backplane::kvm

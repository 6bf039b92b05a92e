// SPDX-License-Identifier: MIT
// The board and the CPUs where the accelerator has interrupt controllers of its own.
#include "backplane/x86/platform_interrupts.h"

#include <gtest/gtest.h>

#include <vector>

#include "backplane/machine.h"
#include "backplane/state.h"
#include "backplane/testing/test_machine.h"
#include "backplane/x86/apic.h"
#include "backplane/x86/cpu.h"
#include "interrupts/describe.h"
#include "interrupts/interrupt_controllers.h"

namespace backplane::pc {
namespace {

using x86::InterruptMessage;
using x86::LocalApic;

struct Inputs final : IrqSink {
  void set_irq(unsigned input, bool level) override { changes.push_back({input, level}); }
  std::vector<std::pair<unsigned, bool>> changes;
};

// Records what it is told.
class PlatformAccelerator final : public backplane::testing::NullAccelerator,
                                  public x86::PlatformInterrupts,
                                  public x86::PlatformChipset {
  BACKPLANE_OBJECT(PlatformAccelerator, NullAccelerator, "platform-test-accel")
 public:
  explicit PlatformAccelerator(bool with_chipset = false) : with_chipset_(with_chipset) {}

  u64 timer_frequency() const override { return 24'000'000; }
  void deliver(const InterruptMessage& message) override { messages.push_back(message); }
  void ioapic_changed(std::span<const IoApicMessage> entries) override {
    ioapic_entries.assign(entries.begin(), entries.end());
  }
  PlatformChipset* chipset() override { return with_chipset_ ? this : nullptr; }
  bool has_local_apics() const override { return true; }

  IrqSink& pic() override { return pic_inputs; }
  IrqSink& ioapic() override { return ioapic_inputs; }
  void set_level_triggered(unsigned irq) override { level_triggered.push_back(irq); }
  void reset_controllers() override { ++resets; }
  void reset_timer() override {}
  void set_timer_cut_off(bool cut_off) override { timer_cut_off = cut_off; }
  void set_late_ticks(bool) override {}
  void set_timer_running(bool) override {}
  x86::ControllerRegisters controllers() const override { return controller_registers; }
  void set_controllers(const x86::ControllerRegisters& registers) override {
    controller_registers = registers;
  }
  x86::TimerRegisters timer_registers() const override { return timer; }
  void set_timer_registers(const x86::TimerRegisters& registers) override { timer = registers; }
  Value describe_chips() const override {
    const Value ioapic = Value::Record{{"id", 3}, {"inputs", 0x10}, {"pins", Value::List{}}};
    return Value::Record{{"pics", Value::List{}}, {"ioapic", ioapic}};
  }

  x86::ControllerRegisters controller_registers;
  x86::TimerRegisters timer;
  std::vector<InterruptMessage> messages;
  std::vector<IoApicMessage> ioapic_entries;
  Inputs pic_inputs, ioapic_inputs;
  std::vector<unsigned> level_triggered;
  unsigned resets = 0;
  bool timer_cut_off = false;

 private:
  bool with_chipset_;
};
BACKPLANE_REGISTER(PlatformAccelerator)

class PlatformInterruptsTest : public ::testing::Test {
 protected:
  explicit PlatformInterruptsTest(bool with_chipset = false)
      : machine_(1_MiB, std::make_unique<PlatformAccelerator>(with_chipset)) {
    machine_.add_cpu(x86::create_cpu(machine_, "max"));
  }
  PlatformAccelerator& platform() {
    return dynamic_cast<PlatformAccelerator&>(machine_.accelerator());
  }
  x86::X86Cpu& cpu() { return dynamic_cast<x86::X86Cpu&>(*machine_.cpus().front()); }
  bool requested() { return (cpu().interrupt_request() & x86::kRequestHard) != 0; }
  void write_ioapic(unsigned index, u32 value) {
    machine_.memory().store<u32>(IoApic::kDefaultAddress, index);
    machine_.memory().store<u32>(IoApic::kDefaultAddress + 0x10, value);
  }

  backplane::testing::TestMachine machine_;
  InterruptControllers& irqs_ =
      dynamic_cast<InterruptControllers&>(machine_.create_device("pc-interrupts"));
};

class PlatformChipsetTest : public PlatformInterruptsTest {
 protected:
  PlatformChipsetTest() : PlatformInterruptsTest(true) {}
};

TEST_F(PlatformInterruptsTest, MessagesGoToThePlatform) {
  x86::deliver_msi(machine_, 0xfee03004, 0x4151);
  ASSERT_EQ(platform().messages.size(), 1u);
  EXPECT_EQ(platform().messages[0].destination, 3u);
  EXPECT_TRUE(platform().messages[0].logical);
  EXPECT_EQ(platform().messages[0].vector, 0x51);
  EXPECT_FALSE(requested()) << "our local APIC has no part in it";
}

TEST_F(PlatformInterruptsTest, CpuidTellsThePlatformsTimer) {
  EXPECT_EQ(cpu().cpuid(0x40000010, 0).ebx, 24'000u);
  EXPECT_EQ(cpu().cpuid(0x15, 0).ecx, 24'000'000u);
}

TEST_F(PlatformInterruptsTest, AMessageEncodesToTheWriteItWasDecodedFrom) {
  const x86::MsiWrite write =
      x86::encode_msi(x86::decode_msi(0xfee0b004, static_cast<u32>(0xc1a5)));
  EXPECT_EQ(write.address, 0xfee0b004u);
  EXPECT_EQ(write.data, 0xc1a5u);
}

TEST_F(PlatformInterruptsTest, OurIoApicTellsWhatItSends) {
  write_ioapic(0x10 + 2 * 5 + 1, 0x02000000);
  write_ioapic(0x10 + 2 * 5, 0x8061);
  ASSERT_EQ(platform().ioapic_entries.size(), 1u);
  EXPECT_EQ(platform().ioapic_entries[0],
            (x86::PlatformInterrupts::IoApicMessage{5, 0xfee02000, 0xc061}));
  const IrqLine line = irqs_.ioapic_line(5);
  line.raise();
  ASSERT_EQ(platform().messages.size(), 1u);
  EXPECT_TRUE(platform().messages[0].level_triggered);
  x86::ApicBus::of(machine_).broadcast_eoi(0x61);
  EXPECT_EQ(platform().messages.size(), 2u) << "the line is still high";
  write_ioapic(0x10 + 2 * 5, 0x18061);
  EXPECT_TRUE(platform().ioapic_entries.empty()) << "masked";
}

TEST_F(PlatformInterruptsTest, The8259sLineIsAllThatReachesTheCpu) {
  AddressSpace& io = machine_.io();
  for (const u8 value : {0x11, 0x30, 0x04, 0x01, 0xfe})
    io.store<u8>(value == 0x11 ? 0x20 : 0x21, value);
  irqs_.connect_cpu(cpu());
  const IrqLine line = irqs_.isa_irq(0);
  line.raise();
  EXPECT_TRUE(requested());
  EXPECT_EQ(cpu().acknowledge_interrupt(), 0x30);
  EXPECT_FALSE(requested());
}

TEST_F(PlatformInterruptsTest, TheMirrorTakesOverAndGivesBackTheRegisters) {
  x86::ApicPage page{};
  page[LocalApic::kTpr] = 0x20;
  page[LocalApic::kSvr] = 0x1ff;
  page[LocalApic::kDfr] = ~0u;
  page[LocalApic::kLdr] = 0x04000000;
  page[LocalApic::kIsr + 2] = 0x10;
  page[LocalApic::kIrr + 7] = 0x8000'0000;
  page[LocalApic::kLvtLint1] = 0x400;
  page[LocalApic::kTimerInitial] = 1000;
  page[LocalApic::kTimerCurrent] = 400;
  cpu().apic().load_page(LocalApic::kBaseAddress | LocalApic::kBaseEnable, page);
  const x86::ApicPage again = cpu().apic().page();
  for (const unsigned number :
       {+LocalApic::kTpr, +LocalApic::kSvr, +LocalApic::kDfr, +LocalApic::kLdr, LocalApic::kIsr + 2,
        LocalApic::kIrr + 7, +LocalApic::kLvtLint1, +LocalApic::kTimerInitial})
    EXPECT_EQ(again[number], page[number]) << number;
  EXPECT_NEAR(again[LocalApic::kTimerCurrent], 400, 1);
  EXPECT_TRUE(cpu().apic().lint1_delivers_nmi());
  EXPECT_FALSE(requested());
}

TEST_F(PlatformInterruptsTest, ResetGivesThePageOfPowerOn) {
  cpu().apic().load_page(LocalApic::kBaseAddress, x86::ApicPage{});
  cpu().reset();
  const x86::ApicPage page = cpu().apic().page();
  EXPECT_EQ(page[LocalApic::kSvr], 0xffu);
  EXPECT_EQ(page[LocalApic::kDfr], ~0u);
  EXPECT_EQ(page[LocalApic::kLvtLint0], 0x700u) << "virtual wire";
  EXPECT_EQ(page[LocalApic::kLvtTimer], 0x10000u);
}

TEST_F(PlatformChipsetTest, WiresEndInThePlatformsChips) {
  const IrqLine timer = irqs_.isa_irq(0), serial = irqs_.isa_irq(4), pirq = irqs_.ioapic_line(17);
  timer.raise();
  serial.raise();
  serial.raise();
  pirq.raise();
  serial.lower();
  using Changes = std::vector<std::pair<unsigned, bool>>;
  EXPECT_EQ(platform().pic_inputs.changes, (Changes{{0, true}, {4, true}, {4, false}}));
  EXPECT_EQ(platform().ioapic_inputs.changes,
            (Changes{{2, true}, {4, true}, {17, true}, {4, false}}));
}

TEST_F(PlatformChipsetTest, OurChipsDoNotAnswer) {
  EXPECT_EQ(machine_.io().load<u8>(0x21), 0xff);
  EXPECT_EQ(machine_.memory().load<u32>(IoApic::kDefaultAddress), ~0u);
  const Value controllers = machine_.call(irqs_, "query-irq");
  EXPECT_TRUE(controllers.find("in-kernel")->as_bool());
  EXPECT_EQ(print_controllers(controllers),
            "interrupt controllers of the kernel\nIOAPIC: id=3 inputs=000010\n");
}

// One machine after the other: with the platform's chips, or ours.
class SavedChipsTest : public ::testing::Test {
 protected:
  struct Board : PlatformInterruptsTest {
    explicit Board(bool with_chipset) : PlatformInterruptsTest(with_chipset) {}
    void TestBody() override {}
    using PlatformInterruptsTest::irqs_;
    using PlatformInterruptsTest::machine_;
    using PlatformInterruptsTest::platform;
    using PlatformInterruptsTest::write_ioapic;
    void save(StateWriter& to) {
      irqs_.saving();
      save_object(irqs_, to);
    }
    void load(const StateWriter& saved) {
      StateReader from(saved.bytes());
      load_object(irqs_, from);
      irqs_.loaded();
    }
  };
};

TEST_F(SavedChipsTest, OursGoOnWithWhatThePlatformsHad) {
  StateWriter saved;
  {
    Board board(true);
    const IrqLine pirq = board.irqs_.ioapic_line(17);
    pirq.raise();
    auto& registers = board.platform().controller_registers;
    registers.pics[0] = {.imr = 0xee, .isr = 1, .vector_base = 0x30, .lowest = 3};
    registers.ioapic.entries[17] = 0x0200'0000'0000'c061;
    board.save(saved);
  }
  Board board(false);
  const IrqLine pirq = board.irqs_.ioapic_line(17);
  board.load(saved);
  EXPECT_EQ(board.machine_.io().load<u8>(0x21), 0xee);
  EXPECT_TRUE(board.platform().messages.empty());
  x86::ApicBus::of(board.machine_).broadcast_eoi(0x61);
  EXPECT_EQ(board.platform().messages.size(), 1u) << "the line was high, and waited for its end";
  pirq.lower();
  x86::ApicBus::of(board.machine_).broadcast_eoi(0x61);
  EXPECT_EQ(board.platform().messages.size(), 1u);
}

TEST_F(SavedChipsTest, ThePlatformsGoOnWithWhatOursHad) {
  StateWriter saved;
  {
    Board board(false);
    const IrqLine serial = board.irqs_.isa_irq(4);
    for (const u8 value : {0x11, 0x30, 0x04, 0x01, 0xef})
      board.machine_.io().store<u8>(value == 0x11 ? 0x20 : 0x21, value);
    serial.raise();
    board.write_ioapic(0x10 + 2 * 4, 0x8061);
    board.save(saved);
  }
  Board board(true);
  board.irqs_.isa_irq(4);
  board.load(saved);
  const x86::ControllerRegisters& registers = board.platform().controller_registers;
  EXPECT_EQ(registers.pics[0].imr, 0xef);
  EXPECT_EQ(registers.pics[0].vector_base, 0x30);
  EXPECT_EQ(registers.pics[0].requests, 0x10);
  EXPECT_EQ(registers.ioapic.entries[4] & 0xffff, 0xc061u) << "sent, and not yet ended";
  EXPECT_EQ(registers.ioapic.levels, 0x10u);
}

TEST_F(PlatformChipsetTest, ResetAndSetUpGoToThePlatform) {
  irqs_.reset();
  EXPECT_EQ(platform().resets, 1u);
  irqs_.set_level_triggered(11);
  EXPECT_EQ(platform().level_triggered, std::vector<unsigned>{11});
  irqs_.set_legacy_replacement(true);
  EXPECT_TRUE(platform().timer_cut_off);
}

}  // namespace
}  // namespace backplane::pc

// SPDX-License-Identifier: MIT
#include <fstream>

#include "backplane/testing/scratch_directory.h"
#include "pci_machine.h"

namespace backplane::testing {

using namespace pci;

void ProbeDevice::class_init(PciDeviceClass& k) {
  k.identity = {.vendor = 0x1b36,
                .device = 0x00f0,
                .revision = 3,
                .class_code = 0xff'01'02,
                .subsystem_vendor = 0x1111,
                .subsystem = 0x2222};
  k.interrupt_pin = 1;
}

void ProbeDevice::realize() {
  const MmioHandler handler = MmioHandler::of<&ProbeDevice::read, &ProbeDevice::write>(*this);
  add_bar(0, 4_KiB, handler);
  add_bar(1, 100, handler, BarType::Io);
  add_bar(2, 1_MiB, handler, BarType::Memory64);
  add_msix(4, 40);
}

u64 ProbeDevice::read(u64 offset, unsigned /*size*/) { return 0x1000 + offset; }
void ProbeDevice::write(u64 /*offset*/, u64 value, unsigned /*size*/) { last_write = value; }

BACKPLANE_REGISTER(ProbeDevice)

namespace {

class PciBars : public PciTest {
 protected:
  PciBars() : device_(add("05")), driver_(machine_, 5) {}
  void decode(u16 bits) { driver_.write16(kCommand, bits); }

  ProbeDevice& device_;
  PciDriver driver_;
};

TEST_F(PciBars, TheHeaderShowsTheIdentity) {
  EXPECT_EQ(driver_.read32(kVendorId), 0x00f0'1b36U);
  EXPECT_EQ(driver_.read32(kRevisionId), 0xff01'0203U);
  EXPECT_EQ(driver_.read32(kSubsystemVendorId), 0x2222'1111U);
  EXPECT_EQ(driver_.read8(kInterruptPin), 1);
  EXPECT_EQ(driver_.read8(kHeaderType), 0);
}

TEST_F(PciBars, OnesTellTheSizeOfEachKind) {
  EXPECT_EQ(driver_.bar_size(0), 4_KiB);
  EXPECT_EQ(driver_.bar_size(1), 128U);  // rounded up
  EXPECT_EQ(driver_.bar_size(2), 1_MiB);
  EXPECT_EQ(driver_.bar_size(4), 4_KiB);  // MSI-X
  EXPECT_EQ(driver_.bar_size(5), 0U);
  EXPECT_EQ(driver_.read32(kBar0 + 4) & 0xf, 1U);
  EXPECT_EQ(driver_.read32(kBar0 + 8) & 0xf, 4U);
}

TEST_F(PciBars, MemoryDecodesWhereTheRegisterSaysWhileEnabled) {
  driver_.set_bar(0, 0xe000'0000);
  EXPECT_EQ(machine_.memory().load<u32>(0xe000'0010), 0xffff'ffffU);
  decode(kCommandMemory);
  EXPECT_EQ(machine_.memory().load<u32>(0xe000'0010), 0x1010U);
  machine_.memory().store<u32>(0xe000'0000, 77);
  EXPECT_EQ(device_.last_write, 77U);
  driver_.set_bar(0, 0xe100'0000);
  EXPECT_EQ(machine_.memory().load<u32>(0xe000'0010), 0xffff'ffffU);
  EXPECT_EQ(machine_.memory().load<u32>(0xe100'0010), 0x1010U);
  EXPECT_EQ(device_.bar_address(0), 0xe100'0000U);
  decode(0);
  EXPECT_FALSE(device_.bar_address(0).has_value());
}

TEST_F(PciBars, IoDecodesSeparately) {
  driver_.set_bar(1, 0xc000);
  decode(kCommandMemory);
  EXPECT_EQ(machine_.io().load<u32>(0xc004), 0xffff'ffffU);
  decode(kCommandIo);
  EXPECT_EQ(machine_.io().load<u32>(0xc004), 0x1004U);
}

TEST_F(PciBars, AWideBarDecodesAbove4GiB) {
  driver_.set_bar(2, 0x12'0000'0000);
  decode(kCommandMemory);
  EXPECT_EQ(machine_.memory().load<u32>(0x12'0000'0020), 0x1020U);
}

TEST_F(PciBars, ABarThatIsBeingSizedOrUnsetDecodesNowhere) {
  decode(kCommandMemory | kCommandIo);
  for (unsigned i : {0, 1, 2}) EXPECT_FALSE(device_.bar_address(i).has_value()) << i;
  driver_.write32(kBar0, ~u32{0});
  EXPECT_FALSE(device_.bar_address(0).has_value());
}

TEST_F(PciBars, RamAnswersWhereABarOverlapsIt) {
  machine_.memory().store<u32>(0x10'0000, 0xdead'beef);
  driver_.set_bar(0, 0x10'0000);
  decode(kCommandMemory);
  EXPECT_EQ(machine_.memory().load<u32>(0x10'0000), 0xdead'beefU);
}

TEST_F(PciBars, ResetTurnsDecodingOff) {
  driver_.set_bar(0, 0xe000'0000);
  decode(kCommandMemory);
  machine_.run_control().reset();
  EXPECT_FALSE(device_.bar_address(0).has_value());
  EXPECT_EQ(driver_.bar_address(0), 0U);
}

TEST_F(PciBars, ARegisterTakesOneBar) {
  const MmioHandler handler;
  EXPECT_THROW(device_.add_bar(0, 16, handler), Error);
  EXPECT_THROW(device_.add_bar(3, 16, handler), Error);  // upper half of BAR 2
  EXPECT_THROW(device_.add_bar(5, 16, handler, BarType::Memory64), Error);
  EXPECT_THROW(device_.add_bar(6, 16, handler), Error);
}

TEST_F(PciBars, DmaNeedsBusMastering) {
  u32 value = 1;
  EXPECT_EQ(device_.dma_read(0x1000, &value, 4), MemResult::DecodeError);
  EXPECT_EQ(device_.dma_write(0x1000, &value, 4), MemResult::DecodeError);
  decode(kCommandBusMaster);
  value = 0x55aa;
  EXPECT_EQ(device_.dma_write(0x1000, &value, 4), MemResult::Ok);
  EXPECT_EQ(machine_.memory().load<u32>(0x1000), 0x55aaU);
  EXPECT_EQ(device_.dma_read(0xffff'ffff'ffff'fff0, &value, 4), MemResult::DecodeError);
}

TEST_F(PciTest, AnExpansionRomComesFromAFile) {
  const ScratchDirectory directory;
  add("06", {{"romfile", directory.write("rom", "\x55\xaarom").string()}});
  PciDriver driver(machine_, 6);
  driver.write32(kExpansionRom, ~u32{0});
  EXPECT_EQ(driver.read32(kExpansionRom), 0xffff'f001U);
  driver.write32(kExpansionRom, 0xe800'0001);
  driver.write16(kCommand, kCommandMemory);
  EXPECT_EQ(machine_.memory().load<u32>(0xe800'0000), 0x6f72'aa55U);
  machine_.memory().store<u32>(0xe800'0000, 0);
  EXPECT_EQ(machine_.memory().load<u32>(0xe800'0000), 0x6f72'aa55U);
  driver.write32(kExpansionRom, 0xe800'0000);
  EXPECT_EQ(machine_.memory().load<u32>(0xe800'0000), 0xffff'ffffU);
}

TEST_F(PciTest, ARomFileThatIsMissingOrHasNoEndIsAnError) {
  EXPECT_THROW(add("06", {{"romfile", "/nonexistent"}}), Error);
#ifndef _WIN32
  EXPECT_THROW(add("06", {{"romfile", "/dev/zero"}}), Error);
#endif
  EXPECT_EQ(bus().device_at(0x30), nullptr);
}

}  // namespace
}  // namespace backplane::testing

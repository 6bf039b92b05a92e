// SPDX-License-Identifier: MIT
// A PCI device that adds numbers in the guest's memory, and interrupts when it is done.
#include <backplane/pci/pci_device.h>

#include <algorithm>
#include <vector>

using namespace backplane;

namespace {

// 32-bit, little-endian; tests/packages/driver has the same.
enum Register : u64 {
  kAddressLow = 0x00,
  kAddressHigh = 0x04,
  kCount = 0x08,   // of 32-bit numbers; a write adds them, and puts the 64-bit sum behind them
  kStatus = 0x0c,  // a write of a 1 bit clears it, and the interrupt
};
enum Status : u32 { kDone = 1, kFailed = 2 };

constexpr u32 kMost = 4096;

class Adder final : public PciDevice {
 public:
  static void class_init(PciDeviceClass& k) {
    k.identity = {.vendor = 0x1b36, .device = 0x00f0, .class_code = 0xff0000};
    k.interrupt_pin = 1;
    k.stateless();
  }
  void realize() {
    add_bar(0, 4_KiB, MmioHandler::of<&Adder::read, &Adder::write>(*this));
    add_msi(1);
  }

 private:
  u64 read(u64 offset, unsigned /*size*/) { return offset == kStatus ? status_ : 0; }

  void write(u64 offset, u64 value, unsigned /*size*/) {
    const u32 word = static_cast<u32>(value);
    if (offset == kAddressLow) address_ = (address_ & ~u64{0xffffffff}) | word;
    if (offset == kAddressHigh) address_ = (address_ & 0xffffffff) | u64{word} << 32;
    if (offset == kCount) add(word);
    if (offset == kStatus) status_ &= ~word;
    if (offset == kStatus && status_ == 0) set_intx(false);
  }

  void add(u32 count) {
    std::vector<u32> numbers(std::min(count, kMost));
    const u64 size = numbers.size() * sizeof(u32);
    u64 sum = 0;
    bool done = count <= kMost && dma_read(address_, numbers.data(), size) == MemResult::Ok;
    for (const u32 number : numbers) sum += number;
    done = done && dma_write(address_ + size, &sum, sizeof sum) == MemResult::Ok;
    status_ |= done ? kDone : kFailed;
    if (msi()->enabled())
      msi()->notify(0);
    else
      set_intx(true);
  }

  u64 address_ = 0;
  u32 status_ = 0;
};

BACKPLANE_TYPE(Adder, "adder", .category = "Misc", .description = "Adds numbers in memory");

}  // namespace

BACKPLANE_MODULE("hw-adder", "1.0", "A device that adds", "MIT")

// SPDX-License-Identifier: MIT
// A PCI function that adds up bytes of the guest's memory.
//
//   offset  bits  register
//   0x00    32    ID, reads 0x53554d31
//   0x08    64    ADDRESS of the first byte
//   0x10    32    LENGTH in bytes
//   0x14    32    START: any write; ignored while one is under way
//   0x18    32    RESULT of the last one
//   0x1c    32    STATUS: bit 0 under way, bit 1 the bytes could not be read
//
// MSI-X vector 0 says that one is done.
#include <backplane/clock.h>
#include <backplane/machine.h>
#include <backplane/module.h>
#include <backplane/pci/msi.h>
#include <backplane/pci/pci_device.h>

#include <algorithm>
#include <array>
#include <memory>

using namespace backplane;

namespace {

class @CLASS@ final : public PciDevice {
 public:
  static void class_init(PciDeviceClass& k) {
    k.identity = {.vendor = 0x1b36, .device = 0x00f0, .class_code = 0xff0000};
    k.property<&@CLASS@::latency_>("latency", "nanoseconds that a sum takes");
    k.state<&@CLASS@::state_>(
        1, {member<&State::address>("address"), member<&State::length>("length"),
            member<&State::result>("result"), member<&State::status>("status")});
    k.state_timer<&@CLASS@::timer_>("done");
  }

  void realize() {
    add_bar(0, 4_KiB, MmioHandler::of<&@CLASS@::read, &@CLASS@::write>(*this).sizes(4, 8));
    add_msix(1, 1);
    timer_ = std::make_unique<Timer>(machine().virtual_clock(), [this] { finish(); });
  }
  void unrealize() { timer_.reset(); }

  void reset() override {
    PciDevice::reset();
    timer_->cancel();
    state_ = {};
  }

 private:
  enum Register : u64 {
    Id = 0x00,
    Address = 0x08,
    Length = 0x10,
    Start = 0x14,
    Result = 0x18,
    Status = 0x1c,
  };
  enum StatusBit : u32 { Busy = 1, Failed = 2 };

  u64 read(u64 offset, unsigned /*size*/) {
    switch (offset) {
      case Id:
        return 0x53554d31;
      case Address:
        return state_.address;
      case Length:
        return state_.length;
      case Result:
        return state_.result;
      case Status:
        return state_.status;
      default:
        guest_error("read of register {:#x}, which there is not", offset);
        return 0;
    }
  }

  void write(u64 offset, u64 value, unsigned /*size*/) {
    switch (offset) {
      case Address:
        state_.address = value;
        return;
      case Length:
        state_.length = static_cast<u32>(value);
        return;
      case Start:
        if ((state_.status & Busy) != 0) return guest_error("START while one is under way");
        state_.status = Busy;
        timer_->arm_in(latency_);
        return;
      default:
        guest_error("write to register {:#x}, which there is not", offset);
    }
  }

  // Memory is the guest's: whatever it asks for is read in pieces, and may not be there.
  void finish() {
    std::array<u8, 4096> bytes;
    u32 sum = 0;
    state_.status = 0;
    for (u32 done = 0; done < state_.length;) {
      const u32 some = std::min<u32>(state_.length - done, bytes.size());
      if (dma_read(state_.address + done, bytes.data(), some) != MemResult::Ok) {
        state_.status = Failed;
        break;
      }
      for (u32 i = 0; i < some; ++i) sum += bytes[i];
      done += some;
    }
    state_.result = sum;
    msix()->notify(0);
  }

  struct State {
    u64 address = 0;
    u32 length = 0;
    u32 result = 0;
    u32 status = 0;
  };
  State state_;
  u32 latency_ = 1000;
  std::unique_ptr<Timer> timer_;
};

BACKPLANE_TYPE(@CLASS@, "@TYPE@", .category = "Misc", .description = "Adds up bytes of memory")

}  // namespace

BACKPLANE_MODULE("@MODULE@", "0.1", "A PCI function that adds up bytes", "MIT")

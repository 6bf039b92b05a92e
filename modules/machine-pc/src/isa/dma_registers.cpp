// SPDX-License-Identifier: MIT
// "isa-dma": the registers of the two 8237 DMA controllers and the page registers. No device asks
// for a transfer, so they only keep what is written. [Intel 82371AB datasheet "DMA Controller"]
#include <array>

#include "backplane/isa/isa_device.h"

namespace backplane::pc {

namespace {

class IsaDma final : public IsaDevice {
 public:
  static void class_init(DeviceClass& k) {
    k.state<&IsaDma::state_>(1, {member<&State::first>("first"), member<&State::pages>("pages"),
                                 member<&State::second>("second")});
  }

  void realize() {
    const auto bank = [&](const char* name, u32 base, u32 size, Bank& bank) {
      add_ports(name, base, size, MmioHandler::of<&Bank::read, &Bank::write>(bank).sizes(1, 1));
    };
    bank("dma-page", 0x80, 0x10, state_.pages);
    add_ports("dma1", 0x00, 0x10,
              MmioHandler::of<&IsaDma::read_first, &IsaDma::write_first>(*this).sizes(1, 1));
    add_ports("dma2", 0xc0, 0x20,
              MmioHandler::of<&IsaDma::read_second, &IsaDma::write_second>(*this).sizes(1, 1));
  }

 private:
  struct Bank {
    std::array<u8, 32> bytes{};
    u64 read(u64 offset, unsigned /*size*/) { return bytes[offset & 31]; }
    void write(u64 offset, u64 value, unsigned /*size*/) {
      bytes[offset & 31] = static_cast<u8>(value);
    }
    static std::span<const StateMember> members() {
      static const StateMember kMembers[] = {member<&Bank::bytes>("bytes")};
      return kMembers;
    }
  };
  struct State {
    Bank first, pages, second;
  };

  u64 read_first(u64 offset, unsigned size) { return state_.first.read(offset, size); }
  void write_first(u64 offset, u64 value, unsigned size) {
    state_.first.write(offset, value, size);
    look_at_mask(offset, value, 0);
  }
  u64 read_second(u64 offset, unsigned size) { return state_.second.read(offset, size); }
  // Its registers are two ports apart.
  void write_second(u64 offset, u64 value, unsigned size) {
    state_.second.write(offset, value, size);
    look_at_mask(offset / 2, value, 4);
  }
  // A driver that unmasks a channel expects a transfer. [8237A "Mask Register"]
  void look_at_mask(u64 register_number, u64 value, unsigned first_channel) {
    constexpr u64 kSingleMask = 10, kMasked = 1 << 2;
    if (register_number == kSingleMask && (value & kMasked) == 0)
      unimplemented("transfers: channel {} is unmasked", first_channel + (value & 3));
  }

  State state_;
};

BACKPLANE_TYPE(IsaDma, "isa-dma", .board_only = true,
               .description = "8237 DMA controllers (registers only)")

}  // namespace

}  // namespace backplane::pc

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
    bank("dma1", 0x00, 0x10, state_.first);
    bank("dma-page", 0x80, 0x10, state_.pages);
    bank("dma2", 0xc0, 0x20, state_.second);
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

  State state_;
};

BACKPLANE_TYPE(IsaDma, "isa-dma", .board_only = true,
               .description = "8237 DMA controllers (registers only)")

}  // namespace

}  // namespace backplane::pc

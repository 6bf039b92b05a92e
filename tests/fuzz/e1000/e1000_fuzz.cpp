// SPDX-License-Identifier: MIT
// A hostile driver of the e1000: registers and descriptors of the bytes' choice, while frames come
// back. Nothing may crash, hang, or reach outside guest RAM.
#include <optional>
#include <vector>

#include "../input.h"
#include "backplane/netdev.h"
#include "backplane/pci/host_bridge.h"
#include "backplane/testing/pci_driver.h"
#include "backplane/testing/test_machine.h"
#include "e1000_regs.h"

namespace backplane::fuzz {
namespace {

using namespace e1000;
using testing::PciDriver;
using testing::TestMachine;

constexpr u64 kRamSize = 2_MiB;
constexpr u64 kBar = 0xe000'0000;
constexpr u64 kRings[] = {0x1000, 0x2000};  // to send from, and to receive into
constexpr unsigned kSlot = 4;
constexpr u32 kEntries = 8;

constexpr u32 kRegisters[] = {kCtrl,  kEecd,  kEerd,  kMdic,  kIcr,   kItr,   kIcs,   kIms,
                              kImc,   kRctl,  kTctl,  kRdbal, kRdbah, kRdlen, kRdh,   kRdt,
                              kTdbal, kTdbah, kTdlen, kTdh,   kTdt,   kVet,   kRxcsum};

// Gives back what is sent.
class Loop final : public Netdev {
 public:
  static void class_init(ObjectClass&) {}
  std::string describe() const override { return "a loop"; }
  void send(std::span<const iovec> frame) override {
    std::vector<u8> whole;
    for (const iovec& piece : frame) {
      const auto* const bytes = static_cast<const u8*>(piece.iov_base);
      whole.insert(whole.end(), bytes, bytes + piece.iov_len);
    }
    deliver(whole);
  }
};
BACKPLANE_TYPE(Loop, "net-fuzz-loop")

class Driver {
 public:
  explicit Driver(Input& input) : input_(input) {
    machine_.create_device("pci-host-bridge");
    backends_.add(kNetdevKind, "fuzz-loop", "net", {});
    machine_.add_device("e1000", "", "", {{"netdev", "net"}, {"addr", "04"}});
    pci_.emplace(machine_, kSlot);
    pci_->assign_bars(kBar, 0xc000);
    machine_.run_control().start();
    start();
  }

  void run() {
    while (!input_.empty()) step();
  }

 private:
  void set(u32 offset, u32 value) { machine_.memory().store<u32>(kBar + offset, value); }

  void start() {
    set(kTdbal, static_cast<u32>(kRings[0]));
    set(kRdbal, static_cast<u32>(kRings[1]));
    set(kTdlen, kEntries * 16);
    set(kRdlen, kEntries * 16);
    set(kRdt, kEntries - 1);
    set(kTctl, kTctlEn);
    set(kRctl, kRctlEn | kRctlUpe | kRctlMpe | kRctlBam | (input_.take<u32>() & 0x0703'0020));
  }

  void write_descriptor() {
    TransmitDescriptor descriptor{.address = u64{0x1'0000} + input_.take<u16>()};
    descriptor.length = input_.take<u8>() % 4 == 0 ? input_.take<u16>() : input_.take<u8>();
    descriptor.cso = input_.take<u8>() % 32;
    descriptor.command = input_.take<u8>() & 0x6f;
    descriptor.css = input_.take<u8>();
    descriptor.special = input_.take<u16>();
    if (input_.take<u8>() % 16 == 0) descriptor.address = input_.take<u64>();
    machine_.memory().write(kRings[input_.take<u8>() % 2] + input_.take<u8>() % kEntries * 16,
                            &descriptor, sizeof descriptor);
  }

  void step() {
    switch (input_.take<u8>() % 8) {
      case 0:
      case 1:
      case 2:
        write_descriptor();
        break;
      case 3:
      case 4:
        set(kTdt, input_.take<u8>() % kEntries);
        break;
      case 5:
        set(kRegisters[input_.take<u8>() % std::size(kRegisters)], input_.take<u32>());
        break;
      case 6: {
        const u32 offset = input_.take<u32>() % kMemorySize & ~3U;
        if (input_.take<u8>() % 2 == 0)
          machine_.memory().load<u32>(kBar + offset);
        else
          set(offset, input_.take<u32>());
        break;
      }
      default:
        start();
        break;
    }
  }

  Input& input_;
  TestMachine machine_{kRamSize};
  Backends& backends_ = machine_.add_child("backends", std::make_unique<Backends>(machine_));
  std::optional<PciDriver> pci_;
};

}  // namespace
}  // namespace backplane::fuzz

extern "C" int LLVMFuzzerTestOneInput(const backplane::u8* data, std::size_t size) {
  using namespace backplane;
  fuzz::Input input(data, size);
  fuzz::Driver(input).run();
  return 0;
}

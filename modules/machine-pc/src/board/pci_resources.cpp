// SPDX-License-Identifier: MIT
#include "board/pci_resources.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "backplane/log.h"
#include "piix3/piix3.h"

namespace backplane::pc {

namespace {

using namespace pci;

constexpr unsigned kHeaderTypeMask = 0x7f;
constexpr unsigned kBars = 6;

// Addresses handed out in ascending order.
class Window {
 public:
  Window(u64 start, u64 end) : next_(start), end_(end) {}

  std::optional<u64> take(u64 size) {
    const u64 address = (next_ + size - 1) & ~(size - 1);
    if (address < next_ || address >= end_ || size > end_ - address) return std::nullopt;
    next_ = address + size;
    return address;
  }

 private:
  u64 next_;
  u64 end_;
};

struct Bar {
  u8 devfn = 0;
  unsigned offset = 0;
  u64 size = 0;
  bool io = false;
  bool wide = false;  // 64-bit
};

// Sizes the BAR at a register by writing ones. Nothing if none is implemented there.
std::optional<Bar> probe(PciBus& bus, u8 devfn, unsigned offset) {
  const u32 old = bus.config_read(devfn, offset, 4);
  bus.config_write(devfn, offset, ~u32{0}, 4);
  const u32 ones = bus.config_read(devfn, offset, 4);
  bus.config_write(devfn, offset, old, 4);
  if (ones == 0) return std::nullopt;
  Bar bar{devfn, offset};
  bar.io = (ones & kBarIo) != 0;
  if (bar.io) {
    // The upper half may be hard-wired to zero.
    const u32 mask = (ones & ~u32{3}) | 0xffff0000;
    bar.size = u64{~mask} + 1;
    return bar;
  }
  bar.wide = (ones & 6) == kBarMemory64;
  u64 mask = (ones & ~u32{15}) | u64{0xffffffff} << 32;
  if (bar.wide) {
    const u32 old_high = bus.config_read(devfn, offset + 4, 4);
    bus.config_write(devfn, offset + 4, ~u32{0}, 4);
    mask = (mask & 0xffffffff) | u64{bus.config_read(devfn, offset + 4, 4)} << 32;
    bus.config_write(devfn, offset + 4, old_high, 4);
  }
  bar.size = ~mask + 1;
  if (bar.size == 0) return std::nullopt;
  return bar;
}

std::vector<Bar> probe_all(PciBus& bus) {
  std::vector<Bar> bars;
  for (unsigned devfn = 0; devfn < PciBus::kFunctions; ++devfn) {
    const u8 place = static_cast<u8>(devfn);
    if (bus.device_at(place) == nullptr) continue;
    if ((bus.config_read(place, kHeaderType, 1) & kHeaderTypeMask) != 0) continue;
    for (unsigned n = 0; n < kBars; ++n) {
      const auto bar = probe(bus, place, kBar0 + 4 * n);
      if (!bar) continue;
      bars.push_back(*bar);
      if (bar->wide) ++n;
    }
  }
  return bars;
}

}  // namespace

void assign_pci_resources(PciBus& bus, const MemoryMap& map) {
  std::vector<Bar> bars = probe_all(bus);
  // Largest first, so that alignment wastes nothing.
  std::stable_sort(bars.begin(), bars.end(),
                   [](const Bar& a, const Bar& b) { return a.size > b.size; });
  Window io(kPciIoStart, kPciIoEnd);
  Window memory(kPciMemoryStart, kPciMemoryEnd);
  Window memory64(map.pci_memory64_start(), map.pci_memory64_start() + kPciMemory64Size);
  std::vector<u16> commands(PciBus::kFunctions, 0);
  for (const Bar& bar : bars) {
    std::optional<u64> address = bar.io ? io.take(bar.size) : memory.take(bar.size);
    if (!address && bar.wide) address = memory64.take(bar.size);
    if (!address) {
      log::warn(
          fmt::format("PCI function {:02x}.{}: no room for a BAR of {:#x} bytes; left unassigned",
                      bar.devfn >> 3, bar.devfn & 7, bar.size));
      continue;
    }
    bus.config_write(bar.devfn, bar.offset, static_cast<u32>(*address), 4);
    if (bar.wide) bus.config_write(bar.devfn, bar.offset + 4, static_cast<u32>(*address >> 32), 4);
    commands[bar.devfn] |= bar.io ? kCommandIo : kCommandMemory;
  }
  for (unsigned devfn = 0; devfn < PciBus::kFunctions; ++devfn) {
    if (commands[devfn] == 0) continue;
    const u8 place = static_cast<u8>(devfn);
    const u32 old = bus.config_read(place, kCommand, 2);
    bus.config_write(place, kCommand, old | commands[devfn], 2);
  }
}

void route_pci_interrupts(PciBus& bus, const PciIrqRouter& router, u8 bridge_devfn) {
  for (unsigned pirq = 0; pirq < PciIrqRouter::kPirqs; ++pirq)
    bus.config_write(bridge_devfn, Piix3::kRouteControl + pirq, pci_irq(pirq), 1);
  for (unsigned devfn = 0; devfn < PciBus::kFunctions; ++devfn) {
    const u8 place = static_cast<u8>(devfn);
    if (bus.device_at(place) == nullptr) continue;
    const u32 pin = bus.config_read(place, kInterruptPin, 1);
    if (pin == 0 || pin > 4) continue;
    bus.config_write(place, kInterruptLine, pci_irq(router.route(devfn >> 3, pin - 1)), 1);
  }
}

}  // namespace backplane::pc

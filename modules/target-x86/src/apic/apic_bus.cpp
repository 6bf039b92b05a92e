// SPDX-License-Identifier: MIT
#include <algorithm>

#include "../cpu/describe.h"
#include "../cpu/guest_tsc.h"
#include "../cpu/host_tsc.h"
#include "backplane/machine.h"
#include "backplane/x86/apic.h"
#include "backplane/x86/cpu.h"
#include "describe.h"

namespace backplane::x86 {

namespace {

// The whole range that message-signalled interrupts use; the page of the local APICs is its first.
constexpr u64 kRegionSize = 1u << 20;
constexpr int kPriority = 100;

// Registers are 4 bytes of 16, and are accessed as a whole. What other accesses do is undefined: a
// read of a part gives that part, all else is not there. [SDM 3A "Local APIC Register Address Map"]
u64 read_register(LocalApic* apic, u64 offset, unsigned size) {
  if (apic == nullptr) return ~u64{0};
  const unsigned inside = offset & 0xf;
  if (inside + size > sizeof(u32)) return 0;
  return apic->read_page(static_cast<unsigned>(offset >> 4)) >> (8 * inside);
}

void write_register(LocalApic* apic, u64 offset, u64 value, unsigned size) {
  if (apic != nullptr && (offset & 0xf) == 0 && size == sizeof(u32))
    apic->write_page(static_cast<unsigned>(offset >> 4), static_cast<u32>(value));
}

// As they come: neither widened nor split.
MmioHandler whole_accesses(MmioHandler handler) {
  handler.unaligned = true;
  return handler;
}

}  // namespace

// A page that IA32_APIC_BASE moved the registers of at least one local APIC to. It covers what else
// is there. [SDM 3A "Relocating the Local APIC Registers"]
struct ApicBus::MovedPage {
  MovedPage(ApicBus& its_bus, u64 its_address) : bus(its_bus), address(its_address) {
    region = MemoryRegion::mmio(
        "local-apic-moved", kPageSize,
        whole_accesses(MmioHandler::of<&MovedPage::read, &MovedPage::write>(*this)));
    bus.machine().memory_root().add_subregion(address, *region, kPriority + 1);
  }
  u64 read(u64 offset, unsigned size) {
    return read_register(bus.accessed_apic(address), offset, size);
  }
  void write(u64 offset, u64 value, unsigned size) {
    write_register(bus.accessed_apic(address), offset, value, size);
  }

  ApicBus& bus;
  const u64 address;
  std::unique_ptr<MemoryRegion> region;
};

BACKPLANE_REGISTER(ApicBus, .category = "Interrupt controller", .board_only = true,
                   .description = "Local APICs' page and interrupt messages");

void ApicBus::class_init(DeviceClass& k) {
  k.hotpluggable = false;
  k.state<&ApicBus::state_>(1, {member<&State::tsc>("tsc")});
}

void ApicBus::saving() {
  Device::saving();
  state_.tsc = tsc_->read().value;
}

void ApicBus::loaded() {
  Device::loaded();
  tsc_->set(state_.tsc);
}

ApicBus& ApicBus::of(Machine& machine) {
  if (auto* const existing = machine.service<ApicBus>()) return *existing;
  auto& bus = static_cast<ApicBus&>(machine.create_device(kTypeName));
  machine.provide(bus);
  return bus;
}

ApicBus::~ApicBus() = default;

void ApicBus::realize() {
  tsc_base_ = read_host_tsc();
  tsc_ = std::make_shared<GuestTsc>(
      machine().virtual_clock(),
      [counting = machine().virtual_clock().follows_instructions()] {
        return counting ? kCountingTscFrequency : host_tsc_frequency();
      },
      read_host_tsc);
  platform_ = PlatformInterrupts::of(machine());
  region_ = MemoryRegion::mmio(
      "local-apics", kRegionSize,
      whole_accesses(MmioHandler::of<&ApicBus::read_page, &ApicBus::write_page>(*this)));
  machine().memory_root().add_subregion(LocalApic::kBaseAddress, *region_, kPriority);
}

void ApicBus::unrealize() {
  moved_pages_.clear();
  region_.reset();
  for (LocalApic* apic : apics_) apic->bus_ = nullptr;
  apics_.clear();
}

void ApicBus::add_eoi_listener(IoApicEoi& listener) { eoi_listeners_.push_back(&listener); }

void ApicBus::remove_eoi_listener(IoApicEoi& listener) { std::erase(eoi_listeners_, &listener); }

void ApicBus::broadcast_eoi(u8 vector) {
  for (IoApicEoi* listener : eoi_listeners_) listener->end_of_interrupt(vector);
}

void ApicBus::deliver(const InterruptMessage& message) {
  if (platform_ != nullptr) return platform_->deliver(message);
  if (message.mode != DeliveryMode::LowestPriority) {
    for (LocalApic* apic : apics_)
      if (apic->matches(message)) apic->accept(message);
    return;
  }
  LocalApic* best = nullptr;
  for (LocalApic* apic : apics_) {
    if (!apic->matches(message)) continue;
    if (best == nullptr || apic->arbitration_priority() < best->arbitration_priority()) best = apic;
  }
  if (best != nullptr) best->accept(message);
}

void ApicBus::set_irq(unsigned input, bool level) {
  for (LocalApic* apic : apics_)
    if (input == 1 || apic->is_bsp()) apic->set_lint(input, level);
}

void ApicBus::place_pages() {
  std::vector<u64> wanted;
  for (const LocalApic* apic : apics_)
    if (apic->has_page() && apic->page_address() != LocalApic::kBaseAddress)
      wanted.push_back(apic->page_address());
  std::erase_if(moved_pages_, [&](const auto& page) {
    return std::find(wanted.begin(), wanted.end(), page->address) == wanted.end();
  });
  for (const u64 address : wanted)
    if (std::none_of(moved_pages_.begin(), moved_pages_.end(),
                     [&](const auto& page) { return page->address == address; }))
      moved_pages_.push_back(std::make_unique<MovedPage>(*this, address));
}

LocalApic* ApicBus::accessed_apic(u64 page) const {
  auto* cpu = static_cast<X86Cpu*>(Cpu::current());
  if (cpu == nullptr) return nullptr;
  LocalApic& apic = cpu->apic();
  return apic.has_page() && apic.page_address() == page ? &apic : nullptr;
}

u64 ApicBus::read_page(u64 offset, unsigned size) {
  if (offset >= kPageSize) return ~u64{0};
  return read_register(accessed_apic(LocalApic::kBaseAddress), offset, size);
}

void ApicBus::write_page(u64 offset, u64 value, unsigned size) {
  // The first 16 bytes of the page are no registers: a write there is a device's message.
  if (offset >= 0x10 && offset < kPageSize)
    return write_register(accessed_apic(LocalApic::kBaseAddress), offset, value, size);
  // Messages are aligned writes of 4 bytes. [PCI 3.0 "MSI and MSI-X Operation"]
  if (size == sizeof(u32) && offset % sizeof(u32) == 0)
    deliver(decode_msi(LocalApic::kBaseAddress + offset, static_cast<u32>(value)));
}

Value ApicBus::describe_apics() const {
  Value::List apics;
  for (const LocalApic* apic : apics_) {
    X86Cpu& cpu = apic->cpu_;
    if (platform_ != nullptr && cpu.vcpu() != nullptr)
      cpu.run_on_thread([&cpu] { cpu.vcpu()->get_state(); });
    apics.push_back(apic->describe());
  }
  return apics;
}

std::span<const Command> ApicBus::commands() const {
  static constexpr Command kCommands[] = {
      {.name = "query-lapic",
       .help = "the local APICs of the CPUs",
       .returns = &kApics,
       .run = [](CommandContext& context, const Arguments&) -> Value {
         return dynamic_cast<ApicBus&>(*context.offering).describe_apics();
       },
       .print = print_apics},
      {.name = "query-registers",
       .help = "the CPUs' registers",
       .returns = &kRegisterSets,
       .run = [](CommandContext& context, const Arguments&) -> Value {
         return describe_registers(context.machine);
       },
       .print = print_registers},
      {.name = "inject-nmi",
       .help = "interrupt each CPU by a pulse on its NMI pin",
       .in = {Presence::Here},
       .run = [](CommandContext& context, const Arguments&) -> Value {
         dynamic_cast<ApicBus&>(*context.offering).nmi_line().pulse();
         return {};
       }}};
  return kCommands;
}

InterruptMessage decode_msi(u64 address, u32 data) {
  return {.destination = static_cast<u32>(address >> 12) & 0xff,
          .logical = (address & 4) != 0,
          .mode = static_cast<DeliveryMode>((data >> 8) & 7),
          .vector = static_cast<u8>(data),
          .level_triggered = (data & 0x8000) != 0};
}

MsiWrite encode_msi(const InterruptMessage& message) {
  const u64 destination = u64{message.destination & 0xff} << 12;
  const u32 kind = static_cast<u32>(message.mode) << 8 | message.vector;
  return {.address = LocalApic::kBaseAddress | destination | (message.logical ? 4 : 0),
          .data = kind | (message.level_triggered ? 0xc000 : 0)};
}

void deliver_interrupt(Machine& machine, const InterruptMessage& message) {
  ApicBus::of(machine).deliver(message);
}

void deliver_msi(Machine& machine, u64 address, u32 data) {
  ApicBus::of(machine).deliver(decode_msi(address, data));
}

}  // namespace backplane::x86

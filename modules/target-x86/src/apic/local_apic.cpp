// SPDX-License-Identifier: MIT
// Accepting, prioritising and acknowledging interrupts. Registers are in registers.cpp, the timer
// in timer.cpp. [SDM 3A "Advanced Programmable Interrupt Controller (APIC)"]
#include <algorithm>
#include <bit>

#include "backplane/machine.h"
#include "backplane/x86/apic.h"
#include "backplane/x86/cpu.h"
#include "lvt.h"

namespace backplane::x86 {

namespace {

constexpr u32 kIllegalReceivedVector = 1u << 6;

}  // namespace

int LocalApic::VectorSet::highest() const {
  for (int i = 7; i >= 0; --i)
    if (words_[static_cast<unsigned>(i)] != 0)
      return i * 32 + 31 - std::countl_zero(words_[static_cast<unsigned>(i)]);
  return -1;
}

LocalApic::LocalApic(X86Cpu& cpu, ApicBus& bus, u32 id)
    : cpu_(cpu),
      bus_(&bus),
      mirror_(bus.platform_ != nullptr),
      id_(id),
      timer_(cpu.machine().virtual_clock(), [this] { timer_expired(); }) {
  bus.apics_.push_back(this);
}

LocalApic::~LocalApic() {
  if (bus_ != nullptr) std::erase(bus_->apics_, this);
}

void LocalApic::clear_registers() {
  stop_timer();
  tpr_ = ldr_ = esr_ = pending_errors_ = 0;
  dfr_ = ~0u;
  svr_ = 0xff;
  icr_ = 0;
  lvt_.fill(kLvtMasked);
  irr_.clear_all();
  isr_.clear_all();
  tmr_.clear_all();
  timer_divide_ = 0;
  timer_start_ = 0;
  external_pending_ = false;
}

void LocalApic::reset() {
  clear_registers();
  lint_.fill(false);
  base_ = kBaseAddress | kBaseEnable | (id_ == 0 ? kBaseBsp : 0);
  if (bus_ != nullptr) bus_->place_pages();
  if (is_bsp()) lvt_[kLint0] = static_cast<u32>(DeliveryMode::ExtInt) << 8;
  requested_ = false;
  update();
}

void LocalApic::init_reset() {
  clear_registers();
  if (is_bsp()) lvt_[kLint0] = static_cast<u32>(DeliveryMode::ExtInt) << 8;
  update();
}

u8 LocalApic::processor_priority() const {
  const int in_service = isr_.highest();
  const u32 service_class = in_service < 0 ? 0 : static_cast<u32>(in_service) & 0xf0;
  return static_cast<u8>((tpr_ & 0xf0) >= service_class ? tpr_ : service_class);
}

unsigned LocalApic::arbitration_priority() const {
  const int pending = irr_.highest();
  return std::max<unsigned>(processor_priority(), pending < 0 ? 0 : static_cast<unsigned>(pending));
}

bool LocalApic::pic_deliverable() const {
  if (external_pending_) return true;
  if (!lint_[0]) return false;
  if (!enabled()) return true;  // the pin is the processor's INTR
  const u32 entry = lvt_[kLint0];
  return (entry & kLvtMasked) == 0 && lvt_delivery_mode(entry) == DeliveryMode::ExtInt;
}

bool LocalApic::has_interrupt() const {
  if (mirror_) return lint_[0];
  if (enabled()) {
    const int pending = irr_.highest();
    if (pending >= 0 && (pending & 0xf0) > (processor_priority() & 0xf0)) return true;
  }
  return pic_deliverable();
}

int LocalApic::acknowledge() {
  if (mirror_) return lint_[0] ? kPicInterrupt : kNone;
  int result = kNone;
  const int pending = enabled() ? irr_.highest() : -1;
  if (pending >= 0 && (pending & 0xf0) > (processor_priority() & 0xf0)) {
    irr_.clear(static_cast<u8>(pending));
    isr_.set(static_cast<u8>(pending));
    result = pending;
  } else if (pic_deliverable()) {
    external_pending_ = false;
    result = kPicInterrupt;
  }
  update();
  return result;
}

void LocalApic::update() {
  const bool wanted = has_interrupt();
  if (wanted == requested_) return;
  requested_ = wanted;
  if (wanted)
    cpu_.raise(kRequestHard);
  else
    cpu_.clear(kRequestHard);
}

void LocalApic::end_of_interrupt() {
  const int vector = isr_.highest();
  if (vector < 0) return;
  isr_.clear(static_cast<u8>(vector));
  if (tmr_.test(static_cast<u8>(vector))) bus_->broadcast_eoi(static_cast<u8>(vector));
  update();
}

void LocalApic::raise_vector(u8 vector, bool level) {
  irr_.set(vector);
  if (level)
    tmr_.set(vector);
  else
    tmr_.clear(vector);
  update();
}

// [SDM 3A "Determining IPI Destination"]
bool LocalApic::matches(const InterruptMessage& m) const {
  if (!enabled()) return false;
  if (!m.logical) return m.destination == id_ || m.destination == 0xff || m.destination == ~0u;
  if (x2apic()) {
    const u32 logical = ((id_ >> 4) << 16) | (1u << (id_ & 15));
    if (m.destination == ~0u) return true;
    return m.destination >> 16 == logical >> 16 && (m.destination & logical & 0xffff) != 0;
  }
  if (m.destination == 0xff) return true;
  const u32 logical = ldr_ >> 24;
  if (dfr_ >> 28 == 0xf) return (m.destination & logical) != 0;
  return ((m.destination ^ logical) & 0xf0) == 0 && (m.destination & logical & 0xf) != 0;
}

void LocalApic::accept(const InterruptMessage& m) {
  switch (m.mode) {
    case DeliveryMode::Fixed:
    case DeliveryMode::LowestPriority:
      if (!software_enabled()) return;
      if (m.vector < 16) return report_error(kIllegalReceivedVector);
      return raise_vector(m.vector, m.level_triggered);
    case DeliveryMode::Nmi:
      return cpu_.raise_nmi();
    case DeliveryMode::Init:
      return cpu_.raise(kRequestInit);
    case DeliveryMode::Startup:
      cpu_.set_sipi_vector(m.vector);
      return cpu_.raise(kRequestSipi);
    case DeliveryMode::ExtInt:
      external_pending_ = true;
      return update();
    case DeliveryMode::Smi:
      return;  // there is no system management mode
  }
}

void LocalApic::set_lint(unsigned pin, bool level) {
  if (pin >= lint_.size()) return;
  const bool rising = level && !lint_[pin];
  lint_[pin] = level;
  if (mirror_) {
    if (rising && pin == 1) cpu_.raise_nmi();
    return update();
  }
  const Lvt which = pin == 0 ? kLint0 : kLint1;
  if (rising && enabled() && (lvt_[which] & kLvtMasked) == 0) deliver_local(which);
  if (rising && !enabled() && pin == 1) cpu_.raise_nmi();
  update();
}

bool LocalApic::lint1_delivers_nmi() const {
  const u32 entry = lvt_[kLint1];
  return !enabled() || ((entry & kLvtMasked) == 0 && lvt_delivery_mode(entry) == DeliveryMode::Nmi);
}

// An event of a local source, whose LVT entry is not masked.
void LocalApic::deliver_local(Lvt which) {
  const u32 entry = lvt_[which];
  const u8 vector = static_cast<u8>(entry);
  // The timer's and the error's entries have no delivery mode: theirs is fixed.
  const DeliveryMode mode =
      which == kTimer || which == kError ? DeliveryMode::Fixed : lvt_delivery_mode(entry);
  switch (mode) {
    case DeliveryMode::Fixed:
      if (vector < 16) return which == kError ? void() : report_error(kIllegalReceivedVector);
      return raise_vector(vector, false);
    case DeliveryMode::Nmi:
      return cpu_.raise_nmi();
    case DeliveryMode::Init:
      return cpu_.raise(kRequestInit);
    default:
      return;  // ExtINT follows the level of the pin
  }
}

void LocalApic::report_error(u32 bits) {
  const bool news = (pending_errors_ & bits) != bits;
  pending_errors_ |= bits;
  if (news && (lvt_[kError] & kLvtMasked) == 0) deliver_local(kError);
}

void LocalApic::set_task_priority_class(u8 value) {
  tpr_ = static_cast<u32>(value & 0xf) << 4;
  update();
}

u64 LocalApic::page_address() const { return base_ & kPageMask; }

bool LocalApic::set_base(u64 value) {
  const u64 address_bits = ((u64{1} << cpu_.physical_address_bits()) - 1) & kPageMask;
  const u64 known =
      address_bits | kBaseBsp | kBaseEnable | (cpu_.features().x2apic ? kBaseX2apic : 0);
  if ((value & ~known) != 0) return false;
  const bool to_enabled = (value & kBaseEnable) != 0, to_x2apic = (value & kBaseX2apic) != 0;
  // [SDM 3A "x2APIC State Transitions"]
  if (to_x2apic && !to_enabled) return false;
  if (x2apic() && to_enabled && !to_x2apic) return false;
  if (!enabled() && to_x2apic) return false;
  const bool disabled = enabled() && !to_enabled;
  base_ = value;
  if (disabled) clear_registers();
  if (bus_ != nullptr) bus_->place_pages();
  update();
  return true;
}

}  // namespace backplane::x86

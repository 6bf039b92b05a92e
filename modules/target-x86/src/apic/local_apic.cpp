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

std::span<const StateMember> LocalApic::VectorSet::members() {
  static const StateMember kMembers[] = {
      member<&VectorSet::words_>("words"),
  };
  return kMembers;
}

std::span<const StateMember> LocalApic::State::members() {
  static const StateMember kMembers[] = {
      member<&State::base>("base"),
      member<&State::tpr>("tpr"),
      member<&State::ldr>("ldr"),
      member<&State::dfr>("dfr"),
      member<&State::svr>("svr"),
      member<&State::esr>("esr"),
      member<&State::pending_errors>("pending_errors"),
      member<&State::icr>("icr"),
      member<&State::lvt>("lvt"),
      member<&State::lint>("lint"),
      member<&State::irr>("irr"),
      member<&State::isr>("isr"),
      member<&State::tmr>("tmr"),
      member<&State::timer_initial>("timer_initial"),
      member<&State::timer_divide>("timer_divide"),
      member<&State::timer_counts>("timer_counts"),
      member<&State::timer_start>("timer_start", kTime),
      member<&State::tsc_deadline>("tsc_deadline"),
      member<&State::external_pending>("external_pending"),
      member<&State::requested>("requested"),
  };
  return kMembers;
}

std::span<const StateMember> LocalApic::members() {
  static const StateMember kMembers[] = {
      member<&LocalApic::state_>("state"),
      member<&LocalApic::timer_>("timer"),
  };
  return kMembers;
}

// All but what INIT leaves alone.
void LocalApic::clear_registers() {
  timer_.cancel();
  state_ = {.base = state_.base, .lint = state_.lint, .requested = state_.requested};
}

void LocalApic::loaded(u64 tsc) {
  const u64 mode = state_.base & (kBaseEnable | kBaseX2apic);
  if (mode == kBaseX2apic || page_address() >> cpu_.physical_address_bits() != 0)
    throw Error::of("apic: base={:#x}: none that a local APIC can have", state_.base);
  if (state_.timer_counts && state_.timer_initial == 0)
    throw Error("apic: the timer counts, and has no initial count");
  bus_->place_pages();
  state_.requested = (cpu_.interrupt_request() & kRequestHard) != 0;
  update();
  load_timer(tsc);
}

void LocalApic::reset() {
  clear_registers();
  state_ = {.base = kBaseAddress | kBaseEnable | (id_ == 0 ? kBaseBsp : 0)};
  if (bus_ != nullptr) bus_->place_pages();
  if (is_bsp()) state_.lvt[kLint0] = static_cast<u32>(DeliveryMode::ExtInt) << 8;
  update();
}

void LocalApic::init_reset() {
  clear_registers();
  if (is_bsp()) state_.lvt[kLint0] = static_cast<u32>(DeliveryMode::ExtInt) << 8;
  update();
}

u8 LocalApic::processor_priority() const {
  const int in_service = state_.isr.highest();
  const u32 service_class = in_service < 0 ? 0 : static_cast<u32>(in_service) & 0xf0;
  return static_cast<u8>((state_.tpr & 0xf0) >= service_class ? state_.tpr : service_class);
}

unsigned LocalApic::arbitration_priority() const {
  const int pending = state_.irr.highest();
  return std::max<unsigned>(processor_priority(), pending < 0 ? 0 : static_cast<unsigned>(pending));
}

bool LocalApic::pic_deliverable() const {
  if (state_.external_pending) return true;
  if (!state_.lint[0]) return false;
  if (!enabled()) return true;  // the pin is the processor's INTR
  const u32 entry = state_.lvt[kLint0];
  return (entry & kLvtMasked) == 0 && lvt_delivery_mode(entry) == DeliveryMode::ExtInt;
}

bool LocalApic::has_interrupt() const {
  if (mirror_) return state_.lint[0];
  if (enabled()) {
    const int pending = state_.irr.highest();
    if (pending >= 0 && (pending & 0xf0) > (processor_priority() & 0xf0)) return true;
  }
  return pic_deliverable();
}

int LocalApic::acknowledge() {
  if (mirror_) return state_.lint[0] ? kPicInterrupt : kNone;
  int result = kNone;
  const int pending = enabled() ? state_.irr.highest() : -1;
  if (pending >= 0 && (pending & 0xf0) > (processor_priority() & 0xf0)) {
    state_.irr.clear(static_cast<u8>(pending));
    state_.isr.set(static_cast<u8>(pending));
    result = pending;
  } else if (pic_deliverable()) {
    state_.external_pending = false;
    result = kPicInterrupt;
  }
  update();
  return result;
}

void LocalApic::update() {
  const bool wanted = has_interrupt();
  if (wanted == state_.requested) return;
  state_.requested = wanted;
  if (wanted)
    cpu_.raise(kRequestHard);
  else
    cpu_.clear(kRequestHard);
}

void LocalApic::end_of_interrupt() {
  const int vector = state_.isr.highest();
  if (vector < 0) return;
  state_.isr.clear(static_cast<u8>(vector));
  if (state_.tmr.test(static_cast<u8>(vector))) bus_->broadcast_eoi(static_cast<u8>(vector));
  update();
}

void LocalApic::raise_vector(u8 vector, bool level) {
  state_.irr.set(vector);
  if (level)
    state_.tmr.set(vector);
  else
    state_.tmr.clear(vector);
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
  const u32 logical = state_.ldr >> 24;
  if (state_.dfr >> 28 == 0xf) return (m.destination & logical) != 0;
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
      state_.external_pending = true;
      return update();
    case DeliveryMode::Smi:
      return;  // there is no system management mode
  }
}

void LocalApic::set_lint(unsigned pin, bool level) {
  if (pin >= state_.lint.size()) return;
  const bool rising = level && !state_.lint[pin];
  state_.lint[pin] = level;
  if (mirror_) {
    if (rising && pin == 1) cpu_.raise_nmi();
    return update();
  }
  const Lvt which = pin == 0 ? kLint0 : kLint1;
  if (rising && enabled() && (state_.lvt[which] & kLvtMasked) == 0) deliver_local(which);
  if (rising && !enabled() && pin == 1) cpu_.raise_nmi();
  update();
}

bool LocalApic::lint1_delivers_nmi() const {
  const u32 entry = state_.lvt[kLint1];
  return !enabled() || ((entry & kLvtMasked) == 0 && lvt_delivery_mode(entry) == DeliveryMode::Nmi);
}

// An event of a local source, whose LVT entry is not masked.
void LocalApic::deliver_local(Lvt which) {
  const u32 entry = state_.lvt[which];
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
  const bool news = (state_.pending_errors & bits) != bits;
  state_.pending_errors |= bits;
  if (news && (state_.lvt[kError] & kLvtMasked) == 0) deliver_local(kError);
}

void LocalApic::set_task_priority_class(u8 value) {
  state_.tpr = static_cast<u32>(value & 0xf) << 4;
  update();
}

u64 LocalApic::page_address() const { return state_.base & kPageMask; }

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
  state_.base = value;
  if (disabled) clear_registers();
  if (bus_ != nullptr) bus_->place_pages();
  update();
  return true;
}

}  // namespace backplane::x86

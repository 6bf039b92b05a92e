// SPDX-License-Identifier: MIT
#include "interrupts/ioapic.h"

namespace backplane::pc {

namespace {

// Windows into the indirect registers.
constexpr u64 kSelect = 0x00, kWindow = 0x10, kEoi = 0x40;
// Indirect registers.
constexpr u8 kId = 0x00, kVersion = 0x01, kArbitration = 0x02, kTable = 0x10;
// Version 20h is the first with an EOI register.
constexpr u32 kVersionValue = ((IoApic::kInputs - 1) << 16) | 0x20;

// Redirection table entry.
constexpr u64 kVectorMask = 0xff, kLogical = 1u << 11, kStatus = 1u << 12, kRemoteIrr = 1u << 14,
              kLevel = 1u << 15;
constexpr u64 kWritable = 0xff00'0000'0001'ffff & ~(kStatus | kRemoteIrr);

constexpr bool has(u64 entry, u64 flag) { return (entry & flag) != 0; }

}  // namespace

std::span<const StateMember> IoApic::State::members() {
  static const StateMember kMembers[] = {
      member<&State::select>("select"),
      member<&State::id>("id"),
      member<&State::levels>("levels"),
      member<&State::entries>("entries"),
  };
  return kMembers;
}

std::span<const StateMember> IoApic::members() {
  static const StateMember kMembers[] = {
      member<&IoApic::state_>("state"),
  };
  return kMembers;
}

void IoApic::reset() {
  state_ = {.levels = state_.levels};
  report_change();
}

x86::IoApicRegisters IoApic::registers() const {
  return {
      .select = state_.select, .id = state_.id, .levels = state_.levels, .entries = state_.entries};
}

void IoApic::set_registers(const x86::IoApicRegisters& r) {
  state_ = {.select = r.select, .id = r.id, .levels = r.levels, .entries = r.entries};
}

void IoApic::set_irq(unsigned input, bool level) {
  if (input >= kInputs) return;
  const u32 mask = 1u << input;
  const bool rising = level && (state_.levels & mask) == 0;
  state_.levels = level ? state_.levels | mask : state_.levels & ~mask;
  const u64 entry = state_.entries[input];
  if (has(entry, kLevel))
    serve_level(input);
  else if (rising && !has(entry, kMasked))  // an edge on a masked input is lost
    send(input);
}

void IoApic::serve_level(unsigned input) {
  u64& entry = state_.entries[input];
  if ((state_.levels >> input & 1) == 0 || has(entry, kMasked) || has(entry, kRemoteIrr)) return;
  entry |= kRemoteIrr;
  send(input);
}

namespace {

IoApic::Message message_of(u64 entry) {
  // Vector and delivery mode have the same place in both; level-triggered ones are asserted.
  return {.address = 0xfee00000 | (entry >> 56) << 12 | (has(entry, kLogical) ? 4 : 0),
          .data = static_cast<u32>(entry & 0x7ff) | (has(entry, kLevel) ? 0xc000 : 0)};
}

}  // namespace

void IoApic::send(unsigned input) {
  ++counts_[input];
  deliver_(message_of(state_.entries[input]));
}

std::optional<IoApic::Message> IoApic::message(unsigned input) const {
  const u64 entry = state_.entries[input];
  if (has(entry, kMasked)) return std::nullopt;
  return message_of(entry);
}

void IoApic::end_of_interrupt(u8 vector) {
  for (unsigned input = 0; input < kInputs; ++input) {
    u64& entry = state_.entries[input];
    if (!has(entry, kLevel) || !has(entry, kRemoteIrr) || (entry & kVectorMask) != vector) continue;
    entry &= ~kRemoteIrr;
    serve_level(input);
  }
}

void IoApic::end_of_interrupts_but(const std::function<bool(u8 vector)>& unfinished) {
  for (const u64 entry : std::array(state_.entries)) {
    const auto vector = static_cast<u8>(entry & kVectorMask);
    if (has(entry, kLevel) && has(entry, kRemoteIrr) && !unfinished(vector))
      end_of_interrupt(vector);
  }
}

std::optional<u8> IoApic::edge_vector(unsigned input) const {
  const u64 entry = state_.entries[input];
  if (has(entry, kMasked) || has(entry, kLevel)) return std::nullopt;
  return static_cast<u8>(entry & kVectorMask);
}

u32 IoApic::read_register(u8 index) const {
  switch (index) {
    case kId:
    case kArbitration:
      return static_cast<u32>(state_.id) << 24;
    case kVersion:
      return kVersionValue;
    default:
      break;
  }
  const unsigned input = (index - kTable) / 2u;
  if (index < kTable || input >= kInputs) return 0;
  return static_cast<u32>(state_.entries[input] >> ((index & 1) != 0 ? 32 : 0));
}

void IoApic::write_register(u8 index, u32 value) {
  if (index == kId) {
    state_.id = (value >> 24) & 0xf;
    return;
  }
  const unsigned input = (index - kTable) / 2u;
  if (index < kTable || input >= kInputs)
    return guest_errors_("ioapic: a write to register {:#x}, which cannot be written", index);
  write_entry(input, index & 1, value);
}

void IoApic::write_entry(unsigned input, unsigned half, u32 value) {
  u64& entry = state_.entries[input];
  const unsigned shift = half * 32;
  const u64 writable = kWritable & (u64{0xffffffff} << shift);
  entry = (entry & ~writable) | ((u64{value} << shift) & writable);
  report_change();
  if (has(entry, kLevel))
    serve_level(input);
  else
    entry &= ~kRemoteIrr;  // has no meaning for an edge
}

u64 IoApic::read(u64 offset, unsigned /*size*/) {
  switch (offset) {
    case kSelect:
      return state_.select;
    case kWindow:
      return read_register(state_.select);
    default:
      return 0;
  }
}

void IoApic::write(u64 offset, u64 value, unsigned /*size*/) {
  switch (offset) {
    case kSelect:
      state_.select = static_cast<u8>(value);
      break;
    case kWindow:
      write_register(state_.select, static_cast<u32>(value));
      break;
    case kEoi:
      end_of_interrupt(static_cast<u8>(value));
      break;
    default:
      break;
  }
}

Value IoApic::describe() const {
  Value::List pins;
  for (unsigned input = 0; input < kInputs; ++input) {
    const u64 entry = state_.entries[input];
    if (has(entry, kMasked) && counts_[input] == 0) continue;
    pins.push_back(Value::Record{{"pin", input},
                                 {"vector", entry & kVectorMask},
                                 {"level-triggered", has(entry, kLevel)},
                                 {"masked", has(entry, kMasked)},
                                 {"logical", has(entry, kLogical)},
                                 {"destination", entry >> 56},
                                 {"remote-irr", has(entry, kRemoteIrr)},
                                 {"count", counts_[input]}});
  }
  return Value::Record{{"id", state_.id}, {"inputs", state_.levels}, {"pins", std::move(pins)}};
}

}  // namespace backplane::pc

// SPDX-License-Identifier: MIT
#include "vcpu/state.h"

#include "vcpu/fpu_state.h"

namespace backplane::whpx {
namespace {

using x86::Segment;
using x86::X86State;

struct Scalar {
  WHV_REGISTER_NAME name;
  u64 X86State::*field;
};
constexpr Scalar kScalars[] = {
    {WHvX64RegisterRip, &X86State::rip},
    {WHvX64RegisterRflags, &X86State::rflags},
    {WHvX64RegisterCr0, &X86State::cr0},
    {WHvX64RegisterCr2, &X86State::cr2},
    {WHvX64RegisterCr3, &X86State::cr3},
    {WHvX64RegisterCr4, &X86State::cr4},
    {WHvX64RegisterEfer, &X86State::efer},
    {WHvX64RegisterKernelGsBase, &X86State::kernel_gs_base},
    {WHvX64RegisterSysenterCs, &X86State::sysenter_cs},
    {WHvX64RegisterSysenterEip, &X86State::sysenter_eip},
    {WHvX64RegisterSysenterEsp, &X86State::sysenter_esp},
    {WHvX64RegisterStar, &X86State::star},
    {WHvX64RegisterLstar, &X86State::lstar},
    {WHvX64RegisterCstar, &X86State::cstar},
    {WHvX64RegisterSfmask, &X86State::sfmask},
};
constexpr Scalar kOptionalScalars[] = {
    {WHvX64RegisterPat, &X86State::pat},
    {WHvX64RegisterTscAux, &X86State::tsc_aux},
};
constexpr Scalar kXcr0{WHvX64RegisterXCr0, &X86State::xcr0};

const Scalar* find_scalar(WHV_REGISTER_NAME name) {
  for (const Scalar& scalar : kScalars)
    if (scalar.name == name) return &scalar;
  for (const Scalar& scalar : kOptionalScalars)
    if (scalar.name == name) return &scalar;
  return name == kXcr0.name ? &kXcr0 : nullptr;
}

struct DebugRegister {
  WHV_REGISTER_NAME name;
  unsigned number;
};
constexpr DebugRegister kDebugRegisters[] = {
    {WHvX64RegisterDr0, 0}, {WHvX64RegisterDr1, 1}, {WHvX64RegisterDr2, 2},
    {WHvX64RegisterDr3, 3}, {WHvX64RegisterDr6, 6}, {WHvX64RegisterDr7, 7},
};

bool is_between(WHV_REGISTER_NAME name, WHV_REGISTER_NAME first, WHV_REGISTER_NAME last) {
  return name >= first && name <= last;
}

// A state's 64-bit register, or null: one type for reading and one for writing.
template <class State>
auto* find_word(WHV_REGISTER_NAME name, State& state) {
  using Word = std::remove_reference_t<decltype((state.rip))>;
  if (is_between(name, WHvX64RegisterRax, WHvX64RegisterR15))
    return &state.gpr[name - WHvX64RegisterRax];
  if (const Scalar* scalar = find_scalar(name)) return &(state.*(scalar->field));
  for (const DebugRegister& debug : kDebugRegisters)
    if (debug.name == name) return &state.dr[debug.number];
  return static_cast<Word*>(nullptr);
}

template <class State>
auto* find_segment(WHV_REGISTER_NAME name, State& state) {
  using Register = std::remove_reference_t<decltype((state.tr))>;
  if (is_between(name, WHvX64RegisterEs, WHvX64RegisterGs))
    return &state.seg[name - WHvX64RegisterEs];
  if (name == WHvX64RegisterLdtr) return &state.ldtr;
  if (name == WHvX64RegisterTr) return &state.tr;
  return static_cast<Register*>(nullptr);
}

template <class State>
auto* find_table(WHV_REGISTER_NAME name, State& state) {
  using Register = std::remove_reference_t<decltype((state.gdtr))>;
  if (name == WHvX64RegisterGdtr) return &state.gdtr;
  if (name == WHvX64RegisterIdtr) return &state.idtr;
  return static_cast<Register*>(nullptr);
}

void add_range(std::vector<WHV_REGISTER_NAME>& names, WHV_REGISTER_NAME first,
               WHV_REGISTER_NAME last) {
  for (u32 name = first; name <= last; ++name)
    names.push_back(static_cast<WHV_REGISTER_NAME>(name));
}

}  // namespace

std::vector<WHV_REGISTER_NAME> state_registers() {
  std::vector<WHV_REGISTER_NAME> names;
  add_range(names, WHvX64RegisterRax, WHvX64RegisterR15);
  add_range(names, WHvX64RegisterEs, WHvX64RegisterGdtr);
  for (const Scalar& scalar : kScalars) names.push_back(scalar.name);
  add_range(names, WHvX64RegisterXmm0, WHvX64RegisterXmmControlStatus);
  return names;
}

std::vector<WHV_REGISTER_NAME> optional_state_registers(bool has_xsave) {
  std::vector<WHV_REGISTER_NAME> names;
  for (const Scalar& scalar : kOptionalScalars) names.push_back(scalar.name);
  for (const DebugRegister& debug : kDebugRegisters) names.push_back(debug.name);
  if (has_xsave) names.push_back(kXcr0.name);
  names.push_back(WHvRegisterInterruptState);
  return names;
}

void from_platform(WHV_REGISTER_NAME name, const WHV_REGISTER_VALUE& from, X86State& to) {
  if (u64* const word = find_word(name, to)) {
    *word = from.Reg64;
  } else if (Segment* const segment = find_segment(name, to)) {
    *segment = {.selector = from.Segment.Selector,
                .attributes = from.Segment.Attributes,
                .limit = from.Segment.Limit,
                .base = from.Segment.Base};
  } else if (x86::DescriptorTable* const table = find_table(name, to)) {
    *table = {.limit = from.Table.Limit, .base = from.Table.Base};
  } else if (name == WHvRegisterInterruptState) {
    to.interrupt_shadow = from.InterruptState.InterruptShadow;
    to.nmi_blocked = from.InterruptState.NmiMasked;
  } else {
    fpu_from_platform(name, from, to);
  }
}

WHV_REGISTER_VALUE to_platform(WHV_REGISTER_NAME name, const X86State& from) {
  WHV_REGISTER_VALUE to{};
  if (const u64* const word = find_word(name, from)) {
    to.Reg64 = *word;
  } else if (const Segment* const segment = find_segment(name, from)) {
    to.Segment = {.Base = segment->base,
                  .Limit = segment->limit,
                  .Selector = segment->selector,
                  .Attributes = segment->attributes};
  } else if (const x86::DescriptorTable* const table = find_table(name, from)) {
    to.Table = {.Pad = {}, .Limit = table->limit, .Base = table->base};
  } else if (name == WHvRegisterInterruptState) {
    to.InterruptState.InterruptShadow = from.interrupt_shadow != 0 ? 1 : 0;
    to.InterruptState.NmiMasked = from.nmi_blocked != 0 ? 1 : 0;
  } else {
    fpu_to_platform(name, from, to);
  }
  return to;
}

}  // namespace backplane::whpx

// SPDX-License-Identifier: MIT
// Instructions that most blocks have many of, as bytes: encoding them one by one is what
// translating takes most of its time for. [SDM 2A "Instruction Format"]
#include "emit/assembler.h"

namespace backplane::tcg {

namespace {

static_assert(kT0 == 10 && kT1 == 11 && kT2 == 14 && kState == 4, "as they are encoded below");

constexpr unsigned kRexW = 0x48, kRexR = 4, kRexX = 2, kRexB = 1;

// ModRM and SIB of [RSP + displacement].
void add_state_field(CodeBytes& code, unsigned reg, i32 displacement) {
  const bool small = displacement >= -128 && displacement < 128;
  const unsigned mod = displacement == 0 ? 0x00 : small ? 0x40 : 0x80;
  code.add(mod | (reg & 7) << 3 | 4, 0x24);
  if (mod == 0x40)
    code.add(displacement);
  else if (mod == 0x80)
    code.add32(static_cast<u32>(displacement));
}

// An instruction of a pointer and [RSP + T1 + displacement].
void add_with_place_at_t1(CodeBytes& code, u8 opcode, u8 pointer, i32 displacement) {
  code.add(kRexW | kRexR | kRexX, opcode, 0x84 | (pointer & 7) << 3, 0x1c);
  code.add32(static_cast<u32>(displacement));
}

}  // namespace

void Assembler::load_field(u8 reg, i32 displacement) {
  CodeBytes code;
  code.add(kRexW | (reg >= 8 ? kRexR : 0), 0x8b);
  add_state_field(code, reg, displacement);
  put(code);
}

void Assembler::store_field(i32 displacement, u8 reg) {
  CodeBytes code;
  code.add(kRexW | (reg >= 8 ? kRexR : 0), 0x89);
  add_state_field(code, reg, displacement);
  put(code);
}

void Assembler::load_t1(u32 value) {
  CodeBytes code;
  code.add(0x41, 0xbb);
  code.add32(value);
  put(code);
}

void Assembler::compare_field32_with_zero(i32 displacement) {
  CodeBytes code;
  code.add(0x83);
  add_state_field(code, 7, displacement);
  code.add(0);
  put(code);
}

void Assembler::look_up_tag(const TagLookup& lookup) {
  const unsigned pointer = lookup.pointer & 7u;
  CodeBytes code;
  code.add(0xc4, 0x43, 0xfb, 0xf0, 0xd8 | pointer, lookup.rotated);
  code.add(0x41, 0x81, 0xe3);
  code.add32(lookup.mask);
  add_with_place_at_t1(code, 0x33, lookup.pointer, lookup.tag);
  code.add(kRexW | kRexB, 0x81, 0xf8 | pointer);
  code.add32(lookup.limit);
  put(code);
}

void Assembler::add_at_t1(u8 pointer, i32 displacement) {
  CodeBytes code;
  add_with_place_at_t1(code, 0x03, pointer, displacement);
  put(code);
}

void Assembler::xor_at_t1(u8 pointer, i32 displacement) {
  CodeBytes code;
  add_with_place_at_t1(code, 0x33, pointer, displacement);
  put(code);
}

void Assembler::store_flags(i32 displacement) {
  CodeBytes code;
  code.add(0x49, 0x89, 0xc3);  // MOV T1, RAX
  code.add(0x9f);              // LAHF
  code.add(0x0f, 0x90, 0xc0);  // SETO AL
  code.add(0x66, 0x89);        // MOV [state], AX
  add_state_field(code, 0, displacement);
  code.add(0x4c, 0x89, 0xd8);  // MOV RAX, T1
  put(code);
}

}  // namespace backplane::tcg

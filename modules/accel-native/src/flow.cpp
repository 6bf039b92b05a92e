// SPDX-License-Identifier: MIT
// [SDM 2 "Opcode Map", "Opcode Extensions"]
#include "flow.h"

#include <algorithm>
#include <cstring>

namespace backplane::native {
namespace {

constexpr u8 kOverrideEs = 0x26, kOverrideSs = 0x36, kAddressSize = 0x67;

// The last one or four bytes are the distance.
Flow may_jump(std::span<const u8> instruction, std::size_t size) {
  if (instruction.size() < size) return {Flow::GoesOn};
  const u8* const from = instruction.data() + instruction.size() - size;
  i32 distance = 0;
  if (size == sizeof distance)
    std::memcpy(&distance, from, sizeof distance);
  else
    distance = static_cast<i8>(*from);
  return {Flow::MayJump, distance};
}

Flow flow_of_two_bytes(std::span<const u8> opcode) {
  const u8 second = opcode.size() > 1 ? opcode[1] : u8{0};
  if ((second & 0xf0) == 0x80) return may_jump(opcode, sizeof(i32));
  switch (second) {
    case 0x05:  // SYSCALL
    case 0x0b:  // UD2, UD1, UD0
    case 0xb9:
    case 0xff:
    case 0x34:  // SYSENTER
      return {Flow::Leaves};
    case 0x06:  // CLTS, SYSRET, INVD, WBINVD
    case 0x07:
    case 0x08:
    case 0x09:
    case 0x20:  // MOV CR, MOV DR
    case 0x21:
    case 0x22:
    case 0x23:
    case 0x30:  // WRMSR, RDMSR
    case 0x32:
      return {Flow::Odd};
    default:
      return {Flow::GoesOn};
  }
}

// MOV of AL or RAX, with an address of eight bytes.
Flow flow_of_absolute_move(std::span<const u8> opcode) {
  u64 address = 0;
  if (opcode.size() != 1 + sizeof address) return {Flow::GoesOn};
  std::memcpy(&address, opcode.data() + 1, sizeof address);
  const u64 sign = address >> 47;
  return {sign == 0 || sign == 0x1ffff ? Flow::GoesOn : Flow::Odd};
}

// From the opcode on. Ports may have been opened to a program.
Flow flow_behind_prefixes(std::span<const u8> opcode) {
  const u8 modrm = opcode.size() > 1 ? opcode[1] : u8{0};
  const unsigned reg = modrm >> 3 & 7;
  const auto odd_if = [](bool odd) { return Flow{odd ? Flow::Odd : Flow::GoesOn}; };
  switch (opcode[0]) {
    case 0x0f:
      return flow_of_two_bytes(opcode);
    case 0xc2:  // RET, RETF, IRET
    case 0xc3:
    case 0xca:
    case 0xcb:
    case 0xcf:
    case 0xcc:  // INT3, INT, INT1
    case 0xcd:
    case 0xf1:
    case 0xe8:  // CALL, JMP
    case 0xe9:
    case 0xeb:
      return {Flow::Leaves};
    case 0xe0:  // LOOPNE, LOOPE, LOOP, JRCXZ
    case 0xe1:
    case 0xe2:
    case 0xe3:
      return may_jump(opcode, 1);
    case 0xa0:
    case 0xa1:
    case 0xa2:
    case 0xa3:
      return flow_of_absolute_move(opcode);
    case 0xc4:  // VEX: which map
      return odd_if((modrm & 0x1f) - 1u >= 3);
    case 0xf4:  // HLT, CLI, STI
    case 0xfa:
    case 0xfb:
      return {Flow::Odd};
    case 0x8c:  // MOV of a segment register that there is not, MOV to CS and SS
      return odd_if(reg > 5);
    case 0x8e:
      return odd_if(reg == 1 || reg == 2 || reg > 5);
    case 0xc6:  // MOV; XABORT, XBEGIN
    case 0xc7:
      return odd_if(reg != 0 && modrm != 0xf8);
    case 0xfe:  // INC, DEC
      return odd_if(reg > 1);
    case 0xff:  // INC, DEC, CALL, JMP, PUSH
      return {reg == 7 ? Flow::Odd : reg < 2 || reg == 6 ? Flow::GoesOn : Flow::Leaves};
    default:
      return (opcode[0] & 0xf0) == 0x70 ? may_jump(opcode, 1) : Flow{Flow::GoesOn};
  }
}

// PUSH and POP of a register, XCHG with RAX, MOV of a constant to a register.
bool has_no_address(u8 opcode) {
  return (opcode & 0xf0) == 0x50 || (opcode > 0x90 && opcode < 0x98) || (opcode & 0xf0) == 0xb0;
}

}  // namespace

Flow flow_of(std::span<const u8> instruction) {
  const auto opcode = std::find_if_not(instruction.begin(), instruction.end(), is_prefix);
  if (opcode == instruction.end()) return {Flow::GoesOn};
  // Prefixes that mean nothing.
  for (auto prefix = instruction.begin(); prefix != opcode; ++prefix) {
    if (*prefix == kOverrideEs || *prefix == kOverrideSs) return {Flow::Odd};
    if (*prefix == kAddressSize && has_no_address(*opcode)) return {Flow::Odd};
  }
  // ADD [RAX], AL, which is two of the zeros that lie in tables.
  if (opcode[0] == 0 && instruction.size() == 2 && opcode[1] == 0) return {Flow::Odd};
  return flow_behind_prefixes({opcode, instruction.end()});
}

bool is_prefix(u8 byte) {
  switch (byte) {
    case kOverrideEs:
    case 0x2e:
    case kOverrideSs:
    case 0x3e:
    case 0x64:
    case 0x65:
    case 0x66:
    case kAddressSize:
    case 0xf0:
    case 0xf2:
    case 0xf3:
      return true;
    default:
      return (byte & 0xf0) == 0x40;  // REX
  }
}

}  // namespace backplane::native

// SPDX-License-Identifier: MIT
#include "rewrite.h"

namespace backplane::x86::interpreter {
namespace {

constexpr u8 kMemoryRegister = 6;   // RSI in ModRM.rm with mod 0
constexpr u8 kGeneralRegister = 0;  // RAX

bool is_general(ZydisRegister reg) {
  switch (ZydisRegisterGetClass(reg)) {
    case ZYDIS_REGCLASS_GPR8:
    case ZYDIS_REGCLASS_GPR16:
    case ZYDIS_REGCLASS_GPR32:
    case ZYDIS_REGCLASS_GPR64:
      return true;
    default:
      return false;
  }
}

// Instructions whose VEX.W selects between 32- and 64-bit integers, and is ignored where there are
// no 64-bit ones.
bool has_integer_width(ZydisMnemonic mnemonic) {
  switch (mnemonic) {
    case ZYDIS_MNEMONIC_VCVTSI2SD:
    case ZYDIS_MNEMONIC_VCVTSI2SS:
    case ZYDIS_MNEMONIC_VCVTSD2SI:
    case ZYDIS_MNEMONIC_VCVTSS2SI:
    case ZYDIS_MNEMONIC_VCVTTSD2SI:
    case ZYDIS_MNEMONIC_VCVTTSS2SI:
    case ZYDIS_MNEMONIC_VMOVD:
    case ZYDIS_MNEMONIC_VPCMPESTRI:
    case ZYDIS_MNEMONIC_VPCMPESTRM:
    case ZYDIS_MNEMONIC_VPEXTRD:
    case ZYDIS_MNEMONIC_VPINSRD:
      return true;
    default:
      return false;
  }
}

bool is_kept_prefix(u8 prefix) { return prefix == 0x66 || prefix == 0xf2 || prefix == 0xf3; }

}  // namespace

int replaced_general_operand(const ZydisDecodedInstruction& z,
                             const ZydisDecodedOperand* operands) {
  for (int n = 0; n < z.operand_count; ++n) {
    const ZydisDecodedOperand& o = operands[n];
    if (o.type == ZYDIS_OPERAND_TYPE_REGISTER && is_general(o.reg.value) &&
        (o.encoding == ZYDIS_OPERAND_ENCODING_MODRM_REG ||
         o.encoding == ZYDIS_OPERAND_ENCODING_MODRM_RM))
      return n;
  }
  return -1;
}

std::vector<u8> rewrite_for_host(bool long_mode, const ZydisDecodedInstruction& z,
                                 const ZydisDecodedOperand* operands, const u8* bytes) {
  const bool has_modrm = (z.attributes & ZYDIS_ATTRIB_HAS_MODRM) != 0;
  const int general = replaced_general_operand(z, operands);
  const bool general_reg =
      general >= 0 && operands[general].encoding == ZYDIS_OPERAND_ENCODING_MODRM_REG;
  const bool general_rm = general >= 0 && !general_reg;
  const bool memory = has_modrm && z.raw.modrm.mod != 3;
  const bool vex = z.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX;

  std::vector<u8> out;
  unsigned at = 0;  // of the opcode in `bytes`
  if (vex) {
    // Always in the three-byte form: C4, R X B (inverted) and map, W and vvvv and L and pp.
    const u8* prefix = bytes + z.raw.vex.offset;
    const bool three_bytes = prefix[0] == 0xc4;
    u8 registers = three_bytes ? prefix[1] : static_cast<u8>((prefix[1] & 0x80) | 0x61);
    u8 rest = three_bytes ? prefix[2] : static_cast<u8>(prefix[1] & 0x7f);
    registers |= 0x40;
    if (memory || general_rm) registers |= 0x20;
    if (general_reg) registers |= 0x80;
    if (!long_mode) {  // the bits that select registers 8 to 15 and 64-bit operands do not exist
      registers |= 0xe0;
      rest |= 0x40;
      if (has_integer_width(z.mnemonic)) rest &= 0x7f;
    }
    out.insert(out.end(), {0xc4, registers, rest});
    at = z.raw.vex.offset + (three_bytes ? 3U : 2U);
  } else {
    for (unsigned n = 0; n < z.raw.prefix_count; ++n)
      if (is_kept_prefix(z.raw.prefixes[n].value)) out.push_back(z.raw.prefixes[n].value);
    u8 rex = 0;
    if ((z.attributes & ZYDIS_ATTRIB_HAS_REX) != 0) {
      if (z.raw.rex.W != 0) rex |= 8;
      if (z.raw.rex.R != 0 && !general_reg) rex |= 4;
      if (z.raw.rex.B != 0 && !memory && !general_rm) rex |= 1;
    }
    if (rex != 0) out.push_back(0x40 | rex);
    at = z.raw.prefix_count;
  }
  if (!has_modrm) {
    out.insert(out.end(), bytes + at, bytes + z.length);
    return out;
  }

  out.insert(out.end(), bytes + at, bytes + z.raw.modrm.offset);
  u8 modrm = bytes[z.raw.modrm.offset];
  if (general_reg) modrm = static_cast<u8>((modrm & 0xc7) | (kGeneralRegister << 3));
  if (general_rm) modrm = static_cast<u8>((modrm & 0xf8) | kGeneralRegister);
  if (memory) modrm = static_cast<u8>((modrm & 0x38) | kMemoryRegister);
  out.push_back(modrm);
  const bool sib = (z.attributes & ZYDIS_ATTRIB_HAS_SIB) != 0;
  const unsigned tail = z.raw.modrm.offset + 1U + (sib ? 1 : 0) + z.raw.disp.size / 8U;
  out.insert(out.end(), bytes + tail, bytes + z.length);
  for (unsigned n = 0; n < z.operand_count; ++n)  // a register number in the immediate
    if (!long_mode && operands[n].encoding == ZYDIS_OPERAND_ENCODING_IS4) out.back() &= 0x7f;
  return out;
}

}  // namespace backplane::x86::interpreter

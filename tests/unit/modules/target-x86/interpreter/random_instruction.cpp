// SPDX-License-Identifier: MIT
#include "random_instruction.h"

#include <set>

namespace backplane::x86::testing {
namespace {

// Integer instructions that user code can run, that do not branch, and that depend on nothing but
// registers and memory.
bool is_plain_integer(const ZydisDecodedInstruction& z) {
  static const std::set<ZydisMnemonic> kExcluded = {
      ZYDIS_MNEMONIC_CLI,    ZYDIS_MNEMONIC_STI,    ZYDIS_MNEMONIC_HLT,    ZYDIS_MNEMONIC_POPF,
      ZYDIS_MNEMONIC_POPFD,  ZYDIS_MNEMONIC_POPFQ,  ZYDIS_MNEMONIC_PUSHF,  ZYDIS_MNEMONIC_PUSHFQ,
      ZYDIS_MNEMONIC_PUSHFD, ZYDIS_MNEMONIC_STD,    ZYDIS_MNEMONIC_LDS,    ZYDIS_MNEMONIC_LES,
      ZYDIS_MNEMONIC_LFS,    ZYDIS_MNEMONIC_LGS,    ZYDIS_MNEMONIC_LSS,    ZYDIS_MNEMONIC_ENTER,
      ZYDIS_MNEMONIC_UD0,    ZYDIS_MNEMONIC_UD1,    ZYDIS_MNEMONIC_UD2,    ZYDIS_MNEMONIC_CPUID,
      ZYDIS_MNEMONIC_RDTSC,  ZYDIS_MNEMONIC_RDTSCP, ZYDIS_MNEMONIC_RDPMC,  ZYDIS_MNEMONIC_XGETBV,
      ZYDIS_MNEMONIC_ARPL,   ZYDIS_MNEMONIC_BOUND,  ZYDIS_MNEMONIC_WBINVD, ZYDIS_MNEMONIC_INVD};
  if (kExcluded.contains(z.mnemonic)) return false;
  if (z.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY &&
      z.encoding != ZYDIS_INSTRUCTION_ENCODING_VEX)
    return false;
  switch (z.meta.category) {
    case ZYDIS_CATEGORY_BINARY:
    case ZYDIS_CATEGORY_BITBYTE:
    case ZYDIS_CATEGORY_CMOV:
    case ZYDIS_CATEGORY_CONVERT:
    case ZYDIS_CATEGORY_DATAXFER:
    case ZYDIS_CATEGORY_DECIMAL:
    case ZYDIS_CATEGORY_FLAGOP:
    case ZYDIS_CATEGORY_LOGICAL:
    case ZYDIS_CATEGORY_LZCNT:
    case ZYDIS_CATEGORY_MISC:
    case ZYDIS_CATEGORY_NOP:
    case ZYDIS_CATEGORY_WIDENOP:
    case ZYDIS_CATEGORY_POP:
    case ZYDIS_CATEGORY_PUSH:
    case ZYDIS_CATEGORY_ROTATE:
    case ZYDIS_CATEGORY_SEMAPHORE:
    case ZYDIS_CATEGORY_SETCC:
    case ZYDIS_CATEGORY_SHIFT:
    case ZYDIS_CATEGORY_STRINGOP:
      break;
    case ZYDIS_CATEGORY_SSE:
      return z.mnemonic == ZYDIS_MNEMONIC_CRC32 || z.mnemonic == ZYDIS_MNEMONIC_POPCNT;
    case ZYDIS_CATEGORY_BMI1:
    case ZYDIS_CATEGORY_BMI2:
    case ZYDIS_CATEGORY_ADOX_ADCX:
      return true;
    default:
      return false;
  }
  switch (z.meta.isa_ext) {
    case ZYDIS_ISA_EXT_BASE:
    case ZYDIS_ISA_EXT_LONGMODE:
    case ZYDIS_ISA_EXT_LZCNT:
    case ZYDIS_ISA_EXT_BMI1:
    case ZYDIS_ISA_EXT_MOVBE:
      return true;
    default:
      return false;
  }
}

bool is_plain_vector(const ZydisDecodedInstruction& z) {
  // State images are compared elsewhere; these write x87 pointers or formats of their own.
  static const std::set<ZydisMnemonic> kExcluded = {
      ZYDIS_MNEMONIC_FXSAVE,    ZYDIS_MNEMONIC_FXSAVE64, ZYDIS_MNEMONIC_FXRSTOR,
      ZYDIS_MNEMONIC_FXRSTOR64, ZYDIS_MNEMONIC_FNSAVE,   ZYDIS_MNEMONIC_FNSTENV,
      ZYDIS_MNEMONIC_FRSTOR,    ZYDIS_MNEMONIC_FLDENV,   ZYDIS_MNEMONIC_LDMXCSR,
      ZYDIS_MNEMONIC_VLDMXCSR,  ZYDIS_MNEMONIC_CLFLUSH,  ZYDIS_MNEMONIC_FLDCW};
  if (kExcluded.contains(z.mnemonic)) return false;
  if (z.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY &&
      z.encoding != ZYDIS_INSTRUCTION_ENCODING_VEX)
    return false;
  switch (z.meta.isa_ext) {
    case ZYDIS_ISA_EXT_X87:
    case ZYDIS_ISA_EXT_MMX:
    case ZYDIS_ISA_EXT_SSE:
    case ZYDIS_ISA_EXT_SSE2:
    case ZYDIS_ISA_EXT_SSE3:
    case ZYDIS_ISA_EXT_SSSE3:
    case ZYDIS_ISA_EXT_SSE4:
    case ZYDIS_ISA_EXT_AES:
    case ZYDIS_ISA_EXT_PCLMULQDQ:
    case ZYDIS_ISA_EXT_SHA:
    case ZYDIS_ISA_EXT_GFNI:
    case ZYDIS_ISA_EXT_AVX:
    case ZYDIS_ISA_EXT_AVXAES:
    case ZYDIS_ISA_EXT_AVX2:
    case ZYDIS_ISA_EXT_AVX2GATHER:
    case ZYDIS_ISA_EXT_F16C:
    case ZYDIS_ISA_EXT_FMA:
    case ZYDIS_ISA_EXT_VAES:
    case ZYDIS_ISA_EXT_VPCLMULQDQ:
      return true;
    default:
      return false;
  }
}

bool touches_system_register(const ZydisDecodedOperand& o) {
  if (o.type != ZYDIS_OPERAND_TYPE_REGISTER) return false;
  switch (ZydisRegisterGetClass(o.reg.value)) {
    case ZYDIS_REGCLASS_CONTROL:
    case ZYDIS_REGCLASS_DEBUG:
    case ZYDIS_REGCLASS_TEST:
    case ZYDIS_REGCLASS_SEGMENT:
      return true;
    default:
      return false;
  }
}

int gpr_number(ZydisRegister reg) {
  switch (ZydisRegisterGetClass(reg)) {
    case ZYDIS_REGCLASS_GPR16:
    case ZYDIS_REGCLASS_GPR32:
    case ZYDIS_REGCLASS_GPR64:
      return ZydisRegisterGetId(reg);
    default:
      return -1;
  }
}

// By how much it shifts or rotates.
u64 shift_count(const RandomInstruction& i) {
  const ZydisDecodedOperand& last = i.operands[i.decoded.operand_count_visible - 1];
  const u64 raw =
      last.type == ZYDIS_OPERAND_TYPE_IMMEDIATE ? last.imm.value.u : i.registers.gpr[RCX];
  return raw & (i.operands[0].size == 64 ? 63 : 31);
}

// Difference::DoubleShiftBeyondOperand
bool has_undefined_result(const RandomInstruction& i) {
  const ZydisMnemonic mnemonic = i.decoded.mnemonic;
  return (mnemonic == ZYDIS_MNEMONIC_SHLD || mnemonic == ZYDIS_MNEMONIC_SHRD) &&
         shift_count(i) > i.operands[0].size;
}

// Flags that an instruction leaves undefined, beyond those that it always does: shifts by more
// than one leave OF, by more than the operand has bits CF.
u64 undefined_by_count(const RandomInstruction& i) {
  const ZydisDecodedInstruction& z = i.decoded;
  const bool shift = z.meta.category == ZYDIS_CATEGORY_SHIFT;
  if (!shift && z.meta.category != ZYDIS_CATEGORY_ROTATE) return 0;
  const unsigned size = i.operands[0].size;
  const u64 count = shift_count(i);
  u64 undefined = 0;
  if (count != 1) undefined |= kOF;
  if (shift && count != 0) undefined |= kAF;
  if (shift && count >= size) undefined |= kCF;
  return undefined;
}

}  // namespace

std::string RandomInstruction::text() const {
  ZydisFormatter formatter;
  ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
  char buffer[256];
  ZydisFormatterFormatInstruction(&formatter, &decoded, operands, decoded.operand_count_visible,
                                  buffer, sizeof buffer, 0, nullptr);
  std::string result = buffer;
  result += "  [";
  for (u8 b : bytes) {
    char hex[4];
    std::snprintf(hex, sizeof hex, "%02x ", b);
    result += hex;
  }
  result.back() = ']';
  return result;
}

void InstructionGenerator::set_mode(NativeProcessor::Mode mode) {
  using Mode = NativeProcessor::Mode;
  long_mode_ = mode == Mode::Long;
  segment_base_ = mode == Mode::Compatibility16 ? arena_.address() : 0;
  if (long_mode_)
    ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  else if (mode == Mode::Compatibility)
    ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LONG_COMPAT_32, ZYDIS_STACK_WIDTH_32);
  else
    ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LONG_COMPAT_16, ZYDIS_STACK_WIDTH_16);
}

std::vector<u8> InstructionGenerator::candidate(InstructionClass wanted) {
  std::vector<u8> bytes;
  bytes.reserve(24);
  const auto chance = [&](unsigned percent) { return random_() % 100 < percent; };
  if (wanted == InstructionClass::Vector && chance(50)) {
    bytes.push_back(0xc4);
    bytes.push_back(static_cast<u8>((random_() & 0xe0) | (1 + random_() % 3)));
    bytes.push_back(static_cast<u8>(random_()));
  } else {
    if (chance(3)) bytes.push_back(0xf0);
    if (chance(wanted == InstructionClass::Vector ? 30 : 15)) bytes.push_back(0x66);
    if (chance(wanted == InstructionClass::Vector ? 40 : 15))
      bytes.push_back(chance(50) ? 0xf2 : 0xf3);
    if (wanted == InstructionClass::Integer && chance(15)) {
      bytes.push_back(0xc4);
      bytes.push_back(static_cast<u8>((random_() & 0xe0) | (2 + random_() % 2)));
      bytes.push_back(static_cast<u8>(random_()));
    } else {
      if (chance(5)) bytes.push_back(0x67);
      if (long_mode_ && chance(50)) bytes.push_back(static_cast<u8>(0x40 | (random_() & 15)));
      if (wanted == InstructionClass::Vector ? chance(70) : chance(40)) {
        bytes.push_back(0x0f);
        if (chance(25)) bytes.push_back(chance(60) ? 0x38 : 0x3a);
      }
    }
  }
  if (wanted == InstructionClass::Vector && chance(20) && bytes.empty())
    bytes.push_back(static_cast<u8>(0xd8 + random_() % 8));
  for (unsigned n = 0; n < 3; ++n)
    for (u32 rest = static_cast<u32>(random_()), k = 0; k < 4; ++k, rest >>= 8)
      bytes.push_back(static_cast<u8>(rest));
  bytes.resize(std::min<std::size_t>(bytes.size(), 15));
  return bytes;
}

u64 InstructionGenerator::interesting_number() {
  switch (random_() % 8) {
    case 0:
      return 0;
    case 1:
      return ~u64{0};
    case 2:
      return u64{1} << (random_() % 64);
    case 3:
      return (u64{1} << (random_() % 64)) - 1;
    case 4:
      return random_() % 256;
    case 5:
      return static_cast<u64>(static_cast<i64>(random_()) >> (random_() % 64));
    default:
      return random_();
  }
}

// Numbers of all kinds in XMM, YMM and x87 registers; MXCSR and the control word with exceptions
// masked.
void InstructionGenerator::fill_vectors(Registers& r) {
  constexpr u64 kSpecials[] = {0x3ff0000000000000, 0x7ff0000000000000, 0x7ff8000000000001,
                               0xbf8000003f800000, 0x0000000100000001, 0x4330000000000000};
  const auto quad = [&] {
    switch (random_() % 4) {
      case 0:
        return kSpecials[random_() % std::size(kSpecials)];
      case 1:
        return interesting_number();
      default:
        return random_();
    }
  };
  for (unsigned at = 160; at < 416; at += 8) {
    const u64 value = quad();
    std::memcpy(r.xsave + at, &value, 8);
  }
  for (unsigned at = 576; at < 832; at += 8) {
    const u64 value = quad();
    std::memcpy(r.xsave + at, &value, 8);
  }
  for (unsigned n = 0; n < 8; ++n) {
    const u64 significand = random_() | u64{1} << 63;
    const u16 exponent =
        static_cast<u16>(0x3fff - 40 + random_() % 80) | static_cast<u16>((random_() & 1) << 15);
    std::memcpy(r.xsave + 32 + 16 * n, &significand, 8);
    std::memcpy(r.xsave + 40 + 16 * n, &exponent, 2);
  }
  const u16 control =
      static_cast<u16>(0x037f & ~(random_() & 0xc00)) | static_cast<u16>((random_() & 3) << 10);
  const u16 status = static_cast<u16>((random_() & 7) << 11);
  const u8 tags = static_cast<u8>(random_() | random_());
  const u32 mxcsr =
      0x1f80 | static_cast<u32>((random_() & 3) << 13) | (random_() % 8 == 0 ? 0x8040U : 0U);
  const u64 components = 7;
  std::memcpy(r.xsave + 0, &control, 2);
  std::memcpy(r.xsave + 2, &status, 2);
  r.xsave[4] = tags;
  std::memcpy(r.xsave + 24, &mxcsr, 4);
  std::memcpy(r.xsave + 512, &components, 8);
}

// Gives the registers of memory operands values that make their addresses fall into the arena.
bool InstructionGenerator::place_operands(RandomInstruction& i) {
  u64* const gpr = i.registers.gpr;
  const bool string = i.decoded.meta.category == ZYDIS_CATEGORY_STRINGOP;
  if (string) {
    gpr[RSI] = middle() + random_() % 64;
    gpr[RDI] = middle() + 1024 - random_() % 2048;
    gpr[RCX] = random_() % 24;
  }
  for (unsigned n = 0; n < i.decoded.operand_count; ++n) {
    const ZydisDecodedOperand& o = i.operands[n];
    if (touches_system_register(o)) return false;
    if (o.type != ZYDIS_OPERAND_TYPE_MEMORY) continue;
    if (o.mem.base == ZYDIS_REGISTER_RIP || o.mem.base == ZYDIS_REGISTER_EIP) return false;
    if (o.mem.segment == ZYDIS_REGISTER_FS || o.mem.segment == ZYDIS_REGISTER_GS) return false;
    if (long_mode_ && i.decoded.address_width == 32 && i.decoded.raw.sib.base == 5) return false;
    if (i.decoded.address_width == 16 && segment_base_ == 0) return false;
    if (segment_base_ != 0 && o.mem.segment == ZYDIS_REGISTER_CS) return false;
    if (o.mem.type == ZYDIS_MEMOP_TYPE_AGEN) continue;
    if (string || i.decoded.meta.category == ZYDIS_CATEGORY_PUSH) {
      if (o.visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN) continue;
    }
    if (i.decoded.mnemonic == ZYDIS_MNEMONIC_MASKMOVQ ||
        i.decoded.mnemonic == ZYDIS_MNEMONIC_MASKMOVDQU ||
        i.decoded.mnemonic == ZYDIS_MNEMONIC_VMASKMOVDQU) {
      gpr[RDI] = middle() + random_() % 64;
      continue;
    }
    if (o.mem.base == ZYDIS_REGISTER_RSP && o.visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN)
      continue;
    const int base = gpr_number(o.mem.base);
    int index = gpr_number(o.mem.index);
    const bool vector_index = o.mem.type == ZYDIS_MEMOP_TYPE_VSIB;
    if (base < 0 || base == index) return false;
    if (base == RSP && i.decoded.meta.category != ZYDIS_CATEGORY_DATAXFER) return false;
    u64 target = middle() + (random_() % 128);
    if (random_() % 2 == 0) target &= ~u64{63};
    if (random_() % 16 == 0) target = middle() - 1 - random_() % 8;  // crosses a page
    if (vector_index) {
      const unsigned reg = static_cast<unsigned>(ZydisRegisterGetId(o.mem.index));
      u8* const low = i.registers.xsave + 160 + 16 * reg;
      u8* const high = i.registers.xsave + 576 + 16 * reg;
      const bool wide = i.decoded.mnemonic == ZYDIS_MNEMONIC_VPGATHERQD ||
                        i.decoded.mnemonic == ZYDIS_MNEMONIC_VPGATHERQQ ||
                        i.decoded.mnemonic == ZYDIS_MNEMONIC_VGATHERQPS ||
                        i.decoded.mnemonic == ZYDIS_MNEMONIC_VGATHERQPD;
      for (unsigned at = 0; at < 32; at += wide ? 8 : 4) {
        const i64 value = static_cast<i64>(random_() % 512) - 256;
        std::memcpy((at < 16 ? low : high - 16) + at, &value, wide ? 8 : 4);
      }
    }
    u64 sum = static_cast<u64>(o.mem.disp.value);
    if (index >= 0) {
      if (i.decoded.address_width != 64)
        gpr[index] = static_cast<u32>(gpr[index] % 0x1000);
      else
        gpr[index] = static_cast<u64>(static_cast<i64>(random_() % 4096) - 2048);
      sum += gpr[index] * o.mem.scale;
    }
    gpr[base] = target - sum;
    if (i.decoded.address_width != 64) gpr[base] = static_cast<u32>(gpr[base]);
    if (i.decoded.address_width == 16) gpr[base] ^= u64{random_() & 0x7fff} << 16;  // means nothing
    // A bit string reaches as far as its offset says.
    if (i.decoded.meta.category == ZYDIS_CATEGORY_BITBYTE && n == 0 &&
        i.operands[1].type == ZYDIS_OPERAND_TYPE_REGISTER) {
      const int offset = ZydisRegisterGetId(i.operands[1].reg.value);
      if (offset == base || offset == index) return false;
      gpr[offset] = static_cast<u64>(static_cast<i64>(random_() % 40000) - 20000);
    }
  }
  return true;
}

RandomInstruction InstructionGenerator::next(InstructionClass wanted) {
  for (;;) {
    RandomInstruction i;
    i.bytes = candidate(wanted);
    ZydisDecoderContext context;
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder_, &context, i.bytes.data(),
                                                    i.bytes.size(), &i.decoded)))
      continue;
    i.bytes.resize(i.decoded.length);
    if (wanted == InstructionClass::Integer ? !is_plain_integer(i.decoded)
                                            : !is_plain_vector(i.decoded))
      continue;
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeOperands(&decoder_, &context, &i.decoded, i.operands,
                                                 ZYDIS_MAX_OPERAND_COUNT)))
      continue;
    for (u64& value : i.registers.gpr) value = interesting_number();
    if (!long_mode_)
      for (u64& value : i.registers.gpr) value = static_cast<u32>(value);
    i.registers.gpr[RSP] = middle() + 4096 + 8 * (random_() % 16);
    i.registers.rflags = 0x202 | (random_() & kArithmeticFlags);
    fill_vectors(i.registers);
    if (!place_operands(i) || has_undefined_result(i)) continue;
    // RSP as a plain operand would leave the host without a stack.
    bool stack_changed = false;
    for (unsigned n = 0; n < i.decoded.operand_count_visible; ++n)
      stack_changed |=
          i.operands[n].type == ZYDIS_OPERAND_TYPE_REGISTER &&
          ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, i.operands[n].reg.value) ==
              ZYDIS_REGISTER_RSP;
    if (stack_changed) continue;
    i.defined_flags = kArithmeticFlags;
    if (i.decoded.cpu_flags != nullptr)
      i.defined_flags &= ~static_cast<u64>(i.decoded.cpu_flags->undefined);
    i.defined_flags &= ~undefined_by_count(i);
    return i;
  }
}

void InstructionGenerator::fill_arena() {
  for (u64 at = Arena::kSize / 2 - 8192; at < Arena::kSize / 2 + 8192; at += 8) {
    const u64 value = interesting_number();
    std::memcpy(arena_.data() + at, &value, 8);
  }
}

}  // namespace backplane::x86::testing

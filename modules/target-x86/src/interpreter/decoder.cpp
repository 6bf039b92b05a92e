// SPDX-License-Identifier: MIT
#include <Zydis/Zydis.h>

#include <cstring>

#include "execution_counts.h"
#include "handlers.h"
#include "instruction.h"
#include "isa_features.h"
#include "native/routine.h"
#include "vendor_forms.h"

namespace backplane::x86::interpreter {
namespace {

struct ModeRow {
  ZydisMachineMode machine;
  ZydisStackWidth stack;
};

constexpr ModeRow kModes[kDecodeModes] = {
    {},
    {ZYDIS_MACHINE_MODE_REAL_16, ZYDIS_STACK_WIDTH_16},
    {ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16},
    {ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32},
    {ZYDIS_MACHINE_MODE_LONG_COMPAT_16, ZYDIS_STACK_WIDTH_16},
    {ZYDIS_MACHINE_MODE_LONG_COMPAT_32, ZYDIS_STACK_WIDTH_32},
    {ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64},
};

// The number of a register within its class, and whether it is one of AH, CH, DH and BH.
void set_general_register(ZydisRegister reg, Operand& operand) {
  operand.kind = OperandKind::Register;
  if (reg >= ZYDIS_REGISTER_AL && reg <= ZYDIS_REGISTER_R15B) {
    // AL CL DL BL, AH CH DH BH, SPL BPL SIL DIL, R8B ...
    const unsigned n = reg - ZYDIS_REGISTER_AL;
    operand.reg = static_cast<u8>(n < 4 ? n : n - 4);
    operand.shift = n >= 4 && n < 8 ? 8 : 0;
  } else {
    operand.reg = static_cast<u8>(ZydisRegisterGetId(reg));
    operand.shift = 0;
  }
}

void set_register(ZydisRegister reg, Operand& operand) {
  switch (ZydisRegisterGetClass(reg)) {
    case ZYDIS_REGCLASS_GPR8:
    case ZYDIS_REGCLASS_GPR16:
    case ZYDIS_REGCLASS_GPR32:
    case ZYDIS_REGCLASS_GPR64:
      set_general_register(reg, operand);
      return;
    case ZYDIS_REGCLASS_SEGMENT:
      operand.kind = OperandKind::Segment;
      break;
    case ZYDIS_REGCLASS_CONTROL:
      operand.kind = OperandKind::Control;
      break;
    case ZYDIS_REGCLASS_DEBUG:
      operand.kind = OperandKind::Debug;
      break;
    default:
      operand.kind = OperandKind::Other;
      break;
  }
  operand.reg = static_cast<u8>(ZydisRegisterGetId(reg));
}

u8 address_register(ZydisRegister reg) {
  switch (ZydisRegisterGetClass(reg)) {
    case ZYDIS_REGCLASS_GPR16:
    case ZYDIS_REGCLASS_GPR32:
    case ZYDIS_REGCLASS_GPR64:
    case ZYDIS_REGCLASS_XMM:  // a gather's index
    case ZYDIS_REGCLASS_YMM:
      return static_cast<u8>(ZydisRegisterGetId(reg));
    default:
      return kNoRegister;
  }
}

MemoryOperand memory_operand(const ZydisDecodedInstruction& z, const ZydisDecodedOperand& o,
                             u64 rip) {
  MemoryOperand m{};
  m.segment = static_cast<SegReg>(ZydisRegisterGetId(o.mem.segment));
  m.base = address_register(o.mem.base);
  m.index = address_register(o.mem.index);
  m.scale = o.mem.scale == 8 ? 3 : o.mem.scale == 4 ? 2 : o.mem.scale == 2 ? 1 : 0;
  m.address_size = z.address_width / 8;
  m.displacement = static_cast<u64>(o.mem.disp.value);
  // Zydis 4.0 takes R13 for a base where REX.B is set on the form that has none, if the address
  // size is 32 bits.
  const bool sib = (z.attributes & ZYDIS_ATTRIB_HAS_SIB) != 0;
  if (sib && z.raw.modrm.mod == 0 && z.raw.sib.base == 5) {
    m.base = kNoRegister;
    m.displacement = static_cast<u64>(z.raw.disp.value);
  }
  if (o.mem.base == ZYDIS_REGISTER_RIP || o.mem.base == ZYDIS_REGISTER_EIP)
    m.displacement += rip + z.length;
  return m;
}

// String instructions name two memory operands, of which only the one at RSI has a segment to
// choose; it is the one to keep.
bool is_string_source(const ZydisDecodedOperand& o) {
  return o.mem.base == ZYDIS_REGISTER_RSI || o.mem.base == ZYDIS_REGISTER_ESI ||
         o.mem.base == ZYDIS_REGISTER_SI;
}

void set_operands(const ZydisDecodedInstruction& z, const ZydisDecodedOperand* operands,
                  Instruction& i) {
  bool have_memory = false;
  bool have_immediate = false;
  for (unsigned n = 0; n < z.operand_count; ++n) {
    const ZydisDecodedOperand& o = operands[n];
    Operand unused{};
    Operand& target = n < 4 ? i.operand[n] : unused;
    target.size = o.size / 8;
    switch (o.type) {
      case ZYDIS_OPERAND_TYPE_REGISTER:
        set_register(o.reg.value, target);
        break;
      case ZYDIS_OPERAND_TYPE_MEMORY:
        target.kind = OperandKind::Memory;
        if (!have_memory || (o.visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN &&
                             z.operand_count_visible == 0 && is_string_source(o)))
          i.memory = memory_operand(z, o, i.rip);
        have_memory = true;
        break;
      case ZYDIS_OPERAND_TYPE_IMMEDIATE:
        target.kind = OperandKind::Immediate;
        (have_immediate ? i.immediate2 : i.immediate) = o.imm.value.u;
        have_immediate = true;
        break;
      case ZYDIS_OPERAND_TYPE_POINTER:
        target.kind = OperandKind::FarPointer;
        i.immediate = o.ptr.offset;
        i.immediate2 = o.ptr.segment;
        break;
      default:
        break;
    }
  }
}

// MOVSD and CMPSD are each the name of a string and of an SSE2 instruction.
bool is_vector_namesake(const ZydisDecodedInstruction& z) {
  return (z.mnemonic == ZYDIS_MNEMONIC_MOVSD || z.mnemonic == ZYDIS_MNEMONIC_CMPSD) &&
         z.meta.isa_ext != ZYDIS_ISA_EXT_BASE;
}

}  // namespace

struct Decoder::Impl {
  ZydisDecoder decoders[kDecodeModes];
};

Decoder::Decoder(const X86Cpu& cpu, NativeRoutines& natives)
    : features_(cpu.features()),
      vendor_(cpu.vendor()),
      natives_(natives),
      impl_(std::make_unique<Impl>()) {
  for (unsigned mode = kModeReal16; mode < kDecodeModes; ++mode) {
    ZydisDecoder& d = impl_->decoders[mode];
    ZydisDecoderInit(&d, kModes[mode].machine, kModes[mode].stack);
    // What is not offered decodes as the no-operation or older instruction that it was before.
    ZydisDecoderEnableMode(&d, ZYDIS_DECODER_MODE_MPX, ZYAN_FALSE);
    ZydisDecoderEnableMode(&d, ZYDIS_DECODER_MODE_CET, ZYAN_FALSE);
    ZydisDecoderEnableMode(&d, ZYDIS_DECODER_MODE_CLDEMOTE, ZYAN_FALSE);
    ZydisDecoderEnableMode(&d, ZYDIS_DECODER_MODE_LZCNT, features_.lzcnt ? ZYAN_TRUE : ZYAN_FALSE);
    ZydisDecoderEnableMode(&d, ZYDIS_DECODER_MODE_TZCNT, features_.bmi1 ? ZYAN_TRUE : ZYAN_FALSE);
  }
}

Decoder::~Decoder() = default;

DecodeStatus Decoder::decode(DecodeMode mode, u64 rip, const u8* bytes, unsigned size,
                             Instruction& i) {
  ZydisDecodedInstruction z;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
  const ZyanStatus status =
      ZydisDecoderDecodeFull(&impl_->decoders[mode], bytes, size, &z, operands);
  if (!ZYAN_SUCCESS(status)) {
    if (status == ZYDIS_STATUS_NO_MORE_DATA)
      return size < ZYDIS_MAX_INSTRUCTION_LENGTH ? DecodeStatus::Truncated : DecodeStatus::TooLong;
    return status == ZYDIS_STATUS_INSTRUCTION_TOO_LONG ? DecodeStatus::TooLong
                                                       : DecodeStatus::Invalid;
  }

  i = Instruction{};
  i.rip = rip;
  i.mode = mode;
  i.length = z.length;
  std::memcpy(i.bytes, bytes, z.length);
  i.operand_size = z.operand_width / 8;
  i.address_size = z.address_width / 8;
  i.vector_size = static_cast<u8>(z.avx.vector_length / 8);
  i.lock = (z.attributes & ZYDIS_ATTRIB_HAS_LOCK) != 0;
  for (unsigned n = 0; n < z.raw.prefix_count; ++n) {  // the last one counts
    const u8 prefix = z.raw.prefixes[n].value;
    if (prefix != 0xf2 && prefix != 0xf3) continue;
    i.rep = prefix == 0xf3;
    i.repne = prefix == 0xf2;
  }
  i.far = z.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR;
  i.operand_count = z.operand_count_visible;
  set_operands(z, operands, i);
  i.counter = ExecutionCounts::counter_of(z.mnemonic, i);

  i.handler = invalid_opcode;
  if (!is_offered(features_, z) || !is_valid_on(vendor_, z)) return DecodeStatus::Ok;
  const HandlerTable::Entry& entry = HandlerTable::get().find(z.mnemonic);
  if (entry.handler != nullptr && !is_vector_namesake(z)) {
    i.handler = entry.handler;
    i.argument = entry.argument;
  } else if (is_native(z)) {
    i.native = natives_.get(mode == kModeLong64, vendor_, z, operands, bytes);
    i.handler = execute_native;
  }
  return DecodeStatus::Ok;
}

}  // namespace backplane::x86::interpreter

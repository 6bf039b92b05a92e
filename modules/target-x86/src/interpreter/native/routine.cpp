// SPDX-License-Identifier: MIT
#include "routine.h"

#include <cstddef>

#include "fpu_image.h"
#include "rewrite.h"

namespace backplane::x86::interpreter {
namespace {

constexpr std::size_t kCodeSize = 4 << 20;

// Writes the few host instructions that surround the guest's. RDI points to the FPU image, RSI to
// the memory operand, R8 to the frame.
class RoutineEmitter {
 public:
  void bytes(std::initializer_list<int> list) {
    for (int b : list) code_.push_back(static_cast<u8>(b));
  }
  void append(const std::vector<u8>& code) { code_.insert(code_.end(), code.begin(), code.end()); }
  const std::vector<u8>& code() const { return code_; }

  void load_rax() { bytes({0x49, 0x8b, 0x40, offsetof(NativeFrame, rax)}); }
  void load_rdx() { bytes({0x49, 0x8b, 0x50, offsetof(NativeFrame, rdx)}); }
  void store_rax() { bytes({0x49, 0x89, 0x40, offsetof(NativeFrame, rax)}); }
  void store_rcx() { bytes({0x49, 0x89, 0x48, offsetof(NativeFrame, rcx)}); }
  void load_flags() {  // push [frame.flags]; popfq
    bytes({0x41, 0xff, 0x70, offsetof(NativeFrame, flags), 0x9d});
  }
  void store_flags() {  // pushfq; pop [frame.flags]
    bytes({0x9c, 0x41, 0x8f, 0x40, offsetof(NativeFrame, flags)});
  }
  void save_host_mxcsr() { bytes({0x41, 0x0f, 0xae, 0x58, offsetof(NativeFrame, host_mxcsr)}); }
  void restore_host_mxcsr() { bytes({0x41, 0x0f, 0xae, 0x50, offsetof(NativeFrame, host_mxcsr)}); }
  void load_mxcsr() { bytes({0x41, 0x0f, 0xae, 0x50, offsetof(NativeFrame, mxcsr)}); }
  void store_mxcsr() { bytes({0x41, 0x0f, 0xae, 0x58, offsetof(NativeFrame, mxcsr)}); }
  void save_host_fcw() { bytes({0x41, 0xd9, 0x78, offsetof(NativeFrame, host_fcw)}); }
  void restore_host_x87() {  // fninit; fldcw [frame.host_fcw]
    bytes({0xdb, 0xe3, 0x41, 0xd9, 0x68, offsetof(NativeFrame, host_fcw)});
  }
  void load_image() { bytes({0x48, 0x0f, 0xae, 0x0f}); }   // fxrstor64 [rdi]
  void store_image() { bytes({0x48, 0x0f, 0xae, 0x07}); }  // fxsave64 [rdi]

  void load_xmm(unsigned n) { legacy_move(0x10, n); }  // movups
  void store_xmm(unsigned n) { legacy_move(0x11, n); }
  void load_ymm(unsigned n) {  // vmovups; vinsertf128 ymm, ymm, [high], 1
    vex_move(0x10, n);
    bytes({0xc4, (n < 8 ? 0x80 : 0) | 0x63, static_cast<int>((15 - n) << 3 | 0x05), 0x18});
    image_operand(n, kYmmHigh + 16 * n);
    bytes({1});
  }
  void store_ymm(unsigned n) {  // vmovups; vextractf128 [high], ymm, 1
    vex_move(0x11, n);
    bytes({0xc4, (n < 8 ? 0x80 : 0) | 0x63, 0x7d, 0x19});
    image_operand(n, kYmmHigh + 16 * n);
    bytes({1});
  }
  void clear_upper() { bytes({0xc5, 0xf8, 0x77}); }  // vzeroupper
  void ret() { bytes({0xc3}); }

 private:
  void legacy_move(int opcode, unsigned n) {
    if (n >= 8) bytes({0x44});
    bytes({0x0f, opcode});
    image_operand(n, kXmm + 16 * n);
  }
  void vex_move(int opcode, unsigned n) {
    bytes({0xc5, (n < 8 ? 0x80 : 0) | 0x78, opcode});
    image_operand(n, kXmm + 16 * n);
  }
  // ModRM for register n and [rdi + offset].
  void image_operand(unsigned n, unsigned offset) {
    bytes({static_cast<int>(0x80 | (n & 7) << 3 | 7), static_cast<int>(offset & 0xff),
           static_cast<int>(offset >> 8 & 0xff), 0, 0});
  }

  std::vector<u8> code_;
};

struct VectorRegisters {
  u32 used = 0;  // a bit each
  u32 written = 0;
};

VectorRegisters vector_registers(const ZydisDecodedInstruction& z,
                                 const ZydisDecodedOperand* operands) {
  VectorRegisters r;
  for (unsigned n = 0; n < z.operand_count; ++n) {
    if (operands[n].type != ZYDIS_OPERAND_TYPE_REGISTER) continue;
    const ZydisRegister reg = operands[n].reg.value;
    const ZydisRegisterClass c = ZydisRegisterGetClass(reg);
    if (c != ZYDIS_REGCLASS_XMM && c != ZYDIS_REGCLASS_YMM) continue;
    const u32 bit = 1U << ZydisRegisterGetId(reg);
    r.used |= bit;
    if ((operands[n].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0) r.written |= bit;
  }
  return r;
}

bool has_mmx_register(const ZydisDecodedInstruction& z, const ZydisDecodedOperand* operands) {
  for (unsigned n = 0; n < z.operand_count; ++n)
    if (operands[n].type == ZYDIS_OPERAND_TYPE_REGISTER &&
        ZydisRegisterGetClass(operands[n].reg.value) == ZYDIS_REGCLASS_MMX)
      return true;
  return false;
}

NativeRoutine::Kind kind_of(const ZydisDecodedInstruction& z, const ZydisDecodedOperand* operands) {
  using Kind = NativeRoutine::Kind;
  if (z.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX) return Kind::Avx;
  if (z.meta.category == ZYDIS_CATEGORY_X87_ALU || z.meta.isa_ext == ZYDIS_ISA_EXT_X87)
    return Kind::X87;
  if (z.meta.isa_ext == ZYDIS_ISA_EXT_MMX || has_mmx_register(z, operands)) return Kind::Mmx;
  return Kind::Sse;
}

bool uses_mxcsr(const ZydisDecodedInstruction& z) {
  switch (z.meta.exception_class) {
    case ZYDIS_EXCEPTION_CLASS_SSE2:
    case ZYDIS_EXCEPTION_CLASS_SSE3:
    case ZYDIS_EXCEPTION_CLASS_AVX2:
    case ZYDIS_EXCEPTION_CLASS_AVX3:
    case ZYDIS_EXCEPTION_CLASS_AVX11:
      return true;
    default:
      return z.mnemonic == ZYDIS_MNEMONIC_CVTPI2PS;  // has no class
  }
}

// Control instructions of the 8087 and the 287, which do nothing since.
bool is_ignored_control(ZydisMnemonic mnemonic) {
  return mnemonic == ZYDIS_MNEMONIC_FENI8087_NOP || mnemonic == ZYDIS_MNEMONIC_FDISI8087_NOP ||
         mnemonic == ZYDIS_MNEMONIC_FSETPM287_NOP;
}

// Legacy instructions of classes 2 and 4 whose 16-byte operand need not be aligned.
bool tolerates_misalignment(ZydisMnemonic mnemonic) {
  switch (mnemonic) {
    case ZYDIS_MNEMONIC_MOVUPS:
    case ZYDIS_MNEMONIC_MOVUPD:
    case ZYDIS_MNEMONIC_MOVDQU:
    case ZYDIS_MNEMONIC_LDDQU:
    case ZYDIS_MNEMONIC_PCMPESTRI:
    case ZYDIS_MNEMONIC_PCMPESTRM:
    case ZYDIS_MNEMONIC_PCMPISTRI:
    case ZYDIS_MNEMONIC_PCMPISTRM:
      return true;
    default:
      return false;
  }
}

// [SDM 2A "Exceptions Type"]: class 1 is always aligned; the legacy forms of 2 and 4 are.
u8 alignment_of(const ZydisDecodedInstruction& z, Vendor vendor, unsigned memory_size) {
  if (memory_size < 16) return 1;
  if (z.meta.isa_ext == ZYDIS_ISA_EXT_SHA &&
      does(vendor, Difference::MisalignedSha) == Does::Executes)
    return 1;
  switch (z.meta.exception_class) {
    case ZYDIS_EXCEPTION_CLASS_SSE1:
    case ZYDIS_EXCEPTION_CLASS_AVX1:
      return static_cast<u8>(memory_size);
    case ZYDIS_EXCEPTION_CLASS_SSE2:
    case ZYDIS_EXCEPTION_CLASS_SSE4:
      return tolerates_misalignment(z.mnemonic) ? 1 : static_cast<u8>(memory_size);
    default:
      break;
  }
  switch (z.mnemonic) {  // these have no class
    case ZYDIS_MNEMONIC_CVTPD2PI:
    case ZYDIS_MNEMONIC_CVTTPD2PI:
      return static_cast<u8>(memory_size);
    default:
      return 1;
  }
}

void describe(NativeRoutine& r, Vendor vendor, const ZydisDecodedInstruction& z,
              const ZydisDecodedOperand* operands, const u8* bytes) {
  r.kind = kind_of(z, operands);
  r.needs_osfxsr = r.kind == NativeRoutine::Kind::Mmx && z.meta.isa_ext != ZYDIS_ISA_EXT_MMX;
  r.uses_mxcsr = uses_mxcsr(z);
  for (unsigned n = 0; n < z.operand_count; ++n) {
    const ZydisDecodedOperand& o = operands[n];
    if (o.type != ZYDIS_OPERAND_TYPE_MEMORY || o.mem.type != ZYDIS_MEMOP_TYPE_MEM) continue;
    r.memory_size = o.size / 8;
    r.reads_memory = (o.actions & ZYDIS_OPERAND_ACTION_MASK_READ) != 0;
    r.writes_memory = (o.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0;
    r.alignment = alignment_of(z, vendor, r.memory_size);
    break;
  }
  if (const int n = replaced_general_operand(z, operands); n >= 0) {
    r.general_register = static_cast<u8>(ZydisRegisterGetId(operands[n].reg.value));
    r.general_size = static_cast<u8>(operands[n].size / 8);
    r.writes_general = (operands[n].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0;
  }
  switch (z.mnemonic) {
    case ZYDIS_MNEMONIC_PCMPESTRI:
    case ZYDIS_MNEMONIC_VPCMPESTRI:
      r.writes_index = r.string_lengths = true;
      break;
    case ZYDIS_MNEMONIC_PCMPESTRM:
    case ZYDIS_MNEMONIC_VPCMPESTRM:
      r.string_lengths = true;
      break;
    case ZYDIS_MNEMONIC_PCMPISTRI:
    case ZYDIS_MNEMONIC_VPCMPISTRI:
      r.writes_index = true;
      break;
    default:
      break;
  }
  if (z.mnemonic == ZYDIS_MNEMONIC_VCVTPS2PH) {
    r.half_count = static_cast<u8>(operands[1].size / 32);
    if (operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER)
      r.half_register = static_cast<u8>(ZydisRegisterGetId(operands[0].reg.value));
  }
  if (z.cpu_flags != nullptr) {
    const ZydisAccessedFlags& f = *z.cpu_flags;
    r.reads_flags = (f.tested & kArithmeticFlags) != 0;
    r.writes_flags = ((f.modified | f.set_0 | f.set_1 | f.undefined) & kArithmeticFlags) != 0;
  }
  if (r.kind == NativeRoutine::Kind::X87 && !is_ignored_control(z.mnemonic)) {
    r.sets_x87_pointers = true;
    r.x87_opcode = static_cast<u16>((z.opcode & 7) << 8 | bytes[z.raw.modrm.offset]);
  }
}

template <class Function>
void for_each_bit(u32 bits, const Function& function) {
  for (; bits != 0; bits &= bits - 1) function(static_cast<unsigned>(__builtin_ctz(bits)));
}

// Integer registers and flags around the instruction itself.
void emit_instruction(RoutineEmitter& e, const NativeRoutine& r, const std::vector<u8>& code) {
  if (r.general_register != kNoRegister || r.string_lengths) e.load_rax();
  if (r.string_lengths) e.load_rdx();
  if (r.reads_flags || r.writes_flags) e.load_flags();
  e.append(code);
  if (r.writes_flags) e.store_flags();
  if (r.writes_general) e.store_rax();
  if (r.writes_index) e.store_rcx();
}

void emit_x87(RoutineEmitter& e, const NativeRoutine& r, const std::vector<u8>& code) {
  e.save_host_mxcsr();
  e.save_host_fcw();
  e.load_image();
  emit_instruction(e, r, code);
  e.store_image();
  e.restore_host_x87();
  e.restore_host_mxcsr();
}

void emit_vector(RoutineEmitter& e, const NativeRoutine& r, const VectorRegisters& registers,
                 const std::vector<u8>& code) {
  const bool avx = r.kind == NativeRoutine::Kind::Avx;
  for_each_bit(registers.used, [&](unsigned n) { avx ? e.load_ymm(n) : e.load_xmm(n); });
  if (r.uses_mxcsr) {
    e.save_host_mxcsr();
    e.load_mxcsr();
  }
  emit_instruction(e, r, code);
  if (r.uses_mxcsr) {
    e.store_mxcsr();
    e.restore_host_mxcsr();
  }
  for_each_bit(registers.written, [&](unsigned n) { avx ? e.store_ymm(n) : e.store_xmm(n); });
  if (avx) e.clear_upper();
}

}  // namespace

bool is_native(const ZydisDecodedInstruction& z) {
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
    case ZYDIS_ISA_EXT_F16C:
    case ZYDIS_ISA_EXT_FMA:
    case ZYDIS_ISA_EXT_VAES:
    case ZYDIS_ISA_EXT_VPCLMULQDQ:
      return true;
    default:
      return false;
  }
}

NativeRoutines::NativeRoutines() : code_(kCodeSize) {}

NativeRoutine* NativeRoutines::get(bool long_mode, Vendor vendor, const ZydisDecodedInstruction& z,
                                   const ZydisDecodedOperand* operands, const u8* bytes) {
  std::string key(1, long_mode ? '\1' : '\0');
  key.append(reinterpret_cast<const char*>(bytes), z.length);
  std::unique_ptr<NativeRoutine>& slot = routines_[key];
  if (slot != nullptr) return slot.get();

  slot = std::make_unique<NativeRoutine>();
  describe(*slot, vendor, z, operands, bytes);
  RoutineEmitter e;
  const std::vector<u8> code = rewrite_for_host(long_mode, z, operands, bytes);
  if (slot->kind == NativeRoutine::Kind::X87 || slot->kind == NativeRoutine::Kind::Mmx)
    emit_x87(e, *slot, code);
  else
    emit_vector(e, *slot, vector_registers(z, operands), code);
  e.ret();
  slot->entry =
      reinterpret_cast<NativeRoutine::Entry>(reinterpret_cast<std::uintptr_t>(code_.add(e.code())));
  return slot.get();
}

void NativeRoutines::clear() {
  routines_.clear();
  code_.clear();
}

}  // namespace backplane::x86::interpreter

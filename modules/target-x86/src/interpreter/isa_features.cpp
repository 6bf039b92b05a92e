// SPDX-License-Identifier: MIT
#include "isa_features.h"

namespace backplane::x86::interpreter {
namespace {

bool is_offered_base(const X86Cpu::Features& f, const ZydisDecodedInstruction& instruction) {
  switch (instruction.meta.isa_set) {
    case ZYDIS_ISA_SET_CMPXCHG16B:
      return f.cx16;
    case ZYDIS_ISA_SET_LAHF:
      return f.lahf || instruction.machine_mode != ZYDIS_MACHINE_MODE_LONG_64;
    case ZYDIS_ISA_SET_POPCNT:
      return f.popcnt;
    default:
      return true;
  }
}

}  // namespace

bool is_offered(const X86Cpu::Features& f, const ZydisDecodedInstruction& instruction) {
  const bool vex = instruction.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX;
  if (instruction.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY && !vex) return false;
  switch (instruction.meta.isa_ext) {
    case ZYDIS_ISA_EXT_BASE:
    case ZYDIS_ISA_EXT_LONGMODE:
      return is_offered_base(f, instruction);
    case ZYDIS_ISA_EXT_X87:
    case ZYDIS_ISA_EXT_MMX:
    case ZYDIS_ISA_EXT_SSE:
    case ZYDIS_ISA_EXT_SSE2:
    case ZYDIS_ISA_EXT_PAUSE:
    case ZYDIS_ISA_EXT_CLFSH:
    case ZYDIS_ISA_EXT_AMD3DNOW_PREFETCH:
    case ZYDIS_ISA_EXT_PREFETCHWT1:
      return true;
    case ZYDIS_ISA_EXT_SSE3:
      return f.sse3;
    case ZYDIS_ISA_EXT_SSSE3:
      return f.ssse3;
    case ZYDIS_ISA_EXT_SSE4:
      if (instruction.meta.isa_set == ZYDIS_ISA_SET_POPCNT) return f.popcnt;
      return instruction.meta.isa_set == ZYDIS_ISA_SET_SSE42 ? f.sse42 : f.sse41;
    case ZYDIS_ISA_EXT_AES:
      return f.aes;
    case ZYDIS_ISA_EXT_PCLMULQDQ:
      return f.pclmul;
    case ZYDIS_ISA_EXT_SHA:
      return f.sha;
    case ZYDIS_ISA_EXT_GFNI:
      return f.gfni && (!vex || f.avx);
    case ZYDIS_ISA_EXT_AVX:
      return f.avx && (instruction.mnemonic != ZYDIS_MNEMONIC_VPCLMULQDQ || f.pclmul);
    case ZYDIS_ISA_EXT_AVXAES:
      return f.avx && f.aes;
    case ZYDIS_ISA_EXT_AVX2:
    case ZYDIS_ISA_EXT_AVX2GATHER:
      return f.avx2;
    case ZYDIS_ISA_EXT_F16C:
      return f.avx && f.f16c;
    case ZYDIS_ISA_EXT_FMA:
      return f.avx && f.fma;
    case ZYDIS_ISA_EXT_VAES:
      return f.avx && f.vaes;
    case ZYDIS_ISA_EXT_VPCLMULQDQ:
      return f.avx && f.vpclmulqdq;
    case ZYDIS_ISA_EXT_ADOX_ADCX:
      return f.adx;
    case ZYDIS_ISA_EXT_BMI1:
      return f.bmi1;
    case ZYDIS_ISA_EXT_BMI2:
      return f.bmi2;
    case ZYDIS_ISA_EXT_LZCNT:
      return f.lzcnt;
    case ZYDIS_ISA_EXT_MOVBE:
      return f.movbe;
    case ZYDIS_ISA_EXT_MOVDIR:
      return instruction.mnemonic == ZYDIS_MNEMONIC_MOVDIR64B ? f.movdir64b : f.movdiri;
    case ZYDIS_ISA_EXT_CLFLUSHOPT:
      return f.clflushopt;
    case ZYDIS_ISA_EXT_CLWB:
      return f.clwb;
    case ZYDIS_ISA_EXT_INVPCID:
      return f.invpcid;
    case ZYDIS_ISA_EXT_RDPID:
      return f.rdpid;
    case ZYDIS_ISA_EXT_RDRAND:
      return f.rdrand;
    case ZYDIS_ISA_EXT_RDSEED:
      return f.rdseed;
    case ZYDIS_ISA_EXT_RDTSCP:
      return f.rdtscp;
    case ZYDIS_ISA_EXT_RDWRFSGS:
      return f.fsgsbase;
    case ZYDIS_ISA_EXT_SERIALIZE:
      return f.serialize;
    case ZYDIS_ISA_EXT_SMAP:
      return f.smap;
    case ZYDIS_ISA_EXT_XSAVE:
      return f.xsave;
    case ZYDIS_ISA_EXT_XSAVEC:
      return f.xsavec;
    case ZYDIS_ISA_EXT_XSAVEOPT:
      return f.xsaveopt;
    default:
      return false;
  }
}

}  // namespace backplane::x86::interpreter

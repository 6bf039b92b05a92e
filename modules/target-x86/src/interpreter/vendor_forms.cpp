// SPDX-License-Identifier: MIT
#include "vendor_forms.h"

namespace backplane::x86::interpreter {
namespace {

bool is_prefetch_of_register(const ZydisDecodedInstruction& z) {
  return z.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY && z.opcode_map == ZYDIS_OPCODE_MAP_0F &&
         z.opcode == 0x0d && z.raw.modrm.mod == 3;
}

bool has_odd_vex_width(const ZydisDecodedInstruction& z) {
  return (z.mnemonic == ZYDIS_MNEMONIC_VPINSRD || z.mnemonic == ZYDIS_MNEMONIC_VPEXTRD) &&
         z.machine_mode != ZYDIS_MACHINE_MODE_LONG_64 && z.raw.vex.W != 0;
}

}  // namespace

bool is_valid_on(Vendor vendor, const ZydisDecodedInstruction& z) {
  if (is_prefetch_of_register(z))
    return does(vendor, Difference::PrefetchOfRegister) != Does::RaisesUd;
  if (has_odd_vex_width(z)) return does(vendor, Difference::VexWidthOutside64) != Does::RaisesUd;
  return true;
}

}  // namespace backplane::x86::interpreter

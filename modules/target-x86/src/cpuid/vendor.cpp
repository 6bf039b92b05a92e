// SPDX-License-Identifier: MIT
#include "backplane/x86/vendor.h"

#include <cpuid.h>

#include <cstring>

namespace backplane::x86 {

namespace {

constexpr std::string_view kIntel = "GenuineIntel", kAmd = "AuthenticAMD";

// What a manual leaves open is as processors were seen to do it, AMD's of family 19h.
constexpr VendorRow kTable[] = {
    // clang-format off
    {Difference::PrefetchOfRegister, "0F 0D with a register",
     Does::Executes, "SDM 2D \"One-, Two-, and Three-Byte Opcode Maps\": a reserved NOP",
     Does::RaisesUd, "APM 3 \"PREFETCHx\": the operand is memory",
     false},
    {Difference::MisalignedSha, "an SHA instruction with a misaligned operand",
     Does::RaisesGp, "SDM 2B \"SHA256MSG1\": exceptions of type 4",
     Does::Executes, "APM 4 \"SHA256MSG1\": no alignment is asked for",
     false},
    {Difference::VexWidthOutside64, "VPINSRD, VPEXTRD with VEX.W = 1 outside 64-bit mode",
     Does::Executes, "SDM 2A \"The VEX Prefix\": W is ignored there",
     Does::RaisesUd, "APM 4 \"PINSRD, VPINSRD\", \"PEXTRD, VPEXTRD\": W is 0",
     false},
    // AMD's processors have the bit if CPUID says MisAlignSse, which no CPU model offers.
    {Difference::MxcsrMisalignedMask, "bit 17 of MXCSR",
     Does::RaisesGp, "SDM 1 \"MXCSR Control and Status Register\": reserved",
     Does::RaisesGp, "APM 1 \"MXCSR Register\": reserved without MisAlignSse",
     false},
    {Difference::SyscallOutside64, "SYSCALL, SYSRET outside 64-bit mode",
     Does::RaisesUd, "SDM 2B \"SYSCALL\", \"SYSRET\": invalid there",
     Does::Executes, "APM 3 \"SYSCALL\", \"SYSRET\": through CSTAR or STAR",
     false},
    {Difference::SysenterInLongMode, "SYSENTER, SYSEXIT in long mode",
     Does::Executes, "SDM 2B \"SYSENTER\", \"SYSEXIT\"",
     Does::RaisesUd, "APM 3 \"SYSENTER\", \"SYSEXIT\": legacy mode only",
     false},
    {Difference::DoubleShiftBeyondOperand, "16-bit SHLD, SHRD by more than 16",
     Does::RepeatsDestination, "SDM 2B \"SHLD\", \"SHRD\": undefined",
     Does::RepeatsSource, "APM 3 \"SHLD\", \"SHRD\": undefined",
     true},
    // clang-format on
};

std::string_view read_host_name(char (&text)[12]) {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  __cpuid(0, eax, ebx, ecx, edx);
  std::memcpy(text, &ebx, 4);
  std::memcpy(text + 4, &edx, 4);
  std::memcpy(text + 8, &ecx, 4);
  return {text, sizeof text};
}

}  // namespace

Vendor vendor_named(std::string_view name) {
  return name == kAmd || name == "HygonGenuine" ? Vendor::Amd : Vendor::Intel;
}

std::string_view vendor_name(Vendor vendor) { return vendor == Vendor::Amd ? kAmd : kIntel; }

Vendor host_vendor() {
  static const Vendor vendor = [] {
    char text[12] = {};
    return vendor_named(read_host_name(text));
  }();
  return vendor;
}

std::span<const VendorRow> vendor_table() { return kTable; }

Does does(Vendor vendor, Difference difference) {
  const VendorRow& row = kTable[static_cast<std::size_t>(difference)];
  return vendor == Vendor::Amd ? row.amd : row.intel;
}

}  // namespace backplane::x86

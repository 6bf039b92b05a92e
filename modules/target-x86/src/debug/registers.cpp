// SPDX-License-Identifier: MIT
#include "registers.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "backplane/machine.h"
#include "backplane/x86/apic.h"
#include "backplane/x86/system.h"
#include "x87_image.h"

namespace backplane::x86::debug {

namespace {

using Bytes = std::span<u8>;
using ConstBytes = std::span<const u8>;

// A number of up to 8 bytes, cut or extended with zeros to what the register has.
void put(Bytes bytes, u64 value) { std::memcpy(bytes.data(), &value, bytes.size()); }
u64 get(ConstBytes bytes) {
  u64 value = 0;
  std::memcpy(&value, bytes.data(), bytes.size());
  return value;
}

// What may only have values that the architecture allows is changed as instructions change it.
template <class Change>
void change(X86Cpu& cpu, const Change& fn) {
  WalkingMemory memory(cpu.state(), cpu.machine().memory());
  fn(Context{cpu, memory});
}

// --- general ---------------------------------------------------------------------------------
void read_general(X86Cpu& cpu, unsigned index, Bytes b) { put(b, cpu.state().gpr[index]); }
bool write_general(X86Cpu& cpu, unsigned index, ConstBytes b) {
  cpu.state().gpr[index] = get(b);
  return true;
}
// A debugger takes the instruction pointer for an address, to find breakpoints and code by: outside
// of 64-bit code it is shown with the base of CS, which a flat segment has none of.
u64 code_base(const X86State& s) { return s.code64() ? 0 : s.seg[CS].base; }
void read_rip(X86Cpu& cpu, unsigned, Bytes b) { put(b, linear_instruction(cpu.state())); }
bool write_rip(X86Cpu& cpu, unsigned, ConstBytes b) {
  X86State& s = cpu.state();
  if (get(b) == linear_instruction(s)) return true;
  // Processors do not go on from such an address.
  const unsigned unused = (s.cr4 & kCr4LA57) != 0 ? 7 : 16;
  const auto extended = static_cast<u64>(static_cast<i64>(get(b) << unused) >> unused);
  if (s.code64() && extended != get(b)) return false;
  s.rip = get(b) - code_base(s);
  if (!s.code64()) s.rip = static_cast<u32>(s.rip);
  // What was begun, or waits for the instruction that was next, is not of this one.
  s.rflags &= ~kRF;
  s.interrupt_shadow = kNoShadow;
  cpu.set_halted(false);
  return true;
}
constexpr u64 kFlags =
    kArithmeticFlags | kTF | kIF | kDF | kIOPL | kNT | kRF | kAC | kVIF | kVIP | kID;
void read_flags(X86Cpu& cpu, unsigned, Bytes b) { put(b, cpu.state().rflags); }
// Virtual-8086 mode has other segments, and is not entered by a flag alone.
bool write_flags(X86Cpu& cpu, unsigned, ConstBytes b) {
  X86State& s = cpu.state();
  if (((get(b) ^ s.rflags) & kVM) != 0) return false;
  s.rflags = (s.rflags & ~kFlags) | (get(b) & kFlags) | 2;
  return true;
}

// --- segments --------------------------------------------------------------------------------
void read_selector(X86Cpu& cpu, unsigned index, Bytes b) {
  put(b, cpu.state().seg[index].selector);
}
bool write_selector(X86Cpu& cpu, unsigned index, ConstBytes b) {
  X86State& s = cpu.state();
  const auto selector = static_cast<u16>(get(b));
  if (selector == s.seg[index].selector) return true;
  if (!s.protected_mode()) {
    s.seg[index].selector = selector;
    s.seg[index].base = u64{selector} << 4;
    return true;
  }
  // Another CS is another privilege level or mode: that takes a transfer.
  if (index == CS) return false;
  change(cpu, [&](Context c) { load_segment(c, static_cast<SegReg>(index), selector); });
  return true;
}

// --- MSRs and control registers --------------------------------------------------------------
constexpr u32 kMsrEfer = 0xc0000080, kMsrFsBase = 0xc0000100, kMsrGsBase = 0xc0000101,
              kMsrKernelGsBase = 0xc0000102;
void read_msr_by_index(X86Cpu& cpu, unsigned index, Bytes b) {
  change(cpu, [&](Context c) { put(b, read_msr(c, index)); });
}
bool write_msr_by_index(X86Cpu& cpu, unsigned index, ConstBytes b) {
  change(cpu, [&](Context c) {
    if (read_msr(c, index) != get(b)) write_msr(c, index, get(b));
  });
  return true;
}
void read_control(X86Cpu& cpu, unsigned index, Bytes b) {
  change(cpu, [&](Context c) { put(b, read_cr(c, index)); });
}
bool write_control(X86Cpu& cpu, unsigned index, ConstBytes b) {
  change(cpu, [&](Context c) {
    if (read_cr(c, index) != get(b)) write_cr(c, index, get(b));
  });
  return true;
}

// --- x87 -------------------------------------------------------------------------------------
void read_stack(X86Cpu& cpu, unsigned index, Bytes b) {
  read_image(cpu.state(), Component::X87, kStackAt + 16 * index, b);
}
bool write_stack(X86Cpu& cpu, unsigned index, ConstBytes b) {
  write_image(cpu.state(), Component::X87, kStackAt + 16 * index, b);
  return true;
}
// Of 16 or 32 bits in the image, shown as 32 bits. The index is where it is.
template <unsigned kSize>
void read_word(X86Cpu& cpu, unsigned at, Bytes b) {
  std::array<u8, kSize> bytes;
  read_image(cpu.state(), Component::X87, at, bytes);
  put(b, get(bytes));
}
template <unsigned kSize>
bool write_word(X86Cpu& cpu, unsigned at, ConstBytes b) {
  write_image(cpu.state(), Component::X87, at, b.first(kSize));
  return true;
}
void read_tags(X86Cpu& cpu, unsigned, Bytes b) { put(b, full_tags(cpu.state())); }
bool write_tags(X86Cpu& cpu, unsigned, ConstBytes b) {
  const u8 tags = abridged_tags(static_cast<u16>(get(b)));
  write_image(cpu.state(), Component::X87, kTagsAt, {&tags, 1});
  return true;
}
// Selectors are not kept, as CPUID says.
void read_zero(X86Cpu&, unsigned, Bytes b) { put(b, 0); }
bool write_zero(X86Cpu&, unsigned, ConstBytes b) { return get(b) == 0; }

// --- SSE and AVX -----------------------------------------------------------------------------
void read_xmm(X86Cpu& cpu, unsigned index, Bytes b) {
  read_image(cpu.state(), Component::Sse, kXmmAt + 16 * index, b);
}
bool write_xmm(X86Cpu& cpu, unsigned index, ConstBytes b) {
  write_image(cpu.state(), Component::Sse, kXmmAt + 16 * index, b);
  return true;
}
void read_mxcsr(X86Cpu& cpu, unsigned, Bytes b) {
  std::memcpy(b.data(), cpu.state().xsave + kMxcsrAt, b.size());
}
// The processor faults on an image with a reserved bit set.
bool write_mxcsr(X86Cpu& cpu, unsigned, ConstBytes b) {
  if (get(b) >> 16 != 0) return false;
  std::memcpy(cpu.state().xsave + kMxcsrAt, b.data(), b.size());
  return true;
}
void read_ymm_high(X86Cpu& cpu, unsigned index, Bytes b) {
  read_image(cpu.state(), Component::Avx, kYmmHighAt + 16 * index, b);
}
bool write_ymm_high(X86Cpu& cpu, unsigned index, ConstBytes b) {
  write_image(cpu.state(), Component::Avx, kYmmHighAt + 16 * index, b);
  return true;
}

// --- the table -------------------------------------------------------------------------------
constexpr Register general(std::string_view name, Gpr number, std::string_view type = "int64") {
  return {{name, 64, type}, number, read_general, write_general};
}
constexpr Register selector(std::string_view name, SegReg number) {
  return {{name, 32, "int32"}, number, read_selector, write_selector};
}
constexpr Register stack(std::string_view name, unsigned number) {
  return {{name, 80, "i387_ext", "float"}, number, read_stack, write_stack};
}
template <unsigned kSize>
constexpr Register x87_word(std::string_view name, unsigned at) {
  return {{name, 32, "int", "float"}, at, read_word<kSize>, write_word<kSize>};
}
constexpr Register xmm(std::string_view name, unsigned number) {
  return {{name, 128, "vec128", "vector"}, number, read_xmm, write_xmm};
}
constexpr Register ymm_high(std::string_view name, unsigned number) {
  return {{name, 128, "uint128"}, number, read_ymm_high, write_ymm_high};
}
constexpr Register msr(std::string_view name, u32 index, std::string_view type = "int64",
                       std::string_view group = {}) {
  return {{name, 64, type, group}, index, read_msr_by_index, write_msr_by_index};
}
constexpr Register control(std::string_view name, unsigned number, std::string_view type) {
  return {{name, 64, type, "system"}, number, read_control, write_control};
}

constexpr Register kCore[] = {
    general("rax", RAX),
    general("rbx", RBX),
    general("rcx", RCX),
    general("rdx", RDX),
    general("rsi", RSI),
    general("rdi", RDI),
    general("rbp", RBP, "data_ptr"),
    general("rsp", RSP, "data_ptr"),
    general("r8", R8),
    general("r9", R9),
    general("r10", R10),
    general("r11", R11),
    general("r12", R12),
    general("r13", R13),
    general("r14", R14),
    general("r15", R15),
    {{"rip", 64, "code_ptr"}, 0, read_rip, write_rip},
    {{"eflags", 32, "x86_flags"}, 0, read_flags, write_flags},
    selector("cs", CS),
    selector("ss", SS),
    selector("ds", DS),
    selector("es", ES),
    selector("fs", FS),
    selector("gs", GS),
    stack("st0", 0),
    stack("st1", 1),
    stack("st2", 2),
    stack("st3", 3),
    stack("st4", 4),
    stack("st5", 5),
    stack("st6", 6),
    stack("st7", 7),
    x87_word<2>("fctrl", kControlAt),
    x87_word<2>("fstat", kStatusAt),
    {{"ftag", 32, "int", "float"}, 0, read_tags, write_tags},
    {{"fiseg", 32, "int", "float"}, 0, read_zero, write_zero},
    x87_word<4>("fioff", kInstructionAt),
    {{"foseg", 32, "int", "float"}, 0, read_zero, write_zero},
    x87_word<4>("fooff", kOperandAt),
    x87_word<2>("fop", kOpcodeAt),
};
constexpr Register kSse[] = {
    xmm("xmm0", 0),
    xmm("xmm1", 1),
    xmm("xmm2", 2),
    xmm("xmm3", 3),
    xmm("xmm4", 4),
    xmm("xmm5", 5),
    xmm("xmm6", 6),
    xmm("xmm7", 7),
    xmm("xmm8", 8),
    xmm("xmm9", 9),
    xmm("xmm10", 10),
    xmm("xmm11", 11),
    xmm("xmm12", 12),
    xmm("xmm13", 13),
    xmm("xmm14", 14),
    xmm("xmm15", 15),
    {{"mxcsr", 32, "x86_mxcsr", "vector"}, 0, read_mxcsr, write_mxcsr},
};
constexpr Register kSegments[] = {msr("fs_base", kMsrFsBase), msr("gs_base", kMsrGsBase)};
constexpr Register kSystem[] = {
    msr("k_gs_base", kMsrKernelGsBase),
    control("cr0", 0, "x86_cr0"),
    control("cr2", 2, "data_ptr"),
    control("cr3", 3, "int64"),
    control("cr4", 4, "x86_cr4"),
    control("cr8", 8, "int64"),
    msr("efer", kMsrEfer, "x86_efer", "system"),
};
constexpr Register kAvx[] = {
    ymm_high("ymm0h", 0),   ymm_high("ymm1h", 1),   ymm_high("ymm2h", 2),   ymm_high("ymm3h", 3),
    ymm_high("ymm4h", 4),   ymm_high("ymm5h", 5),   ymm_high("ymm6h", 6),   ymm_high("ymm7h", 7),
    ymm_high("ymm8h", 8),   ymm_high("ymm9h", 9),   ymm_high("ymm10h", 10), ymm_high("ymm11h", 11),
    ymm_high("ymm12h", 12), ymm_high("ymm13h", 13), ymm_high("ymm14h", 14), ymm_high("ymm15h", 15),
};

constexpr std::string_view kCoreTypes = R"(<flags id="x86_flags" size="4">
<field name="CF" start="0" end="0"/><field name="PF" start="2" end="2"/>
<field name="AF" start="4" end="4"/><field name="ZF" start="6" end="6"/>
<field name="SF" start="7" end="7"/><field name="TF" start="8" end="8"/>
<field name="IF" start="9" end="9"/><field name="DF" start="10" end="10"/>
<field name="OF" start="11" end="11"/><field name="IOPL" start="12" end="13" type="uint32"/>
<field name="NT" start="14" end="14"/><field name="RF" start="16" end="16"/>
<field name="VM" start="17" end="17"/><field name="AC" start="18" end="18"/>
<field name="VIF" start="19" end="19"/><field name="VIP" start="20" end="20"/>
<field name="ID" start="21" end="21"/>
</flags>
)";
constexpr std::string_view kSseTypes = R"(<vector id="f32x4" type="ieee_single" count="4"/>
<vector id="f64x2" type="ieee_double" count="2"/>
<vector id="i8x16" type="int8" count="16"/>
<vector id="i16x8" type="int16" count="8"/>
<vector id="i32x4" type="int32" count="4"/>
<vector id="i64x2" type="int64" count="2"/>
<union id="vec128">
<field name="v4_float" type="f32x4"/><field name="v2_double" type="f64x2"/>
<field name="v16_int8" type="i8x16"/><field name="v8_int16" type="i16x8"/>
<field name="v4_int32" type="i32x4"/><field name="v2_int64" type="i64x2"/>
<field name="uint128" type="uint128"/>
</union>
<flags id="x86_mxcsr" size="4">
<field name="IE" start="0" end="0"/><field name="DE" start="1" end="1"/>
<field name="ZE" start="2" end="2"/><field name="OE" start="3" end="3"/>
<field name="UE" start="4" end="4"/><field name="PE" start="5" end="5"/>
<field name="DAZ" start="6" end="6"/><field name="IM" start="7" end="7"/>
<field name="DM" start="8" end="8"/><field name="ZM" start="9" end="9"/>
<field name="OM" start="10" end="10"/><field name="UM" start="11" end="11"/>
<field name="PM" start="12" end="12"/><field name="FZ" start="15" end="15"/>
</flags>
)";
constexpr std::string_view kSystemTypes = R"(<flags id="x86_cr0" size="8">
<field name="PE" start="0" end="0"/><field name="MP" start="1" end="1"/>
<field name="EM" start="2" end="2"/><field name="TS" start="3" end="3"/>
<field name="ET" start="4" end="4"/><field name="NE" start="5" end="5"/>
<field name="WP" start="16" end="16"/><field name="AM" start="18" end="18"/>
<field name="NW" start="29" end="29"/><field name="CD" start="30" end="30"/>
<field name="PG" start="31" end="31"/>
</flags>
<flags id="x86_cr4" size="8">
<field name="VME" start="0" end="0"/><field name="PVI" start="1" end="1"/>
<field name="TSD" start="2" end="2"/><field name="DE" start="3" end="3"/>
<field name="PSE" start="4" end="4"/><field name="PAE" start="5" end="5"/>
<field name="MCE" start="6" end="6"/><field name="PGE" start="7" end="7"/>
<field name="PCE" start="8" end="8"/><field name="OSFXSR" start="9" end="9"/>
<field name="OSXMMEXCPT" start="10" end="10"/><field name="UMIP" start="11" end="11"/>
<field name="LA57" start="12" end="12"/><field name="FSGSBASE" start="16" end="16"/>
<field name="PCIDE" start="17" end="17"/><field name="OSXSAVE" start="18" end="18"/>
<field name="SMEP" start="20" end="20"/><field name="SMAP" start="21" end="21"/>
</flags>
<flags id="x86_efer" size="8">
<field name="SCE" start="0" end="0"/><field name="LME" start="8" end="8"/>
<field name="LMA" start="10" end="10"/><field name="NXE" start="11" end="11"/>
</flags>
)";

template <std::size_t kSize>
constexpr std::array<DebugRegister, kSize> shown(const Register (&rows)[kSize]) {
  std::array<DebugRegister, kSize> result;
  for (std::size_t n = 0; n < kSize; ++n) result[n] = rows[n].shown;
  return result;
}
template <std::size_t kFirst, class... Rest>
constexpr auto joined(const Register (&first)[kFirst], const Rest&... rest) {
  if constexpr (sizeof...(rest) == 0) {
    return std::to_array(first);
  } else {
    const auto tail = joined(rest...);
    std::array<Register, kFirst + tail.size()> all{};
    std::copy(std::begin(first), std::end(first), all.begin());
    std::copy(tail.begin(), tail.end(), all.begin() + kFirst);
    return all;
  }
}

constexpr auto kCoreShown = shown(kCore);
constexpr auto kSseShown = shown(kSse);
constexpr auto kSegmentsShown = shown(kSegments);
constexpr auto kSystemShown = shown(kSystem);
constexpr auto kAvxShown = shown(kAvx);
constexpr DebugFeature kFeatures[] = {
    {"org.gnu.gdb.i386.core", kCoreTypes, kCoreShown},
    {"org.gnu.gdb.i386.sse", kSseTypes, kSseShown},
    {"org.gnu.gdb.i386.segments", {}, kSegmentsShown},
    {"org.backplane.i386.system", kSystemTypes, kSystemShown},
    {"org.gnu.gdb.i386.avx", {}, kAvxShown},
};
constexpr auto kRegisters = joined(kCore, kSse, kSegments, kSystem, kAvx);

}  // namespace

std::span<const DebugFeature> features(bool avx) {
  const std::span<const DebugFeature> all = kFeatures;
  return avx ? all : all.first(all.size() - 1);
}

std::span<const Register> registers() { return kRegisters; }

}  // namespace backplane::x86::debug

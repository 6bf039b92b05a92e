// SPDX-License-Identifier: MIT
#include <cstring>

#include "backplane/x86/cpu.h"

namespace backplane::x86 {

namespace {

constexpr const char* kGprNames[] = {"RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI",
                                     "R8 ", "R9 ", "R10", "R11", "R12", "R13", "R14", "R15"};
constexpr const char* kSegmentNames[] = {"ES", "CS", "SS", "DS", "FS", "GS"};

std::string describe_segment(const char* name, const Segment& s) {
  return fmt::format("{:<4}{:04x} base={:016x} limit={:08x} attributes={:04x}\n", name, s.selector,
                     s.base, s.limit, s.attributes);
}

const char* mode_name(const X86State& s) {
  if ((s.cr0 & kCr0PE) == 0) return "real";
  if ((s.rflags & kVM) != 0) return "virtual-8086";
  if (!s.long_mode_active()) return s.seg[CS].big() ? "protected, 32-bit" : "protected, 16-bit";
  return s.seg[CS].long_mode() ? "long, 64-bit" : "long, compatibility";
}

}  // namespace

std::string X86Cpu::describe_registers() const {
  const X86State& s = *state_;
  std::string text = fmt::format("CPU {} {}{}{}\n", index(), mode_name(s),
                                 halted() ? ", halted" : "", s.shutdown != 0 ? ", shut down" : "");
  for (unsigned i = 0; i < 16; ++i)
    text += fmt::format("{}={:016x}{}", kGprNames[i], s.gpr[i], i % 4 == 3 ? "\n" : " ");
  text += fmt::format("RIP={:016x} RFLAGS={:08x} [{}{}{}{}{}{}{}{}{}] CPL={}\n", s.rip, s.rflags,
                      (s.rflags & kOF) != 0 ? 'O' : '-', (s.rflags & kDF) != 0 ? 'D' : '-',
                      (s.rflags & kIF) != 0 ? 'I' : '-', (s.rflags & kTF) != 0 ? 'T' : '-',
                      (s.rflags & kSF) != 0 ? 'S' : '-', (s.rflags & kZF) != 0 ? 'Z' : '-',
                      (s.rflags & kAF) != 0 ? 'A' : '-', (s.rflags & kPF) != 0 ? 'P' : '-',
                      (s.rflags & kCF) != 0 ? 'C' : '-', s.cpl());
  for (unsigned i = 0; i < 6; ++i) text += describe_segment(kSegmentNames[i], s.seg[i]);
  text += describe_segment("LDT", s.ldtr);
  text += describe_segment("TR", s.tr);
  text += fmt::format("GDT base={:016x} limit={:04x}\nIDT base={:016x} limit={:04x}\n", s.gdtr.base,
                      s.gdtr.limit, s.idtr.base, s.idtr.limit);
  text += fmt::format("CR0={:08x} CR2={:016x} CR3={:016x} CR4={:08x} EFER={:04x} XCR0={:x}\n",
                      s.cr0, s.cr2, s.cr3, s.cr4, s.efer, s.xcr0);
  text += fmt::format("DR0={:016x} DR1={:016x} DR2={:016x} DR3={:016x} DR6={:08x} DR7={:08x}\n",
                      s.dr[0], s.dr[1], s.dr[2], s.dr[3], s.dr[6], s.dr[7]);
  u16 control = 0, status = 0;
  u32 mxcsr = 0;
  std::memcpy(&control, s.xsave, 2);
  std::memcpy(&status, s.xsave + 2, 2);
  std::memcpy(&mxcsr, s.xsave + 24, 4);
  text += fmt::format("FCW={:04x} FSW={:04x} MXCSR={:08x}\n", control, status, mxcsr);
  for (unsigned i = 0; i < 16; ++i) {
    u64 xmm[2];
    std::memcpy(xmm, s.xsave + 160 + 16 * i, sizeof xmm);
    text += fmt::format("XMM{:<2}={:016x}{:016x}{}", i, xmm[1], xmm[0], i % 2 == 1 ? "\n" : " ");
  }
  return text;
}

}  // namespace backplane::x86

// SPDX-License-Identifier: MIT
#include "describe.h"

#include <cctype>
#include <cstring>

#include "backplane/machine.h"
#include "backplane/x86/cpu.h"

namespace backplane::x86 {

namespace {

constexpr const char* kGprNames[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                     "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
constexpr const char* kSegmentNames[] = {"es", "cs", "ss", "ds", "fs", "gs"};
// From CF up; those between have no letter. [SDM 1 "EFLAGS Register"]
constexpr std::string_view kFlags = "C-P-A-ZSTIDO";

const char* mode_name(const X86State& s) {
  if ((s.cr0 & kCr0PE) == 0) return "real";
  if ((s.rflags & kVM) != 0) return "virtual-8086";
  if (!s.long_mode_active()) return s.seg[CS].big() ? "protected, 32-bit" : "protected, 16-bit";
  return s.seg[CS].long_mode() ? "long, 64-bit" : "long, compatibility";
}

Value segment(const Segment& s) {
  return Value::Record{
      {"selector", s.selector}, {"base", s.base}, {"limit", s.limit}, {"attributes", s.attributes}};
}

template <class Table>
Value table(const Table& t) {
  return Value::Record{{"base", t.base}, {"limit", t.limit}};
}

// A field of the area that XSAVE writes. [SDM 1 "Layout of the x87 FPU and SSE State"]
template <class T>
T saved(const X86State& s, std::size_t offset) {
  T value;
  std::memcpy(&value, s.xsave + offset, sizeof value);
  return value;
}

// --- for people -------------------------------------------------------------------------------

std::string capitals(std::string_view name) {
  std::string text(name);
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

u64 number(const Value& record, std::string_view name) { return record.find(name)->as_unsigned(); }

// OF first, as manuals draw them.
std::string flag_text(u64 rflags) {
  std::string text;
  for (std::size_t bit = kFlags.size(); bit-- > 0;)
    if (kFlags[bit] != '-') text += (rflags >> bit & 1) != 0 ? kFlags[bit] : '-';
  return text;
}

std::string general_text(const Value& cpu) {
  const Value& general = *cpu.find("general");
  std::string text;
  for (unsigned i = 0; i < std::size(kGprNames); ++i)
    text += fmt::format("{:<3}={:016x}{}", capitals(kGprNames[i]), number(general, kGprNames[i]),
                        i % 4 == 3 ? "\n" : " ");
  const u64 rflags = number(general, "rflags");
  return text + fmt::format("RIP={:016x} RFLAGS={:08x} [{}] CPL={}\n", number(general, "rip"),
                            rflags, flag_text(rflags), number(cpu, "cpl"));
}

std::string segment_text(const Value::Field& field) {
  const Value& s = field.value;
  const std::string name = capitals(field.name);
  if (s.find("selector") == nullptr)
    return fmt::format("{} base={:016x} limit={:04x}\n", name, number(s, "base"),
                       number(s, "limit"));
  return fmt::format("{:<4}{:04x} base={:016x} limit={:08x} attributes={:04x}\n", name,
                     number(s, "selector"), number(s, "base"), number(s, "limit"),
                     number(s, "attributes"));
}

std::string system_text(const Value& system) {
  return fmt::format("CR0={:08x} CR2={:016x} CR3={:016x} CR4={:08x} EFER={:04x} XCR0={:x}\n",
                     number(system, "cr0"), number(system, "cr2"), number(system, "cr3"),
                     number(system, "cr4"), number(system, "efer"), number(system, "xcr0")) +
         fmt::format("DR0={:016x} DR1={:016x} DR2={:016x} DR3={:016x} DR6={:08x} DR7={:08x}\n",
                     number(system, "dr0"), number(system, "dr1"), number(system, "dr2"),
                     number(system, "dr3"), number(system, "dr6"), number(system, "dr7"));
}

std::string vector_text(const Value& cpu) {
  const Value& floating_point = *cpu.find("floating-point");
  std::string text =
      fmt::format("FCW={:04x} FSW={:04x} MXCSR={:08x}\n", number(floating_point, "fcw"),
                  number(floating_point, "fsw"), number(floating_point, "mxcsr"));
  bool is_second = false;
  for (const Value::Field& field : cpu.find("vector")->as_record()) {
    text += fmt::format("{:<5}={}{}", capitals(field.name), field.value.as_string(),
                        is_second ? "\n" : " ");
    is_second = !is_second;
  }
  return text;
}

}  // namespace

Value X86Cpu::registers() const {
  const X86State& s = *state_;
  Value::Record general, segments, system, vector;
  for (unsigned i = 0; i < std::size(kGprNames); ++i) general.push_back({kGprNames[i], s.gpr[i]});
  general.push_back({"rip", s.rip});
  general.push_back({"rflags", s.rflags});
  for (unsigned i = 0; i < std::size(kSegmentNames); ++i)
    segments.push_back({kSegmentNames[i], segment(s.seg[i])});
  segments.push_back({"ldt", segment(s.ldtr)});
  segments.push_back({"tr", segment(s.tr)});
  segments.push_back({"gdt", table(s.gdtr)});
  segments.push_back({"idt", table(s.idtr)});
  system = {{"cr0", s.cr0}, {"cr2", s.cr2},   {"cr3", s.cr3},
            {"cr4", s.cr4}, {"efer", s.efer}, {"xcr0", s.xcr0}};
  for (const unsigned i : {0u, 1u, 2u, 3u, 6u, 7u})
    system.push_back({fmt::format("dr{}", i), s.dr[i]});
  // Wider than numbers are.
  for (unsigned i = 0; i < 16; ++i)
    vector.push_back(
        {fmt::format("xmm{}", i),
         fmt::format("{:016x}{:016x}", saved<u64>(s, 168 + 16 * i), saved<u64>(s, 160 + 16 * i))});
  return Value::Record{{"cpu-index", index()},
                       {"mode", mode_name(s)},
                       {"halted", halted()},
                       {"shut-down", s.shutdown != 0},
                       {"cpl", s.cpl()},
                       {"general", std::move(general)},
                       {"segments", std::move(segments)},
                       {"system", std::move(system)},
                       {"floating-point", Value::Record{{"fcw", saved<u16>(s, 0)},
                                                        {"fsw", saved<u16>(s, 2)},
                                                        {"mxcsr", saved<u32>(s, 24)}}},
                       {"vector", std::move(vector)}};
}

std::string X86Cpu::describe_registers() const { return print_registers(Value::List{registers()}); }

Value describe_registers(const Machine& machine) {
  Value::List cpus;
  for (Cpu* const cpu : machine.cpus())
    cpu->run_on_thread([&] {
      if (cpu->vcpu() != nullptr) cpu->vcpu()->get_state();
      cpus.push_back(dynamic_cast<X86Cpu&>(*cpu).registers());
    });
  return cpus;
}

std::string print_registers(const Value& cpus) {
  std::string text;
  for (const Value& cpu : cpus.as_list()) {
    text += fmt::format("CPU {} {}{}{}\n", number(cpu, "cpu-index"), cpu.find("mode")->as_string(),
                        cpu.find("halted")->as_bool() ? ", halted" : "",
                        cpu.find("shut-down")->as_bool() ? ", shut down" : "");
    text += general_text(cpu);
    for (const Value::Field& field : cpu.find("segments")->as_record()) text += segment_text(field);
    text += system_text(*cpu.find("system"));
    text += vector_text(cpu);
  }
  return text;
}

}  // namespace backplane::x86

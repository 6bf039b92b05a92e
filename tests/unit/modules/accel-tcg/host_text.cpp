// SPDX-License-Identifier: MIT
#include "host_text.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <cstring>

#include "trace/disassembler.h"

namespace backplane::tcg::testing {
namespace {

constexpr const char* kGuestRegisters[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                           "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
constexpr const char* kSegments[] = {"es", "cs", "ss", "ds", "fs", "gs"};

std::map<i64, std::string> fields_of(unsigned mmu_index) {
  std::map<i64, std::string> f;
  for (unsigned n = 0; n < 16; ++n) f[n * 8] = std::string("guest ") + kGuestRegisters[n];
  const auto state = [&](std::size_t offset, const char* name) {
    f[static_cast<i64>(offset)] = name;
  };
  for (unsigned n = 0; n < 6; ++n) {
    const std::size_t at = offsetof(X86State, seg) + n * sizeof(x86::Segment);
    state(at, kSegments[n]);
    state(at + offsetof(x86::Segment, base), (std::string(kSegments[n]) + " base").c_str());
  }
  state(offsetof(X86State, rflags), "rflags");
  state(offsetof(X86State, cr0), "cr0");
  state(offsetof(X86State, cr2), "cr2");
  state(offsetof(X86State, cr3), "cr3");
  state(offsetof(X86State, cr4), "cr4");
  state(offsetof(X86State, kernel_gs_base), "kernel gs base");
  state(offsetof(X86State, tsc_offset), "tsc_offset");
  state(offsetof(X86State, tsc_aux), "tsc_aux");
  state(offsetof(X86State, tsc_valid_until), "tsc_valid_until");
#define FIELD(name) f[BACKPLANE_JIT_OFFSET(name)] = #name
  FIELD(exit_request);
  FIELD(interrupt_waiting);
  FIELD(budget);
  FIELD(saved_flags);
  FIELD(direction);
  FIELD(page_base);
  FIELD(x87_page);
  FIELD(x87_operand);
  FIELD(x87_place);
  FIELD(code_base);
  FIELD(pointer_mask);
  FIELD(index_mask);
  FIELD(page_mask);
  FIELD(offset_mask);
  FIELD(slow_linear);
#undef FIELD
  f[BACKPLANE_JIT_OFFSET(split) + static_cast<int>(offsetof(SplitStore, bounce))] = "bounce";
  f[BACKPLANE_JIT_OFFSET(jump_generation) + static_cast<int>(8 * mmu_index)] = "jump_generation";
  f[BACKPLANE_JIT_OFFSET(site_generation) + static_cast<int>(8 * mmu_index)] = "site_generation";
  f[BACKPLANE_JIT_OFFSET(jumps) + static_cast<int>(offsetof(JumpEntry, tag))] = "jumps.tag";
  f[BACKPLANE_JIT_OFFSET(jumps) + static_cast<int>(offsetof(JumpEntry, code))] = "jumps.code";
  const i64 tlb =
      BACKPLANE_JIT_OFFSET(tlb) + static_cast<i64>(mmu_index * sizeof(TlbEntry) * kTlbEntries);
  f[tlb + static_cast<i64>(offsetof(TlbEntry, read_tag))] = "tlb.read_tag";
  f[tlb + static_cast<i64>(offsetof(TlbEntry, write_tag))] = "tlb.write_tag";
  f[tlb + static_cast<i64>(offsetof(TlbEntry, host))] = "tlb.host";
  return f;
}

std::map<u32, std::string> stubs_of(const Stubs& s) {
  std::map<u32, std::string> names = {{s.memory_general, "memory"},
                                      {s.memory, "memory beside vectors"},
                                      {s.interpret_general, "interpreter"},
                                      {s.interpret, "interpreter beside vectors"},
                                      {s.commit, "commit"},
                                      {s.repeat, "repeat"},
                                      {s.system, "system"},
                                      {s.link, "link"},
                                      {s.lookup, "look-up"},
                                      {s.leave_at, "leave"}};
  for (const u32 far : s.link_far) names[far] = "link far";
  return names;
}

// The registers that translated code has for itself, and where the guest's stack pointer is.
std::string renamed(std::string_view word) {
  constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"r10", "t0"}, {"r11", "t1"}, {"r14", "t2"}, {"r15", "sp"}, {"rsp", "state"}};
  for (const auto& [host, name] : kNames)
    if (word.starts_with(host) && word.size() <= host.size() + 1)
      return std::string(name) + std::string(word.substr(host.size()));
  return std::string(word);
}

bool starts(const std::string& text, std::string_view with) { return text.starts_with(with); }

// What stands in many blocks becomes one line: flags that are moved, a look into the jump cache.
void fold(std::vector<std::string>& lines) {
  using Lines = std::vector<std::string>;
  static const std::pair<Lines, const char*> kKnown[] = {
      {{"mov t1, rax", "lahf", "seto al", "mov [saved_flags], ax", "mov rax, t1"}, "save flags"},
      {{"mov t1, rax", "lahf", "seto al", "mov t2d, eax", "mov rax, t1"}, "read flags into t2"},
      {{"mov t1, rax", "movzx eax, word ptr [saved_flags]", "add al, 0x7f", "sahf", "mov rax, t1"},
       "restore flags"},
      {{fmt::format("imul t1d, t0d, {:#x}", kJumpCacheMultiplier),
        fmt::format("shr t1d, {:#04x}", 32 - kJumpCacheBits),
        fmt::format("shl t1d, {:#04x}", kJumpEntryShift), "mov t2, [jump_generation]", "xor t2, t0",
        "cmp t2, [jumps.tag+t1*1]"},
       "probe the jump cache for t0"},
      {{"and t0, 0xfffffffffffff000", "mov [page_base], t0", "jmp [jumps.code+t1*1]"},
       "jump to what it has"}};
  for (const auto& [part, name] : kKnown)
    for (auto at = lines.begin();
         (at = std::search(at, lines.end(), part.begin(), part.end())) != lines.end();) {
      *at++ = name;
      at = lines.erase(at, at + static_cast<std::ptrdiff_t>(part.size() - 1));
    }
}

}  // namespace

HostText::HostText(Engine& engine, const Block& block)
    : engine_(engine),
      block_(block),
      fields_(fields_of(block.mode.mmu_index())),
      stubs_(stubs_of(engine.stubs)) {}

HostText::Line HostText::read(u32 at) const {
  const u8* const code = engine_.cache.assembler().executable(at);
  const Disassembled d = disassemble({code, 15}, 0, 64);
  Line line{.at = at, .length = d.length, .text = named(d.text)};
  const u8 tag[] = {0x4c, 0x3b, 0x1d};  // of a jump to another page, beside the code
  if (std::equal(std::begin(tag), std::end(tag), code)) line.text = "cmp t1, [tag]";
  const bool far_conditional = code[0] == 0x0f && (code[1] & 0xf0) == 0x80;
  const bool far_jump = code[0] == 0xe9 || code[0] == 0xe8;
  const bool near_jump = code[0] == 0xe3 || code[0] == 0xeb || (code[0] == 0x67 && code[1] == 0xe3);
  if (!far_conditional && !far_jump && !near_jump) return line;
  i32 distance = 0;
  std::memcpy(&distance, code + d.length - 4, sizeof distance);
  if (near_jump) distance = static_cast<i8>(code[d.length - 1]);
  line.jumps = true;
  line.always = code[0] == 0xe9 || code[0] == 0xeb;
  line.target = at + d.length + static_cast<u32>(distance);
  line.text = d.text.substr(0, d.text.find(' '));
  return line;
}

std::string HostText::named(const std::string& text) const {
  std::string out;
  for (std::size_t n = 0; n < text.size();) {
    if (starts(text.substr(n), "[rsp")) {
      const std::size_t end = text.find(']', n);
      std::string inner = text.substr(n + 4, end - n - 4);  // behind RSP
      i64 displacement = 0;
      if (const std::size_t sign = inner.rfind("0x"); sign != std::string::npos) {
        displacement = std::stoll(inner.substr(sign), nullptr, 16);
        if (inner[sign - 1] == '-') displacement = -displacement;
        inner.resize(sign - 1);
      }
      const auto found = fields_.find(displacement);
      out += "[" +
             (found != fields_.end() ? found->second : fmt::format("state{:+}", displacement)) +
             named(inner) + "]";
      n = end + 1;
    } else if (std::isalnum(static_cast<unsigned char>(text[n])) != 0) {
      std::size_t end = n;
      while (end < text.size() && std::isalnum(static_cast<unsigned char>(text[end])) != 0) ++end;
      out += renamed(std::string_view(text).substr(n, end - n));
      n = end;
    } else {
      out += text[n++];
    }
  }
  return out;
}

// What a jump to cold code does, up to where it leaves that.
std::vector<HostText::Line> HostText::cold_path(u32 at) const {
  std::vector<Line> path;
  constexpr std::size_t kMost = 40;
  while (path.size() < kMost) {
    const Line line = read(at);
    at += line.length;
    const bool in_cold = line.target >= block_.cold_begin && line.target < block_.cold_end;
    if (line.always && in_cold) {
      at = line.target;
      continue;
    }
    if (line.text != "nop") path.push_back(line);
    if (line.always || starts(line.text, "jmp")) break;
  }
  return path;
}

// The end of a path that only says where to go on; empty if it says more.
std::string HostText::destination(const std::vector<Line>& path) const {
  if (path.empty() || !path.back().jumps) return {};
  if (path.size() == 1) return end_of_jump(path.back().target);
  const auto stub = stubs_.find(path.back().target);
  if (path.size() != 2 || stub == stubs_.end() || !starts(path[0].text, "mov t1d, 0x")) return {};
  if (stub->second != "link") return stub->second;
  const u32 index = static_cast<u32>(std::stoul(path[0].text.substr(9), nullptr, 16));
  const JumpSite& site = engine_.cache.site(index);
  return site.apart ? "apart" : fmt::format("page{:+#x}", site.target);
}

std::string HostText::joined(const std::vector<Line>& path) const {
  std::vector<std::string> parts;
  std::size_t told = path.size();
  for (std::size_t n = 0; n < path.size() && told == path.size(); ++n)
    if (!destination({path.begin() + static_cast<std::ptrdiff_t>(n), path.end()}).empty()) told = n;
  for (std::size_t n = 0; n < told; ++n) parts.push_back(shown(path[n]));
  fold(parts);
  if (told != path.size())
    parts.push_back(destination({path.begin() + static_cast<std::ptrdiff_t>(told), path.end()}));
  return fmt::format("{}", fmt::join(parts, "; "));
}

std::string HostText::end_of_jump(u32 target) const {
  if (const auto stub = stubs_.find(target); stub != stubs_.end()) return stub->second;
  if (target == block_.entry) return "entry";
  if (target < block_.end && is_hot(target)) {
    const auto label = labels_.find(target);
    return label != labels_.end() ? fmt::format("L{}", label->second) : "back";
  }
  const std::vector<Line> path = cold_path(target);
  const std::string to = destination(path);
  return to.empty() ? "(" + joined(path) + ")" : to;
}

std::string HostText::shown(const Line& line) const {
  return line.jumps ? line.text + " " + end_of_jump(line.target) : line.text;
}

std::vector<HostText::Line> HostText::hot_lines(bool whole) const {
  u32 at = whole ? block_.entry : block_.behind_check;
  const auto begins_instruction = [&] {
    const CodePoint* const point = engine_.cache.point_at(block_, at);
    return point != nullptr && point->host == at;
  };
  std::vector<Line> lines;
  bool shows = whole;
  labels_.clear();
  while (at < block_.end) {
    shows = shows || begins_instruction();
    const Line line = read(at);
    at += line.length;
    if (!shows || line.text == "nop") continue;  // it keeps what follows in a line of the cache
    lines.push_back(line);
    if (line.jumps && is_hot(line.target) && line.target != block_.entry) labels_[line.target] = 0;
  }
  int number = 0;
  if (!lines.empty()) std::erase_if(labels_, [&](auto& l) { return l.first < lines[0].at; });
  for (auto& [place, label] : labels_) label = ++number;
  return lines;
}

// What a check's cold code does beside what all do.
std::string HostText::miss(const std::vector<Line>& path, const std::string& pointer) const {
  std::vector<std::string> others;
  bool calls = false;
  for (std::size_t n = 1; n < path.size(); ++n) {
    const std::string text = shown(path[n]);
    const bool usual = text == "mov t0, " + pointer || text == "mov " + pointer + ", t0" ||
                       text == "mov t1d, t0d" || text == "and t1d, 0xfff" ||
                       starts(text, "cmp t1d, ") || text == "jnbe apart" ||
                       starts(text, "mov t1d, 0x") || starts(text, "call memory") ||
                       text == "jmp back";
    calls = calls || starts(text, "call memory");
    if (!usual) others.push_back(text);
  }
  fold(others);
  if (!calls) return " or skip";
  return others.empty() ? "" : fmt::format(" (miss: {})", fmt::join(others, "; "));
}

std::size_t HostText::check_at(const std::vector<Line>& lines, std::size_t n,
                               std::string& text) const {
  constexpr std::size_t kPlain = 6, kBesideFlags = 15;
  if (n + kPlain > lines.size()) return 0;
  for (const std::string pointer : {"t0", "t2"}) {
    const auto kind = [](const std::string& line) {
      return line.find("read_tag") != std::string::npos ? "read" : "write";
    };
    if (lines[n].text == "rorx t1, " + pointer + ", 0x07" &&
        starts(lines[n + 2].text, "xor " + pointer + ", [tlb.") &&
        starts(lines[n + 3].text, "cmp " + pointer + ", 0x") && lines[n + 4].text == "jnbe" &&
        starts(lines[n + 5].text, "add " + pointer + ", [tlb.host")) {
      const std::string last = lines[n + 3].text.substr(lines[n + 3].text.find("0x"));
      const u64 size = kPageSize - std::stoull(last, nullptr, 16);
      text = fmt::format("check {} {} {}{}", kind(lines[n + 2].text), size, pointer,
                         miss(cold_path(lines[n + 4].target), pointer));
      return kPlain;
    }
    if (n + kBesideFlags <= lines.size() &&
        starts(lines[n].text, "pext t1, " + pointer + ", [index_mask")) {
      text = fmt::format("check {} {} beside flags", kind(lines[n + 2].text), pointer);
      return kBesideFlags;
    }
  }
  return 0;
}

std::vector<std::string> HostText::lines(bool whole) const {
  const std::vector<Line> all = hot_lines(whole);
  std::vector<std::string> out;
  for (std::size_t n = 0; n < all.size();) {
    if (const auto label = labels_.find(all[n].at); label != labels_.end())
      out.push_back(fmt::format("L{}:", label->second));
    std::string text;
    const std::size_t check = whole ? 0 : check_at(all, n, text);
    if (check != 0)
      out.push_back(text);
    else
      out.push_back(shown(all[n]));
    n += std::max<std::size_t>(check, 1);
  }
  fold(out);
  return out;
}

}  // namespace backplane::tcg::testing

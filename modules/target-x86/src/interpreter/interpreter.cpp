// SPDX-License-Identifier: MIT
#include "backplane/x86/interpreter.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "execution.h"
#include "execution_counts.h"
#include "handlers.h"
#include "native/availability.h"
#include "native/routine.h"

namespace backplane::x86 {

using namespace interpreter;

namespace {

constexpr unsigned kMaxLength = 15;
constexpr std::size_t kCacheEntries = 4096;  // a power of two

DecodeMode decode_mode(const X86State& state) {
  const bool long_mode = state.long_mode_active();
  const bool big = state.seg[CS].big();
  if (!state.protected_mode()) return kModeReal16;
  if (!long_mode) return big ? kModeProtected32 : kModeProtected16;
  if (state.seg[CS].long_mode()) return kModeLong64;
  return big ? kModeCompat32 : kModeCompat16;
}

}  // namespace

struct Interpreter::Impl {
  Impl(X86Cpu& cpu, LinearMemory& memory)
      : x(cpu, memory),
        decoder(cpu, natives),
        cache(static_cast<Instruction*>(std::calloc(kCacheEntries, sizeof(Instruction)))) {
    if (cache == nullptr) throw std::bad_alloc();
  }
  ~Impl() { std::free(cache); }

  const Instruction& fetch();
  const Instruction& decode(Instruction& slot, DecodeMode mode, u64 linear, unsigned available);
  u64 code_address(unsigned& available) const;
  Step execute();
  bool at_breakpoint();
  bool debug_trap();
  void deliver_debug_traps();

  Execution x;
  NativeRoutines natives;
  Decoder decoder;
  ExecutionCounts counts;
  Instruction* cache;
};

// The linear address of the instruction, and how many bytes the code segment permits.
u64 Interpreter::Impl::code_address(unsigned& available) const {
  const X86State& state = x.state;
  available = kMaxLength;
  if (x.code64()) return state.rip;
  const Segment& cs = state.seg[CS];
  if (state.rip > cs.limit) raise_fault(kGP, 0);
  const u64 left = u64{cs.limit} - state.rip + 1;
  if (left < available) available = static_cast<unsigned>(left);
  return static_cast<u32>(cs.base + state.rip);
}

const Instruction& Interpreter::Impl::fetch() {
  const u64 rip = x.state.rip;
  const DecodeMode mode = decode_mode(x.state);
  unsigned available = 0;
  const u64 linear = code_address(available);
  Instruction& slot = cache[(rip ^ (rip >> 12)) & (kCacheEntries - 1)];
  if (slot.rip == rip && slot.mode == mode && slot.length <= available) {
    u8 bytes[kMaxLength];
    if (x.memory.fetch(linear, bytes, slot.length, x.privilege) == slot.length &&
        std::memcmp(bytes, slot.bytes, slot.length) == 0)
      return slot;
  }
  return decode(slot, mode, linear, available);
}

const Instruction& Interpreter::Impl::decode(Instruction& slot, DecodeMode mode, u64 linear,
                                             unsigned available) {
  if (natives.full()) {
    std::memset(static_cast<void*>(cache), 0, kCacheEntries * sizeof(Instruction));
    natives.clear();
  }
  if (x.code64() && !x.is_canonical(linear)) raise_fault(kGP, 0);
  u8 bytes[kMaxLength];
  const unsigned fetched = x.memory.fetch(linear, bytes, available, x.privilege);
  slot.mode = 0;
  switch (decoder.decode(mode, x.state.rip, bytes, fetched, slot)) {
    case DecodeStatus::Ok:
      return slot;
    case DecodeStatus::Truncated:
      slot.mode = 0;
      // Either the next page cannot be fetched, which this finds out, or the segment ends.
      if (fetched < available) x.memory.fetch(linear + fetched, bytes, 1, x.privilege);
      raise_fault(kGP, 0);
    case DecodeStatus::TooLong:
      slot.mode = 0;
      raise_fault(kGP, 0);
    default:
      slot.mode = 0;
      raise_fault(kUD);
  }
}

// #DB before an instruction that a breakpoint is set on. The handler sets RF to return to it.
bool Interpreter::Impl::at_breakpoint() {
  unsigned available = 0;
  const u64 hits = breakpoint_hits(x.state, BreakOn::Execution, code_address(available), 1);
  if (hits == 0) return false;
  deliver_debug_exception(x.context, hits);
  return true;
}

// #DB after an instruction that began with TF set, or that touched what a breakpoint is set on.
// After a load of SS the latter waits for the next instruction's end, and the former is lost.
bool Interpreter::Impl::debug_trap() {
  X86State& state = x.state;
  state.debug_traps |= static_cast<u16>(x.breakpoints_hit);
  if (state.interrupt_shadow == kShadowSs) return false;
  if (x.single_step) state.debug_traps |= static_cast<u16>(kDr6BS);
  if (state.debug_traps == 0) return false;
  deliver_debug_traps();
  return true;
}

void Interpreter::Impl::deliver_debug_traps() {
  deliver_debug_exception(x.context, std::exchange(x.state.debug_traps, u16{0}));
}

Interpreter::Step Interpreter::Impl::execute() {
  X86State& state = x.state;
  x.begin();
  const bool resuming = (state.rflags & kRF) != 0;
  const auto delivered = [&] { return state.shutdown != 0 ? Step::Shutdown : Step::Exception; };
  // Of a load of SS behind which a software interrupt was, or of a switch to a task that wants it.
  if (state.debug_traps != 0 && !x.behind_ss_load) {
    deliver_debug_traps();
    return delivered();
  }
  if (x.watching && !resuming && !x.behind_ss_load && at_breakpoint()) return delivered();
  const Instruction& i = fetch();
  counts.add(i.counter);
  state.interrupt_shadow = kNoShadow;
  state.rflags &= ~kRF;
  x.next_rip = state.rip + i.length;
  if (!x.code64()) x.next_rip = static_cast<u32>(x.next_rip);
  i.handler(x, i);
  state.rip = x.next_rip;
  if (x.cpu.ferr() && !x87_exception_waits(state)) x.cpu.set_ferr(false);

  if (x.outcome == Execution::Outcome::Delivered) return delivered();
  if ((x.one_element() || state.debug_traps != 0) && debug_trap()) return delivered();
  return x.outcome == Execution::Outcome::Halted ? Step::Halted : Step::Done;
}

Interpreter::Interpreter(X86Cpu& cpu, LinearMemory& memory)
    : impl_(std::make_unique<Impl>(cpu, memory)) {}

Interpreter::~Interpreter() = default;

void Interpreter::set_one_element(bool one) { impl_->x.one_element_wanted = one; }

Interpreter::Step Interpreter::step() {
  try {
    return impl_->execute();
  } catch (const StandsStill&) {
    return Step::Halted;
  } catch (const GuestException& e) {
    const X86State& state = impl_->x.state;
    deliver_exception(impl_->x.context, e);
    return state.shutdown != 0 ? Step::Shutdown : Step::Exception;
  }
}

Interpreter::Step Interpreter::step_and_settle() {
  // What waits behind a load of SS, and behind the software interrupt after it.
  constexpr unsigned kMost = 3;
  Step last = step();
  for (unsigned steps = 1; steps < kMost && impl_->x.state.debug_traps != 0; ++steps) last = step();
  return last;
}

std::vector<Interpreter::Count> Interpreter::counts() const {
  std::vector<Count> all;
  for (u16 n = 0; n < ExecutionCounts::kCounters; ++n)
    if (const u64 times = impl_->counts.times(n); times != 0)
      all.push_back({ExecutionCounts::name_of(n), times});
  std::ranges::stable_sort(all, std::ranges::greater(), &Count::times);
  return all;
}

}  // namespace backplane::x86

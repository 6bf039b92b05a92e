// SPDX-License-Identifier: MIT
#include "backplane/x86/interpreter.h"

#include <cstdlib>

#include "execution.h"
#include "handlers.h"
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

constexpr u64 kDr6SingleStep = 1u << 14;

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

  Execution x;
  NativeRoutines natives;
  Decoder decoder;
  Instruction* cache;
  u64 held_traps = 0;  // bits of DR6 that wait for the instruction after a load of SS
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

// #DB before an instruction that a breakpoint is set on. RF in the flags that are pushed lets the
// handler return to it.
bool Interpreter::Impl::at_breakpoint() {
  X86State& state = x.state;
  unsigned available = 0;
  const u64 hits = breakpoint_hits(state, BreakOn::Execution, code_address(available), 1);
  if (hits == 0) return false;
  state.dr[6] |= hits;
  state.rflags |= kRF;
  deliver_event(x.context, EventKind::Exception, kDB, state.rip);
  return true;
}

// #DB after an instruction that began with TF set, or that touched what a breakpoint is set on.
bool Interpreter::Impl::debug_trap() {
  if (x.single_step) x.breakpoints_hit |= kDr6SingleStep;
  held_traps |= x.breakpoints_hit;
  if (held_traps == 0 || x.loaded_ss) return false;
  x.state.dr[6] |= held_traps;
  held_traps = 0;
  deliver_event(x.context, EventKind::Exception, kDB, x.state.rip);
  return true;
}

Interpreter::Step Interpreter::Impl::execute() {
  X86State& state = x.state;
  x.begin();
  const bool resuming = (state.rflags & kRF) != 0;
  const auto delivered = [&] { return state.shutdown != 0 ? Step::Shutdown : Step::Exception; };
  if (x.watching && !resuming && at_breakpoint()) return delivered();
  const Instruction& i = fetch();
  state.interrupt_shadow = 0;
  x.next_rip = state.rip + i.length;
  if (!x.code64()) x.next_rip = static_cast<u32>(x.next_rip);
  i.handler(x, i);
  state.rip = x.next_rip;
  if (resuming && !x.flags_replaced) state.rflags &= ~kRF;

  if (x.outcome == Execution::Outcome::Delivered) return delivered();
  if ((x.one_element() || held_traps != 0) && debug_trap()) return delivered();
  return x.outcome == Execution::Outcome::Halted ? Step::Halted : Step::Done;
}

Interpreter::Interpreter(X86Cpu& cpu, LinearMemory& memory)
    : impl_(std::make_unique<Impl>(cpu, memory)) {}

Interpreter::~Interpreter() = default;

Interpreter::Step Interpreter::step() {
  try {
    return impl_->execute();
  } catch (const GuestException& e) {
    X86State& state = impl_->x.state;
    state.interrupt_shadow = 0;
    deliver_exception(impl_->x.context, e);
    return state.shutdown != 0 ? Step::Shutdown : Step::Exception;
  }
}

}  // namespace backplane::x86

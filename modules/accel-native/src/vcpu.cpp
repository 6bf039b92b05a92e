// SPDX-License-Identifier: MIT
#include "vcpu.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <iterator>

#include "backplane/log.h"
#include "backplane/machine.h"
#include "backplane/x86/system.h"

namespace backplane::native {
namespace {

using namespace x86;

// Stubs of a vCPU, and of all: each takes files of the emulator's.
constexpr std::size_t kMostStubs = 6, kMostOfAll = 64;
// How often a task that does not hand over is looked at.
constexpr std::chrono::milliseconds kLook{20};
// So much CPU time, in nanoseconds, a task may use after it was kicked: a signal that is not masked
// comes at the next tick of the host's at the latest.
constexpr u64 kAfterKick = 60'000'000;
constexpr u64 kVsyscallPage = 0xffffffffff600000, kVsyscallSize = 1024;
// The numbers of what is there, in its order. [Linux arch/x86/entry/vsyscall/vsyscall_emu_64.S]
constexpr u64 kVsyscalls[] = {__NR_gettimeofday, __NR_time, __NR_getcpu};

// CPU time of this thread. Not what passed on the clock: on a busy host that is mostly others'.
u64 time_of_thread() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<u64>(time.tv_sec) * 1'000'000'000 + static_cast<u64>(time.tv_nsec);
}

}  // namespace

StubVcpu::StubVcpu(X86Cpu& cpu, AddressSpace& memory, RamBlock& ram,
                   const tcg::NativeTier::Options& options)
    : guest_(cpu, memory, ram, options.forget_code),
      // Another vCPU may have changed a table, and not yet told this one to forget.
      check_(options.check && cpu.machine().config().topology.cpus() == 1),
      pages_in_use_(options.pages_in_use),
      most_stubs_(std::clamp<std::size_t>(kMostOfAll / cpu.machine().config().topology.cpus(), 1,
                                          kMostStubs)) {
  wants_all_ = options.eager;
}

void StubVcpu::note_interrupt(u64 kernel_entries) {
  const X86State& state = guest_.cpu.state();
  const u64 cr3 = state.cr3 & Invalidations::kTableMask;
  if (failures_ >= kMostFailures || (state.efer & kEferLMA) == 0) return;
  if (state.cpl() == 3 && !state.code64()) return note_narrow_tick(kernel_entries);
  if (!runs_natively(state)) return;
  const bool was_native = policy_.is_native(cr3);
  const u64 promoted = policy_.promoted();
  const GuestPage page = page_of_code();
  const bool is_native = policy_.note_tick(
      {.cr3 = cr3,
       .thread_pointer = state.seg[FS].base,
       .time = time_of_thread(),
       .kernel_entries = kernel_entries,
       .banned =
           !was_native && (!page.present || guest_.is_banned(cr3, state.rip, page, Rdtsc::Traps)),
       .code = page.present ? page.offset : 0});
  if (policy_.promoted() != promoted) {
    // What is there is of a program that ended.
    discard(cr3);
    std::erase(rdtsc_spaces_, cr3);
    if (uses_banned_code()) policy_.doubt(cr3);
  }
  if (is_native && !was_native) to_be_filled_ = cr3;
  want(cr3, is_native);
  for (const auto& space : spaces_) space->note_tick();
}

// 32-bit code: pages are looked at as 64-bit code only, so a program that has both is translated.
void StubVcpu::note_narrow_tick(u64 kernel_entries) {
  const X86State& state = guest_.cpu.state();
  const u64 cr3 = state.cr3 & Invalidations::kTableMask;
  if (policy_.is_native(cr3)) give_up(cr3);
  policy_.note_tick({.cr3 = cr3,
                     .thread_pointer = state.seg[FS].base,
                     .time = time_of_thread(),
                     .kernel_entries = kernel_entries,
                     .banned = true});
}

GuestPage StubVcpu::page_of_code() {
  const X86State& state = guest_.cpu.state();
  guest_.tables.begin();
  return guest_.tables.look(state.cr3 & Invalidations::kTableMask, state.rip);
}

bool StubVcpu::uses_banned_code() {
  if (!pages_in_use_) return false;
  const u64 cr3 = guest_.cpu.state().cr3 & Invalidations::kTableMask;
  guest_.tables.begin();
  const std::vector<u64> pages = pages_in_use_();
  return std::any_of(pages.begin(), pages.end(), [&](u64 linear) {
    const GuestPage page = guest_.tables.look(cr3, linear);
    return page.present && page.executable && guest_.has_code(page.offset) &&
           guest_.is_banned(cr3, linear, page, Rdtsc::Traps);
  });
}

void StubVcpu::want(u64 cr3, bool wanted) {
  u64* const end = wanted_ + wanted_count_;
  u64* const found = std::find(wanted_, end, cr3);
  if (wanted && found == end && wanted_count_ < kMostWanted)
    wanted_[wanted_count_++] = cr3;
  else if (!wanted && found != end)
    *found = wanted_[--wanted_count_];
}

void StubVcpu::give_up(u64 cr3) {
  policy_.forget(cr3);
  want(cr3, false);
  discard(cr3);
  std::erase(rdtsc_spaces_, cr3);
}

void StubVcpu::discard(u64 cr3) {
  std::erase_if(spaces_, [cr3](const auto& space) { return space->cr3() == cr3; });
  guest_.counters.live_stubs = spaces_.size();
}

Space* StubVcpu::current_space() {
  const u64 cr3 = guest_.cpu.state().cr3 & Invalidations::kTableMask;
  const auto found = std::find_if(spaces_.begin(), spaces_.end(),
                                  [cr3](const auto& space) { return space->cr3() == cr3; });
  if (found != spaces_.end()) {
    std::rotate(found, found + 1, spaces_.end());
    return spaces_.back().get();
  }
  if (spaces_.size() == most_stubs_) give_up(spaces_.front()->cr3());
  active_ = true;
  try {
    spaces_.push_back(std::make_unique<Space>(
        guest_, std::find(rdtsc_spaces_.begin(), rdtsc_spaces_.end(), cr3) != rdtsc_spaces_.end()
                    ? Rdtsc::Traps
                    : Rdtsc::Answers));
  } catch (const Error& error) {
    // All is translated then, as without the tier.
    log::print(LogCategory::Accel, "native tier: {}", error.what());
    if (++failures_ == kMostFailures) wants_all_ = false;
    return nullptr;
  }
  ++guest_.counters.stubs;
  guest_.counters.live_stubs = spaces_.size();
  return spaces_.back().get();
}

void StubVcpu::kick() {
  const int task = running_.load(std::memory_order_seq_cst);
  if (task >= 0) ::syscall(SYS_pidfd_send_signal, task, SIGUSR1, nullptr, 0);
}

void StubVcpu::code_marked(const RamBlock& ram, u64 offset) {
  if (&ram != &guest_.ram || !active_.load(std::memory_order_seq_cst)) return;
  const std::lock_guard guard(marks_lock_);
  marks_.push_back(offset);
}

void StubVcpu::code_changed(const u8* host_page) {
  if (!active_.load(std::memory_order_seq_cst)) return;
  if (host_page != nullptr) {
    const u64 offset = static_cast<u64>(host_page - guest_.ram.host());
    if (offset >= guest_.ram.size() ||
        guest_.executed[offset / kPageSize].exchange(0, std::memory_order_seq_cst) == 0)
      return;
  }
  code_changed_.store(true, std::memory_order_seq_cst);
  kick();
}

void StubVcpu::take_invalidations() {
  const bool code = code_changed_.exchange(false, std::memory_order_seq_cst);
  bool distrust = false;
  {
    const std::lock_guard guard(marks_lock_);
    for (const u64 offset : marks_)
      if (guest_.mapped_for_writing[offset / kPageSize]) distrust = true;
    marks_.clear();
  }
  for (const auto& space : spaces_) {
    if (distrust) space->distrust();
    if (code) space->distrust_code();
    if (!invalidations.empty()) space->note(invalidations);
  }
  invalidations.clear();
}

tcg::NativeVcpu::Left StubVcpu::run(const std::atomic<u32>& exit_request) {
  X86State& state = guest_.cpu.state();
  if (!runs_natively(state) || guest_.ram.logs_writes()) return Left::Unfit;
  const u64 cr3 = state.cr3 & Invalidations::kTableMask;
  const u64 began = time_of_thread(), entries = guest_.counters.entries;
  Space* const space = current_space();
  if (space == nullptr) {
    give_up(cr3);
    return Left::Unfit;
  }
  const bool is_new = space->pages() == 0;
  if ((std::exchange(to_be_filled_, 0) == cr3 || is_new) && pages_in_use_)
    space->want(pages_in_use_());
  entered_kernel_ = is_outdated_ = false;
  const Left left = stay(*space, exit_request);
  if (!spaces_.empty() && spaces_.back().get() == space) {
    const u64 mapper = space->take_gave_orders() ? space->stub().take_mapper_time() : 0;
    want(cr3, policy_.note_stay(cr3, {.native = space->stub().take_guest_time(),
                                      .entries = guest_.counters.entries - entries,
                                      .mapper = mapper,
                                      .began = began,
                                      .ended = time_of_thread(),
                                      .left_kernel = entered_kernel_,
                                      .left_page = left == Left::Page}));
    if (is_outdated_) discard(cr3);
  }
  guest_.counters.promoted = policy_.promoted();
  guest_.counters.rests = policy_.rests();
  return left;
}

tcg::NativeVcpu::Left StubVcpu::stay(Space& space, const std::atomic<u32>& exit_request) {
  const u64 cr3 = space.cr3();
  for (;;) {
    take_invalidations();
    if (space.was_replaced()) {
      // Another program has its tables where one had them that ended.
      give_up(cr3);
      return Left::Unfit;
    }
    if (space.is_in_the_way()) {
      is_outdated_ = true;
      return Left::Instruction;
    }
    if (!space.settle()) {
      ++guest_.counters.lost;
      give_up(cr3);
      return Left::Instruction;
    }
    if (check_)
      if (const std::string difference = space.find_difference(); !difference.empty()) {
        log::warn(difference);
        std::abort();
      }
    StubProcess::HandOver from;
    switch (enter(space, exit_request, from)) {
      case StubProcess::Waited::TimedOut:
        return Left::Interrupted;
      case StubProcess::Waited::Lost:
        // The state is that of the entry.
        ++guest_.counters.lost;
        give_up(cr3);
        return Left::Instruction;
      case StubProcess::Waited::HandedOver:
        break;
    }
    const Next next = answer(space, from);
    if (next == Next::Discard) {
      give_up(cr3);
    }
    if (next == Next::LeavePage) note_left_page(space);
    // Where nothing rests, code that comes by such a page often would not get on.
    if (next == Next::LeavePage) return wants_all_ ? Left::Unfit : Left::Page;
    if (next != Next::GoOn) return Left::Instruction;
    if (exit_request.load(std::memory_order_seq_cst) != 0) return Left::Interrupted;
  }
}

// Where code with RDTSC is hot, it is worth that all hand-overs cost more.
void StubVcpu::note_left_page(Space& space) {
  constexpr std::size_t kMostKnown = 64;
  const u64 cr3 = space.cr3(), rip = guest_.cpu.state().rip;
  if (space.rdtsc() == Rdtsc::Traps) return;
  const GuestPage page = page_of_code();
  if (!page.present || !guest_.is_banned(cr3, rip, page, Rdtsc::Answers) ||
      guest_.is_banned(cr3, rip, page, Rdtsc::Traps) || !space.note_rdtsc_page())
    return;
  if (rdtsc_spaces_.size() == kMostKnown) rdtsc_spaces_.clear();
  rdtsc_spaces_.push_back(cr3);
  is_outdated_ = true;
}

StubProcess::Waited StubVcpu::enter(Space& space, const std::atomic<u32>& exit_request,
                                    StubProcess::HandOver& result) {
  using Waited = StubProcess::Waited;
  StubProcess& stub = space.stub();
  space.frame().write(stub, guest_.cpu.state());
  running_.store(stub.guest_pidfd(), std::memory_order_seq_cst);
  if (exit_request.load(std::memory_order_seq_cst) != 0 ||
      code_changed_.load(std::memory_order_seq_cst)) {
    running_.store(-1, std::memory_order_relaxed);
    return Waited::TimedOut;
  }
  ++guest_.counters.entries;
  Waited waited = stub.go_on() ? stub.wait(result, kLook) : Waited::Lost;
  bool kicked = false;
  u64 used = 0;
  while (waited == Waited::TimedOut) {
    if (exit_request.load(std::memory_order_relaxed) != 0) {
      const u64 time = stub.guest_cpu_time();
      if (!std::exchange(kicked, true)) used = time;
      if (time - used > kAfterKick) {
        stub.kill();
        waited = Waited::Lost;
        break;
      }
      kick();
    }
    waited = stub.wait(result, kLook);
  }
  running_.store(-1, std::memory_order_relaxed);
  return waited;
}

u8 StubVcpu::guest_byte(u64 linear) {
  const GuestPage page =
      guest_.tables.look(guest_.cpu.state().cr3 & Invalidations::kTableMask, linear);
  return page.present ? guest_.ram.host()[page.offset + (linear & ~kPageMask)] : 0;
}

void StubVcpu::step_back(const Trap& trap) {
  constexpr u8 kInt1 = 0xf1, kInt3 = 0xcc;
  X86State& s = guest_.cpu.state();
  if (trap.signal == SIGSYS) {
    // SYSCALL has RIP in RCX. Else it is a call of the vsyscall page, from which the host's kernel
    // has returned already: it begins again.
    const auto* const call = std::ranges::find(kVsyscalls, s.gpr[RAX]);
    if (s.gpr[RCX] == s.rip || call == std::end(kVsyscalls)) {
      s.rip -= 2;
    } else {
      s.rip = kVsyscallPage + kVsyscallSize * static_cast<u64>(call - std::begin(kVsyscalls));
      s.gpr[RSP] -= sizeof(u64);
    }
    return;
  }
  if (trap.signal == SIGTRAP && trap.vector == kDB) {
    // A step's trap, which is to come before the next instruction; or INT1.
    if ((s.rflags & kTF) != 0)
      s.debug_traps |= kDr6BS;
    else if (guest_byte(s.rip - 1) == kInt1)
      s.rip -= 1;
    return;
  }
  if (trap.signal == SIGTRAP && trap.vector == kBP)
    s.rip -= guest_byte(s.rip - 1) == kInt3 ? 1 : 2;
  else if (trap.signal == SIGSEGV && trap.vector == kOFVector)
    s.rip -= 2;
}

void StubVcpu::load_segments(const StubProcess::HandOver& from) {
  X86State& s = guest_.cpu.state();
  const std::pair<SegReg, u16> selectors[] = {
      {DS, from.ds}, {ES, from.es}, {FS, from.fs}, {GS, from.gs}};
  for (const auto& [reg, selector] : selectors) {
    if (selector == s.seg[reg].selector) continue;
    const u64 base = s.seg[reg].base;
    WalkingMemory memory(s, guest_.memory);
    try {
      load_segment({guest_.cpu, memory}, reg, selector);
    } catch (const GuestException&) {
      // The host's descriptor, which the guest does not have: nothing it could have loaded.
    }
    if (reg == FS || reg == GS) s.seg[reg].base = base;
  }
}

// An instruction that needs a page to be both writable and executable, or more pages than it can
// have at once, is the translator's.
bool StubVcpu::may_be_served(const Fault& fault) {
  constexpr unsigned kMostAtOnePlace = 40;
  const u64 rip = guest_.cpu.state().rip;
  faults_here_ = rip == fault_at_ ? faults_here_ + 1 : 0;
  fault_at_ = rip;
  if (fault.access == Access::Write && (fault.linear & kPageMask) == (rip & kPageMask))
    return false;
  return faults_here_ < kMostAtOnePlace;
}

StubVcpu::Next StubVcpu::answer(Space& space, const StubProcess::HandOver& from) {
  X86State& s = guest_.cpu.state();
  Trap trap;
  if (!space.frame().read(space.stub(), from, s, trap)) {
    ++guest_.counters.lost;
    return Next::Discard;
  }
  load_segments(from);
  // The end of a signal does not restore these, so this task has them for good.
  const bool spoiled = (s.rflags & (kNT | kID)) != 0;
  if (trap.signal == SIGUSR1) {
    ++guest_.counters.kicks;
    return spoiled ? Next::Discard : Next::GoOn;
  }
  if (trap.signal == SIGSEGV && trap.vector == kPFVector) {
    const Fault fault{.linear = trap.cr2,
                      .access = (trap.error & kPfFetch) != 0   ? Access::Execute
                                : (trap.error & kPfWrite) != 0 ? Access::Write
                                                               : Access::Read};
    if (!spoiled && runs_natively(s) && may_be_served(fault)) {
      switch (space.serve(fault)) {
        case Space::Served::Mapped:
          return Next::GoOn;
        case Space::Served::NotMappable:
          return fault.access == Access::Execute ? Next::LeavePage : Next::Leave;
        case Space::Served::Guests:
          entered_kernel_ = true;
          break;
        case Space::Served::Translated:
          break;
      }
    }
  } else {
    entered_kernel_ = trap.signal == SIGSYS;
    step_back(trap);
  }
  return spoiled ? Next::Discard : Next::Leave;
}

}  // namespace backplane::native

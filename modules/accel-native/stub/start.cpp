// SPDX-License-Identifier: MIT
// The program in which guest code of one address space runs: makes itself small and powerless, and
// splits into two tasks that share nothing but memory, the mapper and the one that runs the guest.
//
// Without libc, and without anything that would have to be relocated: it moves while it runs.
#include <asm/prctl.h>
#include <asm/signal.h>
#include <asm/unistd.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/mman.h>
#include <linux/prctl.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/seccomp.h>

#include "setup.h"

using backplane::native::StubSetup;

extern "C" {
extern const char stub_code_start[] __attribute__((visibility("hidden")));
void stub_handler() __attribute__((visibility("hidden")));
void stub_restorer() __attribute__((visibility("hidden")));
[[noreturn]] void stub_map() __attribute__((visibility("hidden")));
long stub_clone(unsigned long flags, unsigned long stack, void (*entry)())
    __attribute__((visibility("hidden")));
[[noreturn]] void stub_start();
}

namespace {

using Word = unsigned long;

inline long call(long number, Word a = 0, Word b = 0, Word c = 0, Word d = 0, Word e = 0,
                 Word f = 0) {
  long result;
  register Word r10 asm("r10") = d;
  register Word r8 asm("r8") = e;
  register Word r9 asm("r9") = f;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
}

[[noreturn]] void end() {
  call(__NR_exit_group, 1);
  for (;;) asm volatile("ud2");
}

inline void must(long result) {
  if (static_cast<Word>(result) > static_cast<Word>(-4096)) end();
}

inline Word address_of(const void* pointer) { return reinterpret_cast<Word>(pointer); }

// Where the code that runs begins: in the program's own mapping, and then in the area.
inline Word here() { return address_of(stub_code_start); }

const StubSetup& setup() { return *reinterpret_cast<const StubSetup*>(here() + STUB_SETUP); }

void limit(Word resource, Word most) {
  const Word limits[2] = {most, most};
  must(call(__NR_prlimit64, 0, resource, address_of(limits), 0));
}

// Both tasks end with the emulator's thread, whose children they are.
void end_with_parent() { must(call(__NR_prctl, PR_SET_PDEATHSIG, 9)); }

void give_up_rights() {
  constexpr Word kNobody = 65534;
  if (call(__NR_getuid) == 0) {
    call(__NR_setgroups, 0, 0);
    call(__NR_setresgid, kNobody, kNobody, kNobody);
    call(__NR_setresuid, kNobody, kNobody, kNobody);
  }
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2]{};
  must(call(__NR_capset, address_of(&header), address_of(none)));
  must(call(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1));
  must(call(__NR_prctl, PR_SET_DUMPABLE, 0));
  end_with_parent();
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_MEMLOCK, 0);
  limit(RLIMIT_MSGQUEUE, 0);
}

void filter(const sock_filter* rules, unsigned short count) {
  const sock_fprog program{count, const_cast<sock_filter*>(rules)};
  must(call(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, address_of(&program)));
}

// The task that runs the guest: has no files, and after this no calls but those of the handler.
void guest_task() {
  end_with_parent();
  must(call(__NR_close_range, 0, ~0u, 0));
  if (setup().traps_rdtsc != 0) must(call(__NR_prctl, PR_SET_TSC, PR_TSC_SIGSEGV));
  constexpr Word kRaises = 0;
  if (setup().faults_cpuid != 0) must(call(__NR_arch_prctl, ARCH_SET_CPUID, kRaises));
  struct {
    Word handler, flags, restorer, mask;
  } action{};
  action.handler = address_of(reinterpret_cast<const void*>(stub_handler));
  constexpr Word kRestorer = 0x04000000;  // SA_RESTORER
  action.flags = SA_SIGINFO | SA_ONSTACK | kRestorer;
  action.restorer = address_of(reinterpret_cast<const void*>(stub_restorer));
  action.mask = ~Word{0};
  const int signals[] = {SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGUSR1, SIGSEGV, SIGSYS};
  for (const int signal : signals)
    must(call(__NR_rt_sigaction, static_cast<Word>(signal), address_of(&action), 0, sizeof(Word)));
  struct {
    Word start;
    int flags;
    Word size;
  } const stack{here() + STUB_SIGNALS, 0, STUB_SIGNALS_SIZE};
  must(call(__NR_sigaltstack, address_of(&stack), 0));
  const Word nothing = 0;
  must(call(__NR_rt_sigprocmask, SIG_SETMASK, address_of(&nothing), 0, sizeof nothing));
  filter(setup().guest_filter, static_cast<unsigned short>(setup().guest_filter_size));
  // The first frame, which the emulator makes the guest's.
  asm volatile("ud2");
}

// In the area, on its stack.
[[noreturn]] void move_in() {
  const Word area = here(), end_of_area = area + STUB_SIZE;
  must(call(__NR_munmap, 0, area));
  must(call(__NR_munmap, end_of_area, setup().address_space_end - end_of_area));
  give_up_rights();
  must(stub_clone(CLONE_VM | CLONE_PARENT, area + STUB_STACKS + STUB_STACKS_SIZE / 2, guest_task));
  must(call(__NR_close, STUB_SHARED_FD));
  must(call(__NR_close, STUB_IMAGE_FD));
  filter(setup().mapper_filter, static_cast<unsigned short>(setup().mapper_filter_size));
  stub_map();
}

}  // namespace

void stub_start() {
  constexpr Word kPage = 0x1000;
  const long first = call(__NR_mmap, 0, STUB_SETUP_SIZE, PROT_READ, MAP_SHARED, STUB_SHARED_FD,
                          STUB_SETUP - STUB_SHARED);
  must(first);
  const Word area = reinterpret_cast<const StubSetup*>(first)->area;
  const auto map = [area](Word at, Word size, Word rights, Word flags, Word file, Word offset) {
    must(call(__NR_mmap, area + at, size, rights, flags | MAP_FIXED_NOREPLACE, file, offset));
  };
  map(STUB_CODE, STUB_CODE_SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE, STUB_IMAGE_FD, kPage);
  map(STUB_SHARED, STUB_WORDS - STUB_SHARED, PROT_READ, MAP_SHARED, STUB_SHARED_FD, 0);
  map(STUB_WORDS, STUB_SIZE - STUB_WORDS, PROT_READ | PROT_WRITE, MAP_SHARED, STUB_SHARED_FD,
      STUB_WORDS - STUB_SHARED);
  const Word entry = area + address_of(reinterpret_cast<const void*>(move_in)) - here();
  asm volatile(
      "mov %0, %%rsp\n"
      "xor %%ebp, %%ebp\n"
      "call *%1"
      :
      : "r"(area + STUB_STACKS + STUB_STACKS_SIZE), "r"(entry)
      : "memory");
  end();
}

// SPDX-License-Identifier: MIT
#include "filters.h"

#include <asm/unistd.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/mman.h>

#include <cstddef>

#include "../stub/layout.h"
#include "image.h"

namespace backplane::native {
namespace {

constexpr sock_filter load(std::size_t offset) {
  return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<u32>(offset));
}
constexpr sock_filter answer(u32 action) { return BPF_STMT(BPF_RET | BPF_K, action); }
// Goes on if the value loaded last is `value`, and else skips so many rules.
constexpr sock_filter expect(u32 value, unsigned skip) {
  return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, static_cast<u8>(skip));
}
constexpr std::size_t kNumber = offsetof(seccomp_data, nr), kArch = offsetof(seccomp_data, arch),
                      kPointer = offsetof(seccomp_data, instruction_pointer);
constexpr std::size_t argument(unsigned n) {
  return offsetof(seccomp_data, args) + n * sizeof(u64);
}
constexpr u32 low(u64 value) { return static_cast<u32>(value); }
constexpr u32 high(u64 value) { return static_cast<u32>(value >> 32); }

}  // namespace

Filter listener_filter(u64 area) {
  const u64 place = area + STUB_CODE + stub_handed_over();
  return {load(kPointer),         expect(low(place), 3),          load(kPointer + sizeof(u32)),
          expect(high(place), 1), answer(SECCOMP_RET_USER_NOTIF), answer(SECCOMP_RET_ALLOW)};
}

Filter guest_filter(u64 area) {
  const u64 hand_over = area + STUB_CODE + stub_handed_over();
  const u64 back = area + STUB_CODE + stub_returned();
  return {load(kArch),
          expect(AUDIT_ARCH_X86_64, 8),
          load(kPointer + sizeof(u32)),
          expect(high(area), 6),
          load(kPointer),
          BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, low(hand_over), 3, 0),
          expect(low(back), 3),
          load(kNumber),
          expect(__NR_rt_sigreturn, 1),
          answer(SECCOMP_RET_ALLOW),
          answer(SECCOMP_RET_TRAP)};
}

Filter mapper_filter() {
  const auto allow_with = [](Filter& filter, u32 number, std::vector<std::pair<unsigned, u32>> of) {
    const auto rules = static_cast<unsigned>(2 * of.size() + 1);
    filter.push_back(expect(number, rules));
    for (unsigned n = 0; n < of.size(); ++n) {
      filter.push_back(load(argument(of[n].first)));
      // To the end of the filter, which refuses: the number is not loaded any more.
      filter.push_back(expect(of[n].second, 0));
    }
    filter.push_back(answer(SECCOMP_RET_ALLOW));
  };
  Filter filter{load(kArch), expect(AUDIT_ARCH_X86_64, 0), load(kNumber)};
  allow_with(filter, __NR_mmap, {{3, MAP_SHARED | MAP_FIXED}, {4, STUB_RAM_FD}});
  allow_with(filter, __NR_munmap, {});
  allow_with(filter, __NR_mprotect, {});
  allow_with(filter, __NR_read, {{0, STUB_ORDER_FD}});
  allow_with(filter, __NR_write, {{0, STUB_DONE_FD}});
  allow_with(filter, __NR_exit_group, {});
  const std::size_t end = filter.size();
  for (std::size_t at = 0; at < end; ++at)
    if (filter[at].code == (BPF_JMP | BPF_JEQ | BPF_K) && filter[at].jf == 0)
      filter[at].jf = static_cast<u8>(end - at - 1);
  filter.push_back(answer(SECCOMP_RET_KILL_PROCESS));
  return filter;
}

}  // namespace backplane::native

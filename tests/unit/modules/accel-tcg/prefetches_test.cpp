// SPDX-License-Identifier: MIT
// PREFETCHh and PREFETCHW change nothing and never fault, and the host's processor gets them.
#include <gtest/gtest.h>

#include <algorithm>

#include "translated_guest.h"

namespace backplane::tcg::testing {
namespace {

using Mode = NativeProcessor::Mode;

constexpr u8 kHints = 0x18, kWrites = 0x0d;

struct Prefetch {
  u8 opcode, group;
  bool operator==(const Prefetch&) const = default;
};
constexpr Prefetch kPrefetches[] = {{kHints, 0}, {kHints, 1},  {kHints, 2},
                                    {kHints, 3}, {kWrites, 0}, {kWrites, 1}};

class Prefetches : public ::testing::Test {
 protected:
  TranslatedGuest guest;

  // Behind a comparison, and before a jump by it: prefetch [rbx], or [ebx].
  void run(Prefetch prefetch, u64 address, Mode mode) {
    const std::vector<u8> code = {
        0x39,
        0xd0,  // cmp eax, edx
        0x0f,
        prefetch.opcode,
        static_cast<u8>(prefetch.group << 3 | 3),  // prefetch
        0x72,
        0x02,  // jb behind
        0x31,
        0xf6,  // xor esi, esi
    };
    for (const u64 low : {u64{1}, u64{3}}) {
      Registers r{};
      for (unsigned n = 0; n < 16; ++n) r.gpr[n] = n + 0x1000;
      r.gpr[x86::RAX] = low;
      r.gpr[x86::RDX] = 2;
      r.gpr[x86::RBX] = address;
      r.gpr[x86::RSP] = guest.arena.address(Arena::kSize - 64);
      r.rflags = 2;
      Registers after = r;
      const u64 interpreted = guest.counters().interpreted;
      ASSERT_TRUE(guest.run(code, after, mode)) << "fault " << guest.fault().value_or(~0u);
      if (low > 2) r.gpr[x86::RSI] = 0;
      for (unsigned n = 0; n < 16; ++n) EXPECT_EQ(after.gpr[n], r.gpr[n]) << "register " << n;
      EXPECT_EQ(guest.counters().interpreted - interpreted, 1u) << "beside HLT";
    }
  }

  // How often the host's own, of [r10], was emitted.
  long emitted(u8 opcode, u8 group) {
    const u8 bytes[] = {0x41, 0x0f, opcode, static_cast<u8>(group << 3 | 2)};
    const std::span<const u8> code = guest.host_code();
    long count = 0;
    for (auto at = code.begin();; ++at, ++count) {
      at = std::search(at, code.end(), std::begin(bytes), std::end(bytes));
      if (at == code.end()) return count;
    }
  }
};

TEST_F(Prefetches, ChangeNothingWhereverTheyPointTo) {
  const u64 addresses[] = {guest.arena.middle(), guest.arena.middle() + kPageSize - 1,
                           0x1000,  // not present
                           0x8000000000000000, ~u64{0}};
  for (const Prefetch& prefetch : kPrefetches)
    for (const u64 address : addresses) {
      SCOPED_TRACE(fmt::format("0f {:02x} /{}, {:x}", prefetch.opcode, prefetch.group, address));
      run(prefetch, address, Mode::Long);
      run(prefetch, static_cast<u32>(address), Mode::Compatibility);
    }
}

TEST_F(Prefetches, AreTheHosts) {
  for (const Prefetch& prefetch : kPrefetches) {
    SCOPED_TRACE(fmt::format("0f {:02x} /{}", prefetch.opcode, prefetch.group));
    // PREFETCH is PREFETCHT0.
    const Prefetch host = prefetch == Prefetch{kWrites, 0} ? Prefetch{kHints, 1} : prefetch;
    const long before = emitted(host.opcode, host.group);
    run(prefetch, guest.arena.middle(), Mode::Long);
    EXPECT_GT(emitted(host.opcode, host.group), before);
  }
}

// What is no prefetch, though its opcode is one's.
TEST_F(Prefetches, OfReservedFormsAreNone) {
  for (const Prefetch& reserved :
       {Prefetch{kHints, 4}, Prefetch{kHints, 7}, Prefetch{kWrites, 5}}) {
    run(reserved, guest.arena.middle(), Mode::Long);
    EXPECT_EQ(emitted(reserved.opcode, reserved.group), 0);
  }
}

}  // namespace
}  // namespace backplane::tcg::testing

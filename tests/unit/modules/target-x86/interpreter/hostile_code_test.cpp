// SPDX-License-Identifier: MIT
// Random bytes as code, in every mode, from random states: the interpreter survives, and touches
// no memory but the guest's.
#include <gtest/gtest.h>

#include <random>

#include "interpreter/native/fpu_image.h"
#include "test_guest.h"

namespace backplane::x86::testing {
namespace {

class HostileCode : public ::testing::Test {
 protected:
  void enter_some_mode() {
    const bool user = random() % 2 == 0;
    switch (random() % 4) {
      case 0:
        guest.enter_long_mode(user);
        break;
      case 1:
        guest.enter_compatibility_mode(user);
        break;
      case 2:
        guest.enter_protected_mode(user);
        break;
      default:
        guest.enter_real_mode();
        break;
    }
  }

  void randomize_state() {
    X86State& s = guest.state();
    for (unsigned n = 0; n < 16; ++n)
      if (n != RSP || random() % 4 == 0)
        s.gpr[n] = random() % 2 == 0 ? guest.address(random() % Arena::kSize) : random();
    s.rflags = 2 | (random() & (kArithmeticFlags | kTF | kIF | kDF | kIOPL | kNT | kRF | kAC));
    for (u64 at = 0; at < 512; at += 8) {
      const u64 value = random();
      std::memcpy(s.xsave + at, &value, 8);
    }
    const interpreter::FpuImage image(s);
    image.set_in_use(random() % 8);
    image.set_mxcsr(static_cast<u32>(random() & 0xffff));
    if (random() % 8 == 0) s.dr[7] = random() & 0xffff00ff;
    if (random() % 8 == 0) s.cr4 ^= random() & (kCr4UMIP | kCr4TSD | kCr4DE | kCr4OSXSAVE);
    if (random() % 8 == 0) s.cr0 ^= random() & (kCr0TS | kCr0EM | kCr0MP);
    for (auto& reg : s.dr) reg = &reg == &s.dr[7] ? reg : guest.address(random() % Arena::kSize);
  }

  void put_code() {
    std::vector<u8> code(16);
    for (u8& byte : code) byte = static_cast<u8>(random());
    if (random() % 2 == 0) code[random() % 2] = 0x0f;
    if (random() % 4 == 0) code[0] = 0xc4;
    if (random() % 4 == 0) code[0] = static_cast<u8>(0xd8 + random() % 8);
    guest.load(code);
  }

  TestGuest guest;
  std::mt19937_64 random{7};
};

TEST_F(HostileCode, IsSurvivedInEveryMode) {
  for (unsigned n = 0; n < 20000; ++n) {
    enter_some_mode();
    put_code();
    randomize_state();
    guest.memory.direct = random() % 4 != 0;
    for (u64 page = 0; page < TestGuest::kFirstReserved / kPageSize; ++page)
      guest.memory.set_rights(page,
                              static_cast<ArenaMemory::Rights>(std::min<u64>(random() % 8, 2)));
    for (unsigned steps = 0; steps < 4; ++steps) guest.step();
  }
}

}  // namespace
}  // namespace backplane::x86::testing

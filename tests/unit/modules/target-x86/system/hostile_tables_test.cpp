// SPDX-License-Identifier: MIT
// Random descriptor tables, task states and registers: whatever a guest puts there, the system
// functions answer with an exception of the guest's or do what they were asked.
#include <random>

#include "../guest.h"

namespace backplane::x86::testing {
namespace {

class HostileTables : public ::testing::TestWithParam<unsigned> {
 protected:
  u64 random() { return generator_(); }
  // A value near what makes sense, more often than not.
  u64 plausible() {
    switch (random() % 4) {
      case 0:
        return random();
      case 1:
        return random() & 0xffff;
      case 2:
        return Guest::kStack + (random() & 0xfff);
      default:
        return u64{1} << (random() % 64);
    }
  }
  u16 selector() { return static_cast<u16>(random() & (random() % 4 == 0 ? 0xffff : 0x7f)); }

  // A descriptor with random bits, mostly present, its type the interesting part.
  u64 descriptor() {
    u64 raw = random();
    if (random() % 4 != 0) raw |= u64{1} << 47;
    if (random() % 2 == 0) raw = (raw & 0xfff0ff'ff00000000) | 0x0000ffff;
    return raw;
  }
  void scramble(Guest& guest) {
    for (u16 at = 0; at < 0x100; at += 8) {
      if (random() % 2 == 0) guest.store<u64>(Guest::kGdt + at, descriptor());
      guest.store<u64>(Guest::kLdt + at, descriptor());
    }
    for (u64 at = 0; at < 0x1000; at += 8) {
      u64 raw = descriptor();
      if (random() % 2 == 0) raw = (raw & ~u64{0xffff0000}) | (u64{selector()} << 16);
      guest.store<u64>(Guest::kIdt + at, raw);
    }
    for (u64 at = 0; at < 0x68; at += 4)
      guest.store<u32>(Guest::kTss + at, static_cast<u32>(plausible()));
    for (u64 at = 0; at < 0x80; at += 4) {
      const bool is_selector = random() % 2 == 0;
      guest.store<u32>(Guest::kStack + at,
                       is_selector ? selector() : static_cast<u32>(plausible()));
    }
    for (u64& reg : guest.state().gpr)
      if (random() % 4 == 0) reg = plausible();
    if (random() % 8 == 0) guest.state().tr.limit = static_cast<u32>(random() & 0x7f);
    if (random() % 8 == 0) guest.state().idtr.limit = static_cast<u16>(random());
    if (random() % 8 == 0) guest.state().rflags |= random() & (kNT | kIOPL | kAC);
  }
  void call(Context c) {
    const unsigned size = 2u << (random() % 3);
    u32 value = 0;
    switch (random() % 21) {
      case 0:
        return far_jump(c, selector(), plausible(), size, kNextRip);
      case 1:
        return far_call(c, selector(), plausible(), size, plausible());
      case 2:
        return far_return(c, size, static_cast<unsigned>(random() & 0xffff));
      case 3:
        return iret(c, c.state().code64() ? size : 4, kNextRip);
      case 4:
        return syscall(c, plausible());
      case 5:
        return sysret(c, size);
      case 6:
        return sysenter(c);
      case 7:
        return sysexit(c, size);
      case 8:
        return load_segment(c, static_cast<SegReg>(random() % 2 == 0 ? SS : DS), selector());
      case 9:
        return load_ldt(c, selector());
      case 10:
        return load_task_register(c, selector());
      case 11:
        load_access_rights(c, selector(), value);
        return;
      case 12:
        load_segment_limit(c, selector(), value);
        return;
      case 13:
        verify_write(c, selector());
        return;
      case 14:
        return write_cr(c, static_cast<unsigned>(random() % 9), plausible());
      case 15:
        return write_dr(c, static_cast<unsigned>(random() % 8), plausible());
      case 16:
        return write_msr(c, static_cast<u32>(0xc0000080 + random() % 5), plausible());
      case 17:
        return check_io_permission(c, static_cast<u16>(random()), 4);
      case 18:
        return write_msr(c, static_cast<u32>(random() % 0x900), plausible());
      default:
        deliver_event(c, static_cast<EventKind>(random() % 7), static_cast<u8>(random()),
                      plausible(), random() % 2 == 0, static_cast<u32>(random() & 0xffff));
    }
  }
  std::mt19937_64 generator_{GetParam()};
};

TEST_P(HostileTables, EndInAGuestExceptionOrInOrder) {
  Guest guest;
  unsigned faults = 0;
  constexpr unsigned kRounds = 300;
  for (unsigned round = 0; round < kRounds; ++round) {
    guest.cpu().reset();
    switch (random() % 6) {
      case 0:
        guest.enter_real_mode();
        break;
      case 1:
        guest.enter_virtual8086_mode();
        break;
      case 2:
        guest.enter_protected_mode();
        break;
      case 3:
        guest.enter_protected_mode(3);
        break;
      case 4:
        guest.enter_long_mode(3);
        break;
      default:
        guest.enter_long_mode();
        break;
    }
    scramble(guest);
    for (unsigned i = 0; i < 8 && guest.state().shutdown == 0; ++i) {
      try {
        call(guest.context());
      } catch (const GuestException& e) {
        ++faults;
        deliver_exception(guest.context(), e);
      }
      EXPECT_LE(guest.state().cpl(), 3u);
      EXPECT_EQ(guest.state().rflags & 0xffffffff'00008028, 0u) << "reserved flags";
      guest.cpu().describe_registers();
    }
  }
  EXPECT_GT(faults, 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, HostileTables, ::testing::Range(1u, 9u));

}  // namespace
}  // namespace backplane::x86::testing

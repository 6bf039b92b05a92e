// SPDX-License-Identifier: MIT
// Every string instruction on the host processor and translated, and that it is translated.
#include <gtest/gtest.h>

#include <random>

#include "translated_guest.h"

namespace backplane::tcg::testing {
namespace {

constexpr u8 kMovs = 0xa4, kCmps = 0xa6, kStos = 0xaa, kLods = 0xac, kScas = 0xae;
constexpr u8 kRepe = 0xf3, kRepne = 0xf2;
constexpr u64 kCounts[] = {0, 1, 3, 15, 16, 17, 500, 2000};

struct Form {
  u8 opcode;
  unsigned element;  // bytes
  u8 repeat;         // prefix, or 0
  bool backwards;
  bool narrow;  // addresses have half the bits
};

std::vector<u8> encode(const Form& f, unsigned code_bits) {
  std::vector<u8> code = {static_cast<u8>(f.backwards ? 0xfd : 0xfc)};
  if (f.narrow) code.push_back(0x67);
  if (f.repeat != 0) code.push_back(f.repeat);
  if (f.element == 2) code.push_back(0x66);
  if (f.element == 8 && code_bits == 64) code.push_back(0x48);
  code.push_back(static_cast<u8>(f.opcode | (f.element != 1 ? 1 : 0)));
  code.push_back(0xfc);
  return code;
}

class Strings : public ::testing::Test {
 protected:
  using Mode = NativeProcessor::Mode;

  static NativeProcessor& shared_processor() {
    static NativeProcessor one;
    return one;
  }
  NativeProcessor& processor = shared_processor();
  TranslatedGuest guest;
  std::mt19937_64 random{20261129};

  // Mostly equal bytes, so that comparisons go on for a while.
  void fill_arena() {
    std::memset(guest.arena.data(), 0x5a, Arena::kSize);
    for (unsigned n = 0; n < 24; ++n)
      guest.arena.data()[random() % Arena::kSize] = static_cast<u8>(random());
  }

  void compare(const Form& f, Mode mode, u64 count, bool aligned) {
    Arena& arena = guest.arena;
    fill_arena();
    const std::vector<u8> before(arena.data(), arena.data() + Arena::kSize);
    Registers start{};
    for (u64& value : start.gpr) value = random();
    const auto place = [&] {
      const u64 at = arena.middle() - kPageSize + random() % (2 * kPageSize);
      return aligned ? at & ~u64{7} : at;
    };
    start.gpr[x86::RSP] = arena.address(Arena::kSize - 64);
    start.gpr[x86::RSI] = place();
    // Often where the two overlap.
    start.gpr[x86::RDI] =
        random() % 2 == 0 ? place() : start.gpr[x86::RSI] + (random() % 5 - 2) * f.element;
    if (random() % 3 != 0) start.gpr[x86::RAX] = 0x5a5a5a5a5a5a5a5a;
    start.gpr[x86::RCX] = count;
    start.rflags = 2 | (random() & x86::kArithmeticFlags);
    const std::vector<u8> code = encode(f, mode == Mode::Long ? 64 : 32);

    Registers native = start;
    ASSERT_EQ(processor.run(mode, code, native, false), 0);
    const std::vector<u8> after(arena.data(), arena.data() + Arena::kSize);
    std::copy(before.begin(), before.end(), arena.data());
    Registers translated = start;
    const u64 interpreted = guest.counters().interpreted;
    ASSERT_TRUE(guest.run(code, translated, mode));
    for (unsigned n = 0; n < 16; ++n)
      EXPECT_EQ(translated.gpr[n], native.gpr[n]) << "register " << n;
    EXPECT_EQ(translated.rflags & x86::kArithmeticFlags, native.rflags & x86::kArithmeticFlags);
    EXPECT_EQ(std::memcmp(arena.data() + TranslatedGuest::kCodeBytes,
                          after.data() + TranslatedGuest::kCodeBytes,
                          Arena::kSize - TranslatedGuest::kCodeBytes),
              0)
        << "memory";
    // HLT; an element that is in two pages may be the interpreter's.
    if (aligned) {
      EXPECT_EQ(guest.counters().interpreted - interpreted, 1u);
    }
  }

  void run(Mode mode) {
    for (const u8 opcode : {kMovs, kCmps, kStos, kLods, kScas})
      for (unsigned element = 1; element <= (mode == Mode::Long ? 8u : 4u); element *= 2)
        for (const u8 repeat : {u8{0}, kRepe, kRepne})
          for (const bool backwards : {false, true})
            // Addresses of 16 bits reach none that the host would let us use.
            for (const bool narrow : {false, mode == Mode::Long})
              for (const u64 count : kCounts)
                for (const bool aligned : {false, true}) {
                  if (repeat == 0 && count > 1) continue;
                  const Form f{opcode, element, repeat, backwards, narrow};
                  SCOPED_TRACE(fmt::format("{:02x}, element {}, prefix {:02x}, {}, {}, {} times",
                                           opcode, element, repeat,
                                           backwards ? "backwards" : "forwards",
                                           narrow ? "narrow" : "wide", count));
                  compare(f, mode, count, aligned);
                  if (HasFailure()) return;
                }
  }
};

TEST_F(Strings, Of64BitCodeDoWhatTheHostDoes) { run(Mode::Long); }
TEST_F(Strings, Of32BitCodeDoWhatTheHostDoes) { run(Mode::Compatibility); }

}  // namespace
}  // namespace backplane::tcg::testing

// SPDX-License-Identifier: MIT
// Translated code and the interpreter mark the pages that they write, once each.
#include <gtest/gtest.h>

#include <algorithm>

#include "translated_guest.h"

namespace backplane::tcg::testing {
namespace {

using By = TranslatedGuest::By;

// Read or written in other pages than that of the code.
constexpr u64 kFirst = 3 * kPageSize, kSecond = 5 * kPageSize;

class TranslatedDirtyLog : public ::testing::TestWithParam<By> {
 protected:
  TranslatedDirtyLog() {
    guest.ram().log_writes(true);
    guest.vcpu().memory_changed();
  }
  ~TranslatedDirtyLog() override { guest.ram().log_writes(false); }

  // RBX is the first place, RDI the second.
  void run(const std::vector<u8>& code) {
    Registers r{};
    r.gpr[x86::RBX] = guest.arena.address(kFirst);
    r.gpr[x86::RDI] = guest.arena.address(kSecond);
    r.gpr[x86::RCX] = 100;
    r.gpr[x86::RSP] = guest.arena.address(Arena::kSize - 64);
    r.rflags = 2;
    ASSERT_TRUE(guest.run(code, r, NativeProcessor::Mode::Long, GetParam()));
  }
  // As a log that is read: which of the two were written.
  std::pair<bool, bool> take() {
    const std::vector<u64> pages = guest.ram().take_written();
    guest.vcpu().memory_changed();
    const auto has = [&](u64 place) {
      return std::find(pages.begin(), pages.end(), TranslatedGuest::ram_offset(place)) !=
             pages.end();
    };
    return {has(kFirst), has(kSecond)};
  }

  TranslatedGuest guest;
};

const std::vector<u8> kLoad = {0x8b, 0x03};                             // mov eax, [rbx]
const std::vector<u8> kStore = {0x89, 0x03};                            // mov [rbx], eax
const std::vector<u8> kLoadAndStore = {0x8b, 0x03, 0x89, 0x03};         // both
const std::vector<u8> kFill = {0xf3, 0xaa};                             // rep stosb
const std::vector<u8> kExchange = {0xf0, 0x0f, 0xc1, 0x03};             // lock xadd [rbx], eax
const std::vector<u8> kBetween = {0x48, 0x89, 0x83, 0xfc, 0x0f, 0, 0};  // mov [rbx+0ffch], rax

INSTANTIATE_TEST_SUITE_P(By, TranslatedDirtyLog, ::testing::Values(By::Translator, By::Interpreter),
                         [](const auto& by) {
                           return by.param == By::Translator ? "Translator" : "Interpreter";
                         });

using Pair = std::pair<bool, bool>;

TEST_P(TranslatedDirtyLog, SeesEveryKindOfStore) {
  for (const std::vector<u8>& code : {kStore, kLoadAndStore, kExchange, kBetween}) {
    run(code);
    EXPECT_EQ(take(), Pair(true, false));
  }
  run(kFill);
  EXPECT_EQ(take(), Pair(false, true));
}

TEST_P(TranslatedDirtyLog, SeesNoLoad) {
  run(kLoad);
  EXPECT_EQ(take(), Pair(false, false));
}

TEST_P(TranslatedDirtyLog, SeesAPageAgainOnceItWasTold) {
  for (unsigned n = 0; n < 3; ++n) {
    run(kStore);
    run(kStore);
    EXPECT_EQ(take(), Pair(true, false));
    run(kLoad);
    EXPECT_EQ(take(), Pair(false, false));
  }
}

TEST_P(TranslatedDirtyLog, SeesTheSecondPageOfAStore) {
  run(kBetween);
  const std::vector<u64> pages = guest.ram().take_written();
  for (const u64 page : {kFirst, kFirst + kPageSize})
    EXPECT_NE(std::find(pages.begin(), pages.end(), TranslatedGuest::ram_offset(page)),
              pages.end());
}

}  // namespace
}  // namespace backplane::tcg::testing

// SPDX-License-Identifier: MIT
// Which code stays off the processor.
#include "scanner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "cpuid_faults.h"

namespace backplane::native {
namespace {

using Bytes = std::vector<u8>;
constexpr unsigned kAt = 0x800;

// A page of NOPs with these bytes.
Bytes page_with(const Bytes& bytes, unsigned at = kAt) {
  Bytes page(kPageSize, 0x90);
  std::copy(bytes.begin(), bytes.end(), page.begin() + at);
  return page;
}

bool is_banned(const Bytes& page, const Bytes& before = {}, const Bytes& behind = {},
               Rdtsc rdtsc = Rdtsc::Answers) {
  CodeWindow window;
  window.set(before, page, behind);
  return find_banned(window, rdtsc).has_value();
}

TEST(Scanner, FindsWhatAnswersForTheHost) {
  const Bytes banned[] = {
      {0x0f, 0x34},                    // SYSENTER
      {0x0f, 0x01, 0x00},              // SGDT
      {0x0f, 0x01, 0x08},              // SIDT
      {0x0f, 0x01, 0xe0},              // SMSW
      {0x0f, 0x00, 0xc0},              // SLDT
      {0x0f, 0x00, 0xc8},              // STR
      {0x0f, 0x00, 0xe0},              // VERR
      {0x0f, 0x02, 0xc0},              // LAR
      {0x0f, 0x03, 0xc0},              // LSL
      {0x0f, 0x31},                    // RDTSC
      {0x0f, 0x01, 0xf9},              // RDTSCP
      {0x0f, 0x01, 0xd0},              // XGETBV
      {0x0f, 0x01, 0xfd},              // RDPRU
      {0x0f, 0x01, 0xd9},              // VMMCALL
      {0xf3, 0x0f, 0xc7, 0xf8},        // RDPID
      {0x0f, 0xae, 0x20},              // XSAVE
      {0x48, 0x0f, 0xae, 0x20},        // XSAVE64
      {0x48, 0x0f, 0xae, 0x6c, 0x24},  // XRSTOR64
      {0x0f, 0xc7, 0x20},              // XSAVEC
      {0xcd, 0x80},                    // INT 80h
      {0x66, 0x0f, 0x34},              // SYSENTER, prefixed
  };
  for (const Bytes& bytes : banned)
    EXPECT_TRUE(is_banned(page_with(bytes))) << ::testing::PrintToString(bytes);
}

TEST(Scanner, FindsCpuidWhereItDoesNotTrap) {
  EXPECT_EQ(is_banned(page_with({0x0f, 0xa2})), !host_faults_cpuid());
}

TEST(Scanner, LeavesRdtscWhereItTraps) {
  for (const Bytes& bytes : {Bytes{0x0f, 0x31}, Bytes{0x0f, 0x01, 0xf9}})
    EXPECT_FALSE(is_banned(page_with(bytes), {}, {}, Rdtsc::Traps));
  EXPECT_TRUE(is_banned(page_with({0x0f, 0x34}), {}, {}, Rdtsc::Traps));
}

TEST(Scanner, LeavesWhatTrapsOrIsTheGuests) {
  const Bytes allowed[] = {
      {0x0f, 0x05},        // SYSCALL
      {0x0f, 0x0b},        // UD2
      {0x0f, 0xae, 0xe8},  // LFENCE
      {0x0f, 0xae, 0x10},  // LDMXCSR
      {0x0f, 0xc7, 0xf8},  // RDSEED
      {0x0f, 0xc7, 0x0f},  // CMPXCHG8B
      {0xcd, 0x03},        // INT 3
      {0xf4},              // HLT
  };
  for (const Bytes& bytes : allowed)
    EXPECT_FALSE(is_banned(page_with(bytes))) << ::testing::PrintToString(bytes);
}

TEST(Scanner, LeavesTheirBytesWithinOtherInstructions) {
  const Bytes allowed[] = {
      {0x0f, 0x84, 0xfd, 0x0f, 0x00, 0x00},  // JE, far
      {0xb8, 0x00, 0x0f, 0x34, 0x00},        // MOV EAX, 0x340f00
      {0x3d, 0xff, 0x0f, 0x00, 0x00},        // CMP EAX, 0xfff
      {0x68, 0x0f, 0x00, 0x00, 0x00},        // PUSH 15
  };
  for (const Bytes& bytes : allowed)
    EXPECT_FALSE(is_banned(page_with(bytes))) << ::testing::PrintToString(bytes);
}

// LSL, and behind it what two instructions of a program would hardly be.
TEST(Scanner, LeavesTablesOfConstants) {
  const Bytes allowed[] = {
      {0x0f, 0x03, 0xc0, 0x06, 0x01, 0xc0, 0x06},                    // opcodes that there are not
      {0x0f, 0x03, 0xc0, 0x31, 0xc0, 0xf4, 0xfa},                    // HLT, CLI
      {0x0f, 0x03, 0xc0, 0x8e, 0xc8, 0x8c, 0xf0},                    // MOV to CS, from none
      {0x0f, 0x03, 0xc0, 0x00, 0x00, 0x00, 0x00},                    // zeros
      {0x0f, 0x03, 0xc0, 0x48, 0x0f, 0x22, 0xd8, 0x0f, 0x30},        // MOV CR3, WRMSR
      {0x0f, 0x03, 0xc0, 0xa1, 1, 2, 3, 4, 5, 6, 7, 8, 0xd6},        // no address
      {0x0f, 0x03, 0xc0, 0x36, 0x8b, 0x00, 0x67, 0x5b},              // prefixes
      {0x0f, 0x03, 0xc0, 0xc4, 0xea, 0x70, 0xf7, 0xc0, 0xfe, 0xd0},  // VEX
      {0x0f, 0x03, 0xc0, 0x74, 0x02, 0xf4, 0xfa, 0xd6, 0x06},        // JE, wherever it goes
  };
  for (const Bytes& bytes : allowed)
    EXPECT_FALSE(is_banned(page_with(bytes))) << ::testing::PrintToString(bytes);
}

TEST(Scanner, FindsThemInFrontOfBytesThatTheProgramDoesNotComeBy) {
  const Bytes banned[] = {
      {0x0f, 0x03, 0xc0, 0xc3, 0x06, 0x06},                 // RET
      {0x0f, 0x03, 0xc0, 0xeb, 0x10, 0x06, 0x06},           // JMP
      {0x0f, 0x03, 0xc0, 0xff, 0xe0, 0x06, 0x06},           // JMP RAX
      {0x0f, 0x03, 0xc0, 0xe8, 0x10, 0, 0, 0, 0x06, 0x06},  // CALL of what stays away
      {0x0f, 0x03, 0xc0, 0x0f, 0x05, 0xf4, 0xf4},           // SYSCALL
      {0x0f, 0x03, 0xc0, 0x0f, 0x0b, 0x06, 0x06},           // UD2
      {0x0f, 0x03, 0xc0, 0xcd, 0x29, 0x06, 0x06},           // INT
      {0x0f, 0x03, 0xc0, 0x74, 0x02, 0xf4, 0xf4, 0xc3},     // JE over what ends a program
      {0x0f, 0x03, 0xc0, 0x0f, 0x84, 0x02, 0, 0, 0, 0xf4, 0xf4, 0xc3},
      {0x0f, 0x03, 0xc0, 0xe3, 0x02, 0xf4, 0xf4, 0xc3},  // JRCXZ
      {0x0f, 0x03, 0xc0, 0x75, 0xfb, 0xf4, 0xf4},        // back and back
      {0x0f, 0x03, 0xc0, 0xed, 0xed, 0xc3, 0x06, 0x06},  // ports: open ones, perhaps
      {0xcd, 0x80, 0x06, 0x06},
  };
  for (const Bytes& bytes : banned)
    EXPECT_TRUE(is_banned(page_with(bytes))) << ::testing::PrintToString(bytes);
}

// Things that programs have one of.
TEST(Scanner, FindsThemInFrontOfOneOddInstruction) {
  const Bytes banned[] = {
      {0x0f, 0x03, 0xc0, 0x8e, 0xd1, 0xc3},                    // MOV SS, of a stack of its own
      {0x0f, 0x03, 0xc0, 0x26, 0x8b, 0x0f, 0xc3},              // an override that means nothing
      {0x0f, 0x03, 0xc0, 0x00, 0x00, 0xc3},                    // ADD [RAX], AL
      {0x0f, 0x03, 0xc0, 0xf4, 0xc3},                          // HLT, which a handler gets past
      {0x0f, 0x03, 0xc0, 0xa3, 0x78, 0x56, 0x34, 0x12, 0xc3},  // of 32-bit code
      {0x0f, 0x03, 0xc0, 0x61, 0xc3},                          // POPA, of 32-bit code
  };
  for (const Bytes& bytes : banned)
    EXPECT_TRUE(is_banned(page_with(bytes))) << ::testing::PrintToString(bytes);
}

TEST(Scanner, FindsThemAmongLongInstructionsThatAreAllAlike) {
  // As the loader of libraries saves registers: MOV [RSP + n], RDX, read from the wrong byte on, is
  // other instructions for as long as it goes on.
  Bytes bytes;
  for (u8 n = 0; n < 16; ++n)
    bytes.insert(bytes.end(), {0x48, 0x89, 0x94, 0x24, static_cast<u8>(0x50 + 8 * n), 2, 0, 0});
  bytes.insert(bytes.end(), {0x0f, 0xae, 0x64, 0x24, 0x40, 0xc3});
  EXPECT_TRUE(is_banned(page_with(bytes)));
}

TEST(Scanner, FindsThemBehindPrefixes) {
  EXPECT_TRUE(is_banned(page_with({0xf3, 0x41, 0x0f, 0xc7, 0xf8}))) << "RDPID R8";
  EXPECT_TRUE(is_banned(page_with({0xb8, 0, 0, 0, 0x66, 0x0f, 0xae, 0x37}))) << "no CLWB";
}

TEST(Scanner, FindsThemAtTheEndOfAPageWithNothingBehind) {
  EXPECT_TRUE(is_banned(page_with({0x0f, 0x34}, kPageSize - 2)));
  EXPECT_TRUE(is_banned(page_with({0x0f, 0x03, 0xc0}, kPageSize - 3)));
  EXPECT_FALSE(is_banned(page_with({}), page_with({0x0f, 0x34}, kPageSize - 2))) << "the next page";
}

TEST(Scanner, MakesNothingOfZerosInThePageBehind) {
  EXPECT_TRUE(is_banned(page_with({0x0f, 0x03, 0xc0}, kPageSize - 8), {}, Bytes(kPageSize, 0)));
}

TEST(Scanner, TakesNothingForGrantedInFrontOfAPageThatBegins) {
  EXPECT_TRUE(is_banned(page_with({0xb8, 0x0f, 0x34, 0, 0}, 0)));
  EXPECT_FALSE(is_banned(page_with({0xb8, 0x0f, 0x34, 0, 0}, 0), page_with({}))) << "MOV";
}

TEST(Scanner, FindsThemAtTheBeginningOfAPage) {
  EXPECT_TRUE(is_banned(page_with({0x0f, 0x34}, 0)));
  EXPECT_TRUE(is_banned(page_with({0x0f, 0x34}, 1)));
}

TEST(Scanner, CountsOneThatStraddlesToThePageInWhichItEnds) {
  const Bytes first = page_with({0x0f}, kPageSize - 1);
  Bytes second = page_with({0x34}, 0);
  EXPECT_FALSE(is_banned(first));
  EXPECT_TRUE(is_banned(first, {}, second));
  EXPECT_TRUE(is_banned(second, first));
  EXPECT_FALSE(is_banned(second, page_with({})));
}

TEST(ScannedPages, AreLookedAtAnewWhenTheyHoldSomethingElse) {
  constexpr u64 kOffset = 0x5000;
  ScannedPages scanned;
  const auto is_banned_there = [&](const Bytes& page, u64 offset) {
    CodeWindow window;
    window.set({}, page, {});
    return scanned.is_banned(offset, window, Rdtsc::Answers);
  };
  const Bytes harmless = page_with({0x0f, 0xa3}), sysenter = page_with({0x0f, 0x34});
  for (unsigned n = 0; n < 2; ++n) {
    EXPECT_FALSE(is_banned_there(harmless, kOffset));
    EXPECT_FALSE(is_banned_there(harmless, kOffset));
    EXPECT_TRUE(is_banned_there(sysenter, kOffset));
    EXPECT_TRUE(is_banned_there(sysenter, kOffset));
    EXPECT_FALSE(is_banned_there(harmless, kOffset + kPageSize));
  }
}

TEST(ScannedPages, TellRdtscFromWhatIsBannedAnyway) {
  ScannedPages scanned;
  CodeWindow window;
  window.set({}, page_with({0x0f, 0x31}), {});
  EXPECT_TRUE(scanned.is_banned(0, window, Rdtsc::Answers));
  EXPECT_FALSE(scanned.is_banned(0, window, Rdtsc::Traps));
  window.set({}, page_with({0x0f, 0x31, 0x0f, 0x34}), {});
  EXPECT_TRUE(scanned.is_banned(0, window, Rdtsc::Answers));
  EXPECT_TRUE(scanned.is_banned(0, window, Rdtsc::Traps));
}

TEST(ScannedPages, DependOnEachOfTheirBytes) {
  CodeWindow window;
  Bytes page(kPageSize), before(kPageSize);
  window.set(before, page, {});
  const u64 hash = window.hash(1);
  for (u8& byte : page) {
    byte = 1;
    window.set(before, page, {});
    EXPECT_NE(window.hash(1), hash);
    byte = 0;
  }
  before.back() = 1;
  window.set(before, page, {});
  EXPECT_NE(window.hash(1), hash);
  EXPECT_NE(window.hash(2), hash);
}

}  // namespace
}  // namespace backplane::native

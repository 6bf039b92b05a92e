// SPDX-License-Identifier: MIT
// XSAVE, XSAVEOPT, XSAVEC and XRSTOR do translated, without the interpreter, what they do in it: to
// every byte of the area, and to every register.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "backplane/x86/xsave_image.h"
#include "translated_guest.h"

namespace backplane::tcg::testing {
namespace {

using By = TranslatedGuest::By;
using Bytes = std::vector<u8>;

constexpr u64 kBoundary = Arena::kSize / 2;
// Of areas: within a page, and on both sides of its end, which is between parts or in one.
constexpr u64 kWithin = kBoundary + 1024;
constexpr u64 kPlaces[] = {kWithin,         kBoundary - 64,  kBoundary - 192,
                           kBoundary - 512, kBoundary - 576, kBoundary - 640};
constexpr u64 kMasks[] = {0, 1, 2, 3, 4, 5, 6, 7, ~u64{0}};
constexpr u64 kXcr0[] = {1, 3, 7};
// Marks in X86State::xsave which component is initial.
constexpr unsigned kHeader = x86::kXstateBv;

u8 modrm(unsigned group) { return static_cast<u8>(group << 3 | 3); }  // [rbx]

struct Form {
  std::string_view name;
  Bytes code;
};
const Form kSaves[] = {
    {"Xsave64", {0x48, 0x0f, 0xae, modrm(4)}},    {"Xsave", {0x0f, 0xae, modrm(4)}},
    {"Xsaveopt64", {0x48, 0x0f, 0xae, modrm(6)}}, {"Xsaveopt", {0x0f, 0xae, modrm(6)}},
    {"Xsavec64", {0x48, 0x0f, 0xc7, modrm(4)}},   {"Xsavec", {0x0f, 0xc7, modrm(4)}},
};
const Form kRestores[] = {{"Xrstor64", {0x48, 0x0f, 0xae, modrm(5)}},
                          {"Xrstor", {0x0f, 0xae, modrm(5)}}};

struct Outcome {
  Registers registers{};
  Bytes memory;
  std::optional<unsigned> fault;
  u64 end = 0, interpreted = 0;
};

class ExtendedState : public ::testing::TestWithParam<Form> {
 protected:
  void SetUp() override {
    const auto& host = x86::host_cpu_features();
    if (!host.xsavec || !host.xsaveopt || !host.avx)
      GTEST_SKIP() << "the host processor has no XSAVEC, XSAVEOPT or AVX";
  }

  // An image with something in every register of the components.
  void fill(u8* image, u64 components, u32 mxcsr) {
    std::memset(image, 0, x86::kXsaveSize);
    const auto put = [image](unsigned at, auto value) {
      std::memcpy(image + at, &value, sizeof value);
    };
    put(x86::kFcw, u16{0x37f});
    if ((components & x86::kComponentX87) != 0) {
      put(x86::kFcw, u16{0x27f});
      put(x86::kFsw, u16{3 << 11});
      put(x86::kFtw, u8{0xb8});
      put(x86::kFop, u16{0x5a3});
      put(x86::kFip, u64{0x123456789a});
      put(x86::kFdp, u64{0xfedcba9876});
      for (unsigned n = 0; n < 8; ++n)
        std::memset(image + x86::kStack + 16 * n, static_cast<int>(0x81 + n), 10);
    }
    put(x86::kMxcsr, mxcsr);
    if ((components & x86::kComponentSse) != 0)
      for (unsigned n = 0; n < 256; ++n) image[x86::kXmm + n] = static_cast<u8>(random() | 1);
    if ((components & x86::kComponentAvx) != 0)
      for (unsigned n = 0; n < 256; ++n) image[x86::kYmmHigh + n] = static_cast<u8>(random() | 1);
    put(kHeader, components);
  }

  // With XCR0 as it is to be, between a comparison and an instruction that reads its flags.
  Outcome run(const Bytes& form, u64 xcr0, By by) {
    Bytes code = {0x41, 0x89,
                  0xc0,  // mov r8d, eax
                  0x41, 0x89,
                  0xd1,  // mov r9d, edx
                  0x31, 0xc9,
                  0x31, 0xd2,  // xor ecx, ecx; xor edx, edx
                  0xb8, static_cast<u8>(xcr0),
                  0,    0,
                  0,    0x0f,
                  0x01, 0xd1,  // xsetbv
                  0x44, 0x89,
                  0xc0,  // mov eax, r8d
                  0x44, 0x89,
                  0xca,  // mov edx, r9d
                  0x48, 0x39,
                  0xdf};  // cmp rdi, rbx
    code.insert(code.end(), form.begin(), form.end());
    code.insert(code.end(), {0x11, 0xed});  // adc ebp, ebp
    std::memcpy(guest.arena.data() + kBoundary - kPageSize, before.data(), before.size());
    Outcome o;
    o.registers = start;
    const u64 interpreted = guest.counters().interpreted;
    guest.run(code, o.registers, NativeProcessor::Mode::Long, by);
    o.interpreted = guest.counters().interpreted - interpreted;
    o.fault = guest.fault();
    o.end = guest.end();
    const u8* const first = guest.arena.data() + kBoundary - kPageSize;
    o.memory.assign(first, first + before.size());
    // What is marked as initial holds any values.
    Registers& r = o.registers;
    Registers initial{};
    const u16 control = 0x37f;
    std::memcpy(initial.xsave, &control, sizeof control);
    const auto clear = [&](u64 component, unsigned at, unsigned size) {
      if ((r.xsave[kHeader] & component) == 0) std::memcpy(r.xsave + at, initial.xsave + at, size);
    };
    clear(x86::kComponentX87, 0, x86::kMxcsr);
    clear(x86::kComponentX87, x86::kStack, x86::kXmm - x86::kStack);
    clear(x86::kComponentSse, x86::kXmm, 256);
    clear(x86::kComponentAvx, x86::kYmmHigh, 256);
    return o;
  }

  // XSTATE_BV of the area.
  u64 in_use(const Outcome& o) const {
    u64 components = 0;
    std::memcpy(&components, o.memory.data() + in_memory(kHeader), sizeof components);
    return components;
  }

  // `interpreted`: XSETBV, HLT, and the instruction itself if it is left to the interpreter.
  void compare(const Bytes& form, u64 xcr0, u64 interpreted) {
    const Outcome expected = run(form, xcr0, By::Interpreter);
    Outcome found = run(form, xcr0, By::Translator);
    // When the host runs another thread in between, its processor may take an initial component for
    // one in use from then on, as it is allowed to.
    for (unsigned tries = 0; tries < 20 && (in_use(found) & ~in_use(expected)) != 0; ++tries)
      found = run(form, xcr0, By::Translator);
    ASSERT_EQ(found.fault, expected.fault);
    ASSERT_EQ(found.end, expected.end);
    ASSERT_EQ(found.interpreted, interpreted);
    ASSERT_EQ(found.registers.rflags, expected.registers.rflags);
    for (unsigned n = 0; n < 16; ++n)
      ASSERT_EQ(found.registers.gpr[n], expected.registers.gpr[n]) << "register " << n;
    for (std::size_t n = 0; n < found.memory.size(); ++n)
      ASSERT_EQ(found.memory[n], expected.memory[n])
          << "byte " << static_cast<i64>(n - in_memory(0)) << " of the area";
    constexpr unsigned kMxcsrMaskEnd = x86::kMxcsrMask + 4;
    for (unsigned n = 0; n < x86::kXsaveSize; ++n)
      if ((n < x86::kMxcsrMask || n >= kMxcsrMaskEnd) && n != kHeader) {
        ASSERT_EQ(found.registers.xsave[n], expected.registers.xsave[n])
            << "byte " << n << " of the registers";
      }
  }

  void start_with(u64 components, u32 mxcsr, u64 mask) {
    start = {};
    start.rflags = 2;
    start.gpr[x86::RSP] = guest.arena.address(Arena::kSize - 64);
    start.gpr[x86::RBX] = guest.arena.address(area);
    start.gpr[x86::RDI] = random();
    start.gpr[x86::RAX] = mask & 0xffffffff;
    start.gpr[x86::RDX] = mask >> 32;
    fill(start.xsave, components, mxcsr);
  }

  TranslatedGuest guest;
  u64 area = kWithin;
  Registers start{};
  // Of the guest, from the page before the boundary to the end of the one behind.
  Bytes before = Bytes(2 * kPageSize, 0xee);
  std::size_t in_memory(unsigned at) const { return area - (kBoundary - kPageSize) + at; }
  u8* in_area(unsigned at) { return before.data() + in_memory(at); }
  std::mt19937_64 random{20261129};
};

class Saving : public ExtendedState {};

TEST_P(Saving, WritesWhatTheInterpreterWrites) {
  for (const u64 place : kPlaces)
    for (const u64 xcr0 : kXcr0)
      for (const u64 mask : kMasks)
        for (u64 components = 0; components < 8; ++components)
          for (const u32 mxcsr : {0x1f80u, 0x9fc5u}) {
            SCOPED_TRACE(fmt::format("at {:x}, XCR0 {}, mask {:x}, in use {}, MXCSR {:x}", place,
                                     xcr0, mask, components, mxcsr));
            area = place;
            start_with(components, mxcsr, mask);
            // An old header, of which a part stays.
            const u64 old = random() & 7;
            std::memcpy(in_area(kHeader), &old, sizeof old);
            compare(GetParam().code, xcr0, 2);
            if (HasFatalFailure()) return;
          }
}

TEST_P(Saving, LeavesToTheInterpreterWhatFaults) {
  area = kWithin + 8;
  start_with(7, 0x1f80, 7);
  compare(GetParam().code, 7, 3);
  EXPECT_EQ(guest.fault(), x86::kGP) << "not aligned";
  area = kBoundary - 512;
  guest.write_protect(kBoundary);
  start_with(7, 0x1f80, 7);
  compare(GetParam().code, 7, 3);
  EXPECT_EQ(guest.fault(), x86::kPFVector);
  EXPECT_EQ(guest.state().cr2, guest.arena.address(area) + x86::kXsaveSize - 1);
  EXPECT_EQ(guest.error_code(), x86::kPfPresent | x86::kPfWrite);
}

// Behind the end of what is saved nothing has to be there.
TEST_P(Saving, NeedsOnlyThePagesOfWhatIsRequested) {
  area = kBoundary - 576;
  guest.write_protect(kBoundary);
  start_with(7, 0x1f80, 3);
  compare(GetParam().code, 7, 2);
  EXPECT_FALSE(guest.fault());
}

TEST_P(Saving, ForgetsCodeThatWasInTheArea) {
  // 63 bytes behind the header, where XMM8 is saved, there is a function: mov esi, imm; ret. It is
  // called, written over with itself and another immediate, and called again.
  constexpr unsigned kXmm8 = x86::kXmm + 8 * 16;
  const Bytes function = {0xbe, 0x11, 0x22, 0x33, 0x44, 0xc3};
  std::memcpy(in_area(kXmm8), function.data(), function.size());
  start_with(7, 0x1f80, 7);
  std::memcpy(start.xsave + kXmm8, function.data(), function.size());
  start.xsave[kXmm8 + 1] = 0x99;
  start.gpr[x86::R12] = start.gpr[x86::RBX] + kXmm8;
  Bytes code = {0x41, 0xff, 0xd4, 0x89, 0xf7};  // call r12; mov edi, esi
  code.insert(code.end(), GetParam().code.begin(), GetParam().code.end());
  code.insert(code.end(), {0x41, 0xff, 0xd4});
  const Outcome found = run(code, 7, By::Translator);
  EXPECT_FALSE(found.fault);
  EXPECT_EQ(found.registers.gpr[x86::RDI], 0x44332211u);
  EXPECT_EQ(found.registers.gpr[x86::RSI], 0x44332299u);
}

class Restoring : public ExtendedState {
 protected:
  // An area to restore from.
  void put_area(u64 components, u64 format, u32 mxcsr) {
    alignas(64) u8 image[x86::kXsaveSize];
    fill(image, components, mxcsr);
    // What is reserved, or left out, is not zero.
    std::memset(image + 464, 0xaa, 48);
    image[x86::kFtw + 1] = 0xbb;
    image[x86::kFop + 1] |= 0xf8;
    for (unsigned n = 0; n < 8; ++n) std::memset(image + x86::kStack + 16 * n + 10, 0xcc, 6);
    // An exception that is masked, and a summary that says it is not.
    image[x86::kFsw] |= 0x81;
    std::memcpy(image + x86::kXcompBv, &format, sizeof format);
    std::memcpy(in_area(0), image, sizeof image);
  }
};

TEST_P(Restoring, LoadsWhatTheInterpreterLoads) {
  for (const u64 place : {kWithin, kBoundary - 64, kBoundary - 576})
    for (const u64 xcr0 : kXcr0)
      for (const u64 mask : kMasks)
        for (u64 components = 0; components <= xcr0; ++components)
          for (u64 layout = 0; layout <= 8; ++layout) {
            // 8: the standard format.
            if (layout != 8 && ((components & ~layout) != 0 || (layout & ~xcr0) != 0)) continue;
            if ((components & ~xcr0) != 0) continue;
            SCOPED_TRACE(fmt::format("at {:x}, XCR0 {}, mask {:x}, in area {}, layout {}", place,
                                     xcr0, mask, components, layout));
            area = place;
            start_with(random() & 7, random() % 2 != 0 ? 0x1f80 : 0x1fa2, mask);
            put_area(components, layout != 8 ? layout | x86::kCompacted : 0, 0x9f85);
            compare(GetParam().code, xcr0, 2);
            if (HasFatalFailure()) return;
          }
}

TEST_P(Restoring, LeavesToTheInterpreterWhatFaults) {
  const auto refused = [this](std::string_view why, u64 xcr0 = 7) {
    SCOPED_TRACE(why);
    compare(GetParam().code, xcr0, 3);
    EXPECT_EQ(guest.fault(), x86::kGP);
  };
  start_with(7, 0x1fa2, 7);
  put_area(7, 0, 0x1f80);
  refused("a component beyond XCR0", 3);
  put_area(7, x86::kCompacted | 7, 0x1f80);
  refused("a component beyond XCR0, compacted", 3);
  put_area(7, x86::kCompacted | 3, 0x1f80);
  refused("a component that is not in the layout");
  put_area(7, 1, 0x1f80);
  refused("XCOMP_BV in the standard format");
  put_area(7, 0, 0x11f80);
  refused("reserved bits of MXCSR");
  for (unsigned word = 2; word < 8; ++word) {
    put_area(7, x86::kCompacted | 7, 0x1f80);
    *in_area(kHeader + 8 * word + 5) = 1;
    refused("a reserved word of the header, compacted");
  }
  put_area(7, 0, 0x1f80);
  *in_area(kHeader + 16) = 1;
  refused("a reserved word of the header");
  area = kWithin + 16;
  start_with(7, 0x1fa2, 7);
  put_area(7, 0, 0x1f80);
  refused("not aligned");
}

std::string form_name(const ::testing::TestParamInfo<Form>& info) {
  return std::string(info.param.name);
}
void PrintTo(const Form& form, std::ostream* out) { *out << form.name; }

INSTANTIATE_TEST_SUITE_P(Forms, Saving, ::testing::ValuesIn(kSaves), form_name);
INSTANTIATE_TEST_SUITE_P(Forms, Restoring, ::testing::ValuesIn(kRestores), form_name);

}  // namespace
}  // namespace backplane::tcg::testing

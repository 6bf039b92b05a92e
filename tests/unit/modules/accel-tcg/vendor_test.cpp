// SPDX-License-Identifier: MIT
// Translated code does what the guest's processor does where vendors differ, whatever the host's.
#include <gtest/gtest.h>

#include "judge.h"
#include "translated_guest.h"
#include "vendor_examples.h"

namespace backplane::tcg::testing {
namespace {

using x86::Vendor;
using x86::testing::model_of;
using x86::testing::VendorExample;

class TranslatedVendor : public ::testing::TestWithParam<Vendor> {};

TEST_P(TranslatedVendor, IsTheModels) {
  TranslatedGuest guest(TranslatedGuest::default_options(), model_of(GetParam()));
  for (const VendorExample& example : x86::testing::vendor_examples()) {
    if (example.feature != nullptr && !(x86::host_cpu_features().*example.feature)) continue;
    Registers r = example.registers(guest.arena.middle());
    std::memcpy(guest.arena.data() + Arena::kSize / 2, &example.memory, sizeof example.memory);
    const bool done = guest.run(example.code, r, example.mode);
    const int fault = done ? -1 : static_cast<int>(guest.fault().value_or(~0u));
    EXPECT_TRUE(example.ends_as_on(GetParam(), fault, r.gpr[x86::RAX]))
        << example.text << ": fault " << fault << ", rax " << std::hex << r.gpr[x86::RAX];
  }
}

// XSAVE by translated code's way out brings the host's mask into the state.
TEST_P(TranslatedVendor, ShowsItsOwnMxcsrMaskInSavedImages) {
  TranslatedGuest guest(TranslatedGuest::default_options(), model_of(GetParam()));
  const std::vector<u8> code = {
      0x0f, 0x58, 0xc1,        // addps xmm0, xmm1
      0x0f, 0xae, 0x03,        // fxsave [rbx]
      0x0f, 0x58, 0xc1,        // addps xmm0, xmm1
      0x48, 0x0f, 0xae, 0x23,  // xsave64 [rbx]
  };
  for (const u64 length : {u64{6}, code.size()}) {
    Registers r{};
    const u32 mxcsr = 0x1f80;
    std::memcpy(r.xsave + 24, &mxcsr, sizeof mxcsr);
    r.gpr[x86::RBX] = guest.arena.middle();
    r.gpr[x86::RAX] = 3;
    r.rflags = 2;
    ASSERT_TRUE(guest.run(std::span(code).first(length), r));
    u32 mask = 0;
    std::memcpy(&mask, guest.arena.data() + Arena::kSize / 2 + 28, sizeof mask);
    EXPECT_EQ(mask, 0xffffu);
  }
}

// As a check that is not needed must not send them to the interpreter.
TEST_P(TranslatedVendor, AlignedAndValidFormsAreTranslated) {
  TranslatedGuest guest(TranslatedGuest::default_options(), model_of(GetParam()));
  const u32 mxcsr = 0x3f80;
  u8* const memory = guest.arena.data() + Arena::kSize / 2;
  std::vector<std::vector<u8>> loads = {
      {0x0f, 0xae, 0x13, 0x0f, 0xae, 0x5b, 0x40}};  // ldmxcsr, stmxcsr
  if (x86::host_cpu_features().avx)
    loads.push_back({0xc5, 0xf8, 0xae, 0x13, 0xc5, 0xf8, 0xae, 0x5b, 0x40});
  for (std::vector<u8> code : loads) {
    std::memcpy(memory, &mxcsr, sizeof mxcsr);
    std::memset(memory + 0x40, 0, sizeof mxcsr);
    if (x86::host_cpu_features().sha) code.insert(code.end(), {0x0f, 0x38, 0xcc, 0x03});
    Registers r = x86::testing::vendor_examples().front().registers(guest.arena.middle());
    const u64 before = guest.counters().interpreted;
    ASSERT_TRUE(guest.run(code, r));
    EXPECT_EQ(guest.counters().interpreted - before, 1u) << "beside HLT";
    u32 loaded = 0, stored = 0;
    std::memcpy(&loaded, r.xsave + 24, sizeof loaded);
    std::memcpy(&stored, memory + 0x40, sizeof stored);
    EXPECT_EQ(loaded, mxcsr);
    EXPECT_EQ(stored, mxcsr);
  }
}

INSTANTIATE_TEST_SUITE_P(Vendors, TranslatedVendor, ::testing::Values(Vendor::Intel, Vendor::Amd),
                         [](const auto& info) {
                           return std::string(info.param == Vendor::Amd ? "Amd" : "Intel");
                         });

}  // namespace
}  // namespace backplane::tcg::testing

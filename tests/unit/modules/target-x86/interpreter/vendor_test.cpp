// SPDX-License-Identifier: MIT
// What the table of vendors says is what the host's processor does, and what the interpreter does
// for a CPU model of either vendor.
#include <gtest/gtest.h>

#include <csignal>

#include "backplane/x86/host_features.h"
#include "judge.h"
#include "test_guest.h"
#include "vendor_examples.h"

namespace backplane::x86::testing {
namespace {

class VendorTable : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { announce_judge(); }

  static bool host_lacks(const VendorExample& example) {
    return example.feature != nullptr && !(host_cpu_features().*example.feature);
  }
};

TEST_F(VendorTable, HasARowAndAnExampleForEachDifference) {
  // Transfers to another ring are tested by themselves: fast_calls_test.cpp.
  const auto is_transfer = [](Difference difference) {
    return difference == Difference::SyscallOutside64 ||
           difference == Difference::SysenterInLongMode;
  };
  const auto table = vendor_table();
  for (std::size_t n = 0; n < table.size(); ++n) {
    EXPECT_EQ(static_cast<std::size_t>(table[n].difference), n);
    EXPECT_TRUE(table[n].intel_source.starts_with("SDM ")) << table[n].what;
    EXPECT_TRUE(table[n].amd_source.starts_with("APM ")) << table[n].what;
    if (is_transfer(table[n].difference)) continue;
    const auto& examples = vendor_examples();
    EXPECT_TRUE(std::any_of(examples.begin(), examples.end(), [&](const VendorExample& e) {
      return e.difference == table[n].difference;
    })) << table[n].what;
  }
}

TEST_F(VendorTable, IsWhatTheHostDoes) {
  NativeProcessor processor;
  Arena arena;
  for (const VendorExample& example : vendor_examples()) {
    const VendorRow& row = vendor_table()[static_cast<std::size_t>(example.difference)];
    // A host has features that no CPU model offers.
    if (row.undefined || example.difference == Difference::MxcsrMisalignedMask ||
        host_lacks(example))
      continue;
    Registers r = example.registers(arena.middle());
    const int signal = processor.run(example.mode, example.code, r, true);
    const int fault = signal == 0 ? -1 : signal == SIGILL ? kUD : kGP;
    EXPECT_TRUE(example.ends_as_on(host_vendor(), fault, r.gpr[RAX]))
        << example.text << ": signal " << signal;
  }
}

TEST_F(VendorTable, IsWhatTheInterpreterDoesForAModelOfEither) {
  for (const Vendor vendor : {Vendor::Intel, Vendor::Amd})
    for (const VendorExample& example : vendor_examples()) {
      if (host_lacks(example)) continue;
      TestGuest guest(model_of(vendor));
      if (example.mode == NativeProcessor::Mode::Compatibility) guest.enter_compatibility_mode();
      const Registers r = example.registers(guest.arena.middle());
      std::copy(std::begin(r.gpr), std::end(r.gpr), guest.state().gpr);
      guest.store_value(Arena::kSize / 2, example.memory);
      guest.load(example.code);
      const bool done = guest.step() == Interpreter::Step::Done;
      EXPECT_TRUE(example.ends_as_on(vendor, done ? -1 : guest.delivered().vector, guest.reg(RAX)))
          << example.text << " on a model of " << vendor_name(vendor) << ": rax " << std::hex
          << guest.reg(RAX);
    }
}

TEST_F(VendorTable, SyscallOf32BitCodeIsDecodedForAmd) {
  for (const Vendor vendor : {Vendor::Intel, Vendor::Amd}) {
    TestGuest guest(model_of(vendor));
    guest.enter_compatibility_mode(true);
    guest.state().star = u64{TestGuest::kCode64} << 32;
    guest.state().cstar = guest.address(kPageSize);
    const TestGuest::Fault fault = guest.fault({0x0f, 0x05});
    EXPECT_EQ(fault.vector, vendor == Vendor::Amd ? -1 : int{kUD});
    if (vendor == Vendor::Amd) {
      EXPECT_EQ(guest.state().rip, guest.address(kPageSize));
    }
  }
}

TEST_F(VendorTable, NamesAreThoseOfCpuid) {
  EXPECT_EQ(vendor_named("AuthenticAMD"), Vendor::Amd);
  EXPECT_EQ(vendor_named("HygonGenuine"), Vendor::Amd);
  EXPECT_EQ(vendor_named("GenuineIntel"), Vendor::Intel);
  EXPECT_EQ(vendor_named("CentaurHauls"), Vendor::Intel);
  EXPECT_EQ(TestGuest("max,vendor=AuthenticAMD").cpu->vendor(), Vendor::Amd);
  EXPECT_EQ(TestGuest("max,vendor=GenuineIntel").cpu->vendor(), Vendor::Intel);
}

}  // namespace
}  // namespace backplane::x86::testing

// SPDX-License-Identifier: MIT
// Which exception an instruction causes, and that it changes nothing else.
#include <gtest/gtest.h>

#include "test_guest.h"

namespace backplane::x86::testing {
namespace {

constexpr u64 kPage = TestGuest::kData / kPageSize;

class Faults : public ::testing::Test {
 protected:
  // The exception, and that registers other than RSP and RIP are as before.
  void expect(std::initializer_list<int> code, int vector, u64 error = 0) {
    X86State& s = guest.state();
    const X86State before = s;
    const TestGuest::Fault f = guest.fault(code);
    EXPECT_EQ(f.vector, vector);
    EXPECT_EQ(f.error, error);
    if (vector < 0) return;
    EXPECT_EQ(f.rip, before.rip);
    for (unsigned n = 0; n < 16; ++n) {
      if (n == RSP) continue;
      EXPECT_EQ(s.gpr[n], before.gpr[n]) << n;
    }
    guest.enter_long_mode(before.cpl() == 3);
  }

  TestGuest guest;
};

TEST_F(Faults, AReadModifyWriteOfAReadOnlyPageIsAWriteFault) {
  guest.memory.set_rights(kPage, ArenaMemory::kRead);
  guest.reg(RBX) = guest.address(TestGuest::kData);
  expect({0x48, 0x01, 0x03}, kPFVector, kPfPresent | kPfWrite);  // add [rbx], rax
  EXPECT_EQ(guest.state().cr2, guest.address(TestGuest::kData));
  expect({0xf0, 0xff, 0x03}, kPFVector, kPfPresent | kPfWrite);  // lock inc dword [rbx]
  expect({0x48, 0x87, 0x03}, kPFVector, kPfPresent | kPfWrite);  // xchg [rbx], rax
}

TEST_F(Faults, AReadModifyWriteOfAnAbsentPageIsAWriteFault) {
  guest.memory.set_rights(kPage, ArenaMemory::kNone);
  guest.reg(RBX) = guest.address(TestGuest::kData);
  expect({0x48, 0x01, 0x03}, kPFVector, kPfWrite);
}

TEST_F(Faults, AWriteAcrossPagesChangesNothingIfTheSecondFaults) {
  guest.memory.set_rights(kPage + 1, ArenaMemory::kRead);
  const u64 offset = TestGuest::kData + kPageSize - 4;
  guest.store_value<u64>(offset, 0x1122334455667788);
  guest.reg(RBX) = guest.address(offset);
  expect({0x48, 0xf7, 0x13}, kPFVector, kPfPresent | kPfWrite);  // not qword [rbx]
  EXPECT_EQ(guest.load_value<u64>(offset), 0x1122334455667788U);
  EXPECT_EQ(guest.state().cr2, guest.address(TestGuest::kData + kPageSize));
}

TEST_F(Faults, APushThatFaultsLeavesTheStackPointer) {
  guest.memory.set_rights(kPage, ArenaMemory::kRead);
  guest.enter_long_mode(true);  // handlers have a stack of their own
  const u64 rsp = guest.address(TestGuest::kData + 64);
  guest.reg(RSP) = rsp;
  const TestGuest::Fault f = guest.fault({0x50});
  EXPECT_EQ(f.vector, kPFVector);
  const u64 frame = guest.reg(RSP) - guest.address(0);
  EXPECT_EQ(guest.load_value<u64>(frame + 32), rsp);  // error, RIP, CS, RFLAGS, RSP
}

TEST_F(Faults, AnInstructionThatRunsIntoAnAbsentPageFaultsThere) {
  guest.memory.set_rights(1, ArenaMemory::kNone);
  guest.state().rip = guest.address(kPageSize - 2);
  guest.load(std::array<u8, 2>{0x48, 0xb8});  // mov rax, imm64
  EXPECT_EQ(guest.step(), Interpreter::Step::Exception);
  EXPECT_EQ(guest.delivered().vector, kPFVector);
  EXPECT_EQ(guest.state().cr2, guest.address(kPageSize));
}

TEST_F(Faults, AnInstructionThatEndsBeforeAnAbsentPageRuns) {
  guest.memory.set_rights(1, ArenaMemory::kNone);
  guest.state().rip = guest.address(kPageSize - 2);
  EXPECT_EQ(guest.run({0x31, 0xc0}), Interpreter::Step::Done);
}

TEST_F(Faults, UndefinedOpcodesAreInvalid) {
  expect({0x0f, 0x0b}, kUD);                          // ud2
  expect({0x0f, 0xff, 0xc0}, kUD);                    // ud0
  expect({0x06}, kUD);                                // push es, not in 64-bit mode
  expect({0xf0, 0x01, 0xc3}, kUD);                    // lock add rbx, rax
  expect({0xc7, 0xf8, 0, 0, 0, 0}, kUD);              // xbegin
  expect({0x0f, 0x01, 0xc1}, kUD);                    // vmcall
  expect({0x0f, 0xaa}, kUD);                          // rsm
  expect({0x62, 0xf1, 0x7c, 0x48, 0x58, 0xc1}, kUD);  // vaddps zmm
  expect({0x0f, 0x01, 0xc8}, kUD);                    // monitor
}

TEST_F(Faults, AnInstructionOfMoreThan15BytesIsAProtectionFault) {
  expect({0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90,
          0x90},
         -1);
  guest.enter_long_mode();
  expect({0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
          0x90},
         kGP);
}

TEST_F(Faults, NonCanonicalAddressesAreProtectionOrStackFaults) {
  guest.reg(RBX) = u64{1} << 47;
  guest.reg(RBP) = u64{1} << 47;
  expect({0x8a, 0x03}, kGP);              // mov al, [rbx]
  expect({0x8a, 0x45, 0x00}, kSSVector);  // mov al, [rbp]
  expect({0xff, 0xe3}, kGP);              // jmp rbx
  guest.reg(RBX) = (u64{1} << 47) - 4;
  expect({0x48, 0x8b, 0x03}, kGP);  // mov rax, [rbx]: its end is not canonical
}

TEST_F(Faults, DivisionErrorsLeaveTheDividend) {
  guest.reg(RAX) = 1;
  guest.reg(RDX) = 5;
  guest.reg(RBX) = 5;
  expect({0x48, 0xf7, 0xf3}, kDE);  // div rbx: the quotient does not fit
  guest.reg(RBX) = 0;
  expect({0xf6, 0xfb}, kDE);  // idiv bl
  guest.reg(RAX) = 0;
  guest.reg(RDX) = u64{1} << 63;
  guest.reg(RBX) = ~u64{0};
  expect({0x48, 0xf7, 0xfb}, kDE);  // idiv rbx: -2^127 / -1
}

TEST_F(Faults, PrivilegedInstructionsFaultInUserMode) {
  guest.enter_long_mode(true);
  expect({0xf4}, kGP);              // hlt
  expect({0xfa}, kGP);              // cli
  expect({0x0f, 0x20, 0xc0}, kGP);  // mov rax, cr0
  expect({0x0f, 0x23, 0xf8}, kGP);  // mov dr7, rax
  expect({0x0f, 0x32}, kGP);        // rdmsr
  expect({0x0f, 0x01, 0x13}, kGP);  // lgdt [rbx]
  expect({0x0f, 0x01, 0x3b}, kGP);  // invlpg [rbx]
  expect({0x0f, 0x06}, kGP);        // clts
  expect({0x0f, 0x09}, kGP);        // wbinvd
  expect({0x0f, 0x01, 0xf8}, kGP);  // swapgs
  expect({0x0f, 0x01, 0xd1}, kGP);  // xsetbv
}

TEST_F(Faults, LocksAndAlignmentOf16BytesAreChecked) {
  guest.reg(RBX) = guest.address(TestGuest::kData + 8);
  expect({0x0f, 0x28, 0x03}, kGP);        // movaps xmm0, [rbx]
  expect({0x66, 0x0f, 0xfe, 0x03}, kGP);  // paddd xmm0, [rbx]
  expect({0x48, 0x0f, 0xc7, 0x0b}, kGP);  // cmpxchg16b [rbx]
  expect({0x0f, 0xae, 0x03}, kGP);        // fxsave [rbx]
  expect({0x0f, 0x10, 0x03}, -1);         // movups
}

TEST_F(Faults, FloatingPointIsDeniedAsControlRegistersSay) {
  guest.state().cr0 |= kCr0TS;
  expect({0x0f, 0x57, 0xc0}, kNM);  // xorps
  guest.state().cr0 |= kCr0TS;
  expect({0xd9, 0xe8}, kNM);  // fld1
  guest.state().cr0 |= kCr0TS;
  expect({0x0f, 0x77}, kNM);  // emms
  guest.state().cr0 |= kCr0TS;
  expect({0x9b}, kNM);  // fwait
  guest.state().cr0 |= kCr0EM;
  expect({0x0f, 0x57, 0xc0}, kUD);
  guest.state().cr4 &= ~kCr4OSFXSR;
  expect({0x0f, 0x57, 0xc0}, kUD);
  guest.state().cr4 &= ~kCr4OSXSAVE;
  expect({0xc5, 0xf8, 0x57, 0xc0}, kUD);  // vxorps
  guest.state().xcr0 = 3;
  expect({0xc5, 0xf8, 0x57, 0xc0}, kUD);
}

TEST_F(Faults, InstructionsThatTheModelLacksAreInvalid) {
  guest.machine.add_cpu(create_cpu(guest.machine, "x86-64-v1"));
  X86Cpu& old = static_cast<X86Cpu&>(*guest.machine.cpus().back());
  old.state() = guest.state();
  Interpreter interpreter(old, guest.memory);
  const auto vector_of = [&](std::initializer_list<u8> code) {
    std::vector<u8> bytes(code);
    guest.load(bytes);
    old.state() = guest.state();
    interpreter.step();
    return old.state().rip >= guest.address(TestGuest::kHandlers)
               ? static_cast<int>((old.state().rip - guest.address(TestGuest::kHandlers)) /
                                  TestGuest::kHandlerSize)
               : -1;
  };
  EXPECT_EQ(vector_of({0x0f, 0x58, 0xc1}), -1);               // addps
  EXPECT_EQ(vector_of({0xc5, 0xf8, 0x58, 0xc1}), kUD);        // vaddps
  EXPECT_EQ(vector_of({0x66, 0x0f, 0x38, 0x00, 0xc1}), kUD);  // pshufb
  EXPECT_EQ(vector_of({0xf3, 0x0f, 0xb8, 0xc1}), kUD);        // popcnt
  EXPECT_EQ(vector_of({0xc4, 0xe2, 0x70, 0xf2, 0xc2}), kUD);  // andn
  EXPECT_EQ(vector_of({0x0f, 0xc7, 0xf0}), kUD);              // rdrand
}

}  // namespace
}  // namespace backplane::x86::testing

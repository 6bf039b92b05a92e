// SPDX-License-Identifier: MIT
// Guest code that turns on the stub: it gets nothing, and it ends when it has to.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "image.h"
#include "native_guest.h"

namespace backplane::native {
namespace {

using namespace x86;

class Attack : public NativeGuest {
 protected:
  // Where the stub is, which guest code would have to search for.
  u64 area() {
    run({0x0f, 0x05});
    return vcpu.area_of_current_space();
  }
  // All places in the stub's code that enter the host's kernel, and of those the ones behind.
  static std::vector<u64> calls() {
    const std::span<const u8> code = stub_image().subspan(kStubCodeInFile);
    std::vector<u64> places;
    for (u64 at = 0; at + 1 < std::min<u64>(code.size(), STUB_CODE_SIZE); ++at)
      if (code[at] == 0x0f && code[at + 1] == 0x05) places.push_back(at);
    return places;
  }
  // Goes on there, in a stub that may be another one.
  Left jump_to(u64 offset_in_area) {
    s.gpr[R12] = area() + offset_in_area;
    s.gpr[RSP] = kStack;
    s.rflags = 0x202;
    return run({0x41, 0xff, 0xe4});  // jmp r12
  }
};

TEST_F(Attack, FindsNoCallThatTheHostAnswers) {
  const auto open_files = [] {
    unsigned count = 0;
    for (int file = 0; file < 256; ++file) count += fcntl(file, F_GETFD) >= 0 ? 1 : 0;
    return count;
  };
  area();
  const unsigned files = open_files();
  for (const u64 place : calls()) {
    for (u64 number = 0; number < 470; ++number) {
      s.gpr[RAX] = number;
      s.gpr[RDI] = kData;
      s.gpr[RSI] = kPageSize;
      s.gpr[RDX] = 7;
      s.gpr[R10] = 0x11;
      s.gpr[R8] = STUB_RAM_FD;
      s.gpr[R9] = 0;
      EXPECT_EQ(jump_to(place), Left::Instruction) << "call " << number << " at " << place;
    }
  }
  EXPECT_EQ(open_files(), files);
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG | __WALL), 0) << "a child has ended";
}

TEST_F(Attack, MapsNoPageThatItsTablesDoNotGive) {
  constexpr u64 kSecret = 0x200000, kWanted = 0x410000;
  machine.memory().store<u64>(kSecret, 0x5ec4e7);
  for (const u64 place : calls()) {
    s.gpr[RAX] = 9;  // mmap
    s.gpr[RDI] = kWanted;
    s.gpr[RSI] = kPageSize;
    s.gpr[RDX] = 3;
    s.gpr[R10] = 0x11;
    s.gpr[R8] = STUB_RAM_FD;
    s.gpr[R9] = kSecret;
    jump_to(place);
    s.gpr[RAX] = 0;
    s.gpr[RSP] = kStack;
    s.rflags = 0x202;
    // mov rax, [kWanted]; syscall
    run({0x48, 0x8b, 0x04, 0x25, 0x00, 0x00, 0x41, 0x00, 0x0f, 0x05});
    EXPECT_EQ(s.rip, kCode);
    EXPECT_EQ(s.gpr[RAX], 0u);
  }
}

TEST_F(Attack, WritesOverTheStubAndHarmsItself) {
  const u64 at = area();
  for (u64 offset = 0; offset < STUB_SIZE; offset += kPageSize / 2) {
    s.gpr[RDI] = at + offset;
    s.gpr[RCX] = kPageSize / 16;
    s.gpr[RAX] = 0x4141414141414141;
    s.gpr[RSP] = kStack;
    s.rflags = 0x202;
    EXPECT_EQ(run({0xf3, 0x48, 0xab, 0x0f, 0x05}), Left::Instruction);  // rep stosq; syscall
    EXPECT_EQ(s.cpl(), 3u);
  }
  s.rflags = 0x202;
  s.gpr[RBX] = 3;
  EXPECT_EQ(run({0x48, 0xff, 0xc3, 0x0f, 0x05}), Left::Instruction);
  EXPECT_EQ(s.gpr[RBX], 4u) << "what follows runs on";
}

TEST_F(Attack, NeedsNoStack) {
  for (const u64 stack : {u64{0}, u64{8}, kCode, ~u64{0}, u64{1} << 47, u64{0x8000000000000000}}) {
    s.gpr[RSP] = stack;
    EXPECT_EQ(run({0x0f, 0x05}), Left::Instruction);
    EXPECT_EQ(s.rip, kCode);
    EXPECT_EQ(s.gpr[RSP], stack);
  }
  EXPECT_EQ(vcpu.counters().lost, 0u);
}

// Ends a signal that never was, with all signals masked, and does not listen any more.
TEST_F(Attack, IsEndedIfItDoesNotAnswer) {
  const u64 at = area();
  SignalContext forged{};
  forged.rip = kCode + 0x100;
  forged.rsp = kStack;
  forged.rflags = 0x202;
  forged.cs = kUserCode;
  forged.ss = kUserStack;
  forged.mask = ~u64{0};
  machine.memory().write(kDataPage + 0x400, &forged, sizeof forged);
  write_code({0xeb, 0xfe}, 0x100);  // jmp itself
  // The frame of rt_sigreturn is where the stack points, less a return address.
  s.gpr[RSP] = kData + 0x400;
  s.gpr[R12] = at + STUB_CODE + stub_returned() - 7;  // mov eax, 15; syscall
  std::atomic<bool> ended{false};
  std::thread kicker([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    exit_request = 1;
    while (!ended) {
      vcpu.kick();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  // mov rax, [kData]; jmp r12: so that the data are mapped.
  const Left left = run({0x48, 0x8b, 0x04, 0x25, 0x00, 0x00, 0x50, 0x00, 0x41, 0xff, 0xe4});
  ended = true;
  kicker.join();
  EXPECT_EQ(left, Left::Instruction);
  EXPECT_EQ(vcpu.counters().lost, 1u);
  EXPECT_EQ(vcpu.counters().live_stubs, 0u);
  EXPECT_EQ(s.rip, kCode) << "it goes on from where it was last seen";
}

}  // namespace
}  // namespace backplane::native

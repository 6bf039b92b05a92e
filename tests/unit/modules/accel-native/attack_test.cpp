// SPDX-License-Identifier: MIT
// Guest code that turns on the stub: it gets nothing, and it ends when it has to.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "backplane/x86/xsave_image.h"
#include "image.h"
#include "native_guest.h"

namespace backplane::native {
namespace {

using namespace x86;

class Attack : public NativeGuest {
 protected:
  // In a frame that could be this guest's.
  static SignalContext registers_of_guest() {
    SignalContext context{};
    context.rip = kCode + 0x100;
    context.rsp = kStack;
    context.rflags = 0x202;
    context.cs = kUserCode;
    context.ss = kUserStack;
    return context;
  }
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

// INT 80h within another instruction, where nobody looks for it.
TEST_F(Attack, FindsNoCallOf32BitPrograms) {
  write_code(Bytes(0x80, 0x90), 0x100);
  write_code({0xb8, 0xcd, 0x80, 0x0f, 0x05}, 0x180);  // mov eax, 50f80cdh
  for (u64 number = 0; number < 460; ++number) {
    s.gpr[RAX] = number;
    s.gpr[RBX] = s.gpr[RCX] = s.gpr[RSI] = kData;
    s.gpr[RDX] = 7;
    s.gpr[RDI] = s.gpr[RBP] = 0;
    s.gpr[R12] = kCode + 0x181;
    s.gpr[RSP] = kStack;
    EXPECT_EQ(run({0x41, 0xff, 0xe4}), Left::Instruction) << "call " << number;
    EXPECT_EQ(s.cpl(), 3u);
  }
  EXPECT_EQ(vcpu.counters().lost, 0u);
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

// What the guest's tables have where the stub is does not make it the stub's.
TEST_F(Attack, HasCodeOfItsOwnWhereTheStubIs) {
  const u64 at = area();
  constexpr u64 kMore = 0x20000;
  const u64 levels[] = {kTables, kMore, kMore + kPageSize, kMore + 2 * kPageSize};
  for (unsigned n = 0; n < 4; ++n) {
    const u64 next = n < 3 ? levels[n + 1] : kCodePage;
    machine.memory().store<u64>(levels[n] + (at >> (39 - 9 * n) & 0x1ff) * 8, next | 0x27);
  }
  write_code({0x0f, 0x05}, 0x100);
  for (const u64 place : calls()) {
    s.gpr[R12] = at + place;
    s.gpr[RSP] = kStack;
    s.rflags = 0x202;
    run({0x41, 0xff, 0xe4});
    EXPECT_EQ(s.cpl(), 3u);
  }
  s.rflags = 0x202;
  EXPECT_EQ(run({0x48, 0xff, 0xc3, 0x0f, 0x05}), Left::Instruction) << "what follows runs on";
  EXPECT_EQ(s.rip, kCode + 3);
}

// Writes a frame over that of a signal, and hands it over.
class ForgedFrame : public Attack {
 protected:
  // Where the stub's frames are: one has what the guest's R15 was.
  u64 frame() {
    constexpr u64 kMark = 0x6d61726b6d61726b;
    const u64 signals = area() + STUB_SIGNALS;
    s.gpr[R15] = s.gpr[RAX] = kMark;
    s.gpr[RDI] = signals;
    s.gpr[RCX] = STUB_SIGNALS_SIZE / 8;
    s.gpr[RSP] = kStack;
    s.rflags = 0x202;
    run({0xf2, 0x48, 0xaf, 0x0f, 0x05});  // repne scasq; syscall
    s.gpr[R15] = 0;
    return s.gpr[RDI] - 8 - offsetof(SignalContext, r15);
  }
  // What a frame of this guest's is like.
  SignalContext harmless() {
    SignalContext forged = registers_of_guest();
    forged.extended_state = extended_state_;
    return forged;
  }
  // Hands that over as what came with the signal.
  void hand_over(const SignalContext& forged, int signal, u64 fs_base = 0) {
    machine.memory().write(kDataPage + 0x400, &forged, sizeof forged);
    write_code({0x0f, 0x05}, 0x100);  // where the frame leads to
    s.gpr[RSI] = kData + 0x400;
    s.gpr[RDI] = s.gpr[R13] = frame_;
    s.gpr[RCX] = sizeof forged;
    s.gpr[R14] = fs_base;
    s.gpr[RBX] = s.gpr[R10] = 0;
    s.gpr[RAX] = STUB_HAND_OVER;
    s.gpr[R8] = static_cast<u64>(signal);
    s.gpr[R12] = area_ + STUB_CODE + stub_handed_over() - 2;
    s.gpr[RSP] = kStack;
    s.rflags = 0x202;
    // rep movsb; mov rdi, r13; mov rsi, r14; mov rdx, rbx; jmp r12
    run({0xf3, 0xa4, 0x4c, 0x89, 0xef, 0x4c, 0x89, 0xf6, 0x48, 0x89, 0xda, 0x41, 0xff, 0xe4});
  }
  // Looks for the stub anew: it may have been ended.
  void find() {
    frame_ = frame();
    area_ = vcpu.area_of_current_space();
    s.gpr[RSI] = frame_;
    s.gpr[RDI] = kData;
    s.gpr[RCX] = sizeof(SignalContext);
    s.gpr[RSP] = kStack;
    s.rflags = 0x202;
    run({0xf3, 0xa4, 0x0f, 0x05});  // rep movsb; syscall
    SignalContext found;
    machine.memory().read(kDataPage, &found, sizeof found);
    extended_state_ = found.extended_state;
  }
  void expect_ring_3(const char* what) {
    constexpr u64 kNever = kIOPL | kVM | kVIF | kVIP | kRF;
    EXPECT_EQ(s.cpl(), 3u) << what;
    EXPECT_TRUE(s.code64()) << what;
    EXPECT_EQ(s.rflags & (kNever | kIF), u64{kIF}) << what;
    EXPECT_LT(s.rip + (u64{1} << 47), u64{1} << 48) << what;
    EXPECT_LT(s.seg[FS].base + (u64{1} << 47), u64{1} << 48) << what;
    u32 mxcsr;
    std::memcpy(&mxcsr, s.xsave + kMxcsr, sizeof mxcsr);
    EXPECT_EQ(mxcsr & ~kMxcsrValid, 0u) << what;
  }

  u64 frame_ = 0, area_ = 0, extended_state_ = 0;
};

TEST_F(ForgedFrame, IsTakenAsWhatRing3MayBe) {
  find();
  SignalContext forged = harmless();
  forged.rflags = ~u64{kTF | kNT | kAC | kID};
  forged.rbx = 0x77;
  hand_over(forged, SIGSYS);
  expect_ring_3("flags");
  EXPECT_EQ(s.gpr[RBX], 0x77u) << "it was not taken";
  EXPECT_EQ(vcpu.counters().lost, 0u);
}

TEST_F(ForgedFrame, IsRefusedWhereItIsNone) {
  const struct {
    const char* what;
    void (*change)(SignalContext&);
  } cases[] = {
      {"code of ring 0", [](SignalContext& c) { c.cs = 0x10; }},
      {"a stack of ring 0", [](SignalContext& c) { c.ss = 0x18; }},
      {"no address", [](SignalContext& c) { c.rip = u64{1} << 63; }},
      {"other vector state", [](SignalContext& c) { c.extended_state -= 64; }},
      {"vector state that is the emulator's",
       [](SignalContext& c) { c.extended_state = ~u64{63}; }},
  };
  u64 lost = 0;
  for (const auto& it : cases) {
    find();
    SignalContext forged = harmless();
    it.change(forged);
    hand_over(forged, SIGSYS);
    expect_ring_3(it.what);
    EXPECT_EQ(vcpu.counters().lost, ++lost) << it.what;
  }
  find();
  hand_over(harmless(), SIGSYS, u64{1} << 63);
  expect_ring_3("no address in FS");
  EXPECT_EQ(vcpu.counters().lost, ++lost);
}

// Faults that never were, anywhere: only what the tables give is mapped.
TEST_F(ForgedFrame, TellsOfFaults) {
  for (const u64 linear :
       {u64{0}, kCode, kData, u64{0x600000}, ~u64{0}, u64{1} << 47, u64{1} << 63})
    for (const u64 error : {4, 6, 7, 20, 21, 0xffff}) {
      find();
      SignalContext forged = harmless();
      forged.vector = kPFVector;
      forged.cr2 = linear;
      forged.error = error;
      hand_over(forged, SIGSEGV);
      expect_ring_3("a fault");
    }
  EXPECT_EQ(vcpu.counters().lost, 0u);
}

// Ends a signal that never was, with all signals masked, and does not listen any more.
TEST_F(Attack, IsEndedIfItDoesNotAnswer) {
  const u64 at = area();
  SignalContext forged = registers_of_guest();
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
  const auto start = std::chrono::steady_clock::now();
  const Left left = run({0x48, 0x8b, 0x04, 0x25, 0x00, 0x00, 0x50, 0x00, 0x41, 0xff, 0xe4});
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
  ended = true;
  kicker.join();
  EXPECT_EQ(left, Left::Instruction);
  EXPECT_EQ(vcpu.counters().lost, 1u);
  EXPECT_EQ(vcpu.counters().live_stubs, 0u);
  EXPECT_EQ(s.rip, kCode) << "it goes on from where it was last seen";
}

// Of a task's status, as the kernel writes it.
std::string field(const std::filesystem::path& task, const std::string& name) {
  std::ifstream status(task / "status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(name + ":\t")) return line.substr(name.size() + 2);
  return "none";
}

// The tasks of this program's that are other programs'.
std::vector<std::filesystem::path> stub_tasks() {
  std::vector<std::filesystem::path> tasks;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream children(thread.path() / "children");
    for (std::string number; children >> number;) tasks.emplace_back("/proc/" + number);
  }
  return tasks;
}

// In a user namespace there may be no such user.
bool can_be_nobody() {
  constexpr u64 kNobody = 65534;
  std::ifstream map("/proc/self/uid_map");
  for (u64 first, outside, count; map >> first >> outside >> count;)
    if (kNobody >= first && kNobody - first < count) return geteuid() == 0;
  return false;
}

TEST_F(Attack, FindsNothingOfTheEmulators) {
  area();
  const auto tasks = stub_tasks();
  if (tasks.empty()) GTEST_SKIP() << "the kernel does not tell of children";
  EXPECT_EQ(tasks.size(), 2u);
  unsigned mapped = 0;
  for (const auto& task : tasks) {
    for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapAmb"})
      EXPECT_EQ(field(task, set), "0000000000000000") << set;
    EXPECT_EQ(field(task, "NoNewPrivs"), "1");
    EXPECT_EQ(field(task, "Seccomp"), "2");
    if (can_be_nobody()) {
      EXPECT_EQ(field(task, "Uid"), "65534\t65534\t65534\t65534");
      EXPECT_EQ(field(task, "Gid"), "65534\t65534\t65534\t65534");
      EXPECT_EQ(field(task, "Groups").find_first_of("0123456789"), std::string::npos);
    }
    const std::string own = std::filesystem::read_symlink("/proc/self/exe");
    std::ifstream maps(task / "maps");
    for (std::string line; std::getline(maps, line); ++mapped)
      EXPECT_EQ(line.find(own), std::string::npos) << line;
  }
  if (mapped == 0)
    GTEST_SKIP() << "what is mapped and open may only be looked at by who may trace it";
  std::vector<std::ptrdiff_t> files;
  for (const auto& task : tasks) {
    const std::filesystem::directory_iterator open(task / "fd");
    files.push_back(std::distance(begin(open), end(open)));
  }
  EXPECT_EQ(*std::ranges::min_element(files), 0) << "the guest's task has files";
}

}  // namespace
}  // namespace backplane::native

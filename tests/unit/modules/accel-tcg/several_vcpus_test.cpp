// SPDX-License-Identifier: MIT
// vCPUs on threads of their own that share a code cache.
#include <gtest/gtest.h>

#include <deque>
#include <thread>

#include "backplane/testing/test_machine.h"
#include "backplane/x86/host_features.h"
#include "engine.h"
#include "vcpu/vcpu.h"

namespace backplane::tcg {
namespace {

constexpr unsigned kCpus = 4;
constexpr u64 kCodeAt = 0x100000, kDataAt = 0x80000;

// 32-bit code without paging, on every vCPU.
class SeveralVcpus : public ::testing::Test {
 protected:
  // Little more than must be free for another block in each of its halves.
  static constexpr u64 kSmallBuffer = 576 << 10;

  SeveralVcpus() : engine_(machine_.memory(), kSmallBuffer, options()) {
    machine_.config().topology.cores = kCpus;
    for (unsigned n = 0; n < kCpus; ++n) {
      machine_.add_cpu(x86::create_cpu(machine_, "max"));
      vcpus_.emplace_back(engine_, static_cast<X86Cpu&>(*machine_.cpus()[n]));
    }
    machine_.power_on();
    for (TcgVcpu& vcpu : vcpus_) {
      X86State& s = vcpu.cpu().state();
      s.cr0 = x86::kCr0PE;
      for (x86::Segment& segment : s.seg) segment = {0x10, 0xc093, 0xffffffff, 0};
      s.seg[x86::CS] = {0x08, 0xc09b, 0xffffffff, 0};
      s.rip = kCodeAt;
      s.wait_for_sipi = 0;
      vcpu.cpu().set_halted(false);
    }
  }

  static TranslatorOptions options() {
    TranslatorOptions options;
    options.several_vcpus = true;
    options.bmi2 = __builtin_cpu_supports("bmi2") != 0;
    options.features = FeatureMask(x86::host_cpu_features());
    return options;
  }

  u64 emit(u64 at, std::initializer_list<unsigned> bytes) {
    for (const unsigned byte : bytes) machine_.memory().store<u8>(at++, static_cast<u8>(byte));
    return at;
  }
  u64 emit_relative(u64 at, std::initializer_list<unsigned> opcode, u64 target) {
    at = emit(at, opcode);
    machine_.memory().store<u32>(at, static_cast<u32>(target - (at + 4)));
    return at + 4;
  }
  u32 data(u64 offset) { return machine_.memory().load<u32>(kDataAt + offset); }

  // Until each has halted.
  void run_all() {
    std::vector<std::thread> threads;
    for (TcgVcpu& vcpu : vcpus_)
      threads.emplace_back([&vcpu] {
        vcpu.thread_started();
        while (vcpu.run() != Vcpu::Exit::Halted) {
        }
      });
    for (std::thread& thread : threads) thread.join();
  }

  backplane::testing::TestMachine machine_;
  Engine engine_;
  std::deque<TcgVcpu> vcpus_;
};

// The lock's holder fills the cache, and waits for the others to let it be flushed; they spin for
// the lock, and it is not they who would notice that it is full.
TEST_F(SeveralVcpus, FlushTheCacheWhileOthersSpinForALockOfTheGuest) {
  constexpr u32 kRounds = 10, kFunctions = 512;
  constexpr u64 kDistance = 16;  // bytes between functions, each a block
  constexpr u64 kLock = kDataAt, kCounter = kDataAt + 64;
  const u64 far_and_wide = kCodeAt + kPageSize;

  u64 at = emit(kCodeAt, {0xb9, kRounds, 0, 0, 0});  // mov ecx, kRounds
  const u64 round = at;
  at = emit(at, {0xb8, 1, 0, 0, 0});  // mov eax, 1
  at = emit(at, {0x87, 0x05});        // xchg [kLock], eax
  machine_.memory().store<u32>(at, kLock);
  at = emit(at + 4, {0x85, 0xc0});               // test eax, eax
  at = emit_relative(at, {0x0f, 0x85}, round);   // jnz round
  at = emit_relative(at, {0xe9}, far_and_wide);  // jmp far_and_wide
  const u64 unlock = at;
  at = emit(at, {0xc7, 0x05});  // mov dword [kLock], 0
  machine_.memory().store<u32>(at, kLock);
  at = emit(at + 4, {0, 0, 0, 0, 0x49});        // dec ecx
  at = emit_relative(at, {0x0f, 0x85}, round);  // jnz round
  emit(at, {0xf4});                             // hlt
  for (u64 n = 0; n < kFunctions; ++n) {
    const auto place = [&](u64 number) {
      return far_and_wide + number * 333 % kFunctions * kDistance;
    };
    at = emit(place(n), {0xff, 0x05});  // inc dword [kCounter]
    machine_.memory().store<u32>(at, kCounter);
    emit_relative(at + 4, {0xe9}, n + 1 == kFunctions ? unlock : place(n + 1));
  }

  run_all();
  EXPECT_EQ(data(kCounter - kDataAt), kCpus * kRounds * kFunctions);
  EXPECT_GT(engine_.cache.counters().flushes, kRounds);
}

}  // namespace
}  // namespace backplane::tcg

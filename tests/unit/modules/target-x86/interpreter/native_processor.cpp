// SPDX-License-Identifier: MIT
#include "native_processor.h"

#include <asm/ldt.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <new>
#include <vector>

namespace backplane::x86::testing {
namespace {

constexpr std::size_t kCodeSize = 4096;
constexpr std::size_t kDataSize = 8192;
// Selectors of user code and data on Linux.
constexpr u16 kUserCode32 = 0x23, kUserData = 0x2b, kUserCode64 = 0x33;
// Those of segments of our own: entries of the local descriptor table.
constexpr unsigned kEntryCode16 = 0, kEntryData16 = 1;
constexpr u16 selector_of(unsigned entry) { return static_cast<u16>(entry << 3 | 7); }
constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};

sigjmp_buf escape;

void on_signal(int number) { siglongjmp(escape, number); }

// Catches what an instruction may cause, on a stack of its own, for as long as it lives. Before and
// after, signals are others': translated code's.
class SignalCatcher {
 public:
  SignalCatcher() {
    const stack_t stack{.ss_sp = stack_, .ss_flags = 0, .ss_size = sizeof stack_};
    sigaltstack(&stack, &old_stack_);
    struct sigaction action {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_ONSTACK | SA_NODEFER;  // the handler does not return
    for (std::size_t n = 0; n < std::size(kSignals); ++n) sigaction(kSignals[n], &action, &old_[n]);
  }
  ~SignalCatcher() {
    for (std::size_t n = 0; n < std::size(kSignals); ++n) sigaction(kSignals[n], &old_[n], nullptr);
    sigaltstack(&old_stack_, nullptr);
  }

 private:
  static inline u8 stack_[64 << 10];
  stack_t old_stack_{};
  struct sigaction old_[std::size(kSignals)]{};
};

}  // namespace

struct NativeProcessor::Data {
  Registers registers;
  alignas(64) u8 host_xsave[kXsaveSize];
  u64 host_rsp;
  struct [[gnu::packed]] FarPointer {
    u32 offset;
    u16 selector;
  } compatibility_entry;
  u16 stack_selector;
};

namespace {

class Emitter {
 public:
  Emitter(u64 code, u64 data) : code_address_(code), data_(data) {}
  void bytes(std::initializer_list<int> list) {
    for (int b : list) code_.push_back(static_cast<u8>(b));
  }
  void append(std::span<const u8> code) { code_.insert(code_.end(), code.begin(), code.end()); }
  // Opcode bytes, then ModRM with `reg` for [rip + distance to data + offset].
  void with_data(std::initializer_list<int> opcode, int reg, std::size_t offset) {
    bytes(opcode);
    bytes({(reg & 7) << 3 | 5});
    const i64 distance = static_cast<i64>(data_ + offset) - static_cast<i64>(address() + 4);
    for (int n = 0; n < 4; ++n) bytes({static_cast<int>(distance >> (8 * n) & 0xff)});
  }
  const std::vector<u8>& code() const { return code_; }
  u64 address() const { return code_address_ + code_.size(); }  // of what comes next

 private:
  u64 code_address_;
  u64 data_;
  std::vector<u8> code_;
};

}  // namespace

NativeProcessor::NativeProcessor() {
  const int fd = memfd_create("native-processor", MFD_CLOEXEC);
  const std::size_t size = kCodeSize + kDataSize;
  if (fd < 0 || ftruncate(fd, static_cast<off_t>(size)) != 0) throw std::bad_alloc();
  writable_ = static_cast<u8*>(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  executable_ =
      static_cast<u8*>(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_32BIT, fd, 0));
  mprotect(executable_, kCodeSize, PROT_READ | PROT_EXEC);
  close(fd);
  data_ = new (executable_ + kCodeSize) Data;
}

NativeProcessor::~NativeProcessor() {
  munmap(writable_, kCodeSize + kDataSize);
  munmap(executable_, kCodeSize + kDataSize);
}

bool NativeProcessor::set_segment(unsigned number, u64 linear, bool code) {
  user_desc d{};
  d.entry_number = number;
  d.base_addr = static_cast<unsigned>(linear);
  d.limit = 0xffff;
  d.contents = code ? MODIFY_LDT_CONTENTS_CODE : MODIFY_LDT_CONTENTS_DATA;
  d.useable = 1;
  constexpr int kWrite = 0x11;
  return syscall(SYS_modify_ldt, kWrite, &d, sizeof d) == 0;
}

bool NativeProcessor::set_data_segment(u64 linear) {
  return set_segment(kEntryCode16, reinterpret_cast<u64>(executable_), true) &&
         set_segment(kEntryData16, linear, false);
}

int NativeProcessor::run(Mode mode, std::span<const u8> instruction, Registers& registers,
                         bool vector) {
  Emitter e(reinterpret_cast<u64>(executable_), reinterpret_cast<u64>(data_));
  const auto gpr = [](int n) { return offsetof(Data, registers.gpr) + 8 * static_cast<u64>(n); };
  const auto move = [&](int opcode, int n) {
    e.with_data({n < 8 ? 0x48 : 0x4c, opcode}, n, gpr(n));
  };
  const auto state_mask = [&] { e.bytes({0xb8, 7, 0, 0, 0, 0x31, 0xd2}); };  // eax = 7, edx = 0

  e.bytes({0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57});  // push rbx rbp r12-r15
  e.with_data({0x48, 0x89}, RSP, offsetof(Data, host_rsp));
  if (vector) {
    state_mask();
    e.with_data({0x48, 0x0f, 0xae}, 4, offsetof(Data, host_xsave));       // xsave64
    e.with_data({0x48, 0x0f, 0xae}, 5, offsetof(Data, registers.xsave));  // xrstor64
  }
  const u16 data = mode == Mode::Compatibility16 ? selector_of(kEntryData16) : kUserData;
  const auto load_data_segments =
      [&](u16 selector) {  // mov eax, selector; mov ds, eax; mov es, eax
        e.bytes({0xb8, selector, 0, 0, 0, 0x8e, 0xd8, 0x8e, 0xc0});
      };
  if (mode != Mode::Long) load_data_segments(data);
  e.with_data({0xff}, 6, offsetof(Data, registers.rflags));  // push
  e.bytes({0x9d});                                           // popfq
  for (int n = 0; n < 16; ++n) move(0x8b, n);
  if (mode != Mode::Long) {
    const bool narrow = mode == Mode::Compatibility16;
    data_->stack_selector = data;
    if (narrow) e.with_data({0x8e}, 2, offsetof(Data, stack_selector));  // mov ss
    e.with_data({0xff}, 5, offsetof(Data, compatibility_entry));         // jmp far
    if (narrow)
      data_->compatibility_entry = {
          static_cast<u32>(e.address() - reinterpret_cast<u64>(executable_)),
          selector_of(kEntryCode16)};
    else
      data_->compatibility_entry = {static_cast<u32>(e.address()), kUserCode32};
    e.append(instruction);
    if (narrow) e.bytes({0x66});
    const u32 back = static_cast<u32>(e.address() + 7);
    e.bytes({0xea});  // jmp far
    for (int shift = 0; shift < 32; shift += 8) e.bytes({static_cast<int>(back >> shift & 0xff)});
    e.bytes({kUserCode64, 0});
  } else {
    e.append(instruction);
  }
  for (int n = 0; n < 16; ++n) move(0x89, n);
  e.with_data({0x48, 0x8b}, RSP, offsetof(Data, host_rsp));
  if (mode == Mode::Compatibility16) {
    load_data_segments(kUserData);
    e.bytes({0x8e, 0xd0});  // mov ss, eax
  }
  e.bytes({0x9c});                                           // pushfq
  e.with_data({0x8f}, 0, offsetof(Data, registers.rflags));  // pop
  e.bytes({0xfc});                                           // cld
  if (vector) {
    state_mask();
    e.with_data({0x48, 0x0f, 0xae}, 4, offsetof(Data, registers.xsave));
    e.bytes({0xdb, 0xe2});  // fnclex: nothing is to be raised by what follows
    e.with_data({0x48, 0x0f, 0xae}, 5, offsetof(Data, host_xsave));
  }
  e.bytes({0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c, 0x5d, 0x5b, 0xc3});
  std::memcpy(writable_, e.code().data(), e.code().size());

  data_->registers = registers;
  const SignalCatcher catcher;
  if (const int signal = sigsetjmp(escape, 0); signal != 0) return signal;
  reinterpret_cast<void (*)()>(executable_)();
  registers = data_->registers;
  // What is above SP is the kernel's to restore, as far as it can.
  if (mode == Mode::Compatibility16) registers.gpr[RSP] &= 0xffff;
  return 0;
}

}  // namespace backplane::x86::testing

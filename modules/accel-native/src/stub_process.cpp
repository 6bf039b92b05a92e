// SPDX-License-Identifier: MIT
#include "stub_process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "backplane/error.h"
#include "cpuid_faults.h"
#include "filters.h"
#include "image.h"

namespace backplane::native {
namespace {

using std::chrono::milliseconds;

// As long as a busy host may take for what takes microseconds.
constexpr milliseconds kPatience{5000};
constexpr u64 kAddressSpaceEnd = 0x7ffffffff000;
constexpr std::size_t kSharedSize = STUB_SIZE - STUB_SHARED;

// Since Linux 6.6; older ones say no, and are slower.
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, u64)
#endif
#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP 1ul
#endif

Descriptor memory_file(const char* name) {
  Descriptor file(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (file.get() < 0) throw Error::system("a stub's memory", errno);
  return file;
}

// The stub's file, made once.
int image_file() {
  static const Descriptor file = [] {
    Descriptor made = memory_file("backplane-native-stub");
    const std::span<const u8> image = stub_image();
    if (write(made.get(), image.data(), image.size()) != static_cast<ssize_t>(image.size()))
      throw Error::system("a stub's program", errno);
    fcntl(made.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    return made;
  }();
  return file.get();
}

// What the child needs, and what it says, while it shares the emulator's memory.
struct Start {
  std::array<int, 5> files;  // for STUB_SHARED_FD and those behind it
  sock_fprog listener_filter;
  int listener = -1;
  int error = 0;
};

// Before exec: in the emulator's memory, on a stack of its own, all signals blocked.
int become_stub(void* argument) {
  Start& start = *static_cast<Start*>(argument);
  const auto fail = [&start] {
    start.error = errno;
    _exit(1);
  };
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail();
  // The files are still the emulator's, so it has the listener.
  start.listener =
      static_cast<int>(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                               SECCOMP_FILTER_FLAG_NEW_LISTENER, &start.listener_filter));
  if (start.listener < 0 || unshare(CLONE_FILES) != 0) fail();
  constexpr int kFree = 16;  // above what the stub gets
  for (int& file : start.files)
    if ((file = fcntl(file, F_DUPFD, kFree)) < 0) fail();
  int number = STUB_SHARED_FD;
  for (const int file : start.files)
    if (dup2(file, number++) < 0) fail();
  syscall(SYS_close_range, 0, STUB_SHARED_FD - 1, 0);
  syscall(SYS_close_range, number, ~0u, 0);
  char* const nothing[] = {nullptr};
  syscall(SYS_execveat, STUB_IMAGE_FD, "", nothing, nothing, AT_EMPTY_PATH);
  fail();
  return 1;
}

}  // namespace

Descriptor::~Descriptor() {
  if (number_ >= 0) close(number_);
}

StubProcess::StubProcess(u64 area, int ram, bool traps_rdtsc) : area_(area) {
  shared_file_ = memory_file("backplane-native-area");
  if (ftruncate(shared_file_.get(), kSharedSize) != 0)
    throw Error::system("a stub's memory", errno);
  void* const mapped =
      mmap(nullptr, kSharedSize, PROT_READ | PROT_WRITE, MAP_SHARED, shared_file_.get(), 0);
  if (mapped == MAP_FAILED) throw Error::system("a stub's memory", errno);
  shared_ = static_cast<u8*>(mapped);
  try {
    start(ram, traps_rdtsc);
  } catch (...) {
    kill();
    munmap(shared_, kSharedSize);
    throw;
  }
}

StubProcess::~StubProcess() {
  kill();
  munmap(shared_, kSharedSize);
}

void StubProcess::start(int ram, bool traps_rdtsc) {
  StubSetup& setup = *reinterpret_cast<StubSetup*>(shared(STUB_SETUP));
  const Filter guest = guest_filter(area_), mapper = mapper_filter();
  Filter listener = listener_filter(area_);
  setup.area = area_;
  setup.address_space_end = kAddressSpaceEnd;
  setup.faults_cpuid = host_faults_cpuid() ? 1 : 0;
  setup.traps_rdtsc = traps_rdtsc ? 1 : 0;
  setup.guest_filter_size = static_cast<u32>(guest.size());
  std::copy(guest.begin(), guest.end(), setup.guest_filter);
  setup.mapper_filter_size = static_cast<u32>(mapper.size());
  std::copy(mapper.begin(), mapper.end(), setup.mapper_filter);
  order_ = Descriptor(eventfd(0, EFD_CLOEXEC));
  done_ = Descriptor(eventfd(0, EFD_CLOEXEC));
  if (order_.get() < 0 || done_.get() < 0) throw Error::system("a stub's events", errno);

  Start start{.files = {shared_file_.get(), ram, order_.get(), done_.get(), image_file()},
              .listener_filter = {static_cast<unsigned short>(listener.size()), listener.data()}};
  constexpr std::size_t kStackSize = 64 << 10;
  const auto stack = std::make_unique<u8[]>(kStackSize);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  mapper_ =
      clone(become_stub, stack.get() + kStackSize, CLONE_VM | CLONE_VFORK | CLONE_FILES, &start);
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  listener_ = Descriptor(start.listener);
  if (mapper_ < 0) throw Error::system("cannot start a stub", error);
  if (start.error != 0) throw Error::system("a stub cannot be confined", start.error);
  u64 flags = SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP;
  ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_SET_FLAGS, flags);

  if (!mapper_is_done() || wait(first_, kPatience) != Waited::HandedOver)
    throw Error("a stub did not start");
  guest_ = Descriptor(static_cast<int>(syscall(SYS_pidfd_open, guest_pid_, 0)));
  if (guest_.get() < 0) throw Error::system("a stub's task", errno);
  if (syscall(SYS_pidfd_send_signal, guest_.get(), 0, nullptr, 0) != 0)
    throw Error::system("a stub's task could not be stopped", errno);
  shared_file_ = {};  // is mapped, and the stub has it
}

StubProcess::Waited StubProcess::wait(HandOver& result, milliseconds most) {
  pollfd poll_listener{listener_.get(), POLLIN, 0};
  const int ready = poll(&poll_listener, 1, static_cast<int>(most.count()));
  if (ready == 0 || (ready < 0 && errno == EINTR)) {
    // The listener has the mapper too, which goes on when the guest's task ends by itself.
    pollfd poll_guest{guest_.get(), POLLIN, 0};
    return guest_.get() >= 0 && poll(&poll_guest, 1, 0) > 0 ? Waited::Lost : Waited::TimedOut;
  }
  seccomp_notif notification{};
  if (ready < 0 || (poll_listener.revents & POLLIN) == 0 ||
      ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_RECV, &notification) != 0)
    return Waited::Lost;
  if (guest_pid_ < 0) guest_pid_ = static_cast<pid_t>(notification.pid);
  if (static_cast<pid_t>(notification.pid) != guest_pid_) return Waited::Lost;
  notification_ = notification.id;
  const auto& arguments = notification.data.args;
  const u64 selectors = arguments[3];
  result = {.signal = static_cast<int>(arguments[4]),
            .frame = arguments[0],
            .fs_base = arguments[1],
            .gs_base = arguments[2],
            .ds = static_cast<u16>(selectors),
            .es = static_cast<u16>(selectors >> 16),
            .fs = static_cast<u16>(selectors >> 32),
            .gs = static_cast<u16>(selectors >> 48)};
  return Waited::HandedOver;
}

bool StubProcess::go_on() {
  seccomp_notif_resp answer{.id = notification_, .val = 0, .error = 0, .flags = 0};
  return ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_SEND, &answer) == 0;
}

bool StubProcess::carry_out(std::span<const StubOrder> orders) {
  bool done = true;
  while (!orders.empty() && !lost_) {
    const std::size_t part = std::min<std::size_t>(orders.size(), StubOrders::kMost);
    StubOrders& to = *reinterpret_cast<StubOrders*>(shared(STUB_ORDERS));
    to.count = static_cast<u32>(part);
    std::memcpy(to.orders, orders.data(), part * sizeof(StubOrder));
    const u64 one = 1;
    if (write(order_.get(), &one, sizeof one) != sizeof one || !mapper_is_done()) done = false;
    orders = orders.subspan(part);
  }
  return done && !lost_;
}

bool StubProcess::mapper_is_done() {
  pollfd poll_done{done_.get(), POLLIN, 0};
  u64 said = 0;
  if (poll(&poll_done, 1, static_cast<int>(kPatience.count())) <= 0 ||
      read(done_.get(), &said, sizeof said) != sizeof said) {
    lost_ = true;
    return false;
  }
  return said == STUB_DONE;
}

u64 StubProcess::cpu_time(pid_t task, u64 unknown) {
  // The clock of another process, without a look whether there is one. [clock_getcpuclockid(3)]
  constexpr clockid_t kSchedulersClock = 2;
  const clockid_t clock =
      static_cast<clockid_t>(~static_cast<unsigned>(task)) * 8 + kSchedulersClock;
  timespec time{};
  if (clock_gettime(clock, &time) != 0) return unknown;
  return static_cast<u64>(time.tv_sec) * 1'000'000'000 + static_cast<u64>(time.tv_nsec);
}

void StubProcess::kill() {
  lost_ = true;
  if (guest_.get() >= 0) {
    syscall(SYS_pidfd_send_signal, guest_.get(), SIGKILL, nullptr, 0);
    pollfd ended{guest_.get(), POLLIN, 0};
    poll(&ended, 1, static_cast<int>(kPatience.count()));
    waitpid(guest_pid_, nullptr, __WALL | WNOHANG);
    guest_ = {};
  }
  if (mapper_ > 0) {
    ::kill(mapper_, SIGKILL);
    waitpid(mapper_, nullptr, __WALL);
    mapper_ = -1;
  }
}

}  // namespace backplane::native

// SPDX-License-Identifier: MIT
// Whether this host's KVM can run a guest: a few real-mode instructions, with nothing of ours in
// between. Prints "SKIP: kvm: REASON" and ends with status 77 if it cannot.
#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace {

constexpr int kSkip = 77;
constexpr unsigned kAddress = 0x1000;

// Multiplies 6 by 7 by adding, stores it, loads it, writes it to port 10h, halts.
constexpr unsigned char kCode[] = {
    0x31, 0xc0,              // xor ax, ax
    0xb9, 0x06, 0x00,        // mov cx, 6
    0x83, 0xc0, 0x07,        // add ax, 7
    0xe2, 0xfb,              // loop to the addition
    0xa3, 0x00, 0x18,        // mov [1800h], ax
    0x31, 0xc0,              // xor ax, ax
    0x8b, 0x1e, 0x00, 0x18,  // mov bx, [1800h]
    0x89, 0xd8,              // mov ax, bx
    0xe6, 0x10,              // out 10h, al
    0xf4,                    // hlt
};

int skip(const char* what, int error) {
  std::printf("SKIP: kvm: %s%s%s\n", what, error != 0 ? ": " : "",
              error != 0 ? std::strerror(error) : "");
  return kSkip;
}

}  // namespace

int main() {
  const int device = open("/dev/kvm", O_RDWR | O_CLOEXEC);
  if (device < 0) return skip("cannot open /dev/kvm", errno);
  if (ioctl(device, KVM_GET_API_VERSION, 0) != KVM_API_VERSION) return skip("API version", 0);
  const int vm = ioctl(device, KVM_CREATE_VM, 0);
  if (vm < 0) return skip("cannot create a virtual machine", errno);
  void* const memory =
      mmap(nullptr, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return skip("no memory", errno);
  std::memcpy(memory, kCode, sizeof kCode);
  kvm_userspace_memory_region region{};
  region.guest_phys_addr = kAddress;
  region.memory_size = 0x1000;
  region.userspace_addr = reinterpret_cast<__u64>(memory);
  if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) < 0) return skip("memory slot", errno);
  const int vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
  if (vcpu < 0) return skip("cannot create a vCPU", errno);
  const int size = ioctl(device, KVM_GET_VCPU_MMAP_SIZE, 0);
  void* const page =
      mmap(nullptr, static_cast<std::size_t>(size), PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
  if (page == MAP_FAILED) return skip("cannot map the vCPU", errno);
  auto* const run = static_cast<kvm_run*>(page);

  kvm_sregs sregs{};
  if (ioctl(vcpu, KVM_GET_SREGS, &sregs) < 0) return skip("segment registers", errno);
  sregs.cs.base = 0;
  sregs.cs.selector = 0;
  if (ioctl(vcpu, KVM_SET_SREGS, &sregs) < 0) return skip("segment registers", errno);
  kvm_regs regs{};
  regs.rip = kAddress;
  regs.rflags = 2;
  if (ioctl(vcpu, KVM_SET_REGS, &regs) < 0) return skip("registers", errno);

  alarm(10);
  if (ioctl(vcpu, KVM_RUN, 0) < 0) return skip("KVM_RUN", errno);
  if (run->exit_reason != KVM_EXIT_IO || run->io.port != 0x10 ||
      *(reinterpret_cast<unsigned char*>(run) + run->io.data_offset) != 42)
    return skip("a few instructions do not run", 0);
  if (ioctl(vcpu, KVM_RUN, 0) < 0 || run->exit_reason != KVM_EXIT_HLT)
    return skip("HLT does not leave the guest", 0);
  return 0;
}

// SPDX-License-Identifier: MIT
// The memory that a vCPU shares with the kernel. [Linux Documentation/virt/kvm/api.rst "The kvm_run
// structure"]
#pragma once

#include <linux/kvm.h>
#include <sys/mman.h>

#include "kernel/descriptor.h"

namespace backplane::kvm {

class RunPage {
 public:
  // Throws Error.
  RunPage(const Descriptor& vcpu, std::size_t size) : size_(size) {
    void* const page = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu.fd(), 0);
    if (page == MAP_FAILED) throw Error::system("cannot map a vCPU's page", errno);
    run_ = static_cast<kvm_run*>(page);
  }
  ~RunPage() { munmap(run_, size_); }
  RunPage(const RunPage&) = delete;
  RunPage& operator=(const RunPage&) = delete;

  kvm_run& operator*() const { return *run_; }
  kvm_run* operator->() const { return run_; }
  // The data of a port exit.
  u8* port_data() const { return reinterpret_cast<u8*>(run_) + run_->io.data_offset; }

 private:
  kvm_run* run_ = nullptr;
  std::size_t size_;
};

}  // namespace backplane::kvm

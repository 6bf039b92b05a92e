// SPDX-License-Identifier: MIT
#include "backplane/vcpu_threads.h"

#include <fmt/format.h>

#include <utility>

namespace backplane {

void VcpuThreads::start(const Accelerator& accelerator, Cpu& cpu, std::unique_ptr<Vcpu> vcpu) {
  cpu.set_vcpu(std::move(vcpu));
  auto thread = std::make_unique<VcpuThread>(cpu.machine(),
                                             fmt::format("{}{}", accelerator.name(), cpu.index()));
  thread->add(cpu);
  thread->start();
  threads_.push_back(std::move(thread));
}

void VcpuThreads::stop() {
  for (auto& thread : threads_) thread->stop();
  threads_.clear();
}

}  // namespace backplane

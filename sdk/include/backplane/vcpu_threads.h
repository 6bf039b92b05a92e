// SPDX-License-Identifier: MIT
// A host thread for each vCPU, as accelerators have them that run guest code on the processor.
#pragma once

#include <memory>
#include <vector>

#include "backplane/accelerator.h"
#include "backplane/cpu.h"

namespace backplane {

class VcpuThreads {
 public:
  // Gives the CPU its vCPU and starts the thread that runs it, which waits until the machine runs.
  // The host's tools show it as accelerator and CPU, "kvm0". Machine lock, or before anything runs.
  void start(const Accelerator& accelerator, Cpu& cpu, std::unique_ptr<Vcpu> vcpu);
  // Ends them all. As VcpuThread::stop().
  void stop();

 private:
  std::vector<std::unique_ptr<VcpuThread>> threads_;
};

}  // namespace backplane

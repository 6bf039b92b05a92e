// SPDX-License-Identifier: MIT
#include "backplane/reset_sequence.h"

#include "backplane/machine.h"
#include "device/reset.h"
#include "machine/tree.h"

namespace backplane {

void ResetSequence::run() {
  for (Device* const device : objects_below<Device>(machine_))
    if (device->realized() && device->bus() == nullptr && dynamic_cast<Cpu*>(device) == nullptr)
      reset_or_end(*device);
  for (Bus* const bus : machine_.buses())
    if (bus->owner() == nullptr) bus->reset();
  for (Cpu* const cpu : machine_.cpus()) reset_or_end(*cpu);
  done_.tell();
  for (Cpu* const cpu : machine_.cpus())
    if (cpu->vcpu() != nullptr) cpu->run_on_thread([cpu] { cpu->vcpu()->put_state(); });
}

}  // namespace backplane

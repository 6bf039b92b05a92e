// SPDX-License-Identifier: MIT
// "none": a machine without devices and CPUs, and with RAM only if -m asks for it.
#include <memory>

#include "backplane/machine.h"

namespace backplane::pc {

namespace {

class NoneMachine final : public Machine {
 public:
  static void class_init(MachineClass& k) {
    k.default_ram_size = 0;
    k.max_cpus = 1;
    k.stateless();
  }

  ~NoneMachine() override { tear_down(); }

  void init() override {
    if (config().ram_size == 0) return;
    ram_ = MemoryRegion::ram("ram", std::make_shared<RamBlock>("ram", config().ram_size), 0,
                             config().ram_size);
    memory_root().add_subregion(0, *ram_);
  }

 private:
  std::unique_ptr<MemoryRegion> ram_;
};

BACKPLANE_TYPE(NoneMachine, "none-machine", .description = "empty machine")

}  // namespace

}  // namespace backplane::pc

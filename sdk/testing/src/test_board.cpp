// SPDX-License-Identifier: MIT
#include "backplane/testing/test_board.h"

#include "backplane/module.h"
#include "backplane/testing/test_machine.h"

namespace backplane::testing {

TestBoard::TestBoard(std::string_view type, u64 ram_size, unsigned cpus) {
  class_by_name(type);
  machine_ = create_object<Machine>(type);
  machine_->config().ram_size = ram_size;
  machine_->config().topology.cores = cpus;
  machine_->config().start_stopped = true;
  machine_->main_loop().detach_clock(machine_->virtual_clock());
  machine_->virtual_clock().set_source([this] { return time_; });
  machine_->set_accelerator(std::make_unique<NullAccelerator>());
  machine_->phases().advance(Phase::AccelCreated);
}

TestBoard::~TestBoard() { machine_->tear_down(); }

void TestBoard::power_on() {
  machine_->init();
  machine_->phases().advance(Phase::MachineInitialized);
  machine_->finish();
  machine_->phases().advance(Phase::MachineReady);
  machine_->run_control().reset();
}

}  // namespace backplane::testing

// SPDX-License-Identifier: MIT
// What a saved machine is made of, for files and for migration alike. Machine lock.
#pragma once

#include "backplane/machine.h"
#include "backplane/machine_state.h"
#include "backplane/state.h"
#include "state/chunks.h"
#include "state/ram_chunks.h"

namespace backplane {

// The machine and what is in it, owners first.
std::vector<Object*> objects_of(Machine& machine);

// Stands still while this lives.
class Pause {
 public:
  explicit Pause(Machine& machine)
      : machine_(machine), was_running_(machine.run_control().state() == RunState::Running) {
    machine_.run_control().hold();
  }
  ~Pause() {
    if (was_running_) machine_.run_control().let_go();
  }
  Pause(const Pause&) = delete;
  Pause& operator=(const Pause&) = delete;

 private:
  Machine& machine_;
  bool was_running_;
};

void on_vcpus(Machine& machine, void (Vcpu::*move)());

// Throws Error unless the machine can be saved.
void expect_saves_state(Machine& machine);

// Which machine it is. check_header() throws Error unless it is this one.
StateWriter write_header(Machine& machine);
void check_header(Machine& machine, StateReader from);

// What is in the file besides.
struct Contents {
  std::string compressor;  // empty: none
  u64 ram = 0;             // bytes of RAM in use when it began
};
StateWriter write_contents(const Contents& contents);
Contents read_contents(StateReader from);

// Ends what is under way and brings everything into the objects' state, which write_objects() has
// then. The machine stands still.
void settle_machine(Machine& machine);
StateWriter write_objects(Machine& machine);
// Throws Error unless that Objects chunk is of the objects that this machine has.
void check_objects(Machine& machine, StateReader from);
// All of it, from the magic to the end mark; a packer is a compressor of that name. The machine is
// settled.
void write_machine(Machine& machine, ByteSink& out, Compressor* packer, std::string_view compressor,
                   const StateProgress& progress);

// The same in pieces, for whoever reads them elsewhere. Machine lock, main loop's thread.
class MachineLoader {
 public:
  // `name` is what messages call the source.
  MachineLoader(Machine& machine, std::string name, StateProgress progress = {});

  // Puts what follows the header into the machine; false: that was the last. Throws Error.
  bool take(const ChunkReader::Chunk& chunk);
  // After the last. Throws Error.
  void finish();

 private:
  Machine& machine_;
  const std::string name_;
  const StateProgress progress_;
  RamBlocks blocks_;
  std::unique_ptr<Compressor> packer_;
  Contents contents_;
  bool has_contents_ = false, has_objects_ = false;
  u64 done_ = 0;
};

// Puts what follows the header, to the end, into a machine that has not run. Throws Error.
void load_machine_parts(Machine& machine, ChunkReader& in, const StateProgress& progress);

}  // namespace backplane

// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <thread>

#include "backplane/migration.h"
#include "migration/link.h"
#include "migration/main_calls.h"
#include "state/chunks.h"

namespace backplane {

class MachineLoader;

// One machine on its way here, while the main loop goes on: a thread of its own waits and reads,
// and has the main loop put each part into the machine.
//
// The main loop's thread, with the machine lock, but for what says otherwise.
class Incoming final : public std::enable_shared_from_this<Incoming> {
 public:
  Incoming(Machine& machine, std::unique_ptr<MigrationLink> link);
  ~Incoming();

  // Others can connect when it returns. Throws Error.
  void start(Migration::Ended ended);
  // Ends the thread; ended() is not called any more.
  void abandon();
  MigrationStatus status() const { return status_; }

 private:
  // --- the thread ---
  void run();
  void receive();
  void load(ChunkReader& in, ChunkWriter* out);

  // --- the main loop ---
  void finish(const std::optional<Error>& failure);
  void set_status(MigrationStatus status);

  Machine& machine_;
  std::unique_ptr<MigrationLink> link_;
  std::shared_ptr<MainCalls> calls_;
  std::thread thread_;

  // Machine lock.
  std::unique_ptr<MachineLoader> loader_;
  Migration::Ended ended_;
  MigrationStatus status_ = MigrationStatus::None;
  bool runs_ = false;  // where it comes from; the thread's until finish()
};

}  // namespace backplane

// SPDX-License-Identifier: MIT
// Migration: a machine that runs goes on in another program, which was started with the same
// options and waits for it at a socket. RAM is sent while the guest runs, what it wrote meanwhile
// again, in rounds, and the rest while it stands still.
//
//   here                                   there
//   header: which machine it is      -->
//                                    <--   accepted, or why not
//   RAM, in rounds
//   (stopped; images handed over)
//   RAM, state, end                  -->
//                                    <--   ready: all of it loaded, images taken over; or why not
//   go: the machine is given up      -->
//                                    <--   running
//
// Until "go" the machine is here: whatever fails, it takes its images back and goes on. The one
// there runs when it has read "go", never before. So it never runs twice; only if the connection
// breaks between "go" and "running" does nobody know where it is, and it stands still here.
//
// Where nobody can answer (a pipe or a file that was handed over), the machine is stopped, written,
// and given up when all of it was: it stands still here.
//
// Linux only; elsewhere places are refused with an Error.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "backplane/machine_state.h"
#include "backplane/object.h"
#include "backplane/presence.h"
#include "backplane/types.h"
#include "backplane/value.h"

namespace backplane {

class Machine;

// What has become of the last migration. QEMU's words are those of `info migrate`.
enum class MigrationStatus { None, Setup, Active, Device, Completed, Failed, Cancelled };
std::string_view to_string(MigrationStatus status);

// What is chosen for migrations. Changes count for one that is under way, too.
struct MigrationParameters {
  u64 max_bandwidth = 0;        // bytes a second; 0: as much as the connection takes
  u64 downtime_limit_ms = 300;  // how long the machine may stand still for the last round
};

// Sends a machine away, or receives one. A thread of its own connects, compares, compresses and
// sends; the main loop has the machine stand still for moments between rounds, and for the last
// one. Machine lock, main loop's thread.
class Migration final : public Object {
  BACKPLANE_OBJECT(Migration, Object, "migration")
 public:
  static void class_init(ObjectClass&) {}

  // The machine must outlive it. Images are those of the block nodes in the tree that this is in.
  explicit Migration(Machine& machine);
  ~Migration() override;

  // Called when it has ended: with nothing, or with what has gone wrong.
  using Ended = std::function<void(const std::optional<Error>& failure)>;

  // Begins to send the machine to `place`, "unix:PATH", "tcp:HOST:PORT" or "fd:NAME" (NAME: what
  // descriptors::keep() was told, or a number); RAM as it is, or packed by a compressor. Throws
  // Error: one is under way, the machine is not here any more, cannot be saved as it is, or its
  // accelerator does not tell what the guest writes.
  void start(std::string_view place, std::string_view compressor, Ended ended);
  // Begins to receive it there, into a machine that was made with the same options and has not run,
  // MachineConfig::will_be_received; once. Throws Error: the place is none, or it was begun before.
  void receive(std::string_view place, Ended ended);
  // Ends one that is under way. Does nothing once the machine is given up.
  void cancel();

  const MigrationParameters& parameters() const;
  void set_parameters(const MigrationParameters& parameters);
  Presence presence() const;
  // Throws Error, saying where the machine is, unless it is at one of these.
  void expect(Presences places) const;

  MigrationStatus status() const;
  // How far it has come, or had when it ended: `status`, and of one that was sent times in ms and
  // `ram` in bytes, as QEMU's query-migrate has them; nothing, if there was none.
  Value progress() const;
  // Saves it in a file instead, at once, as save_machine() does.
  void save(const std::filesystem::path& file, std::string_view compressor,
            const StateProgress& progress);
  // To be called before the user has the machine started. Throws Error if it must not be: it is on
  // its way, or has gone. Where nobody knows whether it has, takes its images back, and throws
  // Error if another program uses them.
  void expect_here();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Waits at `place` for the machine, and puts it into one that was made with the same options and
// has not run, MachineConfig::will_be_received. When it returns, the machine is here and may run;
// whether it did, there. Throws Error: then the sender has it. Machine lock, main thread.
bool receive_machine(Machine& machine, std::string_view place, const StateProgress& progress = {});

}  // namespace backplane

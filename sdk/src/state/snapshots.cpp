// SPDX-License-Identifier: MIT
#include "backplane/snapshots.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <tuple>

#include "backplane/backend.h"
#include "backplane/log.h"
#include "backplane/shown.h"
#include "machine/tree.h"
#include "state/machine_parts.h"
#include "state/vm_state.h"

namespace backplane {

namespace {

// An image that keeps snapshots.
struct Disk {
  BlockNode* node;
  DiskImage* image;
  VmStateImage* states;
};

const char* const kKeepsSnapshots = "a qcow2 image keeps snapshots";

Disk as_disk(BlockNode& node) {
  return {&node, dynamic_cast<DiskImage*>(&node), dynamic_cast<VmStateImage*>(&node)};
}

Disk expect_keeps_snapshots(BlockNode& node) {
  const Disk disk = as_disk(node);
  if (!node.is_here()) throw Error::of("disk '{}' is in use by another program", node.id());
  if (node.read_only()) throw Error::of("disk '{}' is read-only: it keeps no snapshots", node.id());
  if (disk.image == nullptr || disk.states == nullptr)
    throw Error::of("disk '{}' can be written, and its format keeps no snapshots", node.id())
        .with_hint(kKeepsSnapshots);
  return disk;
}

// What is written, in the order of the tree; each can keep snapshots.
std::vector<Disk> disks_of(Machine& machine) {
  std::vector<Disk> disks;
  const Object* const backends = machine.find(Backends::kPath);
  if (backends == nullptr) return disks;
  for (BlockNode* const node : objects_below<BlockNode>(*backends)) {
    const bool is_part = dynamic_cast<const Backend*>(node->user()) != nullptr;
    if (!is_part && !node->read_only()) disks.push_back(expect_keeps_snapshots(*node));
  }
  return disks;
}

std::vector<Disk> expect_disks(Machine& machine) {
  std::vector<Disk> disks = disks_of(machine);
  if (disks.empty())
    throw Error("the machine has no disk that can keep a snapshot").with_hint(kKeepsSnapshots);
  return disks;
}

bool same_moment(const Snapshot& one, const Snapshot& other) {
  return one.name == other.name && one.seconds == other.seconds &&
         one.nanoseconds == other.nanoseconds && one.vm_clock == other.vm_clock;
}

// The one of that moment; null if there is none.
const Snapshot* find_moment(const std::vector<Snapshot>& list, const Snapshot& wanted) {
  const auto at = std::find_if(list.begin(), list.end(), [&](const Snapshot& snapshot) {
    return same_moment(snapshot, wanted);
  });
  return at == list.end() ? nullptr : &*at;
}

// The first disk of those whose snapshots have a machine's state.
struct SavedHere {
  Disk disk;
  Snapshot snapshot;
};

SavedHere find_saved(const std::vector<Disk>& disks, const std::string& name) {
  bool has_one = false;
  for (const Disk& disk : disks) {
    const std::vector<Snapshot> list = disk.image->snapshots();
    // The last: an earlier one was to be replaced.
    for (auto snapshot = list.rbegin(); snapshot != list.rend(); ++snapshot) {
      if (snapshot->name != name) continue;
      has_one = true;
      if (snapshot->vm_state_size != 0) return {disk, *snapshot};
    }
  }
  if (has_one) throw Error::of("snapshot '{}' is of a disk alone: no machine is in it", name);
  throw Error::of("no disk has a snapshot '{}'", name).with_hint("'info snapshots' lists them");
}

// Those that go together with it, a disk each.
std::vector<std::string> ids_of_moment(const std::vector<Disk>& disks, const Snapshot& wanted) {
  std::vector<std::string> ids;
  for (const Disk& disk : disks) {
    const std::vector<Snapshot> list = disk.image->snapshots();
    const Snapshot* const found = find_moment(list, wanted);
    if (found == nullptr)
      throw Error::of("disk '{}' has no snapshot '{}' of the moment when the machine was saved",
                      disk.node->id(), wanted.name);
    ids.push_back(found->id);
  }
  return ids;
}

Snapshot described_now(Machine& machine, const std::string& name) {
  if (name.empty()) throw Error("a snapshot needs a name");
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now);
  const auto rest = std::chrono::duration_cast<std::chrono::nanoseconds>(now - seconds);
  Snapshot snapshot;
  snapshot.name = name;
  snapshot.seconds = static_cast<u32>(seconds.count());
  snapshot.nanoseconds = static_cast<u32>(rest.count());
  snapshot.vm_clock = static_cast<u64>(machine.virtual_clock().now());
  return snapshot;
}

void delete_of_moment(const Disk& disk, const Snapshot& wanted) {
  const std::vector<Snapshot> list = disk.image->snapshots();
  if (const Snapshot* const found = find_moment(list, wanted))
    disk.image->delete_snapshot(found->id);
}

void delete_others(const Disk& disk, const Snapshot& kept) {
  for (const Snapshot& snapshot : disk.image->snapshots())
    if (snapshot.name == kept.name && !same_moment(snapshot, kept))
      disk.image->delete_snapshot(snapshot.id);
}

// Throws Error unless what the snapshot has is this machine.
void check_is_this(Machine& machine, const SavedHere& saved, const std::string& label) {
  VmStateReader in(*saved.disk.states, saved.snapshot, label);
  ChunkReader chunks(in, label);
  chunks.begin();
  try {
    const auto next = [&chunks](StateChunk kind) {
      const ChunkReader::Chunk chunk = chunks.next();
      if (chunk.kind != kind) throw Error::of("{}: is damaged", chunks.name());
      return StateReader(chunk.bytes);
    };
    check_header(machine, next(StateChunk::Header));
    next(StateChunk::Contents);
    check_objects(machine, next(StateChunk::Objects));
  } catch (const Error& error) {
    if (std::string_view(error.what()).starts_with(label)) throw;
    throw error.in(label);
  }
}

void load_parts(Machine& machine, const SavedHere& saved, const std::string& label,
                const StateProgress& progress) {
  VmStateReader in(*saved.disk.states, saved.snapshot, label);
  ChunkReader chunks(in, label);
  chunks.begin();
  chunks.next();  // which machine it is, as was checked
  load_machine_parts(machine, chunks, progress);
  in.expect_end();
  on_vcpus(machine, &Vcpu::put_state);
}

// A disk that was longer or shorter then.
void tell_size(Machine& machine, const BlockNode& node) {
  if (node.user() == nullptr) return;
  Object* const device = machine.find(node.user()->path());
  if (auto* const listener = dynamic_cast<DiskSizeListener*>(device)) listener->disk_size_changed();
}

}  // namespace

void save_snapshot(Machine& machine, const std::string& name, const StateProgress& progress) {
  expect_saves_state(machine);
  const std::vector<Disk> disks = expect_disks(machine);
  const Pause pause(machine);
  settle_machine(machine);
  Snapshot snapshot = described_now(machine, name);
  const Disk& keeper = disks.front();
  try {
    keeper.states->drop_vm_state();
    VmStateWriter out(*keeper.states);
    write_machine(machine, out, nullptr, {}, progress);
    const u64 size = out.finish();
    for (std::size_t i = 1; i < disks.size(); ++i) disks[i].states->add_snapshot(snapshot);
    // With this one, it is there.
    snapshot.vm_state_size = size;
    keeper.states->add_snapshot(snapshot);
  } catch (...) {
    // What made it fail may go on doing so; what cannot be taken back takes room alone.
    for (const Disk& disk : disks) try {
        delete_of_moment(disk, snapshot);
        disk.states->drop_vm_state();
      } catch (const Error&) {
      }
    throw;
  }
  for (const Disk& disk : disks) try {
      delete_others(disk, snapshot);
    } catch (const Error& error) {
      log::warn(fmt::format("disk '{}' has earlier snapshots '{}' still: {}", disk.node->id(),
                            shown(name), error.what()));
    }
}

void load_snapshot(Machine& machine, const std::string& name, const StateProgress& progress) {
  expect_saves_state(machine);
  const std::vector<Disk> disks = expect_disks(machine);
  const SavedHere saved = find_saved(disks, name);
  const std::vector<std::string> ids = ids_of_moment(disks, saved.snapshot);
  const std::string label = fmt::format("snapshot '{}'", shown(name));
  check_is_this(machine, saved, label);

  RunControl& control = machine.run_control();
  const bool was_running = control.state() == RunState::Running;
  control.stop();
  settle_machine(machine);
  try {
    // Whatever the devices were about to do is not done any more.
    machine.reset_sequence().run();
    for (std::size_t i = 0; i < disks.size(); ++i) {
      const u64 size = disks[i].node->size();
      disks[i].image->apply_snapshot(ids[i]);
      if (disks[i].node->size() != size) tell_size(machine, *disks[i].node);
    }
    load_parts(machine, saved, label, progress);
  } catch (const Error& error) {
    control.request_stop(StopCause::InternalError);
    throw Error::of("{}: the machine is good for nothing now", OwnText{error.what()})
        .with_hint("'loadvm' of another snapshot, or a reset and 'cont', begins anew");
  }
  if (was_running) control.start();
}

void delete_snapshot(Machine& machine, const std::string& name) {
  const std::vector<Disk> disks = expect_disks(machine);
  const Pause pause(machine);
  settle_machine(machine);
  bool found = false;
  // The one that has the machine goes first.
  for (const Disk& disk : disks)
    for (const Snapshot& snapshot : disk.image->snapshots()) {
      if (snapshot.name != name) continue;
      disk.image->delete_snapshot(snapshot.id);
      found = true;
    }
  if (!found)
    throw Error::of("no disk has a snapshot '{}'", name).with_hint("'info snapshots' lists them");
}

std::vector<Snapshot> machine_snapshots(Machine& machine) {
  // An image may have tens of thousands.
  using Moment = std::tuple<std::string, u32, u32, u64>;
  const auto moment_of = [](const Snapshot& s) {
    return Moment(s.name, s.seconds, s.nanoseconds, s.vm_clock);
  };
  std::map<Moment, std::size_t> disks_with;
  std::vector<Snapshot> with_state;
  const std::vector<Disk> disks = disks_of(machine);
  for (const Disk& disk : disks) {
    std::set<Moment> seen;
    for (const Snapshot& snapshot : disk.image->snapshots()) {
      if (seen.insert(moment_of(snapshot)).second) ++disks_with[moment_of(snapshot)];
      if (snapshot.vm_state_size != 0) with_state.push_back(snapshot);
    }
  }
  std::erase_if(with_state, [&](const Snapshot& snapshot) {
    return disks_with[moment_of(snapshot)] != disks.size();
  });
  return with_state;
}

void save_disk_snapshot(Machine& machine, BlockNode& node, const std::string& name) {
  const Disk disk = expect_keeps_snapshots(node);
  Snapshot snapshot = described_now(machine, name);
  for (const Snapshot& other : disk.image->snapshots())
    if (other.name == name)
      throw Error::of("Snapshot with name '{}' already exists on device '{}'", name, node.id());
  const Pause pause(machine);
  settle_machine(machine);
  disk.states->add_snapshot(snapshot);
}

Snapshot delete_disk_snapshot(Machine& machine, BlockNode& node, const std::string& id,
                              const std::string& name) {
  const Disk disk = expect_keeps_snapshots(node);
  const Pause pause(machine);
  settle_machine(machine);
  for (const Snapshot& snapshot : disk.image->snapshots()) {
    if ((!id.empty() && snapshot.id != id) || (!name.empty() && snapshot.name != name)) continue;
    disk.image->delete_snapshot(snapshot.id);
    return snapshot;
  }
  throw Error::of("Snapshot with id '{}' and name '{}' does not exist on device '{}'", id, name,
                  node.id());
}

}  // namespace backplane

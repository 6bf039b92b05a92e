// SPDX-License-Identifier: MIT
// Snapshots of a whole machine: its state (machine_state.h) and what is on its disks, kept inside
// the images of the disks. One disk keeps the state, and with its snapshot that of the machine is
// there; the others have one of the same name and moment.
//
// Images stay sound whatever happens: of a program that dies, the snapshot is there or it is not.
//
// Machine lock, main loop's thread.
#pragma once

#include <string>
#include <vector>

#include "backplane/image.h"
#include "backplane/machine_state.h"

namespace backplane {

class Machine;

// Stops the machine, has every disk that can be written keep a snapshot of that name, and lets the
// machine go on if it ran. Those of the name that were there before go then. Throws Error, and
// leaves no snapshot: one that names a disk that can keep none, or the machine cannot be saved.
void save_snapshot(Machine& machine, const std::string& name, const StateProgress& progress = {});

// Puts the machine and its disks back to what they were then; it goes on from there if it ran.
// Throws Error: there is no such snapshot, or it is of another machine: then nothing is changed.
// What fails later leaves the machine stopped and good for nothing, which the message says.
void load_snapshot(Machine& machine, const std::string& name, const StateProgress& progress = {});

// Removes those of that name from all disks. Throws Error: no disk has one.
void delete_snapshot(Machine& machine, const std::string& name);

// Those of the machine, in the order in which they were made.
std::vector<Snapshot> machine_snapshots(Machine& machine);

// Of one disk alone, as it is between two requests; `node` is what a device works on, or none does.
// Throws Error: the disk cannot keep any, or has one of that name.
void save_disk_snapshot(Machine& machine, BlockNode& node, const std::string& name);
// By id, name, or both, where the other is empty; gives what it was. Throws Error: there is none.
Snapshot delete_disk_snapshot(Machine& machine, BlockNode& node, const std::string& id,
                              const std::string& name);

}  // namespace backplane

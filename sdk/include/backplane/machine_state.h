// SPDX-License-Identifier: MIT
// A whole machine as a file: its objects' state, CPUs and clocks included, and its RAM without the
// pages that are zero.
//
// The file is a sequence of chunks, each with its length and a CRC; format version and machine come
// first, an end mark last. It may come from a stranger: whatever is wrong with it is an Error of
// one line, and whoever gets one does not let the machine run.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "backplane/types.h"
#include "backplane/value.h"

namespace backplane {

class Machine;

// Told from time to time how many bytes of RAM are done, of how many that have to be looked at.
using StateProgress = std::function<void(u64 done, u64 total)>;

// Stops the machine, ends what is under way (requests to disks), writes the file and lets the
// machine go on if it ran. A file of that name is replaced when the new one is complete. RAM is
// written as it is, or packed by a compressor of that name (compressor.h). Throws Error: the file
// cannot be written, there is no such compressor, or the machine cannot be saved as it is. Machine
// lock, main loop's thread.
void save_machine(Machine& machine, const std::filesystem::path& file,
                  std::string_view compressor = {}, const StateProgress& progress = {});

// Puts what was saved into a machine that was made with the same options and has not run. Throws
// Error: then the machine is good for nothing. Machine lock, main thread.
void load_machine(Machine& machine, const std::filesystem::path& file,
                  const StateProgress& progress = {});

// What would be saved of objects: a list of those that have state, each with its path, its type and
// its sections as describe_state() has them. Stops the machine meanwhile. Machine lock, main loop's
// thread.
Value describe_machine_state(Machine& machine);

}  // namespace backplane

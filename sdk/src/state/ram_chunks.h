// SPDX-License-Identifier: MIT
// RAM of a saved machine, as chunks.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backplane/compressor.h"
#include "backplane/memory.h"
#include "backplane/state.h"
#include "state/chunks.h"

namespace backplane {

class Machine;

// By name. (What can only be read comes from files of the host.)
using RamBlocks = std::map<std::string, std::shared_ptr<RamBlock>>;
RamBlocks ram_of(Machine& machine);

// Whole pages of a block: [start, end).
using RamRuns = std::vector<RamBlock::Run>;
// Those that may be other than zero.
RamRuns runs_in_use(const RamBlock& block);
// Those that begin at the offsets, which ascend.
RamRuns runs_of_pages(std::span<const u64> pages);
u64 bytes_of(const RamRuns& runs);

// Writes pages, which may change meanwhile: then they are what they were at some time.
class RamWriter {
 public:
  // Without a packer, as they are. Both must outlive it.
  RamWriter(ChunkWriter& out, Compressor* packer) : out_(out), packer_(packer) {}

  enum class Zeroes { LeaveOut, Tell };
  // A run of a megabyte at most.
  void write(const RamBlock& block, const RamBlock::Run& run, Zeroes zeroes);

  static constexpr u64 kMost = 1_MiB;  // bytes

 private:
  void write_data(const RamBlock& block, u64 offset, std::span<const u8> data);
  void write_zeroes(const RamBlock& block, u64 offset, u64 size);

  ChunkWriter& out_;
  Compressor* packer_;
  std::vector<u8> copy_, packed_;
};

// Calls each(run) for pieces of the runs, of a megabyte at most.
template <class Each>
void for_each_piece(const RamRuns& runs, Each each) {
  for (const RamBlock::Run& run : runs)
    for (u64 start = run.start; start < run.end; start += RamWriter::kMost)
      each(RamBlock::Run{start, std::min(run.end, start + RamWriter::kMost)});
}

// Puts a chunk's bytes into RAM, and returns how many. Throws Error, also where the packer is null
// and one is needed.
u64 read_ram(const RamBlocks& blocks, Compressor* packer, StateChunk kind, StateReader from);

}  // namespace backplane

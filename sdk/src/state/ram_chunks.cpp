// SPDX-License-Identifier: MIT
#include "state/ram_chunks.h"

#include <algorithm>
#include <cstring>

#include "backplane/device_memory.h"
#include "backplane/machine.h"
#include "machine/tree.h"

namespace backplane {

namespace {

bool is_zero(const u8* bytes, u64 size) {
  return bytes[0] == 0 && std::memcmp(bytes, bytes + 1, size - 1) == 0;
}

StateWriter place(const RamBlock& block, u64 offset) {
  StateWriter to;
  to.text(block.name());
  to.number(offset, 8);
  return to;
}

}  // namespace

RamBlocks ram_of(Machine& machine) {
  RamBlocks blocks;
  for (const FlatRange& range : machine.memory().view()->ranges())
    if (range.block != nullptr && !range.readonly)
      blocks[range.block->name()] = range.region->block();
  for (const DeviceMemory* const device : objects_below<DeviceMemory>(machine))
    for (const std::shared_ptr<RamBlock>& block : device->device_memory())
      blocks[block->name()] = block;
  return blocks;
}

RamRuns runs_in_use(const RamBlock& block) {
  RamRuns runs;
  for (RamBlock::Run run = block.next_in_use(0); run.start < run.end;
       run = block.next_in_use(run.end))
    runs.push_back(run);
  return runs;
}

RamRuns runs_of_pages(std::span<const u64> pages) {
  RamRuns runs;
  for (const u64 page : pages) {
    if (runs.empty() || runs.back().end != page) runs.push_back({page, page});
    runs.back().end += kPageSize;
  }
  return runs;
}

u64 bytes_of(const RamRuns& runs) {
  u64 bytes = 0;
  for (const RamBlock::Run& run : runs) bytes += run.end - run.start;
  return bytes;
}

void RamWriter::write(const RamBlock& block, const RamBlock::Run& run, Zeroes zeroes) {
  // What is checked, packed and summed up must not change on the way.
  copy_.assign(block.host() + run.start, block.host() + run.end);
  const auto zero_at = [&](u64 at) { return is_zero(copy_.data() + at, kPageSize); };
  for (u64 at = 0; at < copy_.size();) {
    const bool zero = zero_at(at);
    u64 end = at + kPageSize;
    while (end < copy_.size() && zero_at(end) == zero) end += kPageSize;
    if (!zero)
      write_data(block, run.start + at, std::span(copy_).subspan(at, end - at));
    else if (zeroes == Zeroes::Tell)
      write_zeroes(block, run.start + at, end - at);
    at = end;
  }
}

void RamWriter::write_data(const RamBlock& block, u64 offset, std::span<const u8> data) {
  StateWriter to = place(block, offset);
  if (packer_ != nullptr) {
    packed_.clear();
    packer_->pack(data, packed_);
    if (packed_.size() < data.size()) {
      to.number(data.size(), 8);
      out_.write(StateChunk::PackedRam, to.bytes(), packed_);
      return;
    }
  }
  out_.write(StateChunk::Ram, to.bytes(), data);
}

void RamWriter::write_zeroes(const RamBlock& block, u64 offset, u64 size) {
  StateWriter to = place(block, offset);
  to.number(size, 8);
  out_.write(StateChunk::ZeroRam, to.bytes());
}

u64 read_ram(const RamBlocks& blocks, Compressor* packer, StateChunk kind, StateReader from) {
  const std::string name = from.text();
  const u64 offset = from.number(8);
  const u64 size = kind == StateChunk::Ram ? from.rest().size() : from.number(8);
  const auto at = blocks.find(name);
  if (at == blocks.end() || offset % kPageSize != 0 || size % kPageSize != 0 ||
      offset > at->second->size() || size > at->second->size() - offset)
    throw Error::of("RAM: {} bytes at {:#x} of {}: outside this machine's", size, offset, name);
  RamBlock& block = *at->second;
  if (kind == StateChunk::ZeroRam) {
    from.expect_end();
    block.discard(offset, size);
    return size;
  }
  block.about_to_write(offset, size);
  if (kind == StateChunk::Ram) {
    std::memcpy(block.host() + offset, from.rest().data(), size);
    return size;
  }
  if (packer == nullptr) throw Error("RAM: is packed, and it is not said by which compressor");
  if (size > RamWriter::kMost) throw Error::of("RAM: {} packed bytes: too many", size);
  try {
    packer->unpack(from.rest(), {block.host() + offset, static_cast<std::size_t>(size)});
  } catch (const Error& error) {
    throw error.in(fmt::format("RAM: {:#x} of {}", offset, name));
  }
  return size;
}

}  // namespace backplane

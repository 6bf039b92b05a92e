// SPDX-License-Identifier: MIT
// What commands come to, whatever carries them: an answer, or work for a disk. These functions know
// no bus, no guest and no disk, only bytes.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "backplane/types.h"
#include "command/scsi_regs.h"

namespace backplane::scsi {

// What there is to know of a unit.
struct Unit {
  DeviceType type = kDisk;
  std::string vendor = "BACKPLNE";
  std::string product;
  std::string version = "1";
  std::string serial;
  u64 size = 0;  // bytes
  bool read_only = false;
  bool write_cache = true;
  bool has_medium = true;
  bool locked = false;             // its medium
  std::vector<u16> neighbours{0};  // logical unit numbers of its target, its own among them

  u32 block_size() const { return type == kCdDvd ? 2048 : 512; }
  u64 blocks() const { return size / block_size(); }
};

// A part of the disk: bytes.
struct Extent {
  u64 offset = 0;
  u64 size = 0;
};

struct Outcome {
  enum class Work { None, Read, Write, Flush, Unmap, WriteZeroes, WriteSame };

  Sense sense;           // another than kNoSense: nothing was done
  std::vector<u8> data;  // for the initiator
  Work work = Work::None;
  std::vector<Extent> extents;  // of the work; of Read and Write, one
  bool flush_after = false;     // FUA
  bool may_unmap = false;
  std::vector<u8> pattern;  // of WriteSame: one block

  static Outcome failed(const Sense& sense) { return {.sense = sense}; }
  static Outcome answer(std::vector<u8> data) { return {.data = std::move(data)}; }
};

// The most data that a command other than a write has for the unit: bytes.
constexpr std::size_t kMostParameters = 64_KiB;

// How many bytes of data a command has for the unit by its own words; those of writes are not read.
u64 parameter_length(std::span<const u8> cdb, u32 block_size);
// `parameters`: as many of these as there were. A CDB may be cut short, and is taken to go on with
// zeroes. Those that are about discs alone (MMC) are not among them.
Outcome execute(const Unit& unit, std::span<const u8> cdb, std::span<const u8> parameters);

// Sense data in the fixed format. [SPC-3 "Fixed format sense data"]
std::vector<u8> fixed_sense(const Sense& sense);

// Big-endian numbers.
u64 load(std::span<const u8> bytes, std::size_t at, unsigned size);
void append(std::vector<u8>& bytes, u64 value, unsigned size);

}  // namespace backplane::scsi

// SPDX-License-Identifier: MIT
// Commands of all units, and of disks. [SPC-3 "Commands for all device types", SBC-3 "Commands for
// direct access block devices"]
#include "command/command_set.h"

#include <algorithm>
#include <array>

#include "command/inquiry.h"
#include "command/mode_pages.h"

namespace backplane::scsi {

namespace {

using Cdb = std::span<const u8, 16>;

constexpr u8 kNoData = 0x01;  // NDOB, of WRITE SAME (16)

struct Transfer {
  u64 block = 0;
  u64 count = 0;
  bool force_unit_access = false;
};

// [SPC-3 "Command Descriptor Block"]: where the block and the count are follows from the group.
Transfer transfer_of(Cdb cdb) {
  switch (cdb[0] >> 5) {
    case 0:
      return {load(cdb, 1, 3) & 0x1f'ffff, cdb[4] == 0 ? 256U : cdb[4], false};
    case 5:
      return {load(cdb, 2, 4), load(cdb, 6, 4), (cdb[1] & 0x08) != 0};
    case 4:
      return {load(cdb, 2, 8), load(cdb, 10, 4), (cdb[1] & 0x08) != 0};
    default:
      return {load(cdb, 2, 4), load(cdb, 7, 2), (cdb[1] & 0x08) != 0};
  }
}

bool in_range(const Unit& unit, u64 block, u64 count) {
  return block <= unit.blocks() && count <= unit.blocks() - block;
}

Outcome move(const Unit& unit, Cdb cdb, Outcome::Work work) {
  const Transfer transfer = transfer_of(cdb);
  if (work == Outcome::Work::Write && unit.read_only) return Outcome::failed(kWriteProtected);
  if (!in_range(unit, transfer.block, transfer.count)) return Outcome::failed(kOutOfRange);
  if (transfer.count == 0) return {};
  return {.work = work,
          .extents = {{transfer.block * unit.block_size(), transfer.count * unit.block_size()}},
          .flush_after = work == Outcome::Work::Write && transfer.force_unit_access};
}

// Without a comparison, which is all that is here, it is a matter of the range.
Outcome verify(const Unit& unit, Cdb cdb) {
  const Transfer transfer = transfer_of(cdb);
  if ((cdb[1] & 0x06) != 0) return Outcome::failed(kInvalidField);
  if (!in_range(unit, transfer.block, transfer.count)) return Outcome::failed(kOutOfRange);
  return {};
}

Outcome read_capacity10(const Unit& unit) {
  std::vector<u8> data;
  const u64 last = unit.blocks() == 0 ? 0 : unit.blocks() - 1;
  append(data, std::min<u64>(last, 0xffff'ffff), 4);
  append(data, unit.block_size(), 4);
  return Outcome::answer(std::move(data));
}

Outcome read_capacity16(const Unit& unit, Cdb cdb) {
  constexpr u8 kProvisioned = 0xc0;  // blocks can be unmapped, and read as zeroes then
  if ((cdb[1] & 0x1f) != kReadCapacity16) return Outcome::failed(kInvalidField);
  std::vector<u8> data;
  append(data, unit.blocks() == 0 ? 0 : unit.blocks() - 1, 8);
  append(data, unit.block_size(), 4);
  data.resize(32);
  if (unit.type == kDisk) data[14] = kProvisioned;
  data.resize(std::min<u64>(data.size(), load(cdb, 10, 4)));
  return Outcome::answer(std::move(data));
}

// [SBC-3 "UNMAP parameter list"]
Outcome unmap(const Unit& unit, Cdb cdb, std::span<const u8> parameters) {
  constexpr std::size_t kHeader = 8;
  constexpr std::size_t kDescriptor = 16;
  if (unit.read_only) return Outcome::failed(kWriteProtected);
  if (load(cdb, 7, 2) == 0) return {};
  if (parameters.size() < kHeader) return Outcome::failed(kParameterListLength);
  const std::size_t length =
      std::min<std::size_t>(load(parameters, 2, 2), parameters.size() - kHeader);
  if (length / kDescriptor > kMostUnmapDescriptors) return Outcome::failed(kInvalidParameter);
  Outcome outcome{.work = Outcome::Work::Unmap};
  for (std::size_t at = kHeader; at + kDescriptor <= kHeader + length; at += kDescriptor) {
    const u64 block = load(parameters, at, 8);
    const u64 count = load(parameters, at + 8, 4);
    if (!in_range(unit, block, count)) return Outcome::failed(kOutOfRange);
    if (count != 0)
      outcome.extents.push_back({block * unit.block_size(), count * unit.block_size()});
  }
  if (outcome.extents.empty()) outcome.work = Outcome::Work::None;
  return outcome;
}

Outcome write_same(const Unit& unit, Cdb cdb, std::span<const u8> parameters) {
  constexpr u8 kUnmapBit = 0x08;
  const bool no_data = cdb[0] == kWriteSame16 && (cdb[1] & kNoData) != 0;
  Transfer transfer = transfer_of(cdb);
  if (unit.read_only) return Outcome::failed(kWriteProtected);
  if (!in_range(unit, transfer.block, transfer.count)) return Outcome::failed(kOutOfRange);
  if (transfer.count == 0) transfer.count = unit.blocks() - transfer.block;
  if (transfer.count > kMostWriteSameBlocks) return Outcome::failed(kInvalidField);
  if (!no_data && parameters.size() < unit.block_size())
    return Outcome::failed(kParameterListLength);
  if (transfer.count == 0) return {};
  Outcome outcome{
      .work = Outcome::Work::WriteZeroes,
      .extents = {{transfer.block * unit.block_size(), transfer.count * unit.block_size()}},
      .may_unmap = (cdb[1] & kUnmapBit) != 0};
  const auto pattern = parameters.first(no_data ? 0 : unit.block_size());
  if (std::all_of(pattern.begin(), pattern.end(), [](u8 byte) { return byte == 0; }))
    return outcome;
  outcome.work = Outcome::Work::WriteSame;
  outcome.pattern.assign(pattern.begin(), pattern.end());
  return outcome;
}

// [SPC-3 "REPORT LUNS command", SAM-4 "Peripheral device addressing", "Flat space addressing"]
Outcome report_luns(const Unit& unit, Cdb cdb) {
  constexpr u16 kFlatSpace = 0x4000;
  constexpr u16 kLargestPeripheral = 255;
  std::vector<u8> data;
  append(data, unit.neighbours.size() * 8, 4);
  append(data, 0, 4);
  for (const u16 number : unit.neighbours) {
    append(data, number > kLargestPeripheral ? kFlatSpace | number : number, 2);
    append(data, 0, 6);
  }
  data.resize(std::min<u64>(data.size(), load(cdb, 6, 4)));
  return Outcome::answer(std::move(data));
}

Outcome request_sense(Cdb cdb) {
  std::vector<u8> data = fixed_sense(kNoSense);
  data.resize(std::min<std::size_t>(data.size(), cdb[4]));
  return Outcome::answer(std::move(data));
}

Outcome execute_disk(const Unit& unit, Cdb cdb, std::span<const u8> parameters) {
  switch (cdb[0]) {
    case kWrite6:
    case kWrite10:
    case kWrite12:
    case kWrite16:
      return move(unit, cdb, Outcome::Work::Write);
    case kSynchronizeCache10:
    case kSynchronizeCache16:
      return {.work = Outcome::Work::Flush};
    case kUnmap:
      return unmap(unit, cdb, parameters);
    case kWriteSame10:
    case kWriteSame16:
      return write_same(unit, cdb, parameters);
    default:
      return Outcome::failed(kInvalidOperation);
  }
}

// Those that work without a medium.
bool is_always_answered(u8 operation) {
  constexpr u8 kThese[] = {kInquiry,
                           kRequestSense,
                           kReportLuns,
                           kModeSense6,
                           kModeSense10,
                           kStartStopUnit,
                           kPreventAllowMediumRemoval};
  return std::find(std::begin(kThese), std::end(kThese), operation) != std::end(kThese);
}

}  // namespace

u64 load(std::span<const u8> bytes, std::size_t at, unsigned size) {
  u64 value = 0;
  for (unsigned i = 0; i < size; ++i) value = value << 8 | bytes[at + i];
  return value;
}

void append(std::vector<u8>& bytes, u64 value, unsigned size) {
  for (unsigned i = size; i != 0; --i) bytes.push_back(static_cast<u8>(value >> (8 * (i - 1))));
}

std::vector<u8> fixed_sense(const Sense& sense) {
  constexpr u8 kCurrent = 0x70;
  std::vector<u8> data(kSenseSize);
  data[0] = kCurrent;
  data[2] = sense.key;
  data[7] = kSenseSize - 8;
  data[12] = sense.code;
  data[13] = sense.qualifier;
  return data;
}

u64 parameter_length(std::span<const u8> cdb, u32 block_size) {
  std::array<u8, 16> whole{};
  std::copy_n(cdb.begin(), std::min(cdb.size(), whole.size()), whole.begin());
  switch (whole[0]) {
    case kModeSelect6:
      return whole[4];
    case kModeSelect10:
    case kUnmap:
      return load(whole, 7, 2);
    case kWriteSame10:
      return block_size;
    case kWriteSame16:
      return (whole[1] & kNoData) != 0 ? 0 : block_size;
    default:
      return 0;
  }
}

Outcome execute(const Unit& unit, std::span<const u8> given, std::span<const u8> parameters) {
  std::array<u8, 16> cdb{};
  std::copy_n(given.begin(), std::min(given.size(), cdb.size()), cdb.begin());
  if (!unit.has_medium && !is_always_answered(cdb[0])) return Outcome::failed(kNotReadyNoMedium);
  switch (cdb[0]) {
    case kTestUnitReady:
    case kReserve6:
    case kRelease6:
    case kStartStopUnit:
    case kPreventAllowMediumRemoval:
      return {};
    case kRequestSense:
      return request_sense(cdb);
    case kInquiry:
      return inquiry(unit, cdb);
    case kReportLuns:
      return report_luns(unit, cdb);
    case kModeSense6:
    case kModeSense10:
      return mode_sense(unit, cdb);
    case kModeSelect6:
    case kModeSelect10:
      return mode_select(unit, cdb, parameters);
    case kReadCapacity10:
      return read_capacity10(unit);
    case kServiceActionIn16:
      return read_capacity16(unit, cdb);
    case kRead6:
    case kRead10:
    case kRead12:
    case kRead16:
      return move(unit, cdb, Outcome::Work::Read);
    case kVerify10:
    case kVerify16:
      return verify(unit, cdb);
    default:
      return unit.type == kCdDvd ? Outcome::failed(kInvalidOperation)
                                 : execute_disk(unit, cdb, parameters);
  }
}

}  // namespace backplane::scsi

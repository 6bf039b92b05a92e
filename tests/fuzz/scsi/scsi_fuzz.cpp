// SPDX-License-Identifier: MIT
// SCSI commands of the bytes' choice for disks and CD drives of any size. What they come to has to
// lie on the disk.
#include <vector>

#include "../input.h"
#include "command/command_set.h"

namespace backplane::fuzz {
namespace {

constexpr u8 kOperations[] = {
    scsi::kInquiry,      scsi::kModeSense6, scsi::kModeSense10,      scsi::kModeSelect6,
    scsi::kModeSelect10, scsi::kRead6,      scsi::kRead10,           scsi::kRead12,
    scsi::kRead16,       scsi::kWrite6,     scsi::kWrite10,          scsi::kWrite12,
    scsi::kWrite16,      scsi::kUnmap,      scsi::kWriteSame10,      scsi::kWriteSame16,
    scsi::kVerify10,     scsi::kReportLuns, scsi::kServiceActionIn16};

void run_one(Input& input) {
  scsi::Unit unit{.type = input.take<u8>() % 2 == 0 ? scsi::kDisk : scsi::kCdDvd};
  unit.size = (input.take<u64>() >> input.take<u8>() % 64) / 2048 * 2048;
  unit.read_only = input.take<u8>() % 4 == 0;
  unit.has_medium = input.take<u8>() % 8 != 0;
  std::vector<u8> cdb(input.take<u8>() % 20);
  for (u8& byte : cdb) byte = input.take<u8>() % 2 == 0 ? u8{0} : input.take<u8>();
  if (!cdb.empty() && input.take<u8>() % 8 != 0)
    cdb[0] = kOperations[input.take<u8>() % std::size(kOperations)];
  std::vector<u8> parameters(input.take<u8>() % 4 == 0 ? 2048 : input.take<u8>());
  for (u8& byte : parameters) byte = input.take<u8>() % 4 == 0 ? input.take<u8>() : u8{0};
  const scsi::Outcome outcome = scsi::execute(unit, cdb, parameters);
  for (const scsi::Extent& extent : outcome.extents)
    if (extent.offset > unit.size || extent.size > unit.size - extent.offset) __builtin_trap();
  if (outcome.work != scsi::Outcome::Work::None && !outcome.data.empty()) __builtin_trap();
}

}  // namespace
}  // namespace backplane::fuzz

extern "C" int LLVMFuzzerTestOneInput(const backplane::u8* data, std::size_t size) {
  using namespace backplane;
  fuzz::Input input(data, size);
  while (!input.empty()) fuzz::run_one(input);
  return 0;
}

// SPDX-License-Identifier: MIT
// Settings of the disk, and which command does what.
#include "disk/disk.h"

#include <algorithm>
#include <bit>

#include "backplane/error.h"

namespace backplane::ide {

BACKPLANE_REGISTER(IdeDisk, .description = "IDE hard disk")

namespace {

constexpr u32 kMostMultiple = 16;

}  // namespace

std::span<const StateMember> IdeDisk::Geometry::members() {
  static const StateMember kMembers[] = {
      member<&Geometry::cylinders>("cylinders"),
      member<&Geometry::heads>("heads", within(1, 16)),
      member<&Geometry::sectors>("sectors", within(1, 255)),
  };
  return kMembers;
}

std::span<const StateMember> IdeDisk::State::members() {
  static const StateMember kMembers[] = {
      member<&State::way>("way", within(Way::None, Way::Trim)),
      member<&State::sector>("sector"),
      member<&State::left>("left"),
      member<&State::chunk>("chunk"),
      member<&State::at_once>("at_once", within(1, kMostMultiple)),
      member<&State::extended>("extended"),
      member<&State::flush_after>("flush_after"),
      member<&State::ranges>("ranges"),
      member<&State::multiple>("multiple", within(0, kMostMultiple)),
      member<&State::write_cache>("write_cache"),
      member<&State::geometry>("geometry"),
  };
  return kMembers;
}

void IdeDisk::class_init(DeviceClass& k) {
  k.property<&IdeDisk::discard_>("discard", "offer DATA SET MANAGEMENT with TRIM");
  k.state<&IdeDisk::state_>(1, "disk");
}

void IdeDisk::realize() {
  if (!has_medium())
    throw Error("drive is not set; name the id of a -drive or -blockdev with drive=ID");
  if (sectors() == 0) throw Error::of("{}: is empty: a disk has a sector at least", node().where());
}

void IdeDisk::check_loaded() const {
  if (state_.chunk > state_.left || state_.chunk * kSectorSize > kMostBuffered ||
      state_.sector > sectors() || state_.left > sectors() - state_.sector)
    throw Error::of("{} sectors from {} on, {} at once, are not on the disk", state_.left,
                    state_.sector, state_.chunk);
  const bool buffered = state_.way == Way::Write || state_.way == Way::WriteDma ||
                        state_.way == Way::Read || state_.way == Way::ReadDma;
  if (buffered && !buffer().empty() && buffer().size() != state_.chunk * kSectorSize)
    throw Error::of("{} bytes of {} sectors", buffer().size(), state_.chunk);
  if (state_.way == Way::None && waits_for_host())
    throw Error("a drive that does nothing waits for its host");
  if (state_.way == Way::Trim &&
      (state_.ranges + u64{waits_for_host()}) * sizeof(u64) > buffer().size())
    throw Error::of("range {} of {} bytes", state_.ranges, buffer().size());
}

// As the first disks with more than 528 MB had themselves addressed. [ATA/ATAPI-5 "CHS"]
IdeDisk::Geometry IdeDisk::natural_geometry() const {
  constexpr u64 kMostCylinders = 16383;
  Geometry geometry;
  geometry.cylinders = static_cast<u32>(
      std::clamp<u64>(sectors() / (geometry.heads * geometry.sectors), 1, kMostCylinders));
  return geometry;
}

void IdeDisk::reset_drive(bool power_on) {
  state_.way = Way::None;
  if (power_on) {
    state_.geometry = natural_geometry();
    state_.write_cache = has_write_cache();
  }
  TaskFile& registers = task();
  registers.count = registers.lba_low = 1;  // the signature of a disk
  registers.lba_mid = registers.lba_high = 0;
  registers.device = 0;
}

void IdeDisk::execute(u8 command) {
  switch (command) {
    case kReadSectors:
    case kReadSectorsNoRetry:
      return start({.way = Way::Read});
    case kReadSectorsExt:
      return start({.way = Way::Read, .extended = true});
    case kReadMultiple:
      return start({.way = Way::Read, .multiple = true});
    case kReadMultipleExt:
      return start({.way = Way::Read, .extended = true, .multiple = true});
    case kReadDma:
    case kReadDmaNoRetry:
      return start({.way = Way::ReadDma});
    case kReadDmaExt:
      return start({.way = Way::ReadDma, .extended = true});
    case kWriteSectors:
    case kWriteSectorsNoRetry:
      return start({.way = Way::Write});
    case kWriteSectorsExt:
      return start({.way = Way::Write, .extended = true});
    case kWriteMultiple:
      return start({.way = Way::Write, .multiple = true});
    case kWriteMultipleExt:
      return start({.way = Way::Write, .extended = true, .multiple = true});
    case kWriteMultipleFuaExt:
      return start({.way = Way::Write, .extended = true, .multiple = true, .flush_after = true});
    case kWriteDma:
    case kWriteDmaNoRetry:
      return start({.way = Way::WriteDma});
    case kWriteDmaExt:
      return start({.way = Way::WriteDma, .extended = true});
    case kWriteDmaFuaExt:
      return start({.way = Way::WriteDma, .extended = true, .flush_after = true});
    case kReadVerify:
    case kReadVerifyNoRetry:
      return start({.way = Way::Verify});
    case kReadVerifyExt:
      return start({.way = Way::Verify, .extended = true});
    case kFlushCache:
    case kFlushCacheExt:
      state_.way = Way::Flush;
      return submit();
    case kDataSetManagement:
      return discards() ? start_trim() : fail(error::kAborted);
    case kIdentify:
      return identify();
    case kSetFeatures:
      return set_features();
    case kSetMultiple:
      return set_multiple();
    case kInitializeParameters:
      return initialize_parameters();
    case kReadNativeMax:
      return native_max(false);
    case kReadNativeMaxExt:
      return native_max(true);
    case kSeek:
      return addressed_sector(false).value_or(sectors()) < sectors() ? complete()
                                                                     : fail(error::kNotFound);
    default:
      if ((command & 0xf0) == kRecalibrate) return complete();
      return fail(error::kAborted);
  }
}

void IdeDisk::set_features() {
  switch (task().features) {
    case kSetTransferMode:
      return set_transfer_mode(task().count) ? complete() : fail(error::kAborted);
    case kEnableWriteCache:
      if (!has_write_cache()) return fail(error::kAborted);
      state_.write_cache = true;
      return complete();
    case kDisableWriteCache:
      // What is in the cache goes to the disk first. [ATA8-ACS 7.45.7]
      state_.write_cache = false;
      state_.way = Way::Flush;
      return submit();
    case kDisableReadAhead:
    case kEnableReadAhead:
    case kKeepSettings:
    case kRevertSettings:
      return complete();
    default:
      return fail(error::kAborted);
  }
}

void IdeDisk::set_multiple() {
  const u8 count = task().count;
  if (count > kMostMultiple || (count != 0 && !std::has_single_bit(count)))
    return fail(error::kAborted);
  state_.multiple = count;
  complete();
}

// Cylinders, heads and sectors as the host wants to count them from now on.
void IdeDisk::initialize_parameters() {
  const u32 heads = (task().device & device::kHead) + 1u;
  const u32 per_track = task().count;
  if (per_track == 0) return fail(error::kAborted);
  constexpr u64 kMostCylinders = 65535;
  state_.geometry = {
      static_cast<u32>(std::min<u64>(sectors() / (heads * per_track), kMostCylinders)), heads,
      per_track};
  complete();
}

void IdeDisk::native_max(bool extended) {
  constexpr u64 kMost28 = (u64{1} << 28) - 1;
  state_.extended = extended;
  put_address(extended ? sectors() - 1 : std::min(sectors() - 1, kMost28));
  complete();
}

}  // namespace backplane::ide

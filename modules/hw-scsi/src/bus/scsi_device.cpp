// SPDX-License-Identifier: MIT
#include "bus/scsi_device.h"

#include <algorithm>

#include "backplane/error.h"
#include "backplane/machine.h"
#include "backplane/virtio/scatter_gather.h"

namespace backplane {

using namespace scsi;

// --- the bus ------------------------------------------------------------------------------------

ScsiDevice* ScsiBus::unit(u32 target, u32 lun) const {
  for (ScsiDevice* const unit : units_)
    if (unit->target() == target && unit->lun() == lun) return unit;
  return nullptr;
}

ScsiDevice* ScsiBus::any_unit(u32 target) const {
  for (ScsiDevice* const unit : units_)
    if (unit->target() == target) return unit;
  return nullptr;
}

void ScsiBus::enter(ScsiDevice& unit) {
  const IoContext::Guard lock(loop());
  units_.push_back(&unit);
}

void ScsiBus::leave(ScsiDevice& unit) {
  const IoContext::Guard lock(loop());
  std::erase(units_, &unit);
}

void ScsiBus::plug(Device& device) {
  auto* const unit = dynamic_cast<ScsiDevice*>(&device);
  if (unit == nullptr) throw Error::of("{} is no SCSI device", device.type_name());
  unit->choose_place(*this);
  Bus::plug(device);
}

void ScsiBus::hot_plugged(Device& device) {
  if (told_) told_(dynamic_cast<ScsiDevice&>(device), Change::Added);
}

void ScsiBus::request_unplug(Device& device) {
  if (told_) told_(dynamic_cast<ScsiDevice&>(device), Change::Removed);
  device.machine().remove_device(device);
}

// --- units --------------------------------------------------------------------------------------

void ScsiDevice::class_init(DeviceClass& k) {
  k.property<&ScsiDevice::drive_>("drive", "id of the -drive or -blockdev behind it");
  k.property<&ScsiDevice::serial_>("serial", "serial number");
  k.property<&ScsiDevice::vendor_>("vendor", "whose it says it is, up to 8 bytes");
  k.property<&ScsiDevice::product_>("product", "what it says it is, up to 16 bytes");
  k.property<&ScsiDevice::version_>("ver", "its version, up to 4 bytes");
  k.property<&ScsiDevice::bootindex_>("bootindex", "its place when firmware boots (-1: none)");
  k.property<&ScsiDevice::channel_>("channel", "0: there is one");
  k.property<&ScsiDevice::target_>("scsi-id", "its target's number (default: the first free one)");
  k.property<&ScsiDevice::lun_>("lun", "its number at that target (default: 0, or a free one)");
  k.property<&ScsiDevice::write_cache_>(
      "write-cache", "off: what is written is on the host's disk when it completes (auto: on)");
  k.property<&ScsiDevice::on_read_error_>("rerror",
                                          "what is done if the host cannot read (auto: report)");
  k.property<&ScsiDevice::on_write_error_>("werror",
                                           "what is done if the host cannot write (auto: enospc)");
  k.stateless();
}

void ScsiDevice::choose_place(const ScsiBus& bus) {
  if (channel_ != 0) throw Error::of("channel={}: expects 0", channel_);
  const auto check = [](const char* property, u32 value, u32 end) {
    if (value != kAnyPlace && value >= end)
      throw Error::of("{}={}: expects 0 to {}", property, value, end - 1);
  };
  check("scsi-id", target_, ScsiBus::kTargets);
  check("lun", lun_, ScsiBus::kUnits);
  if (target_ == kAnyPlace) {
    const u32 lun = lun_ == kAnyPlace ? 0 : lun_;
    for (target_ = 0; bus.unit(target_, lun) != nullptr;)
      if (++target_ == ScsiBus::kTargets)
        throw Error("all targets are taken: give scsi-id= and lun=");
    lun_ = lun;
  }
  if (lun_ == kAnyPlace)
    for (lun_ = 0; bus.unit(target_, lun_) != nullptr;) ++lun_;
  if (bus.unit(target_, lun_) != nullptr)
    throw Error::of("scsi-id={},lun={}: another device is there", target_, lun_);
}

void ScsiDevice::realize() {
  if (!drive_ && type() != kCdDvd)
    throw Error("drive is not set; name the id of a -drive or -blockdev with drive=ID");
  constexpr std::size_t kLongestSerial = 36;
  if (serial_.size() > kLongestSerial)
    throw Error::of("serial={}: has {} bytes; at most {} fit", serial_, serial_.size(),
                    kLongestSerial);
  if (drive_) open_queue();
}

void ScsiDevice::open_queue() {
  disk_ = std::make_unique<BlockQueue>(
      machine(), *drive_,
      BlockQueueSettings{.on_error = {.read = on_read_error_, .write = on_write_error_},
                         .write_through = write_cache_ == OnOffAuto::Off},
      units().loop());
}

void ScsiDevice::realized_all() { units().enter(*this); }

void ScsiDevice::unrealize() {
  units().leave(*this);
  drain();
  disk_.reset();
  // What was left to be told of it, also without a disc.
  const IoContext::Guard lock(units().loop());
  units().loop().run_kept();
}

void ScsiDevice::reset() {
  const IoContext::Guard lock(units().loop());
  drain();
  Device::reset();
}

void ScsiDevice::settle() {
  if (disk_) disk_->settle();
}

void ScsiDevice::drain() {
  if (disk_) disk_->drain();
}

std::string ScsiDevice::describe() const {
  const std::string place = fmt::format("target {}, lun {}", target_, lun_);
  return disk_ ? fmt::format("{}, {}, {}", place, drive_->describe(), disk_->describe())
               : place + ", empty";
}

std::string ScsiDevice::boot_path() const {
  return fmt::format("channel@0/disk@{:x},{:x}", target_, lun_);
}

u64 ScsiDevice::disk_size() const { return disk_ ? drive_->size() : 0; }

Outcome ScsiDevice::carry_out(Unit unit, std::span<const u8> cdb, std::span<const u8> parameters) {
  return execute(unit, cdb, parameters);
}

Unit ScsiDevice::unit() const {
  Unit unit{.type = type(),
            .vendor = vendor_,
            .product = !product_.empty()  ? product_
                       : type() == kCdDvd ? "CD-ROM"
                                          : "DISK",
            .version = version_,
            .serial = serial_,
            .size = disk_size(),
            .read_only = !disk_ || type() == kCdDvd || drive_->read_only(),
            .write_cache = write_cache_ != OnOffAuto::Off,
            .has_medium = disk_ != nullptr,
            .neighbours = {}};
  for (const ScsiDevice* const other : units().units())
    if (other->target_ == target_) unit.neighbours.push_back(static_cast<u16>(other->lun_));
  std::sort(unit.neighbours.begin(), unit.neighbours.end());
  return unit;
}

void ScsiDevice::start(ScsiCommand& command) {
  const Unit self = unit();
  std::vector<u8> parameters(
      std::min<u64>(parameter_length(command.cdb, self.block_size()), kMostParameters));
  const std::size_t there = gather(command.out, 0, parameters.data(), parameters.size());
  command.parts = 1;
  command.failed = false;
  command.moved = 0;
  command.overrun = there != parameters.size();
  if (command.overrun) return finish(command, kNoSense);
  command.outcome = carry_out(self, command.cdb, parameters);
  if (command.outcome.sense != kNoSense) return finish(command, command.outcome.sense);
  command.moved = parameters.size();
  if (command.outcome.work != Outcome::Work::None) return start_work(command);
  const std::vector<u8>& data = command.outcome.data;
  if (!data.empty()) command.moved = scatter(command.in, 0, data.data(), data.size());
  command.overrun = !data.empty() && command.moved != data.size();
  finish(command, kNoSense);
}

void ScsiDevice::start_work(ScsiCommand& command) {
  using Work = Outcome::Work;
  const Outcome& outcome = command.outcome;
  if (outcome.work == Work::WriteSame) {
    submit_pattern(command);
  } else if (outcome.work == Work::Flush) {
    submit(command, {.op = BlockOp::Flush});
  } else {
    for (const Extent& extent : outcome.extents) {
      BlockRequest piece{.offset = extent.offset, .size = extent.size};
      piece.op = outcome.work == Work::Read    ? BlockOp::Read
                 : outcome.work == Work::Write ? BlockOp::Write
                 : outcome.work == Work::Unmap ? BlockOp::Discard
                                               : BlockOp::WriteZeroes;
      piece.may_unmap = outcome.may_unmap;
      if (outcome.work == Work::Read || outcome.work == Work::Write) {
        const auto& data = outcome.work == Work::Read ? command.in : command.out;
        // The driver says one thing in the command and another by its buffers.
        command.overrun = slice(data, 0, extent.size, piece.iov) != extent.size;
        if (command.overrun) return finish(command, kNoSense);
        command.moved = extent.size;
      }
      submit(command, std::move(piece));
    }
  }
  part_done(command, 0);
}

// The block, so many times over that few requests do.
void ScsiDevice::submit_pattern(ScsiCommand& command) {
  constexpr u64 kRepeated = 64_KiB;
  constexpr u64 kMostPieces = 256;
  const std::vector<u8>& pattern = command.outcome.pattern;
  command.repeated.clear();
  while (command.repeated.size() < kRepeated)
    command.repeated.insert(command.repeated.end(), pattern.begin(), pattern.end());
  Extent left = command.outcome.extents.front();
  while (left.size != 0) {
    BlockRequest piece{.op = BlockOp::Write, .offset = left.offset};
    while (left.size != 0 && piece.iov.size() < kMostPieces) {
      const u64 part = std::min<u64>(left.size, command.repeated.size());
      piece.iov.push_back({command.repeated.data(), part});
      piece.size += part;
      left.size -= part;
    }
    left.offset += piece.size;
    submit(command, std::move(piece));
  }
}

void ScsiDevice::submit(ScsiCommand& command, BlockRequest piece) {
  ++command.parts;
  piece.done = [this, &command](int result) { part_done(command, result); };
  if (command.held)
    disk_->hold(std::move(piece));
  else
    disk_->submit(std::move(piece));
}

void ScsiDevice::part_done(ScsiCommand& command, int result) {
  if (result != 0) command.failed = true;
  if (--command.parts != 0) return;
  if (command.failed)
    return finish(command, command.outcome.work == Outcome::Work::Read ? kReadError : kWriteError);
  if (!command.outcome.flush_after) return finish(command, kNoSense);
  command.outcome.flush_after = false;
  command.held = false;
  command.parts = 1;
  submit(command, {.op = BlockOp::Flush});
  part_done(command, 0);
}

void ScsiDevice::finish(ScsiCommand& command, const Sense& sense) {
  const bool good = sense == kNoSense;
  command.done(good ? kGood : kCheckCondition, sense, good ? command.moved : 0);
}

BACKPLANE_REGISTER(ScsiBus, .description = "Holds SCSI disks and CD drives")
BACKPLANE_REGISTER_ABSTRACT(ScsiDevice, .bus = "scsi-bus")

namespace {

class ScsiDisk final : public ScsiDevice {
 public:
  static void class_init(DeviceClass& k) { k.stateless(); }

 protected:
  DeviceType type() const override { return kDisk; }
};
BACKPLANE_TYPE(ScsiDisk, "scsi-hd", .category = "Storage", .description = "A SCSI disk")

}  // namespace

}  // namespace backplane

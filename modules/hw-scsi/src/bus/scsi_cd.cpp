// SPDX-License-Identifier: MIT
// "scsi-cd": what is about discs goes to the optical drive that IDE's has as well; what is about
// SCSI is as disks have it.
#include <algorithm>
#include <array>
#include <optional>

#include "bus/scsi_device.h"
#include "mmc/disc_device.h"
#include "mmc/optical_drive.h"

namespace backplane {

using namespace scsi;

namespace {

using mmc::OpticalDrive;

Outcome failed(const mmc::Sense& sense) {
  return Outcome::failed({sense.key, sense.code, sense.qualifier});
}

// Those of SCSI's, and the forms of reading that packets have no room for.
bool is_scsis_own(u8 operation) {
  constexpr u8 kThese[] = {kInquiry,     kRequestSense, kReportLuns, kReserve6,         kRelease6,
                           kModeSelect6, kModeSelect10, kModeSense6, kModeSense10,      kRead6,
                           kRead16,      kVerify10,     kVerify16,   kServiceActionIn16};
  return std::find(std::begin(kThese), std::end(kThese), operation) != std::end(kThese);
}

class ScsiCd final : public ScsiDevice, public mmc::DiscDevice {
 public:
  static void class_init(DeviceClass& k) {
    k.state<&ScsiCd::optical_>(1, "optical");
    add_properties(k);
  }
  ScsiCd() : DiscDevice(*this, drive(), optical_) {
    optical_.on_tray_moved([this] {
      if (realized()) units().loop().with_machine([this] { tell_tray_moved(); });
    });
  }

  void realize() {
    ScsiDevice::realize();
    look_at_disc(false);
  }
  void reset() override {
    const IoContext::Guard lock(units().loop());
    ScsiDevice::reset();
    optical_.reset();
    look_at_disc(true);
  }

 protected:
  DeviceType type() const override { return kCdDvd; }
  Outcome carry_out(Unit unit, std::span<const u8> cdb, std::span<const u8> parameters) override;
  IoContext* loop() const override { return bus() != nullptr ? &units().loop() : nullptr; }
  void end_transfers() override { drain(); }
  void open_queue() override { ScsiDevice::open_queue(); }
  void close_queue() override { ScsiDevice::close_queue(); }

 private:
  OpticalDrive optical_{"CD-ROM", "1", OpticalDrive::Interface::Scsi};
};

Outcome ScsiCd::carry_out(Unit unit, std::span<const u8> cdb, std::span<const u8> parameters) {
  const u8 operation = cdb.empty() ? u8{0} : cdb[0];
  if (const std::optional<mmc::Sense> refused = optical_.refusal(operation))
    return failed(*refused);
  if (is_scsis_own(operation)) {
    unit.has_medium = optical_.has_disc();
    unit.locked = optical_.is_locked();
    return execute(unit, cdb, parameters);
  }
  std::array<u8, OpticalDrive::kPacketSize> packet{};
  std::copy_n(cdb.begin(), std::min(cdb.size(), packet.size()), packet.begin());
  OpticalDrive::Reply reply = optical_.execute(packet);
  if (reply.sense != mmc::kNoSense) return failed(reply.sense);
  if (reply.blocks == 0) return Outcome::answer(std::move(reply.data));
  return {.work = Outcome::Work::Read,
          .extents = {{reply.first_block * u64{OpticalDrive::kBlockSize},
                       reply.blocks * u64{OpticalDrive::kBlockSize}}}};
}

BACKPLANE_TYPE(ScsiCd, "scsi-cd", .category = "Storage", .description = "A SCSI CD drive")

}  // namespace

}  // namespace backplane

// SPDX-License-Identifier: MIT
#include "bus/ide_bus.h"

#include <algorithm>

#include "backplane/error.h"
#include "drive/ata.h"
#include "drive/ide_drive.h"

namespace backplane::ide {

namespace {

// Where no drive answers, a resistor on the cable keeps bit 7 low. [ATA/ATAPI-7 volume 2 "DD7"]
constexpr u32 kNothing = 0x7f7f7f7f;

}  // namespace

BACKPLANE_REGISTER(IdeBus)

void IdeBus::connect(IdeAdapter& adapter, unsigned channel) {
  adapter_ = &adapter;
  channel_ = channel;
}

IdeDrive* IdeBus::answering() const {
  return selected() != nullptr ? selected() : drives_[selected_ ^ 1];
}

const IdeDrive* IdeBus::other(const IdeDrive& drive) const { return drives_[drive.unit() ^ 1]; }

u8 IdeBus::read(unsigned offset) {
  IdeDrive* const drive = answering();
  if (drive == nullptr) return static_cast<u8>(kNothing);
  // A drive that is alone says of the other one that it is not there. [ATA/ATAPI-7 volume 2
  // "Device 0 only configurations"]
  if (offset == kStatusOrCommand && selected() == nullptr) return 0;
  return drive->read(offset);
}

void IdeBus::write(unsigned offset, u8 value) {
  if (offset == kDevice) {
    selected_ = (value & device::kSelect) != 0 ? 1 : 0;
    update_intrq();
  }
  if (offset != kStatusOrCommand) {
    for (IdeDrive* const drive : drives_)
      if (drive != nullptr) drive->write(offset, value);
    return;
  }
  // Both carry out the diagnostic, and the first answers for both.
  if (value == kExecuteDiagnostic) {
    write(kDevice, 0);
    for (IdeDrive* const drive : drives_)
      if (drive != nullptr) drive->execute_diagnostic();
  } else if (selected() != nullptr) {
    selected()->start_command(value);
  }
}

u32 IdeBus::read_data(unsigned size) {
  return selected() != nullptr ? selected()->read_data(size) : kNothing;
}
void IdeBus::write_data(u32 value, unsigned size) {
  if (selected() != nullptr) selected()->write_data(value, size);
}

u8 IdeBus::alternate_status() const {
  if (is_empty()) return static_cast<u8>(kNothing);
  return selected() != nullptr ? selected()->status() : 0;
}

void IdeBus::write_control(u8 value) {
  if ((value & control::kReset) != 0) selected_ = 0;
  for (IdeDrive* const drive : drives_)
    if (drive != nullptr) drive->write_control(value);
  update_intrq();
}

void IdeBus::dma_started() {
  if (selected() != nullptr) selected()->continue_dma();
}
void IdeBus::dma_stopped() {
  if (selected() != nullptr) selected()->stop_dma();
}

void IdeBus::update_intrq() {
  adapter_->set_intrq(channel_, selected() != nullptr && selected()->intrq());
}

void IdeBus::reset() {
  selected_ = 0;
  Bus::reset();
}

void IdeBus::loaded() {
  Bus::loaded();
  for (const IdeDrive* const drive : drives_)
    if (drive != nullptr) selected_ = drive->says_selected() ? 1 : 0;
}

bool IdeBus::has_room() const {
  return std::any_of(drives_.begin(), drives_.end(), [](auto* drive) { return drive == nullptr; });
}

void IdeBus::plug(Device& device) {
  auto& drive = dynamic_cast<IdeDrive&>(device);
  if (!drive.has_unit()) drive.set_unit(drives_[0] == nullptr ? 0 : 1);
  const unsigned unit = drive.unit();
  if (unit >= kDrives) throw Error::of("unit={}: a channel has units 0 and 1", unit);
  if (drives_[unit] != nullptr)
    throw Error::of("unit={}: {} has that place already", unit, drives_[unit]->path());
  drives_[unit] = &drive;
  Bus::plug(device);
}

void IdeBus::unplug(Device& device) {
  Bus::unplug(device);
  std::replace(drives_.begin(), drives_.end(), dynamic_cast<IdeDrive*>(&device),
               static_cast<IdeDrive*>(nullptr));
}

}  // namespace backplane::ide

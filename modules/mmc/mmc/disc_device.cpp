// SPDX-License-Identifier: MIT
#include "mmc/disc_device.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "backplane/error.h"
#include "backplane/machine.h"
#include "backplane/property.h"

namespace backplane::mmc {

namespace {

constexpr TypeMember kTrayMovedMembers[] = {
    {"device", &kText}, {"id", &kText}, {"tray-open", &kBoolean}};
constexpr EventType kTrayMoved{"DEVICE_TRAY_MOVED", kTrayMovedMembers};
constexpr const EventType* kEvents[] = {&kTrayMoved};

DiscDevice& of(Object& object) { return dynamic_cast<DiscDevice&>(object); }
const DiscDevice& of(const Object& object) { return dynamic_cast<const DiscDevice&>(object); }

// Throws Error if there is no disc in that node.
u32 blocks_of_disc(const BlockNode& node) {
  const u64 blocks = node.size() / OpticalDrive::kBlockSize;
  if (blocks == 0)
    throw Error::of("{}: has {} bytes: a disc has blocks of {} bytes", node.where(), node.size(),
                    OpticalDrive::kBlockSize);
  return static_cast<u32>(std::min<u64>(blocks, std::numeric_limits<u32>::max()));
}

}  // namespace

class DiscDevice::Lock {
 public:
  explicit Lock(const DiscDevice& device) {
    if (IoContext* const loop = device.loop(); loop != nullptr) guard_.emplace(*loop);
  }

 private:
  std::optional<IoContext::Guard> guard_;
};

void DiscDevice::add_properties(DeviceClass& k) {
  Property drive = *k.find_property("drive");
  drive.dynamic = true;
  drive.set = [](Object& object, const Property&, const Value& value) {
    of(object).change_medium(scalar_text(value));
  };
  k.property(std::move(drive));

  Property tray = property_row<bool>("tray-open", "its tray is open; one that is locked stays");
  tray.dynamic = true;
  tray.get = [](const Object& object, const Property&) -> Value {
    const Lock lock(of(object));
    return of(object).is_tray_open();
  };
  tray.set = [](Object& object, const Property&, const Value& value) {
    of(object).set_tray_open(from_value<bool>(value));
  };
  k.property(std::move(tray));

  Property locked = property_row<bool>("locked", "the guest has locked its tray");
  locked.dynamic = true;
  locked.get = [](const Object& object, const Property&) -> Value {
    const Lock lock(of(object));
    return of(object).optical_.is_locked();
  };
  locked.set = [](Object& object, const Property&, const Value& value) {
    const Lock lock(of(object));
    of(object).optical_.set_locked(from_value<bool>(value));
  };
  k.property(std::move(locked));

  Property name = property_row<std::string>(
      "medium-name", "what eject and change know it by (default: the drive that it begins with)");
  name.get = [](const Object& object, const Property&) -> Value { return of(object).medium_name_; };
  name.set = [](Object& object, const Property&, const Value& value) {
    of(object).medium_name_ = scalar_text(value);
  };
  k.property(std::move(name));
}

std::span<const EventType* const> DiscDevice::events() const { return kEvents; }

void DiscDevice::set_tray_open(bool open) {
  const Lock lock(*this);
  if (open == is_tray_open()) return;
  if (open && optical_.is_locked()) return optical_.request_eject();
  if (open && self_.realized()) end_transfers();
  optical_.move_tray(open);
}

std::optional<u32> DiscDevice::blocks() const {
  if (!disc_) return std::nullopt;
  return blocks_of_disc(*disc_);
}

void DiscDevice::look_at_disc(bool changed) { optical_.set_disc(blocks(), changed && disc_); }

void DiscDevice::change_medium(std::string_view id) {
  const Lock lock(*this);
  if (!self_.realized()) {
    disc_.assign(self_, id);
    if (medium_name_.empty()) medium_name_ = id;
    return;
  }
  if (!is_tray_open()) throw Error("the tray is closed, and has to be open");
  // The guest may have opened it before all that it had asked for was there.
  end_transfers();
  if (!id.empty()) return put_in(id);
  close_queue();
  disc_.disconnect();
  look_at_disc(false);
}

void DiscDevice::put_in(std::string_view id) {
  if (disc_) throw Error::of("'{}' is in it, and has to be taken out before", disc_.print());
  disc_.assign(self_, id);
  try {
    open_queue();
    look_at_disc(false);
  } catch (...) {
    close_queue();
    disc_.disconnect();
    throw;
  }
}

void DiscDevice::tell_tray_moved() {
  if (!self_.realized()) return;
  const Lock lock(*this);
  self_.machine().events().send(
      kTrayMoved, Value::Record{{"device", medium_name_},
                                {"id", self_.id().empty() ? self_.path() : self_.id()},
                                {"tray-open", is_tray_open()}});
}

}  // namespace backplane::mmc

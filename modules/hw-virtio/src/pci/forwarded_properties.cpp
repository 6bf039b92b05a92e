// SPDX-License-Identifier: MIT
// The properties of the device inside a PCI function, shown as the function's own.
//
// A property's accessors are plain functions, so which property of the inner class one stands for
// is part of the function: one pair is instantiated for each position in the table.
#include <array>
#include <utility>

#include "backplane/error.h"
#include "backplane/machine.h"
#include "backplane/virtio/virtio_pci.h"

namespace backplane {

// A pair of accessors for each position in an inner class's table of properties.
struct ForwardedProperties {
  static constexpr std::size_t kMost = 48;

  struct Accessors {
    std::string (*get)(const Object&);
    void (*set)(Object&, std::string_view);
    Value (*value)(const Object&);
  };

  template <std::size_t Position>
  static std::string get(const Object& o) {
    const VirtioDevice& inner = static_cast<const VirtioPci&>(o).device_;
    return inner.object_class().properties[Position].get(inner);
  }

  template <std::size_t Position>
  static void set(Object& o, std::string_view text) {
    auto& proxy = static_cast<VirtioPci&>(o);
    proxy.set_inner_property(proxy.device_.object_class().properties[Position], text);
  }

  template <std::size_t Position>
  static Value value(const Object& o) {
    const VirtioDevice& inner = static_cast<const VirtioPci&>(o).device_;
    return inner.object_class().properties[Position].value(inner);
  }

  template <std::size_t... Positions>
  static constexpr std::array<Accessors, sizeof...(Positions)> table(
      std::index_sequence<Positions...>) {
    return {Accessors{&get<Positions>, &set<Positions>, &value<Positions>}...};
  }

  static Accessors at(std::size_t position) {
    static constexpr auto kTable = table(std::make_index_sequence<kMost>());
    return kTable[position];
  }
};

void VirtioPci::set_inner_property(const Property& row, std::string_view text) {
  row.set(device_, text);
  if (!device_.realized()) inner_settings_.emplace_back(row.name, text);
}

// What was set through this function was meant for this device, so it goes before what -global and
// the board say of the type of the device inside.
void VirtioPci::apply_inner_compat() {
  machine().apply_compat(device_);
  for (const auto& [name, text] : inner_settings_) device_.set_property(name, text);
}

void VirtioPci::init_class(PciDeviceClass& k, std::string_view device_type, u32 class_code) {
  const auto* inner =
      static_cast<const VirtioDeviceClass*>(TypeRegistry::instance().class_of(device_type));
  if (inner == nullptr) throw Error::of("{}: its device type {} is missing", k.name, device_type);
  // Transitional ids. [virtio-1.2 §4.1.2.3 "Legacy Interfaces: A Note on PCI Device Discovery"]
  u16 id = static_cast<u16>(virtio::kPciModernDeviceBase + inner->virtio_id);
  switch (inner->virtio_id) {
    case virtio::kIdNetwork:
      id = 0x1000;
      break;
    case virtio::kIdBlock:
      id = 0x1001;
      break;
    case virtio::kIdBalloon:
      id = 0x1002;
      break;
    case virtio::kIdConsole:
      id = 0x1003;
      break;
    case virtio::kIdEntropy:
      id = 0x1005;
      break;
    default:
      break;
  }
  k.identity = {.vendor = virtio::kPciVendor,
                .device = id,
                .revision = 0,
                .class_code = class_code,
                .subsystem_vendor = virtio::kPciVendor,
                .subsystem = inner->virtio_id};
  for (std::size_t i = 0; i < inner->properties.size(); ++i) {
    Property row = inner->properties[i];
    if (k.find_property(row.name) != nullptr) continue;
    if (i >= ForwardedProperties::kMost)
      throw Error::of("{}: {} has more than {} properties", k.name, device_type,
                      ForwardedProperties::kMost);
    const ForwardedProperties::Accessors accessors = ForwardedProperties::at(i);
    row.get = row.get != nullptr ? accessors.get : nullptr;
    row.set = row.set != nullptr ? accessors.set : nullptr;
    row.value = row.value != nullptr ? accessors.value : nullptr;
    k.property(std::move(row));
  }
  k.stateless();  // the device inside has it
}

}  // namespace backplane

// SPDX-License-Identifier: MIT
// The properties of the device inside a PCI function, shown as the function's own.
#include "backplane/error.h"
#include "backplane/machine.h"
#include "backplane/virtio/virtio_pci.h"

namespace backplane {

// Accessors that stand for those of the inner property of the same name.
struct ForwardedProperties {
  static const Property& inner_row(const VirtioDevice& inner, const Property& row) {
    return *inner.object_class().find_property(row.name);
  }

  static Value get(const Object& o, const Property& row) {
    const VirtioDevice& inner = static_cast<const VirtioPci&>(o).device_;
    const Property& inside = inner_row(inner, row);
    return inside.get(inner, inside);
  }

  static void set(Object& o, const Property& row, const Value& value) {
    auto& proxy = static_cast<VirtioPci&>(o);
    const Property& inside = inner_row(proxy.device_, row);
    inside.set(proxy.device_, inside, value);
    if (!proxy.device_.realized()) proxy.inner_settings_.emplace_back(row.name, value);
  }
};

// What was set through this function was meant for this device, so it goes before what -global and
// the board say of the type of the device inside.
void VirtioPci::apply_inner_compat() {
  machine().apply_compat(device_);
  for (const auto& [name, value] : inner_settings_) device_.set_value(name, value);
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
  for (Property row : inner->properties) {
    if (k.find_property(row.name) != nullptr) continue;
    if (row.get != nullptr) row.get = ForwardedProperties::get;
    if (row.set != nullptr) row.set = ForwardedProperties::set;
    k.property(std::move(row));
  }
  k.stateless();  // the device inside has it
}

}  // namespace backplane

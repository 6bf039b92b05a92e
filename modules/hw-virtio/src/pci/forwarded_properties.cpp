// SPDX-License-Identifier: MIT
// The properties of the device inside a PCI function, shown as the function's own.
//
// A property's accessors are plain functions, so which property of the inner class one stands for
// is part of the function: one pair is instantiated for each position in the table.
#include <array>
#include <utility>

#include "backplane/error.h"
#include "backplane/module.h"
#include "backplane/virtio/virtio_pci.h"

namespace backplane {

namespace {

constexpr std::size_t kMaxForwarded = 48;

struct Accessors {
  std::string (*get)(const Object&);
  void (*set)(Object&, std::string_view);
};

template <std::size_t Position>
constexpr Accessors accessors() {
  return {[](const Object& o) {
            const VirtioDevice& inner = static_cast<const VirtioPci&>(o).device();
            return inner.object_class().properties[Position].get(inner);
          },
          [](Object& o, std::string_view text) {
            VirtioDevice& inner = static_cast<VirtioPci&>(o).device();
            inner.object_class().properties[Position].set(inner, text);
          }};
}

template <std::size_t... Positions>
constexpr std::array<Accessors, sizeof...(Positions)> table(std::index_sequence<Positions...>) {
  return {accessors<Positions>()...};
}

constexpr auto kAccessors = table(std::make_index_sequence<kMaxForwarded>());

}  // namespace

void VirtioPci::init_class(PciDeviceClass& k, std::string_view device_type, u32 class_code) {
  const auto* inner =
      static_cast<const VirtioDeviceClass*>(TypeRegistry::instance().class_of(device_type));
  if (inner == nullptr) throw Error::of("{}: its device type {} is missing", k.name, device_type);
  // Transitional ids. [virtio-1.2 4.1.2.3 "Legacy Interfaces: A Note on PCI Device Discovery"]
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
    if (i >= kMaxForwarded)
      throw Error::of("{}: {} has more than {} properties", k.name, device_type, kMaxForwarded);
    row.get = row.get != nullptr ? kAccessors[i].get : nullptr;
    row.set = row.set != nullptr ? kAccessors[i].set : nullptr;
    k.property(std::move(row));
  }
}

}  // namespace backplane

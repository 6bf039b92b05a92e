// SPDX-License-Identifier: MIT
#include "backplane/pci/config_space.h"

#include "backplane/error.h"
#include "backplane/pci/pci_regs.h"

namespace backplane {

void PciConfigSpace::put(Bytes& bytes, unsigned offset, u32 value, unsigned size) {
  for (unsigned i = 0; i < size; ++i) bytes.at(offset + i) = static_cast<u8>(value >> (8 * i));
}

u32 PciConfigSpace::get(unsigned offset, unsigned size) const {
  u32 value = 0;
  for (unsigned i = 0; i < size; ++i) value |= static_cast<u32>(data_.at(offset + i)) << (8 * i);
  return value;
}

u32 PciConfigSpace::writable32(unsigned offset) const {
  u32 mask = 0;
  for (unsigned i = 0; i < 4; ++i) mask |= static_cast<u32>(writable_.at(offset + i)) << (8 * i);
  return mask;
}

u32 PciConfigSpace::read(unsigned offset, unsigned size) const {
  u32 value = 0;
  for (unsigned i = 0; i < size; ++i) {
    const u8 byte = offset + i < kSize ? data_[offset + i] : 0xff;
    value |= static_cast<u32>(byte) << (8 * i);
  }
  return value;
}

void PciConfigSpace::write(unsigned offset, u32 value, unsigned size) {
  keep_defaults();
  for (unsigned i = 0; i < size && offset + i < kSize; ++i) {
    const unsigned at = offset + i;
    const u8 byte = static_cast<u8>(value >> (8 * i));
    data_[at] = static_cast<u8>((data_[at] & ~writable_[at]) | (byte & writable_[at]));
    data_[at] = static_cast<u8>(data_[at] & ~(byte & clearable_[at]));
  }
}

unsigned PciConfigSpace::add_capability(u8 id, unsigned size) {
  const unsigned offset = capabilities_end_;
  const unsigned end = (offset + size + 3) & ~3U;
  if (end > kSize)
    throw Error::of("PCI configuration space is full: no room for capability {:#04x} of {} bytes",
                    id, size);
  capabilities_end_ = end;
  set8(offset, id);
  set8(offset + 1, get8(pci::kCapabilitiesPointer));
  set8(pci::kCapabilitiesPointer, static_cast<u8>(offset));
  set16(pci::kStatus, get16(pci::kStatus) | pci::kStatusCapabilities);
  return offset;
}

unsigned PciConfigSpace::find_capability(u8 id) const {
  unsigned offset = get8(pci::kCapabilitiesPointer);
  while (offset != 0 && get8(offset) != id) offset = get8(offset + 1);
  return offset;
}

void PciConfigSpace::keep_defaults() {
  if (defaults_kept_) return;
  defaults_ = data_;
  defaults_kept_ = true;
}

std::span<const StateMember> PciConfigSpace::members() {
  static const StateMember kMembers[] = {member<&PciConfigSpace::data_>("bytes")};
  return kMembers;
}

void PciConfigSpace::check_loaded() const {
  const auto same = [&](unsigned offset, unsigned size) {
    for (unsigned at = offset; at < offset + size; ++at)
      if (data_.at(at) != defaults_.at(at))
        throw Error::of("configuration space: {:#04x} at {:#04x}, where this function has {:#04x}",
                        data_[at], at, defaults_[at]);
  };
  same(pci::kVendorId, 4);
  same(pci::kRevisionId, 4);
  same(pci::kHeaderType, 1);
  same(pci::kSubsystemVendorId, 4);
  same(pci::kCapabilitiesPointer, 1);
  for (unsigned at = defaults_[pci::kCapabilitiesPointer]; at != 0; at = defaults_.at(at + 1))
    same(at, 2);
}

void PciConfigSpace::reset() {
  keep_defaults();
  data_ = defaults_;
}

}  // namespace backplane

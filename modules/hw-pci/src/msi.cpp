// SPDX-License-Identifier: MIT
#include "backplane/pci/msi.h"

#include <bit>

#include "backplane/pci/pci_device.h"
#include "backplane/pci/pci_regs.h"

namespace backplane {

using namespace pci;

PciMsi::PciMsi(PciDevice& device, unsigned vectors)
    : device_(device), vectors_(vectors), offset_(device.config().add_capability(kCapMsi, 24)) {
  PciConfigSpace& config = device_.config();
  const unsigned capable = static_cast<unsigned>(std::countr_zero(vectors));
  config.set16(offset_ + kMsiControl, static_cast<u16>(capable << kMsiMultipleCapableShift |
                                                       kMsi64Bit | kMsiPerVectorMasking));
  config.set_writable16(offset_ + kMsiControl, kMsiEnable | kMsiMultipleEnableMask);
  config.set_writable32(offset_ + kMsiAddress, ~u32{3});
  config.set_writable32(offset_ + kMsiUpperAddress, ~u32{0});
  config.set_writable16(offset_ + kMsiData, 0xffff);
  config.set_writable32(offset_ + kMsiMask, vectors == 32 ? ~u32{0} : (u32{1} << vectors) - 1);
}

bool PciMsi::enabled() const {
  return (device_.config().get16(offset_ + kMsiControl) & kMsiEnable) != 0;
}

unsigned PciMsi::allocated() const {
  const unsigned control = device_.config().get16(offset_ + kMsiControl);
  const unsigned count = 1U << ((control & kMsiMultipleEnableMask) >> kMsiMultipleEnableShift);
  return count < vectors_ ? count : vectors_;
}

MsiMessage PciMsi::message(unsigned vector) const {
  const PciConfigSpace& config = device_.config();
  MsiMessage m;
  m.address = config.get32(offset_ + kMsiAddress) |
              static_cast<u64>(config.get32(offset_ + kMsiUpperAddress)) << 32;
  // Software leaves the low bits free for the vector's number.
  m.data = (config.get16(offset_ + kMsiData) & ~(allocated() - 1)) | vector;
  return m;
}

void PciMsi::notify(unsigned vector) {
  if (!enabled()) return;
  if (vector >= allocated()) vector = allocated() - 1;
  PciConfigSpace& config = device_.config();
  const u32 bit = u32{1} << vector;
  if ((config.get32(offset_ + kMsiMask) & bit) != 0)
    config.set32(offset_ + kMsiPending, config.get32(offset_ + kMsiPending) | bit);
  else
    device_.send_msi(message(vector));
}

void PciMsi::config_written(unsigned offset, unsigned size) {
  if (offset + size <= offset_ || offset >= offset_ + 24 || !enabled()) return;
  PciConfigSpace& config = device_.config();
  const u32 ready = config.get32(offset_ + kMsiPending) & ~config.get32(offset_ + kMsiMask);
  config.set32(offset_ + kMsiPending, config.get32(offset_ + kMsiPending) & ~ready);
  for (unsigned vector = 0; vector < allocated(); ++vector)
    if ((ready >> vector & 1) != 0) device_.send_msi(message(vector));
}

}  // namespace backplane

// SPDX-License-Identifier: MIT
// x87 and SSE registers: in KVM's XSAVE image. [SDM 1 "XSAVE Area"]
#include <cstring>

#include "processor.h"
#include "requests.h"

namespace kvm_platform {
namespace {

constexpr std::size_t kSt0 = 32, kXmm0 = 160, kXstateBv = 512;
constexpr std::size_t kX87Control = 0, kX87ControlSize = 16;
constexpr std::size_t kXmmControl = 16, kXmmControlSize = 16;

// Where a register is in the image. The two control registers lie in it as they are.
bool find_register(WHV_REGISTER_NAME name, std::size_t& offset, std::size_t& size) {
  if (name >= WHvX64RegisterXmm0 && name <= WHvX64RegisterXmm15) {
    offset = kXmm0 + 16 * (name - WHvX64RegisterXmm0);
    size = 16;
  } else if (name >= WHvX64RegisterFpMmx0 && name <= WHvX64RegisterFpMmx7) {
    offset = kSt0 + 16 * (name - WHvX64RegisterFpMmx0);
    size = 10;
  } else if (name == WHvX64RegisterFpControlStatus) {
    offset = kX87Control;
    size = kX87ControlSize;
  } else if (name == WHvX64RegisterXmmControlStatus) {
    offset = kXmmControl;
    size = kXmmControlSize;
  } else {
    return false;
  }
  return true;
}

}  // namespace

bool Processor::get_fpu(WHV_REGISTER_NAME name, WHV_REGISTER_VALUE& value) const {
  std::size_t offset = 0, size = 0;
  if (!find_register(name, offset, size)) return false;
  XsaveImage image{};
  fd_.call(kGetXsave, &image);
  std::memcpy(&value, image.bytes + offset, size);
  return true;
}

bool Processor::set_fpu(WHV_REGISTER_NAME name, const WHV_REGISTER_VALUE& value) {
  std::size_t offset = 0, size = 0;
  if (!find_register(name, offset, size)) return false;
  XsaveImage image{};
  fd_.call(kGetXsave, &image);
  std::memcpy(image.bytes + offset, &value, size);
  image.bytes[kXstateBv] |= 3;  // x87 and SSE are not in their initial state
  return fd_.attempt(kSetXsave, &image) >= 0;
}

}  // namespace kvm_platform

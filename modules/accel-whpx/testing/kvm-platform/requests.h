// SPDX-License-Identifier: MIT
// Requests whose structures end in arrays of variable length: their size, which is part of the
// request's number, is another in C++ than in C.
#pragma once

#include <linux/kvm.h>
#include <sys/ioctl.h>

namespace kvm_platform {

struct CountedList {
  __u32 count, padding;
};
constexpr unsigned long kGetSupportedCpuid = _IOWR(KVMIO, 0x05, CountedList);
constexpr unsigned long kSetCpuid2 = _IOW(KVMIO, 0x90, CountedList);
constexpr unsigned long kGetMsrs = _IOWR(KVMIO, 0x88, CountedList);
constexpr unsigned long kSetMsrs = _IOW(KVMIO, 0x89, CountedList);

constexpr unsigned long kSetGsiRouting = _IOW(KVMIO, 0x6a, CountedList);

struct XsaveImage {
  unsigned char bytes[4096];
};
constexpr unsigned long kGetXsave = _IOR(KVMIO, 0xa4, XsaveImage);
constexpr unsigned long kSetXsave = _IOW(KVMIO, 0xa5, XsaveImage);

}  // namespace kvm_platform

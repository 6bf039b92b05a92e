// SPDX-License-Identifier: MIT
// The kernel's lists of variable length: a count, padding, entries. Its own header declares them in
// a way that C++ lays out differently than C.
#pragma once

#include <linux/kvm.h>

#include <cstring>
#include <vector>

#include "backplane/types.h"

namespace backplane::kvm {

struct ListHeader {
  u32 count;
  u32 padding;
};

// KVM_GET_SUPPORTED_CPUID and its like with the size that the kernel knows.
constexpr unsigned long kGetSupportedCpuid = _IOWR(KVMIO, 0x05, ListHeader);
constexpr unsigned long kSetCpuid2 = _IOW(KVMIO, 0x90, ListHeader);
constexpr unsigned long kGetMsrs = _IOWR(KVMIO, 0x88, ListHeader);
constexpr unsigned long kSetMsrs = _IOW(KVMIO, 0x89, ListHeader);
constexpr unsigned long kGetCpuid2 = _IOWR(KVMIO, 0x91, ListHeader);
constexpr unsigned long kSetGsiRouting = _IOW(KVMIO, 0x6a, ListHeader);

// The same for what KVM_GET_XSAVE and KVM_SET_XSAVE take: an XSAVE image in standard format.
struct XsaveArea {
  u8 image[4096] = {};
};
constexpr unsigned long kGetXsave = _IOR(KVMIO, 0xa4, XsaveArea);
constexpr unsigned long kSetXsave = _IOW(KVMIO, 0xa5, XsaveArea);

template <class Entry>
class List {
 public:
  explicit List(std::size_t count) : bytes_((sizeof(ListHeader) + count * sizeof(Entry) + 7) / 8) {
    set_count(count);
  }
  explicit List(const std::vector<Entry>& entries) : List(entries.size()) {
    for (std::size_t n = 0; n < entries.size(); ++n) set(n, entries[n]);
  }

  void* get() { return bytes_.data(); }
  std::size_t count() const {
    ListHeader header;
    std::memcpy(&header, bytes_.data(), sizeof header);
    return header.count;
  }
  Entry entry(std::size_t n) const {
    Entry entry;
    std::memcpy(&entry, at(n), sizeof entry);
    return entry;
  }
  void set(std::size_t n, const Entry& entry) {
    std::memcpy(const_cast<u8*>(at(n)), &entry, sizeof entry);
  }

 private:
  void set_count(std::size_t count) {
    const ListHeader header{.count = static_cast<u32>(count), .padding = 0};
    std::memcpy(bytes_.data(), &header, sizeof header);
  }
  const u8* at(std::size_t n) const {
    return reinterpret_cast<const u8*>(bytes_.data()) + sizeof(ListHeader) + n * sizeof(Entry);
  }

  std::vector<u64> bytes_;
};

}  // namespace backplane::kvm

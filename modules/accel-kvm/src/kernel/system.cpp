// SPDX-License-Identifier: MIT
#include "kernel/system.h"

#include <fcntl.h>

#include "kernel/list.h"

namespace backplane::kvm {
namespace {

constexpr const char* kDevice = "/dev/kvm";

struct Needed {
  int capability;
  const char* name;
};
constexpr Needed kNeeded[] = {
    {KVM_CAP_USER_MEMORY, "user memory"},         {KVM_CAP_EXT_CPUID, "extended CPUID"},
    {KVM_CAP_IMMEDIATE_EXIT, "immediate exit"},   {KVM_CAP_SYNC_REGS, "synchronised registers"},
    {KVM_CAP_VCPU_EVENTS, "vCPU events"},         {KVM_CAP_XSAVE, "XSAVE state"},
    {KVM_CAP_XCRS, "extended control registers"}, {KVM_CAP_X86_USER_SPACE_MSR, "MSR exits"},
    {KVM_CAP_X86_MSR_FILTER, "MSR filters"},
};

}  // namespace

System::System() : device_(open(kDevice, O_RDWR | O_CLOEXEC)) {
  if (device_.fd() < 0) throw Error::system(std::string("cannot open ") + kDevice, errno);
  const int version = device_.call("cannot ask KVM for its version", KVM_GET_API_VERSION);
  if (version != KVM_API_VERSION)
    throw Error::of("{} has API version {}, not {}", kDevice, version, KVM_API_VERSION);
  for (const Needed& needed : kNeeded)
    if (capability(needed.capability) <= 0)
      throw Error(fmt::format("{} lacks {}", kDevice, needed.name), "use a newer kernel");
}

std::optional<std::string> System::unavailable_reason() {
  try {
    const System system;
    return std::nullopt;
  } catch (const Error& error) {
    if (error.hint().empty()) return error.what();
    return fmt::format("{}; {}", error.what(), error.hint());
  }
}

Descriptor System::create_vm() const {
  return Descriptor(device_.call("cannot create a virtual machine", KVM_CREATE_VM));
}

std::size_t System::run_size() const {
  return static_cast<std::size_t>(
      device_.call("cannot ask KVM for its page size", KVM_GET_VCPU_MMAP_SIZE));
}

std::vector<kvm_cpuid_entry2> System::supported_cpuid() const {
  for (std::size_t room = 128;; room *= 2) {
    List<kvm_cpuid_entry2> list(room);
    const int result = device_.try_call(kGetSupportedCpuid, list.get());
    if (result == -E2BIG) continue;
    if (result < 0) throw Error::system("cannot ask KVM for its CPUID", -result);
    std::vector<kvm_cpuid_entry2> entries;
    for (std::size_t n = 0; n < list.count(); ++n) entries.push_back(list.entry(n));
    return entries;
  }
}

std::vector<u32> System::msr_indices() const {
  struct {
    u32 count = 0;
    u32 indices[1024] = {};
  } list;
  list.count = std::size(list.indices);
  constexpr unsigned long kGetIndices = _IOWR(KVMIO, 0x02, u32);  // KVM_GET_MSR_INDEX_LIST
  if (device_.try_call(kGetIndices, &list) < 0) return {};
  return {list.indices, list.indices + list.count};
}

}  // namespace backplane::kvm

// SPDX-License-Identifier: MIT
#include "partition/partition.h"

#include <cerrno>

#include "backplane/log.h"
#include "partition/cpuid_leaves.h"
#include "partition/failure.h"

namespace backplane::whpx {
namespace {

HRESULT capability(const Dispatch& dispatch, WHV_CAPABILITY_CODE code, WHV_CAPABILITY& value) {
  u32 written = 0;
  value = {};
  return dispatch.WHvGetCapability(code, &value, sizeof value, &written);
}

WHV_CAPABILITY_FEATURES features_of(const Dispatch& dispatch) {
  require_hypervisor(dispatch);
  WHV_CAPABILITY value;
  check("ask for the platform's features", capability(dispatch, WHvCapabilityCodeFeatures, value));
  return value.Features;
}

}  // namespace

void require_hypervisor(const Dispatch& dispatch) {
  WHV_CAPABILITY value;
  const HRESULT result = capability(dispatch, WHvCapabilityCodeHypervisorPresent, value);
  if (!succeeded(result) || value.HypervisorPresent == 0)
    throw Error::of("WHPX: No accelerator found, hr={:08x}", static_cast<u32>(result))
        .as_system(ENOSPC);
}

Partition::Handle::Handle(const Dispatch& dispatch) : dispatch_(dispatch) {
  check("create a partition", dispatch_.WHvCreatePartition(&handle_));
}

Partition::Handle::~Handle() { dispatch_.WHvDeletePartition(handle_); }

Partition::Partition(const Dispatch& dispatch, const PartitionOptions& options)
    : dispatch_(dispatch), features_(features_of(dispatch)), handle_(dispatch) {
  find_xsave();
  check("set the number of processors",
        set(WHvPartitionPropertyCodeProcessorCount, options.processors));
  choose_apics(options.platform_apics);
  choose_exits();
  choose_cpuid(options);
  set_exception_exits(0);
  check("set up the partition", dispatch_.WHvSetupPartition(handle()));
}

template <class T>
HRESULT Partition::set(WHV_PARTITION_PROPERTY_CODE code, const T& value) const {
  return dispatch_.WHvSetPartitionProperty(handle(), code, &value, sizeof value);
}

void Partition::set_exception_exits(u64 vectors) const {
  check("choose exceptions that exit", set(WHvPartitionPropertyCodeExceptionExitBitmap, vectors));
}

void Partition::find_xsave() {
  WHV_PARTITION_PROPERTY value{};
  u32 written = 0;
  const HRESULT result = dispatch_.WHvGetPartitionProperty(
      handle(), WHvPartitionPropertyCodeProcessorXsaveFeatures, &value, sizeof value, &written);
  // Hosts older than the property have no XSAVE to offer.
  if (result != kUnknownProperty) check("ask for the partition's XSAVE features", result);
  has_xsave_ = succeeded(result) && value.ProcessorXsaveFeatures.XsaveSupport != 0;
  if (!has_xsave_) log::print(LogCategory::Accel, "WHPX: Partition is not XSAVE capable");
}

void Partition::choose_apics(OnOffAuto wanted) {
  if (wanted == OnOffAuto::Off) return;
  const bool present = features_.LocalApicEmulation != 0 &&
                       dispatch_.WHvRequestInterrupt != nullptr &&
                       dispatch_.WHvGetVirtualProcessorInterruptControllerState2 != nullptr &&
                       dispatch_.WHvSetVirtualProcessorInterruptControllerState2 != nullptr;
  if (!present) {
    if (wanted == OnOffAuto::Auto) return;
    throw Error("WHPX: kernel-irqchip=on, but this platform has no local APICs",
                "use kernel-irqchip=off")
        .as_system(EINVAL);
  }
  check("give the partition local APICs",
        set(WHvPartitionPropertyCodeLocalApicEmulationMode, WHvX64LocalApicEmulationModeXApic));
  has_platform_apics_ = true;
}

// Asks for those exits that this platform offers; one that cannot tell is asked for all.
void Partition::choose_exits() {
  exits_.X64MsrExit = 1;
  exits_.X64CpuidExit = 1;
  exits_.ExceptionExit = 1;
  exits_.X64ApicInitSipiExitTrap = has_platform_apics_ ? 1 : 0;
  WHV_CAPABILITY offered;
  if (succeeded(capability(dispatch_, WHvCapabilityCodeExtendedVmExits, offered)))
    exits_.AsUINT64 &= offered.ExtendedVmExits.AsUINT64;
  check("choose exits", set(WHvPartitionPropertyCodeExtendedVmExits, exits_));
  if (has_platform_apics_) return;
  // Where our local APIC is, the guest decides by an MSR. Older hosts do not tell.
  WHV_X64_MSR_EXIT_BITMAP msrs{};
  msrs.UnhandledMsrs = 1;
  msrs.ApicBaseMsrWrite = 1;
  const HRESULT result = set(WHvPartitionPropertyCodeX64MsrExitBitmap, msrs);
  if (result != kUnknownProperty) check("choose MSRs that exit", result);
}

void Partition::choose_cpuid(const PartitionOptions& options) {
  if (exits_.X64CpuidExit != 0) {
    check("choose CPUID leaves that exit",
          set(WHvPartitionPropertyCodeCpuidExitList, kCpuidLeaves));
    return;
  }
  if (!options.cpuid) return;
  if (const auto results = options.cpuid(has_platform_apics_); !results.empty())
    check("set CPUID", dispatch_.WHvSetPartitionProperty(
                           handle(), WHvPartitionPropertyCodeCpuidResultList, results.data(),
                           static_cast<u32>(results.size() * sizeof results[0])));
}

}  // namespace backplane::whpx

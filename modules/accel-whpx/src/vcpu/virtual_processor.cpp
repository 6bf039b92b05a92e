// SPDX-License-Identifier: MIT
#include "vcpu/virtual_processor.h"

#include "partition/failure.h"

namespace backplane::whpx {

VirtualProcessor::VirtualProcessor(const Partition& partition, u32 index)
    : partition_(partition), index_(index) {
  check("create a virtual processor",
        dispatch().WHvCreateVirtualProcessor(partition_.handle(), index_, 0));
}

VirtualProcessor::~VirtualProcessor() {
  dispatch().WHvDeleteVirtualProcessor(partition_.handle(), index_);
}

void VirtualProcessor::run(WHV_RUN_VP_EXIT_CONTEXT& exit) const {
  check("run the guest",
        dispatch().WHvRunVirtualProcessor(partition_.handle(), index_, &exit, sizeof exit));
}

void VirtualProcessor::cancel() const {
  dispatch().WHvCancelRunVirtualProcessor(partition_.handle(), index_, 0);
}

HRESULT VirtualProcessor::try_get(const WHV_REGISTER_NAME* names, u32 count,
                                  WHV_REGISTER_VALUE* values) const {
  return dispatch().WHvGetVirtualProcessorRegisters(partition_.handle(), index_, names, count,
                                                    values);
}

HRESULT VirtualProcessor::try_set(const WHV_REGISTER_NAME* names, u32 count,
                                  const WHV_REGISTER_VALUE* values) const {
  return dispatch().WHvSetVirtualProcessorRegisters(partition_.handle(), index_, names, count,
                                                    values);
}

HRESULT VirtualProcessor::translate(WHV_GUEST_VIRTUAL_ADDRESS gva, WHV_TRANSLATE_GVA_FLAGS flags,
                                    WHV_TRANSLATE_GVA_RESULT_CODE& result,
                                    WHV_GUEST_PHYSICAL_ADDRESS& gpa) const {
  WHV_TRANSLATE_GVA_RESULT outcome{};
  const HRESULT done =
      dispatch().WHvTranslateGva(partition_.handle(), index_, gva, flags, &outcome, &gpa);
  // Success only says that the outcome is valid.
  result = outcome.ResultCode;
  return done;
}

std::vector<WHV_REGISTER_VALUE> VirtualProcessor::get(
    const std::vector<WHV_REGISTER_NAME>& names) const {
  std::vector<WHV_REGISTER_VALUE> values(names.size());
  check("read registers", try_get(names.data(), static_cast<u32>(names.size()), values.data()));
  return values;
}

WHV_REGISTER_VALUE VirtualProcessor::get(WHV_REGISTER_NAME name) const {
  WHV_REGISTER_VALUE value{};
  check("read a register", try_get(&name, 1, &value));
  return value;
}

void VirtualProcessor::set(const RegisterBatch& batch) const {
  check("set registers", try_set(batch.names().data(), static_cast<u32>(batch.names().size()),
                                 batch.values().data()));
}

void VirtualProcessor::set(WHV_REGISTER_NAME name, u64 value) const {
  WHV_REGISTER_VALUE wide{};
  wide.Reg64 = value;
  check("set a register", try_set(&name, 1, &wide));
}

void VirtualProcessor::get_local_apic(void* page, u32 size) const {
  u32 written = 0;
  check("read a local APIC", dispatch().WHvGetVirtualProcessorInterruptControllerState2(
                                 partition_.handle(), index_, page, size, &written));
}

void VirtualProcessor::set_local_apic(const void* page, u32 size) const {
  check("set a local APIC", dispatch().WHvSetVirtualProcessorInterruptControllerState2(
                                partition_.handle(), index_, page, size));
}

bool VirtualProcessor::has(WHV_REGISTER_NAME name) const {
  WHV_REGISTER_VALUE value{};
  return succeeded(try_get(&name, 1, &value));
}

}  // namespace backplane::whpx

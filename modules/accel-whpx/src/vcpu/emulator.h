// SPDX-License-Identifier: MIT
// The emulation library at work for one virtual processor: it decodes the instruction that left
// the guest, and asks back for registers, memory and ports.
// [WHP "Windows Hypervisor Instruction Emulator"]
#pragma once

#include "backplane/memory.h"
#include "vcpu/virtual_processor.h"

namespace backplane::whpx {

class Emulator {
 public:
  // Throws Error. All three outlive it.
  Emulator(const VirtualProcessor& processor, AddressSpace& memory, AddressSpace& ports);
  ~Emulator();
  Emulator(const Emulator&) = delete;
  Emulator& operator=(const Emulator&) = delete;

  // Completes the instruction of an exit: true, and it is done. False: it is one that the library
  // does not know, and nothing has happened. Throws Error for any other outcome. On the virtual
  // processor's thread, without the machine lock.
  bool complete_port_access(const WHV_RUN_VP_EXIT_CONTEXT& exit);
  bool complete_memory_access(const WHV_RUN_VP_EXIT_CONTEXT& exit);
  // Whether the last instruction raised an exception, which is now on its way.
  bool raised_event() const { return raised_event_; }

 private:
  WHPX_ABI static HRESULT port_access(void* self, WHV_EMULATOR_IO_ACCESS_INFO* access) noexcept;
  WHPX_ABI static HRESULT memory_access(void* self,
                                        WHV_EMULATOR_MEMORY_ACCESS_INFO* access) noexcept;
  WHPX_ABI static HRESULT get_registers(void* self, const WHV_REGISTER_NAME* names, u32 count,
                                        WHV_REGISTER_VALUE* values) noexcept;
  WHPX_ABI static HRESULT set_registers(void* self, const WHV_REGISTER_NAME* names, u32 count,
                                        const WHV_REGISTER_VALUE* values) noexcept;
  WHPX_ABI static HRESULT translate(void* self, WHV_GUEST_VIRTUAL_ADDRESS gva,
                                    WHV_TRANSLATE_GVA_FLAGS flags,
                                    WHV_TRANSLATE_GVA_RESULT_CODE* result,
                                    WHV_GUEST_PHYSICAL_ADDRESS* gpa) noexcept;
  static constexpr WHV_EMULATOR_CALLBACKS kCallbacks = {
      .Size = sizeof(WHV_EMULATOR_CALLBACKS),
      .Reserved = 0,
      .WHvEmulatorIoPortCallback = port_access,
      .WHvEmulatorMemoryCallback = memory_access,
      .WHvEmulatorGetVirtualProcessorRegisters = get_registers,
      .WHvEmulatorSetVirtualProcessorRegisters = set_registers,
      .WHvEmulatorTranslateGvaPage = translate,
  };

  const Dispatch& dispatch() const { return processor_.partition().dispatch(); }

  const VirtualProcessor& processor_;
  AddressSpace& memory_;
  AddressSpace& ports_;
  WHV_EMULATOR_HANDLE handle_ = nullptr;
  bool raised_event_ = false;
};

}  // namespace backplane::whpx

// SPDX-License-Identifier: MIT
// Functions and callbacks: parameters, and that both sides call them in one way.
#include <windows.h>
#include <winhvemulation.h>
#include <winhvplatform.h>

#include "api/functions.h"
#include "compare.h"

#define WHV_FUNCTION(library, need, name, parameters) \
  static_assert(SameSignature<backplane::whpx::signature::name, decltype(::name)>::value, #name);
#include "api/functions.inc"
#undef WHV_FUNCTION

#define SAME_CALLBACK(name)                                                               \
  static_assert(                                                                          \
      SameSignature<                                                                      \
          std::remove_pointer_t<decltype(backplane::whpx::WHV_EMULATOR_CALLBACKS::name)>, \
          std::remove_pointer_t<decltype(::WHV_EMULATOR_CALLBACKS::name)>>::value,        \
      #name)
SAME_CALLBACK(WHvEmulatorIoPortCallback);
SAME_CALLBACK(WHvEmulatorMemoryCallback);
SAME_CALLBACK(WHvEmulatorGetVirtualProcessorRegisters);
SAME_CALLBACK(WHvEmulatorSetVirtualProcessorRegisters);
SAME_CALLBACK(WHvEmulatorTranslateGvaPage);

// Here the convention of the declarations is the default one.
static_assert(std::is_same_v<int(int) [[gnu::ms_abi]], int(int)>);

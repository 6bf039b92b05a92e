// SPDX-License-Identifier: MIT
// What the scripted platform does and has seen. There is no hypervisor: exits come from a list, and
// registers are remembered. A test gets the script of a loaded library through whpx_script().
#pragma once

#include <array>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "api/functions.h"

namespace scripted_platform {

using namespace backplane;
using namespace backplane::whpx;

struct Mapping {
  void* source = nullptr;
  u64 size = 0;
  u32 flags = 0;
};

// An access that the emulation library makes for an instruction.
struct Access {
  bool port = false;
  bool write = false;
  u64 address = 0;
  u8 size = 4;
  u64 data = 0;  // written; or, afterwards, read
};

// How the emulation library gets on with an instruction.
struct Emulation {
  HRESULT result = kOk;
  u32 status = 1;  // EmulationSuccessful
  std::vector<Access> accesses;
  std::vector<std::pair<WHV_REGISTER_NAME, u64>> sets;  // registers, afterwards
};

// A virtual processor.
struct Processor {
  std::map<u32, WHV_REGISTER_VALUE> registers;
  std::deque<WHV_RUN_VP_EXIT_CONTEXT> exits;  // those to come; then it runs until it is cancelled
  bool cancelled = false;
  unsigned runs = 0;
  std::array<u32, 256> apic{};  // a page of local APIC registers, one for each 16 bytes of it
};

struct Script {
  // What the platform has to offer.
  bool hypervisor_present = true;
  WHV_CAPABILITY_FEATURES features{};
  bool tells_exits = true;
  WHV_EXTENDED_VM_EXITS exits{.AsUINT64 = ~u64{0}};
  WHV_PROCESSOR_XSAVE_FEATURES xsave{.AsUINT64 = 1};
  std::vector<WHV_REGISTER_NAME> unknown_registers;
  // The result of a call that is to fail, by the function's name, or by name and first number
  // ("WHvSetPartitionProperty 1fff").
  std::map<std::string, HRESULT> failures;
  std::deque<Emulation> emulations;  // if there is none, an instruction makes no access

  // What happened.
  std::vector<std::string> calls;
  std::map<u32, std::vector<u8>> properties;
  std::map<u64, Mapping> memory;
  std::map<u32, Processor> processors;
  std::vector<WHV_INTERRUPT_CONTROL> interrupts;
  std::vector<Emulation> done;        // with what their accesses read
  int partitions = 0, emulators = 0;  // that exist
  WHV_EMULATOR_CALLBACKS callbacks{};

  // Guards all of it while processors run on other threads.
  std::mutex mutex;
  std::condition_variable changed;

  // Notes a call, and gives the result that it is to have. Mutex held.
  HRESULT note(const char* function);
  HRESULT note(const char* function, u64 number);
};

// The library's own.
Script& script();

}  // namespace scripted_platform

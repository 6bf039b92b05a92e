// SPDX-License-Identifier: MIT
// The scripted platform (modules/accel-whpx/testing/scripted-platform), loaded, with a script that
// is fresh for each test.
#pragma once

#include <gtest/gtest.h>

#define BOOST_DLL_USE_STD_FS
#include <boost/dll/shared_library.hpp>
#include <string>
#include <vector>

#include "dispatch/dispatch.h"
#include "script.h"

namespace backplane::whpx::testing {

using scripted_platform::Script;

inline const std::string kLibrary = SCRIPTED_PLATFORM;
inline const LibraryNames kLibraries{kLibrary, kLibrary};

class Scripted : public ::testing::Test {
 protected:
  Scripted()
      : library_(kLibrary, boost::dll::load_mode::rtld_now),
        script(*library_.get<Script*()>("whpx_script")()) {
    script.hypervisor_present = true;
    script.features.AsUINT64 = 0;
    script.tells_exits = true;
    script.exits.AsUINT64 = ~u64{0};
    script.xsave.AsUINT64 = 1;
    script.unknown_registers.clear();
    script.failures.clear();
    script.emulations.clear();
    script.calls.clear();
    script.properties.clear();
    script.memory.clear();
    script.processors.clear();
    script.interrupts.clear();
    script.done.clear();
  }
  // Whatever a test does, it leaves nothing of the platform's behind.
  void TearDown() override {
    EXPECT_EQ(script.partitions, 0);
    EXPECT_EQ(script.emulators, 0);
    EXPECT_TRUE(script.processors.empty());
  }

  u64 property(WHV_PARTITION_PROPERTY_CODE code) {
    u64 value = 0;
    const std::vector<u8>& bytes = script.properties[code];
    std::memcpy(&value, bytes.data(), std::min(sizeof value, bytes.size()));
    return value;
  }

 private:
  boost::dll::shared_library library_;

 protected:
  Script& script;
};

// What an Error says to the user: its line, and the system's text.
template <class Function>
std::pair<std::string, std::string> error_of(Function&& function) {
  try {
    function();
  } catch (const Error& error) {
    return {error.what(), error.system_text()};
  }
  return {};
}

}  // namespace backplane::whpx::testing

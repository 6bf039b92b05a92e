// SPDX-License-Identifier: MIT
// The host's processor as the judge of what is right. The guest is given a CPU model of its vendor,
// so that it must do the same also where vendors differ [x86/vendor.h].
#pragma once

#include <fmt/format.h>

#include <iostream>
#include <string>

#include "backplane/x86/vendor.h"

namespace backplane::x86::testing {

inline std::string model_of(Vendor vendor) {
  return fmt::format("max,vendor={}", vendor_name(vendor));
}
inline std::string model_of_judge() { return model_of(host_vendor()); }

// For SetUpTestSuite() of what compares with the host.
inline void announce_judge() {
  std::cout << "[ JUDGE    ] the host's processor, as one of vendor " << vendor_name(host_vendor())
            << std::endl;
}

}  // namespace backplane::x86::testing

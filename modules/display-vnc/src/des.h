// SPDX-License-Identifier: MIT
// The Data Encryption Standard, by which VNC compares passwords: long broken, and asked for by the
// protocol all the same. [FIPS 46-3]
#pragma once

#include <array>

#include "backplane/types.h"

namespace backplane::vnc {

// One block, encrypted. The lowest bit of each byte of the key has no effect.
std::array<u8, 8> des_encrypt(const std::array<u8, 8>& key, const std::array<u8, 8>& block);

}  // namespace backplane::vnc

// SPDX-License-Identifier: MIT
// The program that a stub is, which is part of this module's file.
#pragma once

#include <span>

#include "backplane/types.h"

namespace backplane::native {

std::span<const u8> stub_image();

// Where the code of the stub's file begins, which is in the area at STUB_CODE; and offsets from
// there: behind the call that hands over, and behind the one that ends a signal.
constexpr u64 kStubCodeInFile = 0x1000;
u32 stub_handed_over();
u32 stub_returned();

}  // namespace backplane::native

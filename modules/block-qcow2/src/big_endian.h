// SPDX-License-Identifier: MIT
// All numbers of an image are stored with the most significant byte first.
#pragma once

#include "backplane/types.h"

namespace backplane::qcow2 {

template <class T>
T load_be(const u8* at) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>(u64{value} << 8 | at[i]);
  return value;
}

template <class T>
void store_be(u8* at, T value) {
  for (std::size_t i = sizeof(T); i-- > 0; value = static_cast<T>(u64{value} >> 8))
    at[i] = static_cast<u8>(value);
}

}  // namespace backplane::qcow2

// SPDX-License-Identifier: MIT
// The fixed-width names and size literals every Backplane file uses.
#pragma once

#include <cstddef>
#include <cstdint>

namespace backplane {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using i8 = std::int8_t;
using i16 = std::int16_t;
using i32 = std::int32_t;
using i64 = std::int64_t;

inline namespace literals {
constexpr u64 operator""_KiB(unsigned long long n) { return n << 10; }
constexpr u64 operator""_MiB(unsigned long long n) { return n << 20; }
constexpr u64 operator""_GiB(unsigned long long n) { return n << 30; }
}  // namespace literals

}  // namespace backplane

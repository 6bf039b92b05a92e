// SPDX-License-Identifier: MIT
// What systems have agreed on differently.
#pragma once

namespace backplane {

#ifdef _WIN32
inline constexpr const char* kModuleSuffix = ".dll";
inline constexpr char kPathListSeparator = ';';
#else
inline constexpr const char* kModuleSuffix = ".so";
inline constexpr char kPathListSeparator = ':';
#endif

}  // namespace backplane

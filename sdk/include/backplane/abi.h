// SPDX-License-Identifier: MIT
// What a module and a program must have in common: the version of the SDK, and the C++ ABI of the
// compiler's options. What cannot work is an error here.
#pragma once

#include <version>

// The version of the SDK, which is that of the ABI between libbackplane and modules; the release
// has a number of its own. This is the one place that has it: the build reads it here. A module is
// accepted by a program of the same major whose minor is not below the module's: the minor moves
// with what is added, the major with what breaks. See docs/abi.md.
#define BACKPLANE_SDK_MAJOR 0
#define BACKPLANE_SDK_MINOR 4

#if __cplusplus < 202002L
#error "Backplane modules are C++20: compile with -std=c++20 or later"
#endif

#if !defined(__GXX_RTTI) && !defined(__cpp_rtti)
#error "Backplane modules need run-time type information: compile without -fno-rtti"
#endif

#if defined(__x86_64__) && defined(__LP64__) || defined(_WIN64)
#define BACKPLANE_ARCH "x86_64"
#else
#error "Backplane runs on x86-64 hosts"
#endif

// Distinguishes C++ ABIs that must not be mixed in one process: the compiler's, the standard
// library, and those of its modes that change its classes.
#if !defined(__GNUC__)
#error "Backplane needs the Itanium C++ ABI: compile with GCC or Clang"
#elif defined(_WIN32)
#define BACKPLANE_DETAIL_ABI_SYSTEM "itanium-mingw"
#else
#define BACKPLANE_DETAIL_ABI_SYSTEM "itanium-linux"
#endif

#if defined(_LIBCPP_VERSION)
#define BACKPLANE_DETAIL_ABI_LIBRARY "-libc++"
#elif defined(_GLIBCXX_USE_CXX11_ABI) && _GLIBCXX_USE_CXX11_ABI
#define BACKPLANE_DETAIL_ABI_LIBRARY "-libstdc++"
#else
#define BACKPLANE_DETAIL_ABI_LIBRARY "-libstdc++-cxx98"
#endif

#if defined(_GLIBCXX_DEBUG) || defined(_LIBCPP_ENABLE_DEBUG_MODE)
#define BACKPLANE_DETAIL_ABI_MODE "-debug"
#else
#define BACKPLANE_DETAIL_ABI_MODE ""
#endif

#define BACKPLANE_ABI_TAG \
  BACKPLANE_DETAIL_ABI_SYSTEM BACKPLANE_DETAIL_ABI_LIBRARY BACKPLANE_DETAIL_ABI_MODE

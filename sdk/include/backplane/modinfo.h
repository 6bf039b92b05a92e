// SPDX-License-Identifier: MIT
// Module metadata: NUL-terminated "key=value" strings in the section .modinfo, the convention of
// Linux kernel modules. The host reads them as data, before any code of the file runs.
//
// Keys: name, version, license, description, sdk (ABI major.minor), abi (compiler ABI tag), arch,
// type (name:parent, one a type), requires (module name, one each), package.
#pragma once

#include <cstddef>

// The version of the ABI between host and modules. A module is accepted by a host of the same
// major whose minor is not below the module's.
#define BACKPLANE_SDK_MAJOR 0
#define BACKPLANE_SDK_MINOR 1

// Distinguishes C++ ABIs that must not be mixed in one process.
#if defined(__GNUC__) && !defined(_WIN32)
#define BACKPLANE_ABI_TAG "itanium-gnu"
#elif defined(__GNUC__)
#define BACKPLANE_ABI_TAG "itanium-mingw"
#else
#error "Backplane needs the Itanium C++ ABI"
#endif

#if defined(__x86_64__)
#define BACKPLANE_ARCH "x86_64"
#else
#error "Backplane runs on x86-64 hosts"
#endif

namespace backplane::detail {

template <std::size_t N>
struct FixedString {
  char text[N];
};

constexpr std::size_t literal_length(const char* s) {
  std::size_t n = 0;
  while (s[n] != 0) ++n;
  return n;
}

// "type=" name ":" parent NUL, as one constant.
template <std::size_t NameLength, std::size_t ParentLength>
constexpr FixedString<5 + NameLength + 1 + ParentLength + 1> type_entry(const char* name,
                                                                        const char* parent) {
  FixedString<5 + NameLength + 1 + ParentLength + 1> out{};
  std::size_t at = 0;
  for (const char c : {'t', 'y', 'p', 'e', '='}) out.text[at++] = c;
  for (std::size_t i = 0; i < NameLength; ++i) out.text[at++] = name[i];
  out.text[at++] = ':';
  for (std::size_t i = 0; i < ParentLength; ++i) out.text[at++] = parent[i];
  return out;
}

}  // namespace backplane::detail

#define BACKPLANE_MODINFO_CAT2(a, b) a##b
#define BACKPLANE_MODINFO_CAT(a, b) BACKPLANE_MODINFO_CAT2(a, b)

// One "key=value" string; value is a string literal.
#define BACKPLANE_MODINFO(key, value)                                    \
  namespace {                                                            \
  [[gnu::used, gnu::section(".modinfo"), gnu::aligned(1)]] constexpr char \
      BACKPLANE_MODINFO_CAT(backplane_modinfo_, __COUNTER__)[] = key "=" value; \
  }

#define BACKPLANE_MODINFO_TYPE(name_constant, parent_constant)                                \
  namespace {                                                                                 \
  [[gnu::used, gnu::section(".modinfo"), gnu::aligned(1)]] constexpr auto                      \
      BACKPLANE_MODINFO_CAT(backplane_modinfo_, __COUNTER__) =                                \
          ::backplane::detail::type_entry<::backplane::detail::literal_length(name_constant), \
                                          ::backplane::detail::literal_length(parent_constant)>( \
              name_constant, parent_constant);                                                \
  }

#define BACKPLANE_DETAIL_STR2(x) #x
#define BACKPLANE_DETAIL_STR(x) BACKPLANE_DETAIL_STR2(x)

// The package that ships the module; filled in by the packager at configure time.
#ifndef BACKPLANE_PACKAGE
#define BACKPLANE_PACKAGE ""
#endif

// Once per module: its name and version. `requires` lines are written by backplane_add_module()
// in CMake, from the modules it links, through BACKPLANE_REQUIRES.
#define BACKPLANE_MODULE(name_literal, version_literal, description_literal)                       \
  BACKPLANE_MODINFO("name", name_literal)                                                          \
  BACKPLANE_MODINFO("version", version_literal)                                                    \
  BACKPLANE_MODINFO("license", "MIT")                                                              \
  BACKPLANE_MODINFO("description", description_literal)                                            \
  BACKPLANE_MODINFO("sdk",                                                                         \
                    BACKPLANE_DETAIL_STR(BACKPLANE_SDK_MAJOR) "." BACKPLANE_DETAIL_STR(            \
                        BACKPLANE_SDK_MINOR))                                                      \
  BACKPLANE_MODINFO("abi", BACKPLANE_ABI_TAG)                                                      \
  BACKPLANE_MODINFO("arch", BACKPLANE_ARCH)                                                        \
  BACKPLANE_MODINFO("package", BACKPLANE_PACKAGE)

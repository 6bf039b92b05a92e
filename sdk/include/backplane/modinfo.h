// SPDX-License-Identifier: MIT
// Module metadata: NUL-terminated "key=value" strings in the section .modinfo, the convention of
// Linux kernel modules. The host reads them as data, before any code of the file runs.
//
// Keys:
//   name, version, license, description   the module
//   package    the package that ships it
//   sdk        ABI "major.minor" it was built for
//   abi, arch  compiler ABI tag, processor
//   requires   MODULE or MODULE:VERSION, a module it builds on, one each: see BACKPLANE_REQUIRES
//   type       NAME:PARENT or NAME:PARENT:abstract, one a type
//   about      TYPE:BUS:CATEGORY:FLAGS:DESCRIPTION, what listings print about a type; FLAGS is
//              "board-only" or empty; an empty BUS or CATEGORY is the parent type's
//
// The strings of a module that is linked into the program are told apart by a prefix, "NAME.key".
//
// An author writes BACKPLANE_MODULE once per module, and one registration macro (object.h) a type;
// `requires` comes from the headers of the modules that are built on, `package` from
// backplane_add_module() in CMake.
#pragma once

#include <cstddef>
#include <initializer_list>

#include "backplane/abi.h"

// "NAME." in the sources of a module that is linked into the program; set by the build.
#ifndef BACKPLANE_MODINFO_PREFIX
#define BACKPLANE_MODINFO_PREFIX ""
#endif

namespace backplane {

// What listings print about a type without loading its module. It is also where the type's class
// starts from: description, and, for a device, bus_type, category and user_creatable. What is left
// out is the parent type's, except the description.
struct TypeAbout {
  const char* bus = "";       // type name of the bus it sits on: "PCI"
  const char* category = "";  // heading in `-device help`: "Storage", "Network", "Misc", ...
  bool board_only = false;    // only the board or another device makes it
  const char* description = "";
};

namespace detail {

template <std::size_t N>
struct FixedString {
  char text[N];
};

constexpr std::size_t joined_length(std::initializer_list<const char*> parts) {
  std::size_t n = 0;
  for (const char* part : parts)
    while (*part != 0) ++n, ++part;
  return n;
}

// The parts one after the other, NUL at the end.
template <std::size_t N>
constexpr FixedString<N + 1> join(std::initializer_list<const char*> parts) {
  FixedString<N + 1> out{};
  std::size_t at = 0;
  for (const char* part : parts)
    while (*part != 0) out.text[at++] = *part++;
  return out;
}

constexpr bool is_empty(const char* text) { return *text == 0; }

constexpr bool says_something(const TypeAbout& about) {
  return !is_empty(about.bus) || !is_empty(about.category) || about.board_only ||
         !is_empty(about.description);
}

// Names of types and modules: letters, digits and "._+-", so that they never need quoting.
constexpr bool is_valid_name(const char* name) {
  if (is_empty(name)) return false;
  for (; *name != 0; ++name) {
    const char c = *name;
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '_' || c == '+' || c == '-';
    if (!good) return false;
  }
  return true;
}

}  // namespace detail
}  // namespace backplane

#define BACKPLANE_DETAIL_CAT2(a, b) a##b
#define BACKPLANE_DETAIL_CAT(a, b) BACKPLANE_DETAIL_CAT2(a, b)
#define BACKPLANE_DETAIL_STR2(x) #x
#define BACKPLANE_DETAIL_STR(x) BACKPLANE_DETAIL_STR2(x)

// By the compiler, and by a linker that drops sections which nothing refers to.
#if defined(__has_cpp_attribute) && !defined(_WIN32)
#if __has_cpp_attribute(gnu::retain)
#define BACKPLANE_DETAIL_KEPT gnu::used, gnu::retain
#endif
#endif
#ifndef BACKPLANE_DETAIL_KEPT
#define BACKPLANE_DETAIL_KEPT gnu::used
#endif

// A string in .modinfo, made of constant parts.
#define BACKPLANE_DETAIL_MODINFO_JOIN(...)                                                         \
  namespace {                                                                                      \
  [[BACKPLANE_DETAIL_KEPT, gnu::section(".modinfo"),                                               \
    gnu::aligned(1)]] constexpr auto BACKPLANE_DETAIL_CAT(backplane_modinfo_, __COUNTER__) =       \
      ::backplane::detail::join<::backplane::detail::joined_length({__VA_ARGS__})>({__VA_ARGS__}); \
  }

// One "key=value" string; key and value are string literals.
#define BACKPLANE_MODINFO(key, value) \
  BACKPLANE_DETAIL_MODINFO_JOIN(BACKPLANE_MODINFO_PREFIX key "=" value)

// In the headers of a module that others build on: whatever includes them requires the module, at
// least in the version (of the same major) that the headers are of. Both are string literals, the
// version "major.minor".
#define BACKPLANE_REQUIRES(module, version) BACKPLANE_MODINFO("requires", module ":" version)

// The two strings of a type.
#define BACKPLANE_DETAIL_MODINFO_TYPE(name, parent, is_abstract, about)                    \
  BACKPLANE_DETAIL_MODINFO_JOIN(BACKPLANE_MODINFO_PREFIX "type=", name, ":", parent,       \
                                (is_abstract) ? ":abstract" : "")                          \
  BACKPLANE_DETAIL_MODINFO_JOIN(                                                           \
      ::backplane::detail::says_something(about) ? BACKPLANE_MODINFO_PREFIX "about=" : "", \
      ::backplane::detail::says_something(about) ? name : "",                              \
      ::backplane::detail::says_something(about) ? ":" : "", (about).bus,                  \
      ::backplane::detail::says_something(about) ? ":" : "", (about).category,             \
      ::backplane::detail::says_something(about) ? ":" : "",                               \
      (about).board_only ? "board-only" : "",                                              \
      ::backplane::detail::says_something(about) ? ":" : "", (about).description)

#define BACKPLANE_DETAIL_FIRST(a, ...) a
#define BACKPLANE_DETAIL_SECOND(a, b, ...) b

// Once per module: name, version, then a description and a license ("MIT" if left out).
#define BACKPLANE_MODULE(name_literal, version_literal, ...)                                     \
  BACKPLANE_MODINFO("name", name_literal)                                                        \
  BACKPLANE_MODINFO("version", version_literal)                                                  \
  BACKPLANE_MODINFO("description", BACKPLANE_DETAIL_FIRST(__VA_ARGS__ __VA_OPT__(, ) ""))        \
  BACKPLANE_MODINFO("license", BACKPLANE_DETAIL_SECOND(__VA_ARGS__ __VA_OPT__(, ) "MIT", "MIT")) \
  BACKPLANE_MODINFO("sdk", BACKPLANE_DETAIL_STR(BACKPLANE_SDK_MAJOR) "." BACKPLANE_DETAIL_STR(   \
                               BACKPLANE_SDK_MINOR))                                             \
  BACKPLANE_MODINFO("abi", BACKPLANE_ABI_TAG)                                                    \
  BACKPLANE_MODINFO("arch", BACKPLANE_ARCH)

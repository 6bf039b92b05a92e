// SPDX-License-Identifier: MIT
// Enumerations as properties: one table of names, from which come reading, printing, what a message
// expects, and what help lists.
//
//   template <>
//   struct EnumNames<Policy> {
//     static constexpr EnumName<Policy> kNames[] = {{Policy::Delay, "delay"},
//                                                   {Policy::Discard, "discard"}};
//   };
//   ...
//   k.property<&Pit::policy_>("lost_tick_policy", "what becomes of ticks that nobody took");
#pragma once

#include <array>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "backplane/property.h"

namespace backplane {

// One name of a value.
template <class E>
struct EnumName {
  E value;
  std::string_view name;  // as users write it, exactly so
  bool synonym = false;   // understood, but neither offered nor printed
};

// To be specialised: kNames, in the order in which messages and help name the values; the synonyms
// of all come last. At least one is none.
template <class E>
struct EnumNames;

namespace detail {

// "expects a, b or c".
Error unknown_name(std::span<const std::string_view> names);

// "a|b|c".
template <class E>
struct JoinedNames {
  static constexpr std::size_t kCount = [] {
    std::size_t count = 0;
    for (const auto& row : EnumNames<E>::kNames) count += row.synonym ? 0 : 1;
    return count;
  }();
  static constexpr std::array<std::string_view, kCount> kNames = [] {
    std::array<std::string_view, kCount> names;
    std::size_t at = 0;
    for (const auto& row : EnumNames<E>::kNames)
      if (!row.synonym) names[at++] = row.name;
    return names;
  }();
  static constexpr std::size_t kLength = [] {
    std::size_t length = kCount - 1;
    for (const auto& row : EnumNames<E>::kNames) length += row.synonym ? 0 : row.name.size();
    return length;
  }();
  static constexpr std::array<char, kLength> kText = [] {
    std::array<char, kLength> text{};
    std::size_t at = 0;
    for (const auto& row : EnumNames<E>::kNames) {
      if (row.synonym) break;
      if (at != 0) text[at++] = '|';
      for (const char c : row.name) text[at++] = c;
    }
    return text;
  }();
};

}  // namespace detail

// What makes an enumeration with names a type of properties.
template <class E>
struct PropertyTraits<E, std::enable_if_t<(std::size(EnumNames<E>::kNames) > 0)>> {
  static constexpr std::string_view kTypeName{detail::JoinedNames<E>::kText.data(),
                                              detail::JoinedNames<E>::kText.size()};
  static constexpr ValueType kShape = one_of(detail::JoinedNames<E>::kNames);
  static E parse(std::string_view text) {
    for (const auto& row : EnumNames<E>::kNames)
      if (row.name == text) return row.value;
    detail::raise(detail::unknown_name(detail::JoinedNames<E>::kNames));
  }
  // The first of its names. Empty for a value that has none, which parse() never gives.
  static std::string print(E value) {
    for (const auto& row : EnumNames<E>::kNames)
      if (row.value == value) return std::string(row.name);
    return {};
  }
};

}  // namespace backplane

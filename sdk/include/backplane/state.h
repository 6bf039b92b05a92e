// SPDX-License-Identifier: MIT
// The guest-visible state of an object, said once: a plain struct whose initializers are the state
// at power-on, and a table that names its members. Complete reset, saving, loading and what
// introspection shows come from the table.
//
//   class Latch final : public IsaDevice {
//     struct State {
//       u8 value = 0;
//       std::array<u8, 4> history{};
//       unsigned next = 0;  // index into it
//     };
//    public:
//     static void class_init(DeviceClass& k) {
//       k.state<&Latch::state_>(1, {member<&State::value>("value"),
//                                   member<&State::history>("history"),
//                                   member<&State::next>("next", within(0, 3))});
//       k.state_timer<&Latch::timer_>("tick");
//     }
//     void loaded() override { ... }  // derived things anew; throws Error at nonsense
//
// A member is a number, a bool, an enum (with its limits), a Timer (its deadline, or none), a
// struct that has a table of its own (a static function members()), a std::bitset, or an array,
// std::vector or std::optional of these. A chip that a device contains has such a table too, and
// the device names the chip: k.state<&IsaPit::pit_>(1).
//
// Saved state comes from strangers: each value is checked as it is read, and what is wrong with it
// is an Error that names the member. Everything under the machine lock.
#pragma once

#include <array>
#include <bitset>
#include <concepts>
#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "backplane/clock.h"
#include "backplane/error.h"
#include "backplane/types.h"
#include "backplane/value.h"

namespace backplane {

class Object;

// Numbers, little-endian, and pieces that begin with their length. It grows as it is written to;
// who saves owns it.
class StateWriter {
 public:
  // The low `bytes` (1 to 8) bytes of a value. Signed ones are extended as they are read.
  void number(u64 value, unsigned bytes);
  // Its length in 4 bytes, then the text.
  void text(std::string_view text);
  // A piece lasts until end(), which is given what begin() returned.
  std::size_t begin();
  void end(std::size_t piece);
  const std::vector<u8>& bytes() const { return bytes_; }

 private:
  std::vector<u8> bytes_;
};

// Reads what a StateWriter wrote, in the same order. Whatever does not fit into what there is
// throws Error. The bytes are somebody else's, and outlive it.
class StateReader {
 public:
  explicit StateReader(std::span<const u8> bytes) : bytes_(bytes) {}
  u64 number(unsigned bytes);
  std::string text();
  // What is between a begin() and its end(); this one goes on behind it.
  StateReader piece();
  std::span<const u8> rest() const { return bytes_; }
  // Throws Error if something is left.
  void expect_end() const;

 private:
  std::span<const u8> take(u64 size);
  std::span<const u8> bytes_;
};

// What a member may be. `most` holds for an index that is used without a further check.
struct StateLimits {
  bool numbers = false;      // that there are limits of numbers
  i64 least = 0, most = 0;   // of each number
  std::size_t elements = 0;  // of a vector, at most; 0: exactly those it has
};
// Numbers from `least` to `most`, both included.
constexpr StateLimits within(i64 least, i64 most) {
  return {.numbers = true, .least = least, .most = most};
}
// Enumerators from the first to the last, whose numbers follow each other.
template <class E>
requires std::is_enum_v<E>
constexpr StateLimits within(E first, E last) {
  return within(static_cast<i64>(first), static_cast<i64>(last));
}
// A vector of as many as were saved, if they are no more than that.
constexpr StateLimits up_to(std::size_t elements) { return {.elements = elements}; }
// Points in time and spans of it, in nanoseconds, that can be added without an overflow.
inline constexpr StateLimits kTime = within(-(i64{1} << 61), i64{1} << 61);

// A row of a table; member<>() makes it. The functions are given the struct that the member is of.
struct StateMember {
  std::string_view name;  // of letters, digits and _; it stays when the member is renamed
  StateLimits limits;
  void (*save)(const void* owner, StateWriter& to);
  // Throws Error ("expects a number from 0 to 3"); the member may have been changed then.
  void (*load)(void* owner, StateReader& from, const StateLimits& limits);
  Value (*value)(const void* owner);  // to be shown
};

// Each row of a table: its name, and a piece with its value. load_members() wants each of them once
// and no others; it throws Error that begins with the member's name.
void save_members(std::span<const StateMember> table, const void* owner, StateWriter& to);
void load_members(std::span<const StateMember> table, void* owner, StateReader& from);
// As a record.
Value describe_members(std::span<const StateMember> table, const void* owner);

// A struct, or a chip, with a table of its own.
template <class T>
concept HasMembers = requires {
  { T::members() } -> std::convertible_to<std::span<const StateMember>>;
};

namespace detail {

i64 check_limits(i64 value, const StateLimits& limits);
void save_timer(const Timer& timer, StateWriter& to);
void load_timer(Timer& timer, StateReader& from);
Value describe_timer(const Timer& timer);  // its deadline, or null
std::size_t read_count(StateReader& from, std::size_t present, const StateLimits& limits);
bool read_bool(StateReader& from);

// How a value of type T is saved, loaded and shown.
template <class T>
struct StateTraits;

template <class T>
requires(std::is_integral_v<T> || std::is_enum_v<T>) struct StateTraits<T> {
  static void save(const T& value, StateWriter& to) {
    to.number(static_cast<u64>(value), sizeof(T));
  }
  static void load(T& value, StateReader& from, const StateLimits& limits) {
    if constexpr (std::is_same_v<T, bool>)
      value = read_bool(from);
    else
      value = static_cast<T>(
          check_limits(static_cast<i64>(static_cast<T>(from.number(sizeof(T)))), limits));
  }
  static Value show(const T& value) {
    if constexpr (std::is_enum_v<T>)
      return static_cast<std::underlying_type_t<T>>(value);
    else
      return value;
  }
};

template <HasMembers T>
struct StateTraits<T> {
  static void save(const T& value, StateWriter& to) { save_members(T::members(), &value, to); }
  static void load(T& value, StateReader& from, const StateLimits&) {
    load_members(T::members(), &value, from);
  }
  static Value show(const T& value) { return describe_members(T::members(), &value); }
};

template <>
struct StateTraits<Timer> {
  static void save(const Timer& value, StateWriter& to) { save_timer(value, to); }
  static void load(Timer& value, StateReader& from, const StateLimits&) { load_timer(value, from); }
  static Value show(const Timer& value) { return describe_timer(value); }
};

// What it points to is part of the object whenever the object is in operation.
template <class T>
struct StateTraits<std::unique_ptr<T>> {
  static void save(const std::unique_ptr<T>& value, StateWriter& to) {
    StateTraits<T>::save(*value, to);
  }
  static void load(std::unique_ptr<T>& value, StateReader& from, const StateLimits& limits) {
    StateTraits<T>::load(*value, from, limits);
  }
  static Value show(const std::unique_ptr<T>& value) { return StateTraits<T>::show(*value); }
};

template <class T>
struct StateTraits<std::optional<T>> {
  static void save(const std::optional<T>& value, StateWriter& to) {
    to.number(value.has_value() ? 1 : 0, 1);
    if (value) StateTraits<T>::save(*value, to);
  }
  static void load(std::optional<T>& value, StateReader& from, const StateLimits& limits) {
    value.reset();
    if (read_bool(from)) StateTraits<T>::load(value.emplace(), from, limits);
  }
  static Value show(const std::optional<T>& value) {
    return value ? StateTraits<T>::show(*value) : Value();
  }
};

template <class T, class Range>
Value show_elements(const Range& elements) {
  Value::List list;
  for (const T& element : elements) list.push_back(StateTraits<T>::show(element));
  return list;
}

template <class T, std::size_t N>
struct StateTraits<std::array<T, N>> {
  static void save(const std::array<T, N>& value, StateWriter& to) {
    for (const T& element : value) StateTraits<T>::save(element, to);
  }
  static void load(std::array<T, N>& value, StateReader& from, const StateLimits& limits) {
    for (T& element : value) StateTraits<T>::load(element, from, limits);
  }
  static Value show(const std::array<T, N>& value) { return show_elements<T>(value); }
};

template <std::size_t N>
struct StateTraits<std::bitset<N>> {
  static void save(const std::bitset<N>& value, StateWriter& to) {
    for (std::size_t i = 0; i < N; i += 8) {
      u8 byte = 0;
      for (std::size_t bit = 0; bit < 8 && i + bit < N; ++bit)
        byte |= static_cast<u8>(value[i + bit] << bit);
      to.number(byte, 1);
    }
  }
  static void load(std::bitset<N>& value, StateReader& from, const StateLimits&) {
    value.reset();
    for (std::size_t i = 0; i < N; i += 8) {
      const u64 byte = from.number(1);
      if (N - i < 8 && (byte >> (N - i)) != 0)
        detail::raise(Error::of("{:#x}: expects {} bits", byte, N));
      for (std::size_t bit = 0; bit < 8 && i + bit < N; ++bit)
        value[i + bit] = (byte >> bit & 1) != 0;
    }
  }
  // Which bits are set.
  static Value show(const std::bitset<N>& value) {
    Value::List set;
    for (std::size_t i = 0; i < N; ++i)
      if (value[i]) set.emplace_back(i);
    return set;
  }
};

template <class T, std::size_t N>
struct StateTraits<T[N]> {
  static void save(const T (&value)[N], StateWriter& to) {
    for (const T& element : value) StateTraits<T>::save(element, to);
  }
  static void load(T (&value)[N], StateReader& from, const StateLimits& limits) {
    for (T& element : value) StateTraits<T>::load(element, from, limits);
  }
  static Value show(const T (&value)[N]) { return show_elements<T>(value); }
};

template <class T>
struct StateTraits<std::vector<T>> {
  static void save(const std::vector<T>& value, StateWriter& to) {
    to.number(value.size(), 4);
    for (const T& element : value) StateTraits<T>::save(element, to);
  }
  static void load(std::vector<T>& value, StateReader& from, const StateLimits& limits) {
    const std::size_t count = read_count(from, value.size(), limits);
    if constexpr (std::is_default_constructible_v<T>) value.resize(count);
    for (T& element : value) StateTraits<T>::load(element, from, limits);
  }
  static Value show(const std::vector<T>& value) { return show_elements<T>(value); }
};

template <class M>
struct MemberOf;
template <class C, class V>
struct MemberOf<V C::*> {
  using Owner = C;
  using Held = V;
};

// The object itself where it is held by a pointer or may be absent; null if it is.
template <class T>
T* held(T& value) {
  return &value;
}
template <class T>
T* held(std::unique_ptr<T>& value) {
  return value.get();
}
template <class T>
T* held(std::shared_ptr<T>& value) {
  return value.get();
}
template <class T>
T* held(T*& value) {
  return value;
}
template <class T>
T* held(std::optional<T>& value) {
  return value ? &*value : nullptr;
}

}  // namespace detail

// A row for a data member. `limits`: of each number in it, or of a vector's elements; an enum
// needs them.
template <auto Member>
StateMember member(std::string_view name, const StateLimits& limits = {}) {
  using Owner = typename detail::MemberOf<decltype(Member)>::Owner;
  using Traits = detail::StateTraits<typename detail::MemberOf<decltype(Member)>::Held>;
  return {
      name, limits,
      [](const void* owner, StateWriter& to) {
        Traits::save(static_cast<const Owner*>(owner)->*Member, to);
      },
      [](void* owner, StateReader& from, const StateLimits& l) {
        Traits::load(static_cast<Owner*>(owner)->*Member, from, l);
      },
      [](const void* owner) { return Traits::show(static_cast<const Owner*>(owner)->*Member); }};
}

// Part of what a class says of its objects' state; see ObjectClass::state().
struct StateSection {
  std::string name;      // of the type that has it, and of the part: "isa-pit/8254"
  unsigned version = 1;  // another one is refused when it is loaded
  std::vector<StateMember> members;
  // What the members are members of; null where an object has no such part.
  void* (*subject)(Object& object) = nullptr;
  // Puts it into its state at power-on.
  void (*reset)(void* subject) = nullptr;
};

// The sections of one object: a record of the value of each member for each of them. For tests and
// query-state.
Value describe_state(Object& object);
// What the deadline of a timer is called that is a section by itself, ns of its clock.
inline constexpr std::string_view kDeadline = "deadline";
// The sections of one object, each with its name and version; loading wants exactly these, and
// throws Error that names section and member. Neither calls the object's hooks.
void save_object(Object& object, StateWriter& to);
void load_object(Object& object, StateReader& from);

}  // namespace backplane

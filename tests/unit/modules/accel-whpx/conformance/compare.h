// SPDX-License-Identifier: MIT
// Comparing declarations at compile time.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

// Parameters that a caller passes in the same way: numbers of one size, or pointers to things of
// one size and constness. (An enumeration stands for its number.)
template <class A, class B>
constexpr bool same_parameter() {
  if constexpr (std::is_pointer_v<A> != std::is_pointer_v<B>) {
    return false;
  } else if constexpr (std::is_pointer_v<A>) {
    using X = std::remove_pointer_t<A>;
    using Y = std::remove_pointer_t<B>;
    if constexpr (std::is_const_v<X> != std::is_const_v<Y>) return false;
    if constexpr (std::is_function_v<X>) return std::is_function_v<Y>;
    if constexpr (std::is_void_v<X> || std::is_void_v<Y>)
      return std::is_void_v<X> == std::is_void_v<Y>;
    else
      return sizeof(X) == sizeof(Y);
  } else {
    return std::is_class_v<A> == std::is_class_v<B> && sizeof(A) == sizeof(B);
  }
}

template <class A, class B>
struct SameSignature : std::false_type {};
template <class R, class... A, class S, class... B>
requires(sizeof...(A) == sizeof...(B)) struct SameSignature<R(A...), S(B...)>
    : std::bool_constant<same_parameter<R, S>() && (same_parameter<A, B>() && ...)> {
};

// Never called: a call that the optimiser cannot remove is an error of compilation.
[[gnu::error("a bit-field is in another place")]] void report_bit_field();

#define SAME_VALUE(name)                                                                       \
  static_assert(static_cast<unsigned>(backplane::whpx::name) == static_cast<unsigned>(::name), \
                #name)
#define SAME_SIZE(type) static_assert(sizeof(backplane::whpx::type) == sizeof(::type), #type)
#define SAME_FIELD(type, field)                                                      \
  static_assert(offsetof(backplane::whpx::type, field) == offsetof(::type, field) && \
                    sizeof(backplane::whpx::type::field) == sizeof(::type::field),   \
                #type "::" #field)
// In a function. `whole` is the number that overlays the bit-field.
#define SAME_BITS(type, field, whole)                   \
  do {                                                  \
    backplane::whpx::type ours{};                       \
    ::type theirs{};                                    \
    ours.field = ~ours.field;                           \
    theirs.field = ~theirs.field;                       \
    if (ours.whole != theirs.whole) report_bit_field(); \
  } while (false)

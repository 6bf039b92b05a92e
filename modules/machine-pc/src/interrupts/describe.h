// SPDX-License-Identifier: MIT
// query-irq: what it returns, whoever has the chips, and how people read it.
#pragma once

#include <string>

#include "backplane/value.h"

namespace backplane::pc {

inline constexpr ValueType kCounts = list_of(kInteger);
inline constexpr TypeMember kPicMembers[] = {{"requests", &kInteger},   {"masked", &kInteger},
                                             {"in-service", &kInteger}, {"level", &kInteger},
                                             {"vectors", &kInteger},    {"counts", &kCounts, true}};
inline constexpr ValueType kPic = record_of(kPicMembers);
inline constexpr ValueType kPics = list_of(kPic);
inline constexpr TypeMember kPinMembers[] = {
    {"pin", &kInteger},        {"vector", &kInteger},     {"level-triggered", &kBoolean},
    {"masked", &kBoolean},     {"logical", &kBoolean},    {"destination", &kInteger},
    {"remote-irr", &kBoolean}, {"count", &kInteger, true}};
inline constexpr ValueType kPin = record_of(kPinMembers);
inline constexpr ValueType kPins = list_of(kPin);
// Pins that are masked and have had no interrupt are left out.
inline constexpr TypeMember kIoApicMembers[] = {
    {"id", &kInteger}, {"inputs", &kInteger}, {"pins", &kPins}};
inline constexpr ValueType kIoApicType = record_of(kIoApicMembers);
inline constexpr TypeMember kControllerMembers[] = {
    {"in-kernel", &kBoolean}, {"pics", &kPics}, {"ioapic", &kIoApicType}};
inline constexpr ValueType kControllers = record_of(kControllerMembers);

std::string print_controllers(const Value& controllers);

}  // namespace backplane::pc

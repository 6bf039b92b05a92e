// SPDX-License-Identifier: MIT
// query-lapic: what it returns, and how people read it.
#pragma once

#include <string>

#include "backplane/value.h"

namespace backplane::x86 {

inline constexpr TypeMember kLvtMembers[] = {
    {"timer", &kInteger}, {"lint0", &kInteger}, {"lint1", &kInteger}, {"error", &kInteger}};
inline constexpr ValueType kLvt = record_of(kLvtMembers);
inline constexpr TypeMember kApicTimerMembers[] = {{"initial", &kInteger},
                                                   {"current", &kInteger},
                                                   {"divide", &kInteger},
                                                   {"tsc-deadline", &kInteger}};
inline constexpr ValueType kApicTimer = record_of(kApicTimerMembers);
inline constexpr ValueType kVectors = list_of(kInteger);
inline constexpr TypeMember kApicMembers[] = {{"apic-id", &kInteger},
                                              {"mode", &kText},
                                              {"boot-processor", &kBoolean},
                                              {"software-enabled", &kBoolean},
                                              {"tpr", &kInteger},
                                              {"ppr", &kInteger},
                                              {"svr", &kInteger},
                                              {"ldr", &kInteger},
                                              {"dfr", &kInteger},
                                              {"icr", &kInteger},
                                              {"lvt", &kLvt},
                                              {"timer", &kApicTimer},
                                              {"requested", &kVectors},
                                              {"in-service", &kVectors}};
inline constexpr ValueType kApic = record_of(kApicMembers);
// Of what LocalApic::describe() gives.
inline constexpr ValueType kApics = list_of(kApic);

std::string print_apics(const Value& apics);

}  // namespace backplane::x86

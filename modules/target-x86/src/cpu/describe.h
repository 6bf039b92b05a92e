// SPDX-License-Identifier: MIT
// query-registers: what it returns, and how people read it.
#pragma once

#include <string>

#include "backplane/value.h"

namespace backplane {
class Machine;
}

namespace backplane::x86 {

inline constexpr TypeMember kRegisterMembers[] = {
    {"cpu-index", &kInteger}, {"mode", &kText},       {"halted", &kBoolean},
    {"shut-down", &kBoolean}, {"cpl", &kInteger},     {"general", &kAnything},
    {"segments", &kAnything}, {"system", &kAnything}, {"floating-point", &kAnything},
    {"vector", &kAnything}};
inline constexpr ValueType kRegisterSet = record_of(kRegisterMembers);
// Of what X86Cpu::registers() gives.
inline constexpr ValueType kRegisterSets = list_of(kRegisterSet);

// Those of all CPUs, as they are now.
Value describe_registers(const Machine& machine);
std::string print_registers(const Value& cpus);

}  // namespace backplane::x86

// SPDX-License-Identifier: MIT
// From `-cpu` to a CPU object.
#include <algorithm>

#include "backplane/machine.h"
#include "backplane/module.h"
#include "backplane/x86/cpu.h"
#include "impl.h"

namespace backplane::x86 {

namespace {

constexpr std::string_view kSuffix = "-x86-cpu";

std::string known_models() {
  std::string names;
  for (const ObjectClass* k : TypeRegistry::instance().list(X86Cpu::kTypeName)) {
    if (k->abstract) continue;
    if (!names.empty()) names += ", ";
    names += k->name.substr(0, k->name.size() - kSuffix.size());
  }
  return names;
}

// One of "+feat", "-feat", "property=value", "feat".
void apply_option(X86Cpu& cpu, std::string_view option) {
  if (option.front() == '+') return cpu.set_property(option.substr(1), "on");
  if (option.front() == '-') return cpu.set_property(option.substr(1), "off");
  const std::size_t equals = option.find('=');
  if (equals == std::string_view::npos) return cpu.set_property(option, "on");
  cpu.set_property(option.substr(0, equals), option.substr(equals + 1));
}

}  // namespace

std::unique_ptr<X86Cpu> create_cpu(Machine& machine, std::string_view description) {
  if (description.empty()) description = machine.machine_class().default_cpu;
  const std::size_t comma = std::min(description.find(','), description.size());
  const std::string_view model = description.substr(0, comma);
  std::string type(model);
  if (!model.ends_with(kSuffix)) type += kSuffix;

  const ObjectClass* k = model.empty() ? nullptr : class_by_name(type);
  if (k == nullptr || !k->is_a(X86Cpu::kTypeName) || k->abstract)
    throw Error(fmt::format("'{}' is not a CPU model", model), "models: " + known_models());
  std::unique_ptr<X86Cpu> cpu = create_object<X86Cpu>(type);
  X86Cpu::Impl::of(*cpu).apic_ids = ApicIds(machine.config().topology);
  machine.apply_compat(*cpu);
  for (std::size_t at = comma; at < description.size();) {
    const std::size_t end = std::min(description.find(',', at + 1), description.size());
    if (end > at + 1) apply_option(*cpu, description.substr(at + 1, end - at - 1));
    at = end;
  }
  return cpu;
}

}  // namespace backplane::x86

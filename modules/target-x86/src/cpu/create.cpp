// SPDX-License-Identifier: MIT
// From `-cpu` to a CPU object.
#include "backplane/catalogue.h"
#include "backplane/machine.h"
#include "backplane/options.h"
#include "backplane/x86/cpu.h"
#include "impl.h"

namespace backplane::x86 {

namespace {

// One of "+feat", "-feat", "property=value", "feat".
void apply_option(X86Cpu& cpu, const KeyValue& option) {
  const bool is_switch = option.flag && option.key.size() > 1;
  if (is_switch && option.key.front() == '+') return cpu.set_property(option.key.substr(1), "on");
  if (is_switch && option.key.front() == '-') return cpu.set_property(option.key.substr(1), "off");
  cpu.set_property(option.key, option.value);
}

}  // namespace

std::unique_ptr<X86Cpu> create_cpu(Machine& machine, std::string_view description) {
  if (description.empty()) description = machine.machine_class().default_cpu;
  // "model" is a property.
  KeyValueList options = KeyValueList::parse(description, "type");
  const std::string model = options.take("type").value_or("");
  const ObjectClass& k = class_of_kind(kCpuKind, kCpuKind.user_name(model));
  std::unique_ptr<X86Cpu> cpu = create_object<X86Cpu>(k.name);
  X86Cpu::Impl::of(*cpu).apic_ids = ApicIds(machine.config().topology);
  machine.apply_compat(*cpu);
  for (const KeyValue& option : options) apply_option(*cpu, option);
  return cpu;
}

}  // namespace backplane::x86

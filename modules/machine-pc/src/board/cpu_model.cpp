// SPDX-License-Identifier: MIT
#include "board/cpu_model.h"

#include <string_view>

#include "backplane/error.h"
#include "backplane/machine.h"
#include "backplane/module.h"

namespace backplane::pc {

namespace {

constexpr std::string_view kTypeSuffix = "-x86-cpu";

void set_feature(Cpu& cpu, std::string_view setting) {
  if (setting.front() == '+' || setting.front() == '-') {
    cpu.set_property(setting.substr(1), setting.front() == '+' ? "on" : "off");
    return;
  }
  const std::size_t equals = setting.find('=');
  if (equals == std::string_view::npos)
    throw Error::of("'{}': expects +feature, -feature or property=value", setting);
  cpu.set_property(setting.substr(0, equals), setting.substr(equals + 1));
}

}  // namespace

std::unique_ptr<Cpu> create_cpu(Machine& machine, const std::string& model) {
  std::string_view rest = model;
  const auto next = [&rest] {
    const std::size_t comma = rest.find(',');
    const std::string_view part = rest.substr(0, comma);
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    return part;
  };
  const std::string_view name = next();
  const std::string type = std::string(name) + std::string(kTypeSuffix);
  if (class_by_name(type) == nullptr)
    throw Error::of("-cpu {}: not a CPU model of this machine", name)
        .with_hint("-cpu help lists them");
  auto cpu = create_object<Cpu>(type);
  machine.apply_compat(*cpu);
  try {
    while (!rest.empty())
      if (const std::string_view setting = next(); !setting.empty()) set_feature(*cpu, setting);
  } catch (const Error& error) {
    throw error.in("-cpu " + model);
  }
  return cpu;
}

}  // namespace backplane::pc

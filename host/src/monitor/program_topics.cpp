// SPDX-License-Identifier: MIT
// What the monitor tells about the program: accelerator, modules, version.
#include "backplane/accelerator.h"
#include "backplane/machine.h"
#include "help/module_help.h"
#include "monitor/command.h"
#include "version.h"

namespace backplane::host {

namespace {

std::string ended(std::string text) {
  if (!text.empty() && text.back() != '\n') text += '\n';
  return text;
}

std::string accel(MonitorContext& context) {
  const Accelerator& accelerator = context.machine.accelerator();
  std::string text = ended(accelerator.describe());
  if (text.empty()) text = fmt::format("accelerator: {}\n", accelerator.name());
  for (const Property& property : accelerator.object_class().properties)
    if (property.get != nullptr)
      text += fmt::format("  {} = {}\n", property.name, property.get(accelerator));
  return text;
}

std::string jit(MonitorContext& context) {
  const std::string text = context.machine.accelerator().describe_jit();
  return text.empty() ? "this accelerator translates no code\n" : ended(text);
}

std::string modules(MonitorContext&) { return module_help(); }

std::string version(MonitorContext&) { return fmt::format("{}\n", kVersion); }

constexpr InfoTopic kTopics[] = {
    {"accel", "what runs the guest's code, and its settings", accel},
    {"jit", "the translator's counters", jit},
    {"modules", "every module seen, and its state", modules},
    {"version", "the program's version", version},
};

}  // namespace

std::span<const InfoTopic> program_topics() { return kTopics; }

}  // namespace backplane::host

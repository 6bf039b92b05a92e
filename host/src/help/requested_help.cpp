// SPDX-License-Identifier: MIT
#include "help/requested_help.h"

#include <fmt/format.h>

#include <functional>
#include <vector>

#include "backplane/accelerator.h"
#include "backplane/block.h"
#include "backplane/chardev.h"
#include "backplane/json.h"
#include "backplane/log.h"
#include "backplane/machine.h"
#include "backplane/machine_lock.h"
#include "backplane/module.h"
#include "backplane/netdev.h"
#include "help/device_help.h"
#include "help/listings.h"
#include "help/module_help.h"
#include "help/property_help.h"
#include "help/type_help.h"
#include "help/wrapping.h"
#include "launch/cpu_model.h"
#include "options/help_words.h"
#include "report.h"
#include "version.h"

namespace backplane::host {

namespace {

std::string log_help() {
  std::string text = "log categories:\n";
  for (const LogCategoryInfo& category : log::categories())
    text += fmt::format("  {:<14} {}\n", category.name, category.description);
  return text + fmt::format("  {:<14} {}\n", "trace:PATTERN",
                            "accesses to device registers, by the names of 'info mtree', and what "
                            "devices tell besides");
}

// The name of the type in "-device TYPE,help"; empty in "-device help".
std::string named_type(const GivenOption& option, const KeyValueList& values) {
  const std::string type = values.get(option.spec->implied_key);
  return is_help(type) ? std::string() : type;
}

// Whether a list is asked for in a format, and which: text or json.
bool wants_json(const KeyValueList& values) {
  const std::string* const format = values.find("format");
  if (format == nullptr || *format == "text") return false;
  if (*format == "json") return true;
  throw Error::of("format='{}': expects text or json", *format);
}

std::string as_json(const Value& listing) { return to_json(with_digest(listing)) + "\n"; }

// What there is to choose from, and how one of it is found by its name.
struct Choice {
  std::string_view noun;
  std::function<Value()> listed;
  std::function<std::string()> text;
  std::function<const ObjectClass&(const std::string& name)> find;  // throws if there is none
};

// The list, or the properties of one; as text or JSON.
std::optional<std::string> answer(const GivenOption& option, const Choice& choice) {
  const KeyValueList values = option.list();
  if (!asks_for_help(values)) return std::nullopt;
  return with_option(option.text, [&] {
    const std::string type = named_type(option, values);
    const bool json = wants_json(values);
    const MachineLock::Guard lock;
    if (type.empty()) return json ? as_json(choice.listed()) : for_output(choice.text());
    const ObjectClass& found = choice.find(type);
    return json ? as_json(list_properties(found))
                : for_output(property_help(found, fmt::format("{} {}", choice.noun, type)));
  });
}

Choice choice_of(const Kind& kind) {
  const auto listed = [&kind] { return list_kinds({&kind, 1}); };
  return {
      kind.noun, listed, [&kind, listed] { return kind_help(listed(), kind); },
      [&kind](const std::string& name) -> const ObjectClass& { return class_of_kind(kind, name); }};
}

std::string accelerators_text() {
  const MachineLock::Guard lock;
  return for_output(accelerator_help(list_accelerators()));
}

std::string kind_text(const Kind& kind) {
  const MachineLock::Guard lock;
  return for_output(choice_of(kind).text());
}

// What the option takes, as in -help.
std::string usage_of(const OptionSpec& spec) { return OptionTable::help(spec); }

bool has_help_as(const KeyValueList& values, std::string_view key) {
  return is_help(values.get(key));
}

}  // namespace

std::optional<std::string> help_on_accelerators(const GivenOption& option) {
  return answer(
      option,
      {kAccelKind.noun, list_accelerators, [] { return accelerator_help(list_accelerators()); },
       [](const std::string& name) -> const ObjectClass& { return accel_find(name); }});
}

std::optional<std::string> help_on_machines(const GivenOption& option) {
  if (has_help_as(option.list(), "accel")) return accelerators_text();
  return help_on_kind(kMachineKind, option);
}

std::optional<std::string> help_on_cpus(const GivenOption& option) {
  std::vector<Kind> kinds;
  const std::vector<CpuModels> architectures = cpu_models();
  for (const CpuModels& models : architectures) kinds.push_back(models.kind());
  const auto listed = [&] { return list_kinds(kinds); };
  // Of every architecture.
  static constexpr Kind kModels{
      .base = "cpu", .prefix = {}, .suffix = "-cpu", .noun = "CPU model", .option = "-cpu"};
  return answer(
      option, {kModels.noun, listed, [&] { return kind_help(listed(), kModels); }, find_cpu_class});
}

std::optional<std::string> help_on_devices(const GivenOption& option) {
  Choice choice = choice_of(kDeviceKind);
  choice.text = [] { return device_help(); };
  return answer(option, choice);
}

std::optional<std::string> help_on_kind(const Kind& kind, const GivenOption& option) {
  return answer(option, choice_of(kind));
}

std::optional<std::string> help_on_drives(const GivenOption& option) {
  const KeyValueList values = option.list();
  if (asks_for_help(values) || has_help_as(values, "if"))
    return usage_of(*option.spec) + kind_text(kBlockKind);
  if (has_help_as(values, "format")) return kind_text(kBlockKind);
  return std::nullopt;
}

std::optional<std::string> help_on_cards(const GivenOption& option) {
  const KeyValueList values = option.list();
  if (asks_for_help(values)) return usage_of(*option.spec) + kind_text(kNetdevKind);
  if (has_help_as(values, "model")) return for_output(device_help("Network"));
  return std::nullopt;
}

std::optional<std::string> help_on_consoles(const GivenOption& option) {
  if (!is_help(option.value)) return std::nullopt;
  return usage_of(*option.spec) + kind_text(kChardevKind);
}

std::optional<std::string> help_on_words(const GivenOption& option) {
  if (!is_help(option.value)) return std::nullopt;
  return usage_of(*option.spec);
}

std::optional<std::string> help_on_modules(const GivenOption& option) {
  const KeyValueList values = option.list();
  if (!asks_for_help(values)) throw option.error("expects help");
  return with_option(option.text, [&] {
    const bool json = wants_json(values);
    const MachineLock::Guard lock;
    return json ? as_json(list_modules()) : for_output(module_help(list_modules()));
  });
}

std::optional<std::string> help_on_log(const GivenOption& option) {
  return is_help(option.value) ? std::optional(for_output(log_help())) : std::nullopt;
}

std::string version_text() { return fmt::format("Backplane emulator version {}\n", kVersion); }

}  // namespace backplane::host

// SPDX-License-Identifier: MIT
#include "help/requested_help.h"

#include <fmt/format.h>

#include "backplane/accelerator.h"
#include "backplane/json.h"
#include "backplane/log.h"
#include "backplane/machine.h"
#include "backplane/machine_lock.h"
#include "backplane/module.h"
#include "help/device_help.h"
#include "help/listings.h"
#include "help/module_help.h"
#include "help/property_help.h"
#include "help/type_help.h"
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

// The list of them, as text or JSON, or the properties of one; `find` throws if there is none.
template <class Listed, class Help, class Find>
std::optional<std::string> answer(const GivenOption& option, std::string_view noun, Listed listed,
                                  Help help, Find find) {
  const KeyValueList values = option.list();
  if (!asks_for_help(values)) return std::nullopt;
  return with_option(option.text, [&] {
    const std::string type = named_type(option, values);
    const bool as_json = type.empty() && wants_json(values);
    const MachineLock::Guard lock;
    if (as_json) return to_json(listed()) + "\n";
    return type.empty() ? help() : property_help(find(type), fmt::format("{} {}", noun, type));
  });
}

Value list_cpu_models() {
  Value::List models;
  for (const CpuModels& architecture : cpu_models()) {
    const Value of_it = list_kind(architecture.kind());
    for (const Value& model : of_it.as_list()) models.push_back(model);
  }
  return models;
}

}  // namespace

std::optional<std::string> help_on_accelerators(const GivenOption& option) {
  return answer(
      option, "accelerator", list_accelerators,
      [] { return accelerator_help(list_accelerators()); },
      [](const std::string& name) -> const ObjectClass& { return accel_find(name); });
}

std::optional<std::string> help_on_cpus(const GivenOption& option) {
  return answer(option, "CPU model", list_cpu_models, cpu_help, find_cpu_class);
}

std::optional<std::string> help_on_devices(const GivenOption& option) {
  return answer(
      option, kDeviceKind.noun, [] { return list_kind(kDeviceKind); }, device_help,
      [](const std::string& name) -> const ObjectClass& {
        return class_of_kind(kDeviceKind, name);
      });
}

std::optional<std::string> help_on_kind(const Kind& kind, const GivenOption& option) {
  return answer(
      option, kind.noun, [&] { return list_kind(kind); }, [&] { return kind_help(kind); },
      [&](const std::string& name) -> const ObjectClass& { return class_of_kind(kind, name); });
}

std::optional<std::string> help_on_modules(const GivenOption& option) {
  const KeyValueList values = option.list();
  if (!asks_for_help(values)) throw option.error("expects help");
  return with_option(option.text, [&] {
    const bool as_json = wants_json(values);
    const MachineLock::Guard lock;
    return as_json ? to_json(list_modules()) + "\n" : module_help(list_modules());
  });
}

std::optional<std::string> help_on_log(const GivenOption& option) {
  return is_help(option.value) ? std::optional(log_help()) : std::nullopt;
}

std::string version_text() { return fmt::format("Backplane emulator version {}\n", kVersion); }

}  // namespace backplane::host

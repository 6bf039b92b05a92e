// SPDX-License-Identifier: MIT
#include "help/requested_help.h"

#include <fmt/format.h>

#include <algorithm>

#include "backplane/accelerator.h"
#include "backplane/block.h"
#include "backplane/chardev.h"
#include "backplane/json.h"
#include "backplane/log.h"
#include "backplane/machine.h"
#include "backplane/machine_lock.h"
#include "backplane/module.h"
#include "backplane/netdev.h"
#include "devices/devices.h"
#include "devices/objects.h"
#include "help/device_help.h"
#include "help/listings.h"
#include "help/module_help.h"
#include "help/property_help.h"
#include "help/type_help.h"
#include "launch/cpu_model.h"
#include "options/help_words.h"
#include "options/option_table.h"
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

// The kind of backends that an option names; null if it names none.
const Kind* backend_kind(std::string_view option) {
  for (const Kind* const kind : {&kBlockKind, &kChardevKind, &kNetdevKind, &kObjectKind})
    if (kind->option.substr(1) == option) return kind;
  return nullptr;
}

// `help,format=json`: what is listed, as it is.
std::string json_for(const std::string& option) {
  MachineLock::Guard lock;
  const auto listing = [&]() -> Value {
    if (option == "module") return list_modules();
    if (option == "accel") return list_accelerators();
    if (option == "machine") return list_kind(kMachineKind);
    if (option == "device") return list_kind(kDeviceKind);
    if (const Kind* const kind = backend_kind(option)) return list_kind(*kind);
    Value::List models;
    for (const CpuModels& architecture : cpu_models()) {
      const Value of_it = list_kind(architecture.kind());
      for (const Value& model : of_it.as_list()) models.push_back(model);
    }
    return models;
  };
  return to_json(listing()) + "\n";
}

// Whether a list is asked for in a format, and which: text or json.
bool wants_json(const KeyValueList& values) {
  const std::string* const format = values.find("format");
  if (format == nullptr || *format == "text") return false;
  if (*format == "json") return true;
  throw Error::of("format='{}': expects text or json", *format);
}

std::string help_for(const std::string& option, const std::string& type) {
  MachineLock::Guard lock;
  if (option == "accel")
    return type.empty() ? accelerator_help(list_accelerators())
                        : property_help(accel_find(type), "accelerator " + type);
  if (option == "machine")
    return type.empty() ? kind_help(kMachineKind)
                        : property_help(class_of_kind(kMachineKind, type), "machine " + type);
  if (option == "cpu")
    return type.empty() ? cpu_help() : property_help(find_cpu_class(type), "CPU model " + type);
  if (const Kind* const kind = backend_kind(option))
    return type.empty()
               ? kind_help(*kind)
               : property_help(class_of_kind(*kind, type), fmt::format("{} {}", kind->noun, type));
  return type.empty() ? device_help()
                      : property_help(class_of_kind(kDeviceKind, type), "device " + type);
}

std::optional<std::string> help_of(const GivenOption& option) {
  const std::string& name = option.name();
  if (name == "help")
    return "Usage: " + log::program_name() + " [OPTION]...\n\n" + option_table().help();
  if (name == "version") return fmt::format("Backplane emulator version {}\n", kVersion);
  if (name == "module") {
    const KeyValueList values = option.list();
    if (asks_for_help(values))
      return with_option(option.text, [&] {
        return wants_json(values) ? json_for(name) : module_help(list_modules());
      });
    throw option.error("expects help");
  }
  if (name == "d" && is_help(option.value)) return log_help();
  static constexpr std::string_view kListed[] = {"accel", "machine", "cpu", "device"};
  if (backend_kind(name) == nullptr &&
      std::find(std::begin(kListed), std::end(kListed), name) == std::end(kListed))
    return std::nullopt;
  const KeyValueList values = option.list();
  if (!asks_for_help(values)) return std::nullopt;
  return with_option(option.text, [&] {
    const std::string type = named_type(option, values);
    return type.empty() && wants_json(values) ? json_for(name) : help_for(name, type);
  });
}

}  // namespace

std::optional<std::string> requested_help(const CommandLine& line) {
  for (const GivenOption& option : line.all())
    if (auto text = help_of(option)) return text;
  return std::nullopt;
}

}  // namespace backplane::host

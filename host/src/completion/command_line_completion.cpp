// SPDX-License-Identifier: MIT
#include "completion/command_line_completion.h"

#include <algorithm>

#include "backplane/accelerator.h"
#include "backplane/block.h"
#include "backplane/catalogue.h"
#include "backplane/chardev.h"
#include "backplane/device.h"
#include "backplane/log.h"
#include "backplane/machine.h"
#include "backplane/machine_lock.h"
#include "backplane/netdev.h"
#include "completion/argument_syntax.h"
#include "devices/objects.h"
#include "launch/cpu_model.h"

namespace backplane::host {

namespace {

using Candidates = std::vector<Candidate>;

// An option in front of the word that is being typed, or the one whose value that is.
struct Earlier {
  const OptionSpec* spec;
  std::string value;
};

struct Line {
  std::vector<Earlier> before;
  const OptionSpec* open = nullptr;  // its value is being typed
};

Line read_line(const OptionTable& table, const std::vector<std::string>& words) {
  Line line;
  for (std::size_t n = 0; n + 1 < words.size(); ++n) {
    if (line.open != nullptr) {
      line.before.push_back({line.open, words[n]});
      line.open = nullptr;
      continue;
    }
    std::string_view name = words[n];
    if (!name.starts_with('-')) continue;
    name.remove_prefix(name.starts_with("--") ? 2 : 1);
    const OptionSpec* const spec = table.find(name);
    if (spec != nullptr && !spec->argument.empty()) line.open = spec;
  }
  return line;
}

// The kinds that an option of this name chooses from.
std::vector<Kind> kinds_of_option(std::string_view name) {
  if (name == "nic") return {kNetdevKind};
  for (const Kind& kind :
       {kMachineKind, kAccelKind, kDeviceKind, kNetdevKind, kBlockKind, kChardevKind, kObjectKind})
    if (kind.option == fmt::format("-{}", name)) return {kind};
  std::vector<Kind> kinds;
  if (name != "cpu") return kinds;
  static const std::vector<CpuModels> architectures = cpu_models();
  for (const CpuModels& models : architectures) kinds.push_back(models.kind());
  return kinds;
}

void add_names(const Kind& kind, Candidates& found) {
  // Of devices, boards make some themselves.
  const bool are_devices = kind.base == kDeviceKind.base;
  for (const CatalogueEntry& entry : catalogue(kind))
    if (!(are_devices && entry.type.board_only) && entry.type.unavailable.empty())
      found.push_back({entry.name, entry.type.description});
}

void add_words(const Alternatives& words, Candidates& found) {
  for (const std::string& word : words) found.push_back({word, ""});
}

const ObjectClass* class_named(const std::vector<Kind>& kinds, const std::string& name) {
  for (const Kind& kind : kinds)
    for (const CatalogueEntry& entry : catalogue(kind))
      if (entry.name == name) return &class_of_kind(kind, name);
  return nullptr;
}

const Property* settable(const ObjectClass* type, std::string_view name) {
  if (type == nullptr) return nullptr;
  const auto at = std::ranges::find_if(type->properties, [&](const Property& property) {
    return property.name == name && property.set != nullptr;
  });
  return at == type->properties.end() ? nullptr : &*at;
}

// What the options in front have made of a kind, by the names that they gave it.
void add_ids(std::string_view base, const Line& line, Candidates& found) {
  for (const auto& [spec, value] : line.before) {
    const std::vector<Kind> kinds = kinds_of_option(spec->name);
    const bool makes_it =
        spec->name == "drive"
            ? base == kBlockKind.base
            : std::ranges::any_of(kinds, [&](const Kind& kind) { return kind.base == base; });
    if (!makes_it) continue;
    const KeyValueList values = KeyValueList::parse(value, spec->implied_key);
    for (const char* const key : {"id", "node-name"})
      if (const std::string* const id = values.find(key)) found.push_back({*id, ""});
  }
}

void add_values(const Property& property, const Line& line, Candidates& found) {
  static constexpr std::string_view kLink = "link<";
  const std::string_view type = property.type_name;
  if (property.shape->kind == ValueType::Kind::Boolean) add_words({"on", "off"}, found);
  for (const std::string_view word : property.shape->enumerators)
    found.push_back({std::string(word), ""});
  if (type.starts_with(kLink))
    add_ids(type.substr(kLink.size(), type.size() - kLink.size() - 1), line, found);
}

// Of "TYPE,KEY=VALUE,...", the last element.
Candidates next_element(const Line& line, const ArgumentSyntax& syntax, const std::string& given,
                        const std::string& last) {
  const OptionSpec& spec = *line.open;
  const std::vector<Kind> kinds = kinds_of_option(spec.name);
  const std::size_t equals = last.find('=');
  const std::string key = last.substr(0, equals);
  Candidates found;
  if (given.empty() && (equals == std::string::npos || key == spec.implied_key)) {
    for (const Kind& kind : kinds) add_names(kind, found);
    add_words(syntax.first, found);
    if (spec.name == "d")
      for (const LogCategoryInfo& info : log::categories())
        found.push_back({std::string(info.name), std::string(info.description)});
    if (!kinds.empty() || spec.name == "d") found.push_back({"help", "what there is"});
  }
  // Options of a list that names no type, or names it first.
  const KeyValueList before = KeyValueList::parse(given, spec.implied_key);
  const ObjectClass* const type =
      kinds.empty() ? nullptr : class_named(kinds, before.get(spec.implied_key));
  if (equals != std::string::npos) {
    for (const SyntaxKey& known : syntax.keys)
      if (known.name == key) add_words(known.values, found);
    if (key == "accel" && spec.name == "machine") add_names(kAccelKind, found);
    if (key == "model" && spec.name == "nic") add_names(kDeviceKind, found);
    if (const Property* const property = settable(type, key)) add_values(*property, line, found);
    for (Candidate& candidate : found) candidate.word.insert(0, key + "=");
    return found;
  }
  if (given.empty() && !spec.implied_key.empty()) return found;
  if (spec.name == "cpu" && type != nullptr && (last.starts_with('+') || last.starts_with('-'))) {
    for (const Property& property : type->properties)
      if (property.set != nullptr && property.shape->kind == ValueType::Kind::Boolean)
        found.push_back({last.front() + property.name, property.description});
    return found;
  }
  for (const SyntaxKey& known : syntax.keys)
    if (!before.has(known.name)) found.push_back({known.name + "=", ""});
  if (type != nullptr)
    for (const Property& property : type->properties)
      if (property.set != nullptr && !before.has(property.name))
        found.push_back({property.name + "=", property.description});
  if (type != nullptr && !given.empty()) found.push_back({"help", "what can be set"});
  return found;
}

Candidates next_value(const Line& line, const std::string& word) {
  const std::size_t comma = word.rfind(',');
  const std::string given = comma == std::string::npos ? "" : word.substr(0, comma);
  const std::string last = comma == std::string::npos ? word : word.substr(comma + 1);
  Candidates found = next_element(line, parse_argument_syntax(line.open->argument), given, last);
  if (comma != std::string::npos)
    for (Candidate& candidate : found) candidate.word.insert(0, given + ",");
  return found;
}

Candidates option_names(const OptionTable& table) {
  Candidates found;
  for (const OptionSpec& row : table.rows())
    for (const std::string* const name : {&row.name, &row.alias})
      if (!name->empty()) found.push_back({"-" + *name, row.help.substr(0, row.help.find('\n'))});
  return found;
}

// What is searched for modules is what the line says, too.
void search_where_told(const Line& line) {
  for (const auto& [spec, value] : line.before)
    if (spec->name == "module-path") ModuleIndex::instance().add_path(value);
}

}  // namespace

std::vector<Candidate> complete_command_line(const OptionTable& table,
                                             const std::vector<std::string>& words) {
  if (words.empty()) return {};
  const std::string& begun = words.back();
  Candidates found;
  try {
    const MachineLock::Guard lock;
    const Line line = read_line(table, words);
    search_where_told(line);
    if (line.open != nullptr) {
      found = next_value(line, begun);
    } else {
      // With two dashes an option is the same.
      found = option_names(table);
      if (begun.starts_with("--"))
        for (Candidate& candidate : found) candidate.word.insert(0, "-");
    }
  } catch (const Error&) {
    // A line that is wrong, or a type that cannot be loaded.
    return {};
  }
  std::erase_if(found, [&](const Candidate& c) { return !c.word.starts_with(begun); });
  std::ranges::sort(found, {}, &Candidate::word);
  const auto same = [](const Candidate& a, const Candidate& b) { return a.word == b.word; };
  found.erase(std::unique(found.begin(), found.end(), same), found.end());
  return found;
}

std::string completion_text(const OptionTable& table, const std::vector<std::string>& words) {
  std::string text;
  for (const auto& [word, description] : complete_command_line(table, words))
    text += fmt::format("{}\t{}\n", word, description);
  return text;
}

}  // namespace backplane::host

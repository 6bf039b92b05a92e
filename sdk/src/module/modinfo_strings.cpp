// SPDX-License-Identifier: MIT
#include "module/modinfo_strings.h"

#include <algorithm>
#include <array>
#include <tuple>

namespace backplane {

namespace {

constexpr std::size_t kMaxStringLength = 4096;
constexpr std::size_t kMaxStrings = 4096;

// The keys that are said once, and where their value goes.
struct ScalarKey {
  std::string_view key;
  std::string ModuleRecord::*field;
};
constexpr std::array kScalarKeys{
    ScalarKey{"name", &ModuleRecord::name},
    ScalarKey{"version", &ModuleRecord::version},
    ScalarKey{"license", &ModuleRecord::license},
    ScalarKey{"description", &ModuleRecord::description},
    ScalarKey{"package", &ModuleRecord::package},
    ScalarKey{"sdk", &ModuleRecord::sdk},
    ScalarKey{"abi", &ModuleRecord::abi},
    ScalarKey{"arch", &ModuleRecord::arch},
};

// What was read for one prefix.
struct Draft {
  std::string prefix;
  ModuleRecord record;
  std::vector<std::string_view> keys_seen;
  std::vector<ModuleRecord::Type> about;
};

Error malformed(std::string_view entry) {
  return Error::of("damaged: its metadata has the line '{}'", entry.substr(0, 80));
}

std::string_view take_field(std::string_view& text) {
  const std::size_t colon = text.find(':');
  const std::string_view field = text.substr(0, colon);
  text.remove_prefix(colon == std::string_view::npos ? text.size() : colon + 1);
  return field;
}

std::string valid_name(std::string_view name, std::string_view entry) {
  std::string text(name);
  if (!detail::is_valid_name(text.c_str())) throw malformed(entry);
  return text;
}

// NAME:PARENT[:abstract]
ModuleRecord::Type parse_type(std::string_view value, std::string_view entry) {
  ModuleRecord::Type type;
  type.name = valid_name(take_field(value), entry);
  type.parent = valid_name(take_field(value), entry);
  type.abstract = take_field(value) == "abstract";
  return type;
}

// TYPE:BUS:CATEGORY:FLAGS:DESCRIPTION
ModuleRecord::Type parse_about(std::string_view value, std::string_view entry) {
  if (std::count(value.begin(), value.end(), ':') < 4) throw malformed(entry);
  ModuleRecord::Type type;
  type.name = valid_name(take_field(value), entry);
  type.bus = take_field(value);
  type.category = take_field(value);
  type.board_only = take_field(value) == "board-only";
  type.description = value;
  return type;
}

// WORD:TYPE
ModuleRecord::MonitorWord parse_monitor_word(std::string_view value, std::string_view entry) {
  ModuleRecord::MonitorWord word;
  word.word = valid_name(take_field(value), entry);
  word.type = valid_name(take_field(value), entry);
  return word;
}

// MODULE[:VERSION]
ModuleRecord::Requirement parse_requirement(std::string_view value, std::string_view entry) {
  ModuleRecord::Requirement requirement;
  requirement.module = valid_name(take_field(value), entry);
  requirement.version = value;
  return requirement;
}

void add_entry(Draft& draft, std::string_view key, std::string_view value, std::string_view entry) {
  for (const ScalarKey& scalar : kScalarKeys) {
    if (scalar.key != key) continue;
    if (std::find(draft.keys_seen.begin(), draft.keys_seen.end(), key) != draft.keys_seen.end())
      throw Error::of("damaged: its metadata says '{}' twice", key);
    draft.keys_seen.push_back(scalar.key);
    draft.record.*scalar.field = value;
    return;
  }
  if (key == "type") draft.record.types.push_back(parse_type(value, entry));
  if (key == "about") draft.about.push_back(parse_about(value, entry));
  if (key == "monitor") draft.record.monitor_words.push_back(parse_monitor_word(value, entry));
  if (key == "requires") draft.record.requires_modules.push_back(parse_requirement(value, entry));
}

void check_text(std::string_view entry) {
  if (entry.size() > kMaxStringLength)
    throw Error::of("damaged: its metadata has a line of {} bytes", entry.size());
  for (const char c : entry)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      throw Error("damaged: its metadata has a control character");
}

// Each file that includes a module's headers says the same, that module's own among them; the build
// adds names without a version.
void tidy(std::vector<ModuleRecord::Requirement>& requirements, const std::string& own_name) {
  const auto by_name = [](const auto& a, const auto& b) {
    return std::tie(a.module, a.version) < std::tie(b.module, b.version);
  };
  std::sort(requirements.begin(), requirements.end(), by_name);
  std::vector<ModuleRecord::Requirement> kept;
  for (ModuleRecord::Requirement& requirement : requirements) {
    if (requirement.module == own_name) continue;
    if (!kept.empty() && kept.back().module == requirement.module) {
      if (kept.back().version == requirement.version) continue;
      if (kept.back().version.empty()) kept.pop_back();
    }
    kept.push_back(std::move(requirement));
  }
  requirements = std::move(kept);
}

ModuleRecord finish(Draft&& draft) {
  ModuleRecord record = std::move(draft.record);
  for (ModuleRecord::Type& type : record.types)
    for (const ModuleRecord::Type& about : draft.about) {
      if (about.name != type.name) continue;
      type.bus = about.bus;
      type.category = about.category;
      type.board_only = about.board_only;
      type.description = about.description;
    }
  tidy(record.requires_modules, record.name);
  // Compilers write them in any order.
  std::sort(record.types.begin(), record.types.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return record;
}

}  // namespace

std::vector<ModuleRecord> parse_modinfo(std::string_view section) {
  std::vector<Draft> drafts;
  std::size_t strings = 0;
  while (!section.empty()) {
    const std::size_t nul = section.find('\0');
    if (nul == std::string_view::npos) throw Error("damaged: its metadata does not end");
    const std::string_view entry = section.substr(0, nul);
    section.remove_prefix(nul + 1);
    if (entry.empty()) continue;  // padding
    if (++strings > kMaxStrings) throw Error("damaged: its metadata has too many lines");
    check_text(entry);
    const std::size_t equals = entry.find('=');
    if (equals == std::string_view::npos) throw malformed(entry);
    std::string_view key = entry.substr(0, equals);
    const std::size_t dot = key.rfind('.');
    const std::string_view prefix = dot == std::string_view::npos ? "" : key.substr(0, dot);
    if (dot != std::string_view::npos) key.remove_prefix(dot + 1);
    auto draft = std::find_if(drafts.begin(), drafts.end(),
                              [&](const Draft& d) { return d.prefix == prefix; });
    if (draft == drafts.end()) {
      draft = drafts.emplace(drafts.end());
      draft->prefix = prefix;
    }
    add_entry(*draft, key, entry.substr(equals + 1), entry);
  }
  std::vector<ModuleRecord> records;
  for (Draft& draft : drafts) records.push_back(finish(std::move(draft)));
  return records;
}

}  // namespace backplane

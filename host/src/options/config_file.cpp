// SPDX-License-Identifier: MIT
#include "options/config_file.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <iterator>

#include "backplane/host_file.h"
#include "devices/devices.h"
#include "options/option_table.h"
#include "report.h"

namespace backplane::host {

namespace {

constexpr u64 kLargest = 1_MiB;
constexpr std::string_view kSpace = " \t\r";

struct Group {
  std::string_view name;
  std::string_view option;
};
constexpr Group kGroups[] = {
    {"machine", "machine"},   {"memory", "m"},        {"smp-opts", "smp"},
    {"accel", "accel"},       {"name", "name"},       {"icount", "icount"},
    {"rtc", "rtc"},           {"boot-opts", "boot"},  {"action", "action"},
    {"msg", "msg"},           {"add-fd", "add-fd"},   {"overcommit", "overcommit"},
    {"object", "object"},     {"device", "device"},   {"drive", "drive"},
    {"blockdev", "blockdev"}, {"netdev", "netdev"},   {"nic", "nic"},
    {"audiodev", "audiodev"}, {"chardev", "chardev"}, {"mon", "mon"},
    {"global", "global"}};

// Options that set one property of the machine, which is how files say it.
constexpr Group kOfMachine[] = {
    {"kernel", "kernel"}, {"initrd", "initrd"}, {"append", "append"}, {"firmware", "bios"}};

template <std::size_t kSize>
const Group* find(const Group (&groups)[kSize], std::string_view Group::*member,
                  std::string_view name) {
  const auto at = std::find_if(std::begin(groups), std::end(groups),
                               [&](const Group& group) { return group.*member == name; });
  return at == std::end(groups) ? nullptr : at;
}

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
  return text.substr(0, text.find_last_not_of(kSpace) + 1);
}

// What stands between the first quote and the last; throws Error unless all of it does.
std::string_view unquoted(std::string_view text) {
  if (text.size() < 2 || !text.starts_with('"') || !text.ends_with('"') ||
      text.substr(1, text.size() - 2).find('"') != std::string_view::npos)
    throw Error::of("{}: expects text between two quotes", text);
  return text.substr(1, text.size() - 2);
}

struct Section {
  std::string given;
  const OptionSpec* spec = nullptr;
  std::vector<std::pair<std::string, std::string>> pairs;
};

// "[group]" or "[group "id"]".
Section section_of(std::string_view line) {
  if (!line.ends_with(']')) throw Error::of("{}: expects a ']' at the end", line);
  const std::string_view inside = trimmed(line.substr(1, line.size() - 2));
  const std::size_t space = inside.find_first_of(" \t\"");
  const std::string_view name = inside.substr(0, space);
  const Group* const group = find(kGroups, &Group::name, name);
  if (group == nullptr) {
    std::vector<std::string> names;
    for (const Group& known : kGroups) names.emplace_back(known.name);
    const std::vector<std::string> near = nearest_names(name, names);
    throw Error::of("[{}]: there is no such group", name)
        .with_hint(fmt::format("did you mean {}?", fmt::join(near.empty() ? names : near, " or ")));
  }
  Section section;
  section.spec = option_table().find(group->option);
  if (space != std::string_view::npos)
    section.pairs.emplace_back("id", unquoted(trimmed(inside.substr(space))));
  return section;
}

std::pair<std::string, std::string> pair_of(std::string_view line) {
  const std::size_t equals = line.find('=');
  const std::string_view key = trimmed(line.substr(0, equals));
  if (equals == std::string_view::npos || key.empty())
    throw Error::of("{}: expects [GROUP], or KEY = \"VALUE\"", line);
  return {std::string(key), std::string(unquoted(trimmed(line.substr(equals + 1))))};
}

GivenOption option_of(Section section) {
  GivenOption option;
  option.spec = section.spec;
  option.text = std::move(section.given);
  option.value = KeyValueList::of(std::move(section.pairs)).text();
  return option;
}

std::vector<GivenOption> read_config_file(const GivenOption& option) {
  HostFile file;
  std::vector<u8> bytes;
  int error = file.open(option.value);
  if (error == 0) error = file.read_to_end(bytes, kLargest);
  if (error == EFBIG) throw option.error("has more than {} bytes: no file of options", kLargest);
  if (error != 0) throw Error::system("cannot be read", error).in(option.text);
  return config_options(std::string(bytes.begin(), bytes.end()), option.text);
}

void add_line(std::string& text, std::string_view key, std::string_view value) {
  if (value.find_first_of("\"\n") != std::string_view::npos)
    throw Error::of("{}={}: files of options have no quotes and no line ends in a value", key,
                    value);
  text += fmt::format("  {} = \"{}\"\n", key, value);
}

void add_section(std::string& text, std::string_view group, const GivenOption& option) {
  KeyValueList values = option.list();
  const auto id = values.take("id");
  text += id ? fmt::format("\n[{} \"{}\"]\n", group, *id) : fmt::format("\n[{}]\n", group);
  for (const auto& [key, value] : values.pairs()) add_line(text, key, value);
}

void add_global_section(std::string& text, const GivenOption& option) {
  const CompatProperty global = parse_global(option.value);
  text += "\n[global]\n";
  add_line(text, "driver", global.type);
  add_line(text, "property", global.property);
  add_line(text, "value", global.value);
}

void add_option(std::string& text, const GivenOption& option) {
  if (const Group* const property = find(kOfMachine, &Group::option, option.name())) {
    text += "\n[machine]\n";
    add_line(text, property->name, option.value);
  } else if (option.name() == "global") {
    add_global_section(text, option);
  } else if (const Group* const group = find(kGroups, &Group::option, option.name())) {
    add_section(text, group->name, option);
  } else if (option.name() != "writeconfig") {
    text += fmt::format("\n# to be given besides: {}\n", option.text);
  }
}

}  // namespace

std::vector<GivenOption> config_options(std::string_view text, const std::string& given) {
  std::vector<GivenOption> options;
  std::optional<Section> open;
  const auto close = [&] {
    if (open) options.push_back(option_of(std::move(*open)));
    open.reset();
  };
  for (unsigned number = 1; !text.empty(); ++number) {
    const std::size_t newline = text.find('\n');
    const std::string_view line = trimmed(text.substr(0, newline));
    text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
    if (line.empty() || line.starts_with('#')) continue;
    const std::string place = fmt::format("{}: line {}", given, number);
    with_option(place, [&] {
      if (line.starts_with('[')) {
        close();
        open = section_of(line);
        open->given = fmt::format("{}: {}", place, shown(std::string(line)));
      } else {
        if (!open) throw Error("expects a [GROUP] before the first KEY = \"VALUE\"");
        open->pairs.push_back(pair_of(line));
      }
    });
  }
  close();
  return options;
}

CommandLine with_config_files(const CommandLine& line) {
  std::vector<GivenOption> all;
  for (const GivenOption& option : line.all()) {
    if (option.name() != "readconfig") {
      all.push_back(option);
      continue;
    }
    for (GivenOption& read : read_config_file(option)) {
      read.position = option.position;
      all.push_back(std::move(read));
    }
  }
  return CommandLine(std::move(all));
}

std::string config_text(const CommandLine& line) {
  std::string text = "# Options of a machine, for -readconfig\n";
  for (const GivenOption& option : line.all())
    with_option(option.text, [&] { add_option(text, option); });
  return text;
}

void write_config_file(const CommandLine& line) {
  const GivenOption* const option = line.last("writeconfig");
  if (option == nullptr) return;
  const std::string text = config_text(line);
  const bool to_output = option->value == "-";
  std::FILE* const file = to_output ? stdout : std::fopen(option->value.c_str(), "w");
  if (file == nullptr) throw Error::system("cannot be written", errno).in(option->text);
  const bool written = std::fputs(text.c_str(), file) >= 0 && std::fflush(file) == 0;
  const int error = errno;
  if (!to_output) std::fclose(file);
  if (!written) throw Error::system("cannot be written", error).in(option->text);
}

}  // namespace backplane::host

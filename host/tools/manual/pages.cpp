// SPDX-License-Identifier: MIT
#include "pages.h"

#include <fmt/format.h>

#include <sstream>
#include <vector>

#include "options/option_table.h"
#include "roff.h"

namespace backplane::manual {

namespace {

std::string options() {
  std::string text;
  for (const OptionSpec& row : host::option_table().rows()) {
    if (!row.section.empty()) text += subsection(row.section);
    std::string term = fmt::format("\\fB{}\\fR", escaped("-" + row.name));
    if (!row.alias.empty()) term += fmt::format(", \\fB{}\\fR", escaped("-" + row.alias));
    if (!row.argument.empty()) term += fmt::format(" \\fI{}\\fR", escaped_usage(row.argument));
    text += definition(term, row.help);
  }
  return text;
}

std::string term(std::string_view text) { return fmt::format("\\fB{}\\fR", escaped(text)); }

std::string name_section(std::string_view names, std::string_view summary) {
  return section("NAME") + fmt::format("{} \\- {}\n", escaped(names), escaped(summary));
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  std::istringstream in{std::string(text)};
  for (std::string line; std::getline(in, line);) lines.push_back(std::move(line));
  return lines;
}

// "  --known   print ...": the option and what is said of it. Without the first part, it goes on
// with what the line before it says.
struct Indented {
  std::string term;
  std::string text;
};

Indented split(std::string_view line) {
  const std::size_t begin = line.find_first_not_of(' ');
  // Far to the right is a second line.
  constexpr std::size_t kDeepest = 4;
  if (begin > kDeepest) return {"", std::string(line.substr(begin))};
  const std::size_t gap = line.find("  ", begin);
  if (gap == std::string_view::npos) return {std::string(line.substr(begin)), ""};
  return {std::string(line.substr(begin, gap - begin)),
          std::string(line.substr(line.find_first_not_of(' ', gap)))};
}

// The part of a help text behind its usage.
std::string body(const std::vector<std::string>& lines, std::size_t first) {
  std::string text, plain;
  Indented entry;
  const auto end_entry = [&] {
    if (!entry.term.empty()) text += definition(term(entry.term), entry.text);
    entry = {};
  };
  const auto end_paragraph = [&] {
    if (!plain.empty()) text += paragraph(plain);
    plain.clear();
  };
  for (std::size_t n = first; n < lines.size(); ++n) {
    const std::string& line = lines[n];
    if (line.starts_with("  ")) {
      end_paragraph();
      const Indented next = split(line);
      if (!next.term.empty()) {
        end_entry();
        entry = next;
      } else {
        entry.text += (entry.text.empty() ? "" : "\n") + next.text;
      }
      continue;
    }
    end_entry();
    if (line.empty())
      end_paragraph();
    else
      plain += (plain.empty() ? "" : "\n") + line;
  }
  end_entry();
  end_paragraph();
  return text;
}

}  // namespace

std::string page_of_program(std::string_view version) {
  std::string text = page_title("backplane", version);
  text += name_section("backplane, backplane-kvm", "x86-64 system emulator made of modules");
  text += section("SYNOPSIS");
  text += ".B backplane\n.RI [ OPTION ]...\n.br\n.B backplane\\-kvm\n.RI [ OPTION ]...\n";
  text += section("DESCRIPTION");
  text += paragraph(
      "backplane runs an x86-64 system in a machine made of software. Options are called as in\n"
      "QEMU, with one dash or two. Where several values are given, they are separated by commas; "
      "a\n"
      "comma inside a value is written twice. Wherever a type or a name is expected, help lists\n"
      "what there is.");
  text += paragraph(
      "Accelerators, machines and devices are modules, files that are found when they are first\n"
      "named; -module help lists them. As backplane-kvm, the program tries KVM before it\n"
      "translates.");
  text += section("OPTIONS") + options();
  text += section("EXIT STATUS");
  text += paragraph(
      "0 if the guest turned off, or somebody ended the program; 1 after a failure at start, of\n"
      "which one line on standard error says what it was; 2 if the guest reset the machine under\n"
      "-no-reboot. A guest with the device isa-debug-exit chooses others.");
  text += section("ENVIRONMENT");
  text += definition(term("BACKPLANE_MODULE_PATH"),
                     "directories in which modules are looked for before the installed one,\n"
                     "absolute, separated by colons");
  text += section("SEE ALSO");
  text += ".BR backplane\\-modinfo (1)\n";
  return text;
}

std::string page_of_command(std::string_view name, std::string_view summary,
                            std::string_view version, std::string_view help) {
  static constexpr std::string_view kUsage = "Usage: ";
  const std::vector<std::string> lines = lines_of(help);
  std::string text = page_title(name, version) + name_section(name, summary) + section("SYNOPSIS");
  std::size_t first = 0;
  for (; first < lines.size() && !lines[first].empty(); ++first) {
    std::string_view line = lines[first];
    if (line.starts_with(kUsage)) line.remove_prefix(kUsage.size());
    if (const std::size_t begin = line.find_first_not_of(' '); begin != std::string_view::npos)
      line.remove_prefix(begin);
    text += (first == 0 ? "" : ".br\n") + escaped_usage(line) + "\n";
  }
  text += section("DESCRIPTION") + body(lines, first);
  text += section("SEE ALSO");
  text += ".BR backplane (1)\n";
  return text;
}

}  // namespace backplane::manual

// SPDX-License-Identifier: MIT
// Splitting the command line with Boost.Program_options, and printing the table.
#include <algorithm>
#include <boost/program_options.hpp>
#include <cassert>

#include "backplane/json.h"
#include "backplane/object.h"
#include "backplane/options.h"

namespace backplane {

namespace po = boost::program_options;

namespace {

// Long names behind one dash or two, the value in the next argument or after "=".
constexpr int kStyle =
    po::command_line_style::allow_long | po::command_line_style::allow_long_disguise |
    po::command_line_style::long_allow_next | po::command_line_style::long_allow_adjacent;

po::options_description describe(const std::vector<OptionSpec>& rows) {
  po::options_description description;
  for (const OptionSpec& row : rows) {
    for (const std::string* name : {&row.name, &row.alias}) {
      if (name->empty()) continue;
      if (row.argument.empty())
        description.add_options()(name->c_str(), "");
      else
        description.add_options()(name->c_str(), po::value<std::string>(), "");
    }
  }
  return description;
}

std::string without_dashes(std::string_view name) {
  name.remove_prefix(std::min(name.find_first_not_of('-'), name.size()));
  return std::string(name.substr(0, name.find('=')));
}

Error unknown_option(const std::string& token, const std::vector<OptionSpec>& rows) {
  if (!token.starts_with('-'))
    return Error::of("{}: not an option; -help lists the options", token);
  std::vector<std::string> names;
  for (const OptionSpec& row : rows) {
    names.push_back("-" + row.name);
    if (!row.alias.empty()) names.push_back("-" + row.alias);
  }
  const std::vector<std::string> near = nearest_names("-" + without_dashes(token), names);
  if (near.empty()) return Error::of("{}: unknown option; -help lists the options", token);
  return Error::of("{}: unknown option; did you mean {}? -help lists the options", token,
                   fmt::join(near, " or "));
}

// "-m [size=]MEGABYTES".
std::string usage(const OptionSpec& row, std::string_view name) {
  std::string text = fmt::format("-{}", name);
  if (!row.argument.empty()) text += " " + row.argument;
  return text;
}

std::string indented(std::string_view text, std::string_view indent) {
  std::string out;
  while (!text.empty()) {
    const std::size_t newline = text.find('\n');
    out += fmt::format("{}{}\n", indent, text.substr(0, newline));
    text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
  }
  return out;
}

}  // namespace

KeyValueList GivenOption::list() const {
  try {
    if (spec->takes_json && value.starts_with('{'))
      return KeyValueList::of(property_texts(parse_json(value).as_record()));
    return KeyValueList::parse(value, spec->implied_key);
  } catch (const Error& error) {
    throw error.in(text);
  }
}

std::vector<const GivenOption*> CommandLine::pass(OptionPass pass) const {
  std::vector<const GivenOption*> found;
  for (const GivenOption& option : given_)
    if (option.spec->pass == pass) found.push_back(&option);
  return found;
}

std::vector<const GivenOption*> CommandLine::group(std::string_view name) const {
  std::vector<const GivenOption*> found;
  for (const GivenOption& option : given_)
    if (option.spec->name == name) found.push_back(&option);
  return found;
}

const GivenOption* CommandLine::last(std::string_view name) const {
  const auto at = std::find_if(given_.rbegin(), given_.rend(), [&](const GivenOption& option) {
    return option.spec->name == name;
  });
  return at == given_.rend() ? nullptr : &*at;
}

OptionTable::OptionTable(std::vector<OptionSpec> rows) : rows_(std::move(rows)) {
  for (const OptionSpec& row : rows_)
    for (const std::string* name : {&row.name, &row.alias})
      if (!name->empty()) {
        [[maybe_unused]] const bool added = by_name_.try_emplace(*name, &row).second;
        assert(added && "two options of one name");
      }
}

const OptionSpec* OptionTable::find(std::string_view name_or_alias) const {
  const auto at = by_name_.find(name_or_alias);
  return at == by_name_.end() ? nullptr : at->second;
}

CommandLine OptionTable::parse(const std::vector<std::string>& arguments) const {
  const po::options_description description = describe(rows_);
  std::vector<po::option> parsed;
  try {
    parsed = po::command_line_parser(arguments).options(description).style(kStyle).run().options;
  } catch (const po::error_with_option_name& error) {
    const std::string name = without_dashes(error.get_option_name());
    const OptionSpec* row = find(name);
    if (row == nullptr) throw unknown_option("-" + name, rows_);
    if (row->argument.empty()) throw Error::of("-{}: this option takes no argument", name);
    throw Error::of("-{}: an argument is missing; it is given as {}", name,
                    OwnText{usage(*row, name)});
  }

  CommandLine line;
  std::size_t position = 0;
  for (const po::option& option : parsed) {
    if (option.string_key.empty() || option.position_key >= 0)
      throw unknown_option(option.value.empty() ? "" : option.value.front(), rows_);
    GivenOption& given = line.given_.emplace_back();
    given.spec = find(option.string_key);
    given.value = option.value.empty() ? std::string() : option.value.front();
    given.position = static_cast<int>(position);
    // The parser's own tokens are normalised to two dashes.
    for (std::size_t n = option.original_tokens.size(); n != 0; --n, ++position)
      given.text += (given.text.empty() ? "" : " ") + arguments.at(position);
    given.text = shown(given.text);
  }
  return line;
}

std::string OptionTable::help() const {
  std::string out;
  for (const OptionSpec& row : rows_) {
    if (!row.section.empty()) out += fmt::format("{}{}:\n", out.empty() ? "" : "\n", row.section);
    out += "  " + usage(row, row.name);
    if (!row.alias.empty()) out += fmt::format(", -{}", row.alias);
    out += "\n" + indented(row.help, "      ");
  }
  return out;
}

std::string OptionTable::markdown() const {
  std::string out;
  for (const OptionSpec& row : rows_) {
    if (!row.section.empty())
      out += fmt::format("{}## {}\n\n", out.empty() ? "" : "\n", row.section);
    out += fmt::format("- `{}`", usage(row, row.name));
    if (!row.alias.empty()) out += fmt::format(" (or `-{}`)", row.alias);
    out += "\n" + indented(row.help, "  ");
  }
  return out;
}

}  // namespace backplane

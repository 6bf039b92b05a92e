// SPDX-License-Identifier: MIT
// Splitting the command line with Boost.Program_options, and printing the table.
#include <algorithm>
#include <boost/program_options.hpp>
#include <cassert>

#include "backplane/json.h"
#include "backplane/object.h"
#include "backplane/options.h"
#include "options/response_file.h"

namespace backplane {

namespace po = boost::program_options;

namespace {

// Long names behind one dash or two, the value in the next argument or after "=".
constexpr int kStyle =
    po::command_line_style::allow_long | po::command_line_style::allow_long_disguise |
    po::command_line_style::long_allow_next | po::command_line_style::long_allow_adjacent;

po::options_description describe(const std::vector<OptionSpec>& rows,
                                 std::span<const ForeignOption> foreign) {
  po::options_description description;
  const auto add = [&](const std::string& name, bool takes_value) {
    if (name.empty()) return;
    if (takes_value)
      description.add_options()(name.c_str(), po::value<std::string>(), "");
    else
      description.add_options()(name.c_str(), "");
  };
  for (const OptionSpec& row : rows)
    for (const std::string* name : {&row.name, &row.alias}) add(*name, !row.argument.empty());
  for (const ForeignOption& option : foreign) add(std::string(option.name), option.takes_value);
  return description;
}

// A file of options may name others, so deep.
constexpr unsigned kDeepestResponseFile = 8;

std::string without_dashes(std::string_view name) {
  name.remove_prefix(std::min(name.find_first_not_of('-'), name.size()));
  return std::string(name.substr(0, name.find('=')));
}

Error unknown_option(const std::string& token, const std::vector<OptionSpec>& rows) {
  if (!token.starts_with('-'))
    return Error::of("{}: not an option; -help lists the options", token);
  const std::string given = without_dashes(token);
  // One letter is as far from any other as from all of them.
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (name.size() > 1) names.push_back(name);
  };
  for (const OptionSpec& row : rows) {
    add(row.name);
    add(row.alias);
  }
  std::vector<std::string> near;
  if (given.size() > 1)
    for (const std::string& name : nearest_names(given, names)) near.push_back("-" + name);
  if (near.empty()) return Error::of("{}: unknown option; -help lists the options", token);
  return Error::of("{}: unknown option; did you mean {}? -help lists the options", token,
                   fmt::join(near, " or "));
}

Error refusal_of(const ForeignOption& option, const std::string& given) {
  Error error =
      Error::of("{}: known and not supported: {}", given, OwnText{std::string(option.instead)});
  if (option.so == nullptr) return error;
  return std::move(error).with_hint(fmt::format("-{} {} is accepted", option.name, option.so));
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

OptionTable::OptionTable(std::vector<OptionSpec> rows, std::span<const ForeignOption> foreign)
    : rows_(std::move(rows)), foreign_(foreign) {
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

const ForeignOption* OptionTable::find_foreign(std::string_view name) const {
  const auto at = std::find_if(foreign_.begin(), foreign_.end(),
                               [&](const ForeignOption& option) { return option.name == name; });
  return at == foreign_.end() ? nullptr : &*at;
}

CommandLine OptionTable::parse(const std::vector<std::string>& arguments) const {
  return parse(arguments, std::string_view());
}

CommandLine OptionTable::parse(const std::vector<std::string>& arguments,
                               std::string_view of_words) const {
  CommandLine line = parse(arguments, 0);
  for (GivenOption& given : line.given_) {
    if (given.spec != nullptr) continue;
    given.spec = find(of_words);
    if (given.spec == nullptr) throw unknown_option(given.text, rows_);
  }
  return line;
}

CommandLine OptionTable::parse_response_file(const std::string& path, unsigned depth) const {
  const std::string given = shown("@" + path);
  try {
    if (depth == kDeepestResponseFile) throw Error("files of options name one another without end");
    CommandLine line = parse(response_file_words(path), depth + 1);
    for (GivenOption& option : line.given_) option.text = given + ": " + option.text;
    return line;
  } catch (const Error& error) {
    throw error.in(given);
  }
}

CommandLine OptionTable::parse(const std::vector<std::string>& arguments, unsigned depth) const {
  const po::options_description description = describe(rows_, foreign_);
  std::vector<po::option> parsed;
  try {
    parsed = po::command_line_parser(arguments).options(description).style(kStyle).run().options;
  } catch (const po::error_with_option_name& error) {
    const std::string name = without_dashes(error.get_option_name());
    if (const ForeignOption* const foreign = find_foreign(name))
      throw refusal_of(*foreign, "-" + name);
    const OptionSpec* row = find(name);
    if (row == nullptr) throw unknown_option("-" + name, rows_);
    if (row->argument.empty()) {
      const auto given =
          std::find_if(arguments.begin(), arguments.end(), [&](const std::string& argument) {
            return argument.starts_with('-') && argument.find('=') != std::string::npos &&
                   without_dashes(argument) == name;
          });
      throw Error::of("{}: this option takes no argument",
                      given == arguments.end() ? "-" + name : *given);
    }
    throw Error::of("-{}: an argument is missing; it is given as {}", name,
                    OwnText{usage(*row, name)});
  }

  CommandLine line;
  std::size_t position = 0;
  for (const po::option& option : parsed) {
    if (option.string_key.empty() || option.position_key >= 0) {
      const std::string word = option.value.empty() ? "" : option.value.front();
      if (word.empty() || word.starts_with('-')) throw unknown_option(word, rows_);
      if (!word.starts_with('@')) {
        // What it is, is for the caller to say.
        line.given_.push_back({nullptr, shown(word), word, static_cast<int>(position++)});
        continue;
      }
      for (GivenOption& given : parse_response_file(word.substr(1), depth).given_) {
        given.position = static_cast<int>(position);
        line.given_.push_back(std::move(given));
      }
      ++position;
      continue;
    }
    GivenOption given;
    given.spec = find(option.string_key);
    given.value = option.value.empty() ? std::string() : option.value.front();
    given.position = static_cast<int>(position);
    // The parser's own tokens are normalised to two dashes.
    for (std::size_t n = option.original_tokens.size(); n != 0; --n, ++position)
      given.text += (given.text.empty() ? "" : " ") + arguments.at(position);
    given.text = shown(given.text);
    if (given.spec != nullptr) {
      line.given_.push_back(std::move(given));
      continue;
    }
    const ForeignOption& foreign = *find_foreign(option.string_key);
    if (foreign.so == nullptr || given.value != foreign.so) throw refusal_of(foreign, given.text);
  }
  return line;
}

std::string OptionTable::help() const {
  std::string out;
  for (const OptionSpec& row : rows_) {
    if (!row.section.empty()) out += fmt::format("{}{}:\n", out.empty() ? "" : "\n", row.section);
    out += help(row);
  }
  return out;
}

std::string OptionTable::help(const OptionSpec& row) {
  std::string out = "  " + usage(row, row.name);
  if (!row.alias.empty()) out += fmt::format(", -{}", row.alias);
  return out + "\n" + indented(row.help, "      ");
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

// SPDX-License-Identifier: MIT
// The command line: a table of options drives parsing, `-help` and the documentation.
//
// The command line is split once, over the whole table, so that an option's value is never taken
// for an option; it is then applied in two passes: options marked OptionPass::Early first (what
// must be known before anything is created), then all the others. What was given keeps its order
// across options, its text and its position, so that a message can show `-device foo,bar=1: ...`.
//
// Immutable after parsing; any thread may read.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backplane/error.h"
#include "backplane/property.h"
#include "backplane/types.h"

namespace backplane {

// One element of "key=value,key=value".
struct KeyValue {
  std::string key;
  std::string value;
  bool implied = false;  // the key was left out: the option's first key
  bool flag = false;     // the value was left out: "server" means server=on
};

// A comma-separated list, in the order given. "," inside a value is written ",,". The first element
// may leave out its key if the option has an implied one; any other element without "=" is a
// boolean that is on.
class KeyValueList {
 public:
  KeyValueList() = default;
  // Throws Error on an element without a key ("=x", or nothing between two commas). Where
  // `implied_key` is empty, the first element is like any other.
  static KeyValueList parse(std::string_view text, std::string_view implied_key = {});

  // Of keys and values as they are.
  static KeyValueList of(std::vector<std::pair<std::string, std::string>> pairs);

  const std::vector<KeyValue>& items() const { return items_; }
  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }
  bool empty() const { return items_.empty(); }

  // The value of a key, the last one if it was given several times; null if it was not given.
  const std::string* find(std::string_view key) const;
  bool has(std::string_view key) const { return find(key) != nullptr; }
  std::string get(std::string_view key, std::string_view fallback = {}) const;

  // The same, removed from the list: what is left over at the end was not understood.
  std::optional<std::string> take(std::string_view key);
  // The same, read as PropertyTraits<T> does; throws Error "key='value': expects ...".
  template <class T>
  std::optional<T> take_as(std::string_view key) {
    return take_parsed<T>(key,
                          [](std::string_view text) { return PropertyTraits<T>::parse(text); });
  }
  // The same, read by a function; its result is a T.
  template <class T, class Parse>
  std::optional<T> take_parsed(std::string_view key, Parse parse) {
    const std::optional<std::string> text = take(key);
    if (!text) return std::nullopt;
    std::optional<T> result;
    parse_value(key, *text, [&] { result = parse(*text); });
    return result;
  }
  // The same for a number within bounds.
  std::optional<u64> take_number(std::string_view key, u64 min, u64 max) {
    return take_parsed<u64>(key,
                            [=](std::string_view text) { return parse_unsigned(text, min, max); });
  }
  // Throws Error naming the first key that was not taken, and `known`, what there is instead
  // ("cores, cpus, sockets").
  void expect_empty(std::string_view known) const;

  // As pairs, for Machine::create_device and its like.
  std::vector<std::pair<std::string, std::string>> pairs() const;
  // Back to text, commas escaped.
  std::string text() const;

 private:
  // Calls it, and puts key and value in front of the Error that it throws.
  static void parse_value(std::string_view key, const std::string& text,
                          const std::function<void()>& parse);

  std::vector<KeyValue> items_;
};

enum class OptionPass {
  Early,  // known before anything is created: -help, -module-path, -machine, ...
  Main,
};

// A row of the table: what an option is called, takes and means.
struct OptionSpec {
  std::string name;         // "machine": given as -machine or --machine
  std::string alias;        // "M", or empty
  std::string argument;     // "[type=]NAME[,PROP=VALUE...]"; empty: the option takes none
  std::string help;         // what it does; lines are separated by "\n"
  std::string section;      // heading in -help; empty: the previous row's
  std::string implied_key;  // of its comma-separated list: "type"; empty: none
  OptionPass pass = OptionPass::Main;
  bool takes_json = false;  // its list may be a record in JSON: {"key": value}
};

// An option that users know from another program, and that there is not.
struct ForeignOption {
  std::string_view name;
  bool takes_value = false;
  // What to use instead, or that there is nothing, as messages end.
  std::string_view instead;
  // The value that asks for what is so anyway, with which it is taken and means nothing; "" of an
  // option that takes no value. Null: it is always refused.
  const char* so = nullptr;
};

// One option as it was given.
struct GivenOption {
  const OptionSpec* spec = nullptr;
  std::string text;   // with its value, as messages begin with it: "-M pc,accel=tcg"
  std::string value;  // "pc,accel=tcg"; empty if the option takes none
  int position = 0;   // index of the option in argv

  const std::string& name() const { return spec->name; }
  // The value as a list with the option's implied key, or as the record that it is in JSON; a value
  // within a value of that is called "OUTER.INNER". Throws Error, "<text>: ..." first.
  KeyValueList list() const;
  // An Error that begins with the option as given: "-m abc: expects ...".
  template <class... Args>
  Error error(fmt::format_string<Args...> format, Args&&... args) const {
    return Error::of(format, std::forward<Args>(args)...).in(text);
  }
};

// What was given, by group (the option's name) and in order.
class CommandLine {
 public:
  CommandLine() = default;
  // Of options in the order in which they count, whatever they were read from.
  explicit CommandLine(std::vector<GivenOption> given) : given_(std::move(given)) {}

  const std::vector<GivenOption>& all() const { return given_; }
  // Those of one pass, in the order given.
  std::vector<const GivenOption*> pass(OptionPass pass) const;
  // Those of one name (never the alias), in the order given.
  std::vector<const GivenOption*> group(std::string_view name) const;
  // The last of one name, which is what counts for an option that is given once; null if none.
  const GivenOption* last(std::string_view name) const;
  bool has(std::string_view name) const { return last(name) != nullptr; }

 private:
  friend class OptionTable;
  std::vector<GivenOption> given_;
};

class OptionTable {
 public:
  // Names and aliases must be unique. What `foreign` refers to must outlive the table.
  explicit OptionTable(std::vector<OptionSpec> rows, std::span<const ForeignOption> foreign = {});
  OptionTable(const OptionTable&) = delete;
  OptionTable& operator=(const OptionTable&) = delete;

  const std::vector<OptionSpec>& rows() const { return rows_; }
  std::span<const ForeignOption> foreign() const { return foreign_; }
  // By name or alias; null if there is none.
  const OptionSpec* find(std::string_view name_or_alias) const;

  // Splits the command line (without the program's name). Throws Error: an unknown option (with
  // the nearest names), a foreign one, a missing or unexpected argument, something that is no
  // option. The table must outlive the result.
  //
  // "@FILE" where an option may stand is as if the words of that file stood there: separated by
  // spaces and line ends unless they stand in quotes; a backslash before a quote, or before another
  // one, has it stand for itself. What is said of an option of it begins with "@FILE: ".
  CommandLine parse(const std::vector<std::string>& arguments) const;
  // The same where a word that is no option is the value of this one.
  CommandLine parse(const std::vector<std::string>& arguments, std::string_view of_words) const;

  // The text of `-help`, by sections, in the table's order; what it says of one row.
  std::string help() const;
  static std::string help(const OptionSpec& row);
  // The same for docs/command-line.md: a heading a section, a list item an option.
  std::string markdown() const;

 private:
  CommandLine parse(const std::vector<std::string>& arguments, unsigned depth) const;
  CommandLine parse_response_file(const std::string& path, unsigned depth) const;
  const ForeignOption* find_foreign(std::string_view name) const;

  std::vector<OptionSpec> rows_;
  std::span<const ForeignOption> foreign_;
  std::map<std::string, const OptionSpec*, std::less<>> by_name_;
};

// Throws Error unless `id` is what a user may call a device or a backend: a letter, then letters,
// digits, '-', '.', '_'.
void check_id(std::string_view id);

// Of `candidates`, those nearest to a mistyped name (at most three, nearest first), for "did you
// mean" in messages. Empty if none is near. Upper and lower case are the same.
std::vector<std::string> nearest_names(std::string_view given,
                                       const std::vector<std::string>& candidates);

}  // namespace backplane

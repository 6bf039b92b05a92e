// SPDX-License-Identifier: MIT
// The command line of a command: options with a letter, a name or both, as getopt has them, in any
// place among the files.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backplane/types.h"

namespace backplane::img {

struct Option {
  char letter = 0;        // 0: none
  std::string_view name;  // empty: none
  bool has_value = false;
};

class Arguments {
 public:
  // Throws Error at an option that is none of these, or that lacks its value.
  Arguments(const std::vector<std::string>& words, std::initializer_list<Option> options);

  // By its letter, or, where it has none, its name.
  bool has(std::string_view option) const { return value(option).has_value(); }
  // What was given last.
  std::optional<std::string> value(std::string_view option) const;
  std::vector<std::string> values(std::string_view option) const;
  const std::vector<std::string>& files() const { return files_; }
  // Throws Error unless as many files are named; `what` says which.
  void expect_files(std::size_t least, std::size_t most, std::string_view what) const;
  // Whether --output=json was given; throws Error at any other than that and "human".
  bool wants_json() const;

 private:
  std::vector<std::pair<std::string, std::string>> given_;
  std::vector<std::string> files_;
};

// "cluster_size=64k,compat=1.1": keys and values, ",," being a comma.
std::vector<std::pair<std::string, std::string>> parse_keys(const std::vector<std::string>& texts);
// A number of bytes: "10G", "1.5M", "4096". Throws Error.
u64 parse_bytes(std::string_view text);

}  // namespace backplane::img

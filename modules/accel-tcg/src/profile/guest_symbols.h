// SPDX-License-Identifier: MIT
// The guest's names for addresses, as `nm`, a kernel's System.map or /proc/kallsyms list them.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "backplane/types.h"

namespace backplane::tcg {

class GuestSymbols {
 public:
  GuestSymbols() = default;
  // Lines of "ADDRESS TYPE NAME", hexadecimal, what follows the name left out; lines of data and of
  // other forms are passed over. Throws Error if it cannot be read or has no function.
  explicit GuestSymbols(const std::filesystem::path& path);

  // "start_kernel+0x1f", or the address itself where nothing near before it has a name.
  std::string name_of(u64 address) const;

 private:
  struct Function {
    u64 address;
    std::string name;
  };
  void add(std::string_view line);

  std::vector<Function> functions_;  // sorted by address
};

}  // namespace backplane::tcg

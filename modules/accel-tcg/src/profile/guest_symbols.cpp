// SPDX-License-Identifier: MIT
#include "profile/guest_symbols.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>

#include "backplane/error.h"

namespace backplane::tcg {

namespace {

// Code that far behind the last name before it belongs to something else.
constexpr u64 kFarthest = 1 << 20;

}  // namespace

GuestSymbols::GuestSymbols(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) throw Error::of("{}: cannot be read", path.string());
  for (std::string line; std::getline(file, line);) add(line);
  if (functions_.empty())
    throw Error::of("{}: has no line 'ADDRESS T NAME', as nm and System.map have them",
                    path.string());
  std::ranges::stable_sort(functions_, {}, &Function::address);
}

void GuestSymbols::add(std::string_view line) {
  Function function{};
  const auto [end, error] =
      std::from_chars(line.data(), line.data() + line.size(), function.address, 16);
  line.remove_prefix(static_cast<std::size_t>(end - line.data()));
  // " T name": of code, global or local, weak or not.
  if (error != std::errc() || line.size() < 4 || line[0] != ' ' || line[2] != ' ') return;
  if (std::string_view("TtWw").find(line[1]) == std::string_view::npos) return;
  line.remove_prefix(3);
  function.name = line.substr(0, line.find_first_of(" \t\r"));
  functions_.push_back(std::move(function));
}

std::string GuestSymbols::name_of(u64 address) const {
  auto next = std::ranges::upper_bound(functions_, address, {}, &Function::address);
  if (next == functions_.begin() || address - std::prev(next)->address > kFarthest)
    return fmt::format("guest_{:016x}", address);
  const Function& function = *std::prev(next);
  return address == function.address
             ? function.name
             : fmt::format("{}+{:#x}", function.name, address - function.address);
}

}  // namespace backplane::tcg

// SPDX-License-Identifier: MIT
#include <algorithm>
#include <numeric>

#include "backplane/options.h"

namespace backplane {

namespace {

std::string in_lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

// Edits (insert, delete, replace) that turn one text into the other.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

// How far a candidate is from what was given; a candidate that contains it, or begins with it, is
// near however long it is.
std::size_t distance(std::string_view given, std::string_view candidate) {
  const std::size_t edits = edit_distance(given, candidate);
  if (given.size() < 3) return edits;
  if (candidate.starts_with(given)) return std::min<std::size_t>(edits, 1);
  return candidate.find(given) == std::string_view::npos ? edits : std::min<std::size_t>(edits, 2);
}

}  // namespace

std::vector<std::string> nearest_names(std::string_view given,
                                       const std::vector<std::string>& candidates) {
  constexpr std::size_t kLongestCompared = 64;
  if (given.empty() || given.size() > kLongestCompared) return {};
  const std::size_t limit = std::max<std::size_t>(1, given.size() / 3);
  std::vector<std::pair<std::size_t, std::string>> near;
  for (const std::string& candidate : candidates) {
    const std::size_t d = distance(in_lower_case(given), in_lower_case(candidate));
    if (d <= limit) near.emplace_back(d, candidate);
  }
  std::sort(near.begin(), near.end());
  std::vector<std::string> names;
  for (auto& [d, name] : near)
    if (names.size() < 3 && std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(std::move(name));
  return names;
}

}  // namespace backplane

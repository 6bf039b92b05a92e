// SPDX-License-Identifier: MIT
// Lists as a terminal shows them well.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace backplane::host {

// The most columns that lists take.
inline constexpr std::size_t kColumns = 100;

// The same lines, those that are longer than `columns` broken between words and continued four
// columns further in. A word that is longer by itself stays whole.
std::string wrapped(std::string_view text, std::size_t columns);

// The text as standard output takes it: wrapped on a terminal, else as it is.
std::string for_output(std::string text);

}  // namespace backplane::host

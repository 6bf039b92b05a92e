// SPDX-License-Identifier: MIT
// What the argument of an option may be, by how its row writes it:
// "[driver=]TYPE[,id=ID][,readonly=on|off]".
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace backplane::host {

// What may stand in one place: words as they are ("on"), or beginnings ("unix:").
using Alternatives = std::vector<std::string>;

struct SyntaxKey {
  std::string name;
  Alternatives values;
};

struct ArgumentSyntax {
  Alternatives first;  // in place of the whole argument, or of its first element
  std::vector<SyntaxKey> keys;
};

// Placeholders, which are in capitals, give nothing.
ArgumentSyntax parse_argument_syntax(std::string_view argument);

}  // namespace backplane::host

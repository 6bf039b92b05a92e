// SPDX-License-Identifier: MIT
// What the word of a command line that is being typed may become, from the table of options and
// what is installed: for the completion of shells.
#pragma once

#include <string>
#include <vector>

#include "backplane/options.h"

namespace backplane::host {

struct Candidate {
  std::string word;         // all of it; one that ends in '=', ',' or ':' is to be gone on with
  std::string description;  // one line, or empty
};

// `words` are those behind the program's name, up to the one that is being typed, of which the last
// is what there is so far. Sorted; nothing where a file's name belongs, or anything else that is
// not known here. Never throws. May load the module of a type whose properties are asked for.
std::vector<Candidate> complete_command_line(const OptionTable& table,
                                             const std::vector<std::string>& words);

// The same as lines "WORD<TAB>DESCRIPTION", for a shell to read.
std::string completion_text(const OptionTable& table, const std::vector<std::string>& words);

}  // namespace backplane::host

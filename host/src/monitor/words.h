// SPDX-License-Identifier: MIT
// A command's arguments as words of a line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "backplane/command.h"

namespace backplane::host {

// Separated by spaces.
std::vector<std::string> words_of(std::string_view line);

// What its words are, for the help: "[-d] [-z COMPRESSOR] URI".
std::string describe_words(const Command& command);

// The words as values: "-d" and "-z VALUE" by their letters, others by their place; where the
// command takes properties, one word of the command line's form, "VALUE,KEY=VALUE". Throws Error: a
// word that is missing, too many, or no value of its argument's type.
Value arguments_of(const Command& command, const std::vector<std::string>& words);

}  // namespace backplane::host

// SPDX-License-Identifier: MIT
// Manual pages, made of what the programs say of themselves.
#pragma once

#include <string>
#include <string_view>

namespace backplane::manual {

// Of the program, from the table of its options.
std::string page_of_program(std::string_view version);

// Of another command, from the text that its --help prints: "Usage: ...", paragraphs, and options,
// which are indented and have two blanks or more between them and what is said of them. `summary`
// goes on from the command's name: "prints what ...".
std::string page_of_command(std::string_view name, std::string_view summary,
                            std::string_view version, std::string_view help);

}  // namespace backplane::manual

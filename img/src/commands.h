// SPDX-License-Identifier: MIT
// The commands. Each takes the words behind its name and gives the status that the program ends
// with; what stops it is thrown as an Error.
#pragma once

#include <string>
#include <vector>

namespace backplane::img {

using Words = std::vector<std::string>;

int create(const Words& words);
int info(const Words& words);
int check(const Words& words);
int convert(const Words& words);
int resize(const Words& words);
int rebase(const Words& words);
int commit(const Words& words);
int compare(const Words& words);
int map(const Words& words);
int snapshot(const Words& words);
int measure(const Words& words);

}  // namespace backplane::img

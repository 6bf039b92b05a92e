// SPDX-License-Identifier: MIT
// What a client of qtest can say: a line of words, answered by a line that begins with OK or FAIL.
// docs/qtest.md lists the commands.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace backplane {
class Machine;
}

namespace backplane::qtest {

class Interceptions;

// Whom a command is for.
struct Target {
  Machine& machine;
  Interceptions& interceptions;
};

// The most bytes of memory that one command reads or writes.
inline constexpr unsigned long kMostBytes = 64ul << 20;
// The longest line: its hexadecimal digits, and some words.
inline constexpr std::size_t kLongestLine = 2 * kMostBytes + 4096;

// Carries out one line, without its end. Whatever it is, the answer is a line, without its end.
// Main loop's thread, machine lock.
std::string answer(const Target& target, std::string_view line);

}  // namespace backplane::qtest

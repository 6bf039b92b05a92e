// SPDX-License-Identifier: MIT
// Host code of a block as lines that a reader can compare.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine.h"

namespace backplane::tcg::testing {

// Registers and fields of the state have names, jumps say what is at their end, and what is well
// known is one line: the check of an operand, flags that are saved or restored.
class HostText {
 public:
  HostText(Engine& engine, const Block& block);

  // From the first instruction on; with `whole` from the entry on, and nothing is one line.
  std::vector<std::string> lines(bool whole) const;

 private:
  struct Line {
    u32 at = 0, length = 0;
    u32 target = 0;  // of a direct jump or call
    bool jumps = false;
    bool always = false;  // a jump, and not a conditional one
    std::string text;     // of a direct jump: its mnemonic
  };

  Line read(u32 at) const;
  bool is_hot(u32 at) const { return at >= block_.begin && at < block_.end; }
  std::vector<Line> hot_lines(bool whole) const;
  std::string named(const std::string& text) const;
  // A jump with what is at its end.
  std::string shown(const Line& line) const;
  std::string end_of_jump(u32 target) const;
  std::vector<Line> cold_path(u32 at) const;
  std::string destination(const std::vector<Line>& path) const;
  std::string joined(const std::vector<Line>& path) const;
  // How many lines at `n` are a check, which becomes `text`; 0: none are.
  std::size_t check_at(const std::vector<Line>& lines, std::size_t n, std::string& text) const;
  std::string miss(const std::vector<Line>& path, const std::string& pointer) const;

  Engine& engine_;
  const Block& block_;
  std::map<i64, std::string> fields_;  // by displacement from the state
  std::map<u32, std::string> stubs_;   // by place
  mutable std::map<u32, int> labels_;  // of places in the block that it jumps to
};

}  // namespace backplane::tcg::testing

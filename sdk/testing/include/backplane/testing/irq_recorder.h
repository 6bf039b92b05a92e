// SPDX-License-Identifier: MIT
// The receiving end of interrupt lines, for tests: remembers what arrives.
#pragma once

#include <map>

#include "backplane/irq.h"

namespace backplane::testing {

class IrqRecorder final : public IrqSink {
 public:
  // A line to an input of this recorder, to be given to the device under test.
  IrqLine line(unsigned input = 0) { return {*this, input}; }

  bool level(unsigned input = 0) const {
    const auto at = inputs_.find(input);
    return at != inputs_.end() && at->second.level;
  }
  // How often the line went from low to high.
  unsigned edges(unsigned input = 0) const {
    const auto at = inputs_.find(input);
    return at == inputs_.end() ? 0 : at->second.edges;
  }
  void forget() { inputs_.clear(); }

  void set_irq(unsigned input, bool level) override {
    Input& state = inputs_[input];
    if (level && !state.level) ++state.edges;
    state.level = level;
  }

 private:
  struct Input {
    bool level = false;
    unsigned edges = 0;
  };
  std::map<unsigned, Input> inputs_;
};

}  // namespace backplane::testing

// SPDX-License-Identifier: MIT
// Interrupt lines: a wire from a device's output to one numbered input of a receiver.
#pragma once

#include "backplane/types.h"

namespace backplane {

// The receiving end. Called under the machine lock.
class IrqSink {
 public:
  virtual void set_irq(unsigned input, bool level) = 0;

 protected:
  ~IrqSink() = default;
};

// The sending end: a value, freely copied. An unconnected line swallows what it is told.
class IrqLine {
 public:
  IrqLine() = default;
  IrqLine(IrqSink& sink, unsigned input) : sink_(&sink), input_(input) {}

  bool connected() const { return sink_ != nullptr; }
  void set(bool level) const {
    if (sink_ != nullptr) sink_->set_irq(input_, level);
  }
  void raise() const { set(true); }
  void lower() const { set(false); }
  // A rising edge followed by a falling one.
  void pulse() const {
    set(true);
    set(false);
  }

 private:
  IrqSink* sink_ = nullptr;
  unsigned input_ = 0;
};

}  // namespace backplane

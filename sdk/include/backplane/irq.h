// SPDX-License-Identifier: MIT
// Interrupt lines: a wire from a device's output to one numbered input of a receiver.
#pragma once

#include <string_view>
#include <vector>

#include "backplane/types.h"

namespace backplane {

// Stands in front of a receiver: a test that wants to see what lines do. Called under the machine
// lock.
class IrqObserver {
 public:
  // An input is driven. True if the receiver is not to be told.
  virtual bool take(unsigned input, bool level) = 0;

 protected:
  ~IrqObserver() = default;
};

// The receiving end. Called under the machine lock.
class IrqSink {
 public:
  // What a line says. Lines call drive().
  virtual void set_irq(unsigned input, bool level) = 0;

  void drive(unsigned input, bool level) {
    if (observer_ == nullptr || !observer_->take(input, level)) set_irq(input, level);
  }
  // One at a time; null: nobody.
  void set_observer(IrqObserver* observer) { observer_ = observer; }
  IrqObserver* observer() const { return observer_; }

 protected:
  ~IrqSink() = default;

 private:
  IrqObserver* observer_ = nullptr;
};

// The sending end: a value, freely copied. An unconnected line swallows what it is told.
class IrqLine {
 public:
  IrqLine() = default;
  IrqLine(IrqSink& sink, unsigned input) : sink_(&sink), input_(input) {}

  bool connected() const { return sink_ != nullptr; }
  IrqSink* receiver() const { return sink_; }  // null: nobody
  unsigned input() const { return input_; }
  void set(bool level) const {
    if (sink_ != nullptr) sink_->drive(input_, level);
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

// An object that shows its interrupt pins: an interrupt controller, to who debugs or tests what is
// wired to it.
class IrqPins {
 public:
  // Inputs 0 to count - 1 of one receiver.
  struct Inputs {
    std::string_view name;
    IrqSink* receiver;
    unsigned count;
  };
  struct Output {
    std::string_view name;
    IrqLine line;  // connected
  };
  virtual std::vector<Inputs> irq_inputs() = 0;
  virtual std::vector<Output> irq_outputs() { return {}; }

 protected:
  ~IrqPins() = default;
};

}  // namespace backplane

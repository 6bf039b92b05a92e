// SPDX-License-Identifier: MIT
// Interrupt lines: a wire from a device's output to one numbered input of a receiver.
#pragma once

#include <string_view>
#include <vector>

#include "backplane/types.h"

namespace backplane {

// Stands in front of a receiver: a test that wants to see what lines do. It outlives its time
// there. Called under the machine lock, by whoever drives a line, and must not drive the same one.
class IrqObserver {
 public:
  // An input is driven. True if the receiver is not to be told.
  virtual bool take(unsigned input, bool level) = 0;

 protected:
  ~IrqObserver() = default;
};

// The receiving end: a controller, or a gate. It outlives the lines that lead to it. Called under
// the machine lock, on a vCPU's thread or the main loop's.
class IrqSink {
 public:
  // What a line says: true is high. The same level may be said again, which is no edge. Lines call
  // drive().
  virtual void set_irq(unsigned input, bool level) = 0;

  // set_irq(), unless an observer takes it.
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

// The sending end: a value, freely copied. An unconnected line swallows what it is told. A device
// that drives an input is alone there: what several drive is put together by a gate of the board.
class IrqLine {
 public:
  IrqLine() = default;
  IrqLine(IrqSink& sink, unsigned input) : sink_(&sink), input_(input) {}

  bool connected() const { return sink_ != nullptr; }
  IrqSink* receiver() const { return sink_; }  // null: nobody
  unsigned input() const { return input_; }    // of the receiver
  // At once: the receiver has seen it when this returns.
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
  // The names are constant, the receivers parts of the object.
  virtual std::vector<Inputs> irq_inputs() = 0;
  // Those that are connected.
  virtual std::vector<Output> irq_outputs() { return {}; }

 protected:
  ~IrqPins() = default;
};

}  // namespace backplane

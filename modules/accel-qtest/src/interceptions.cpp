// SPDX-License-Identifier: MIT
#include "interceptions.h"

#include <algorithm>
#include <numeric>

#include "backplane/command.h"
#include "backplane/error.h"
#include "backplane/object.h"

namespace backplane::qtest {

namespace {

// QEMU's name for pins that have none.
constexpr std::string_view kUnnamed = "unnamed-gpio-in";

// Whether a client that says `name` means that object, or a group of it.
bool is_called(const Object& object, std::string_view group, std::string_view name) {
  return name == group || object.path() == name || object.child_name() == name;
}

template <class Pins>
const Pins* find(const Object& object, const std::vector<Pins>& groups, std::string_view name) {
  const auto found = std::ranges::find_if(
      groups, [&](const Pins& pins) { return is_called(object, pins.name, name); });
  return found == groups.end() ? nullptr : &*found;
}

}  // namespace

// The client's end of some inputs of one receiver: those in `inputs`, numbered in that order.
class Interceptions::Watch final : public IrqObserver {
 public:
  Watch(IrqSink& receiver, std::vector<unsigned> inputs, const Tell& tell)
      : receiver_(receiver), inputs_(std::move(inputs)), tell_(tell) {
    if (receiver.observer() != nullptr) throw Error("these lines are intercepted already");
    receiver.set_observer(this);
  }
  ~Watch() { receiver_.set_observer(nullptr); }

  bool take(unsigned input, bool level) override {
    const auto found = std::ranges::find(inputs_, input);
    if (found == inputs_.end()) return false;
    tell_(static_cast<unsigned>(found - inputs_.begin()), level);
    return true;
  }

 private:
  IrqSink& receiver_;
  std::vector<unsigned> inputs_;
  const Tell& tell_;
};

Interceptions::Interceptions(Object& root, Tell tell) : root_(root), tell_(std::move(tell)) {}
Interceptions::~Interceptions() = default;

void Interceptions::add_inputs(std::string_view name) {
  for (IrqPins* const object : objects_offering<IrqPins>(root_)) {
    const std::vector<IrqPins::Inputs> groups = object->irq_inputs();
    if (const auto* pins = find(dynamic_cast<Object&>(*object), groups, name)) {
      std::vector<unsigned> inputs(pins->count);
      std::iota(inputs.begin(), inputs.end(), 0u);
      return watch(*pins->receiver, std::move(inputs));
    }
  }
  throw Error::of("'{}' has no interrupt inputs that can be seen", name);
}

void Interceptions::add_outputs(std::string_view name) {
  for (IrqPins* const object : objects_offering<IrqPins>(root_)) {
    const std::vector<IrqPins::Output> groups = object->irq_outputs();
    if (const auto* pin = find(dynamic_cast<Object&>(*object), groups, name))
      return watch(*pin->line.receiver(), {pin->line.input()});
  }
  throw Error::of("'{}' has no interrupt outputs that can be seen", name);
}

void Interceptions::watch(IrqSink& receiver, std::vector<unsigned> inputs) {
  watches_.push_back(std::make_unique<Watch>(receiver, std::move(inputs), tell_));
}

void Interceptions::end() { watches_.clear(); }

IrqSink& Interceptions::receiver(std::string_view name, std::string_view group, u64 input) const {
  for (IrqPins* const object : objects_offering<IrqPins>(root_))
    for (const IrqPins::Inputs& pins : object->irq_inputs()) {
      if (!is_called(dynamic_cast<Object&>(*object), pins.name, name)) continue;
      if (!group.empty() && group != kUnnamed && group != pins.name) continue;
      if (input >= pins.count)
        throw Error::of("'{}' has the inputs 0 to {}, not {}", name, pins.count - 1, input);
      return *pins.receiver;
    }
  throw Error::of("'{}' has no interrupt inputs '{}'", name, group);
}

}  // namespace backplane::qtest

// SPDX-License-Identifier: MIT
// Being told when something happens, for as long as one wants to be.
//
//   running_ = machine().run_control().on_change([this](bool running) { ... });   // a member
//
// Machine lock.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace backplane {

namespace detail {
struct SubscriptionState {
  virtual ~SubscriptionState() = default;
  bool ended = false;
};
}  // namespace detail

// Ends what it stands for when it is destroyed, or given another one. May outlive what it was got
// from.
class [[nodiscard]] Subscription {
 public:
  // To nothing.
  Subscription() = default;
  // For who tells: Subscribers::add() does this.
  explicit Subscription(std::shared_ptr<detail::SubscriptionState> state)
      : state_(std::move(state)) {}
  ~Subscription() { end(); }
  Subscription(Subscription&& other) noexcept = default;
  Subscription& operator=(Subscription&& other) noexcept {
    if (this != &other) {
      end();
      state_ = std::move(other.state_);
    }
    return *this;
  }
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  // The function is not called any more, also if it is its turn next.
  void end() {
    if (state_ != nullptr) state_->ended = true;
    state_.reset();
  }

 private:
  std::shared_ptr<detail::SubscriptionState> state_;
};

// Those that are to be told: a member of who tells. One that is told may subscribe and end
// subscriptions, its own too. What one of them throws goes to who tells, and the rest hear nothing.
template <class... Args>
class Subscribers {
 public:
  using Function = std::function<void(Args...)>;

  // The function is called until the subscription ends; dropping what is returned ends it at once.
  Subscription add(Function function) {
    auto entry = std::make_shared<Entry>();
    entry->function = std::move(function);
    entries_.push_back(entry);
    return Subscription(std::move(entry));
  }

  // Calls all that subscribed before, in that order.
  void tell(Args... args) {
    std::erase_if(entries_, [](const auto& entry) { return entry->ended; });
    const std::vector<std::shared_ptr<Entry>> told = entries_;
    for (const auto& entry : told)
      if (!entry->ended) entry->function(args...);
  }

 private:
  struct Entry : detail::SubscriptionState {
    Function function;
  };
  std::vector<std::shared_ptr<Entry>> entries_;
};

}  // namespace backplane

// SPDX-License-Identifier: MIT
// What is plugged into a port of the keyboard controller: it is told bytes, and says bytes.
#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

#include "backplane/state.h"
#include "backplane/types.h"

namespace backplane::pc {

// Machine lock for all calls.
class Ps2Device {
 public:
  virtual ~Ps2Device() = default;

  // A byte from the controller.
  virtual void write(u8 byte) = 0;
  // The next byte for the controller, if there is one.
  virtual std::optional<u8> read() = 0;
  // Called when there is one; once, before any other call.
  void on_data(std::function<void()> fn) { data_ = std::move(fn); }

 protected:
  void tell_data() const {
    if (data_) data_();
  }

 private:
  std::function<void()> data_;
};

// What such a device has yet to say, as part of its state.
class Ps2Queue {
 public:
  static constexpr std::size_t kMost = 64;        // bytes
  static constexpr std::size_t kForAnswers = 16;  // of them, what events leave free

  // All of it or nothing. Returns whether there was room.
  bool add(std::initializer_list<u8> bytes) { return add(std::vector<u8>(bytes)); }
  bool add(const std::vector<u8>& bytes) {
    if (!has_room(bytes.size())) return false;
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return true;
  }
  bool has_room(std::size_t count) const { return bytes_.size() + count <= kMost; }
  bool has_room_for_event(std::size_t count) const { return has_room(count + kForAnswers); }
  std::optional<u8> take() {
    if (bytes_.empty()) return std::nullopt;
    last_ = bytes_.front();
    bytes_.erase(bytes_.begin());
    return last_;
  }
  // The last one taken, to be said again.
  u8 last() const { return last_; }
  void clear() { bytes_.clear(); }

  static std::span<const StateMember> members() {
    static const StateMember kMembers[] = {member<&Ps2Queue::bytes_>("bytes", up_to(kMost)),
                                           member<&Ps2Queue::last_>("last")};
    return kMembers;
  }

 private:
  std::vector<u8> bytes_;  // the next one first
  u8 last_ = 0;
};

}  // namespace backplane::pc

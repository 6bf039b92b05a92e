// SPDX-License-Identifier: MIT
// The memory of chains that a queue has popped, which is not to go while they are in use.
#pragma once

#include <memory>
#include <vector>

#include "backplane/memory.h"
#include "backplane/types.h"

namespace backplane {

// Of one queue's chains, by their heads.
class QueueMemory {
 public:
  // False: a chain with that head is held already.
  bool hold(u16 head, const std::shared_ptr<const FlatView>& view) {
    if (views_.size() <= head) views_.resize(head + std::size_t{1});
    if (views_[head] != nullptr) return false;
    views_[head] = view;
    // Few are put back.
    if (popped_.size() == kMostPopped)
      popped_.erase(popped_.begin(), popped_.begin() + kMostPopped / 2);
    popped_.push_back(head);
    return true;
  }
  void let_go(u16 head) {
    if (head < views_.size()) views_[head].reset();
  }
  // Of the one that was popped last, which is put back.
  void let_go_of_last() {
    if (popped_.empty()) return;
    let_go(popped_.back());
    popped_.pop_back();
  }

 private:
  static constexpr std::size_t kMostPopped = 4096;
  std::vector<std::shared_ptr<const FlatView>> views_;
  std::vector<u16> popped_;  // heads, the last one popped last
};

}  // namespace backplane

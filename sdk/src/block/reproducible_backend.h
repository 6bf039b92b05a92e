// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <memory>

#include "backplane/block.h"
#include "backplane/clock.h"

namespace backplane {

// Lets requests of another backend complete at times that they and the virtual clock alone decide,
// in the order in which they were submitted; see make_reproducible(). Machine lock for all calls.
class ReproducibleBackend final : public BlockBackend {
 public:
  ReproducibleBackend(Clock& virtual_clock, std::unique_ptr<BlockBackend> inner);

  u64 size() const override { return inner_->size(); }
  bool read_only() const override { return inner_->read_only(); }
  unsigned logical_block_size() const override { return inner_->logical_block_size(); }
  bool write_cache() const override { return inner_->write_cache(); }
  void submit(BlockRequest request) override;
  void drain() override;
  std::string describe() const override { return inner_->describe(); }
  std::string explain(int result) const override { return inner_->explain(result); }

 private:
  struct Pending {
    i64 due = 0;
    std::function<void(int)> done;
    bool finished = false;  // the host has carried it out
    int result = 0;
  };
  void expire();
  void complete_first();

  Clock& clock_;
  std::unique_ptr<BlockBackend> inner_;
  std::deque<std::shared_ptr<Pending>> pending_;  // by time
  i64 idle_at_ = 0;                               // when the last one completes
  Timer timer_;
};

}  // namespace backplane

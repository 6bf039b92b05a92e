// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "backplane/block.h"

namespace backplane {

// Does with what the host fails at in another backend what error_actions() say; see
// make_error_policy(). Machine lock for all calls.
class ErrorPolicyBackend final : public BlockBackend {
 public:
  ErrorPolicyBackend(std::function<void()> stop, ErrorActions actions,
                     std::unique_ptr<BlockBackend> inner);

  u64 size() const override { return inner_->size(); }
  bool read_only() const override { return inner_->read_only(); }
  unsigned logical_block_size() const override { return inner_->logical_block_size(); }
  bool write_cache() const override { return inner_->write_cache(); }
  void submit(BlockRequest request) override;
  void retry() override;
  void drain() override;
  std::string explain(int result) const override { return inner_->explain(result); }
  std::string describe() const override;

 private:
  struct Failed {
    std::shared_ptr<const BlockRequest> request;
    int result = 0;
  };

  // Has the inner backend carry it out, keeping what is needed to do so again.
  void attempt(std::shared_ptr<const BlockRequest> request);
  void fail(Failed failed);
  ErrorAction action_for(const Failed& failed) const;
  // Says the line, unless one for that reason was said before.
  void say_once(const std::string& reason, const std::string& line);

  std::function<void()> stop_;
  std::unique_ptr<BlockBackend> inner_;
  std::vector<Failed> waiting_;  // until the machine goes on
  bool giving_up_ = false;       // nothing is to wait: drain()
  std::set<std::string> said_;
  u64 failures_ = 0;
  std::string last_failure_;
};

}  // namespace backplane

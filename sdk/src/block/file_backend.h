// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "backplane/block.h"
#include "block/completion_queue.h"
#include "block/raw_image.h"
#include "block/worker_pool.h"

namespace backplane {

// A raw image whose requests are carried out by a few threads.
class FileBackend final : public BlockBackend {
 public:
  // Throws Error.
  FileBackend(MainLoop& loop, const BlockOptions& options);
  // What was submitted is carried out; its completions do not run any more (see drain()).
  ~FileBackend() override;

  u64 size() const override { return image_.size(); }
  bool read_only() const override { return image_.read_only(); }
  bool write_cache() const override { return image_.write_cache(); }
  void submit(BlockRequest request) override;
  void drain() override { completions_->run_all(); }
  std::string describe() const override { return image_.describe(); }
  std::string explain(int result) const override { return image_.explain(result); }

 private:
  int carry_out(const BlockRequest& request);

  RawImage image_;
  std::shared_ptr<CompletionQueue> completions_;
  WorkerPool workers_;  // last: its threads use the others
};

}  // namespace backplane

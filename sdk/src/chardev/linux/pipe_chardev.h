// SPDX-License-Identifier: MIT
#pragma once

#include "chardev/stream_chardev.h"

namespace backplane {

// Two named pipes: reads from PATH.in, writes to PATH.out. Programs at the other ends may come and
// go; what is written waits for a reader.
class PipeChardev final : public StreamChardev {
 public:
  // Throws Error.
  PipeChardev(MainLoop& loop, std::string id, std::string path);
  ~PipeChardev() override;
  std::string describe() const override { return "pipe: " + path_; }

 private:
  std::string path_;
};

}  // namespace backplane

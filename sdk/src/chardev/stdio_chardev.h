// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "chardev/stream_chardev.h"

namespace backplane {

// Standard input and output, the terminal in raw mode if they are one. The end of the input is
// the end of the input only. What is written reaches a slow reader completely, also at the end of
// the program.
class StdioChardev final : public StreamChardev {
 public:
  // keep_signals: Ctrl-C ends the program instead of going to the guest. Throws Error.
  StdioChardev(MainLoop& loop, std::string id, bool keep_signals);
  ~StdioChardev() override;
  std::string describe() const override { return "stdio"; }

 private:
  void output_failed(int error) override;

  const std::shared_ptr<void> raw_;
};

}  // namespace backplane

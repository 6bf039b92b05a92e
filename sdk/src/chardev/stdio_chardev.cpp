// SPDX-License-Identifier: MIT
#include <cerrno>
#include <memory>
#include <system_error>

#include "backplane/error.h"
#include "backplane/log.h"
#include "chardev/standard_streams.h"
#include "chardev/stream_chardev.h"

namespace backplane {

namespace {

// How long the end of the program waits for a reader of our output that takes nothing.
constexpr int kPatience = 30'000;  // milliseconds

// Standard input and output, the terminal in raw mode if they are one. The end of the input is
// the end of the input only. What is written reaches a slow reader completely, also at the end of
// the program.
class StdioChardev final : public StreamChardev {
 public:
  static void class_init(ObjectClass& k) {
    k.property<&StdioChardev::signal_>("signal", "Ctrl-C ends the program, not what runs in it");
  }
  ~StdioChardev() override {
    finish_output(kPatience);
    if (user_of_streams_ == this) user_of_streams_ = nullptr;
  }
  std::string describe() const override { return "stdio"; }

 private:
  void open() override {
    if (user_of_streams_ != nullptr)
      throw Error(
          "stdio is in use already: -serial mon:stdio shares it between a serial port and "
          "the monitor");
    user_of_streams_ = this;
    raw_ = raw_terminal(signal_);
    connect(standard_input(), standard_output());
  }
  void output_failed(int error) override {
    // A reader that has seen enough (`| head`) is nothing to complain about.
    if (error != EPIPE)
      log::warn("cannot write to standard output: " + std::generic_category().message(error));
  }

  // The program has them once.
  static StdioChardev* user_of_streams_;
  bool signal_ = true;
  std::shared_ptr<void> raw_;
};
StdioChardev* StdioChardev::user_of_streams_ = nullptr;

BACKPLANE_TYPE(StdioChardev, "chardev-stdio", .description = "The program's terminal, or pipes")

}  // namespace

}  // namespace backplane

// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>

#include "backplane/chardev.h"
#include "backplane/main_loop.h"
#include "chardev/input_pump.h"
#include "chardev/output_queue.h"
#include "chardev/stream_handle.h"

namespace backplane {

// A chardev over streams of the host: what the kinds that have one have in common. It is connected
// while it has streams; what is written while it has none is dropped.
class StreamChardev : public Chardev, private InputPump::Receiver {
 public:
  ~StreamChardev() override;
  void write(const u8* data, std::size_t size) override;
  std::size_t pending() const override { return output_ ? output_->pending() : 0; }
  void set_client(ChardevClient* client) override;
  void accept_input() override;
  int take_descriptor() override { return input_ ? input_->take_descriptor() : -1; }

 protected:
  StreamChardev() = default;

  bool connected() const { return input_ || output_; }
  // Either may be empty: no input, or nowhere to write to. Tells the client.
  void connect(StreamHandle input, StreamHandle output);
  // Drops what is pending. Tells the client.
  void disconnect();
  void discard_output();
  // Waits for a slow reader to take what is pending: when the connection or the program ends.
  void finish_output(int milliseconds_without_progress);

  // The other side sends no more; by default nothing follows from that. Main loop.
  virtual void end_of_input() {}
  // The other side takes no more (errno); by default nothing follows. Main loop.
  virtual void output_failed(int error) { (void)error; }

  // Runs fn on the main loop, unless this is destroyed before.
  void later(std::function<void()> fn);

 private:
  std::size_t input_room() override;
  void input(const u8* data, std::size_t size) override;
  void input_ended() override { end_of_input(); }

  std::optional<InputPump> input_;
  std::optional<OutputQueue> output_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace backplane

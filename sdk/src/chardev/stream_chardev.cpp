// SPDX-License-Identifier: MIT
#include "chardev/stream_chardev.h"

namespace backplane {

StreamChardev::~StreamChardev() = default;

void StreamChardev::later(std::function<void()> fn) {
  loop().post([alive = std::weak_ptr<bool>(alive_), fn = std::move(fn)] {
    if (!alive.expired()) fn();
  });
}

void StreamChardev::connect(StreamHandle input, StreamHandle output) {
  if (input) input_.emplace(loop(), std::move(input), static_cast<InputPump::Receiver&>(*this));
  if (output)
    output_.emplace(loop(), std::move(output), [this](int error) {
      later([this, error] {
        // Unless another connection has taken its place.
        if (output_ && output_->has_failed()) output_failed(error);
      });
    });
  if (client() != nullptr) {
    client()->event(ChardevClient::Event::Opened);
    accept_input();
  }
}

void StreamChardev::disconnect() {
  if (!connected()) return;
  input_.reset();
  output_.reset();
  if (client() != nullptr) client()->event(ChardevClient::Event::Closed);
}

void StreamChardev::discard_output() {
  if (output_) output_->discard();
}

void StreamChardev::finish_output(int milliseconds_without_progress) {
  if (output_) output_->finish(milliseconds_without_progress);
}

void StreamChardev::write(const u8* data, std::size_t size) {
  if (output_) output_->write(data, size);
}

void StreamChardev::set_client(ChardevClient* client) {
  Chardev::set_client(client);
  if (client == nullptr) {
    if (input_) input_->pause();
    return;
  }
  accept_input();
  // Not from here: the client may still be under construction.
  if (connected())
    later([this, client] {
      if (this->client() == client && connected()) client->event(ChardevClient::Event::Opened);
    });
}

void StreamChardev::accept_input() {
  if (input_ && client() != nullptr) input_->resume();
}

std::size_t StreamChardev::input_room() {
  return client() != nullptr ? client()->can_receive() : 0;
}

void StreamChardev::input(const u8* data, std::size_t size) {
  if (client() != nullptr) client()->receive(data, size);
}

}  // namespace backplane

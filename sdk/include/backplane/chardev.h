// SPDX-License-Identifier: MIT
// Character devices: where a UART's, a monitor's or a console's bytes come from and go to.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backplane/types.h"

namespace backplane {

class MainLoop;

// The guest-facing user of a chardev (a UART). Called on the main loop's thread, machine lock
// held.
class ChardevClient {
 public:
  // How many bytes receive() would accept now.
  virtual std::size_t can_receive() = 0;
  virtual void receive(const u8* data, std::size_t size) = 0;
  enum class Event { Opened, Closed, Break };
  virtual void event(Event) {}

 protected:
  ~ChardevClient() = default;
};

// One backend. Machine lock for all calls.
class Chardev {
 public:
  virtual ~Chardev() = default;
  const std::string& id() const { return id_; }

  // Writes all bytes; those that the other side does not take at once are queued (bounded) and
  // sent by the main loop; with nobody connected they are dropped. Never blocks for long.
  virtual void write(const u8* data, std::size_t size) = 0;
  // Bytes waiting to be sent.
  virtual std::size_t pending() const { return 0; }
  // Connects the user of the device; null disconnects. One at a time.
  virtual void set_client(ChardevClient* client) { client_ = client; }
  // The client can accept bytes again.
  virtual void accept_input() {}
  // "stdio", "pty: /dev/pts/3", for `info chardev`.
  virtual std::string describe() const = 0;

 protected:
  explicit Chardev(std::string id) : id_(std::move(id)) {}
  ChardevClient* client() const { return client_; }

 private:
  std::string id_;
  ChardevClient* client_ = nullptr;
};

// Makes a backend from -chardev's parts: kind ("stdio", "null", "file", "pty", "socket", "pipe")
// and key=value options ("path", "host", "port", "server", "wait", "mux", "signal", "append").
// Throws Error.
std::unique_ptr<Chardev> create_chardev(MainLoop& loop, const std::string& kind,
                                        const std::string& id,
                                        const std::vector<std::pair<std::string, std::string>>& options);

// The short form of -serial and -monitor: "stdio", "mon:stdio", "null", "none" (gives null),
// "file:PATH", "pty", "unix:PATH[,server=on][,wait=off]", "tcp:HOST:PORT[,server=on]",
// "chardev:ID" is resolved by the host. Throws Error.
std::unique_ptr<Chardev> create_chardev_from_text(MainLoop& loop, const std::string& id,
                                                  const std::string& text);

// A multiplexer in front of one backend: several clients, one with the focus. Ctrl-A is the
// escape: x ends the program (on_quit), c next client, h help, b break, Ctrl-A itself. A front is
// told Opened when it gets the focus and Closed when it loses it; what the others write is shown
// all the same.
class MuxChardev : public Chardev {
 public:
  MuxChardev(std::string id, std::unique_ptr<Chardev> backend);
  ~MuxChardev() override;
  // A further front; the first one made has the focus. Owned by the mux.
  Chardev& add_front(const std::string& id);
  void on_quit(std::function<void()> fn);
  void write(const u8* data, std::size_t size) override;
  std::size_t pending() const override;
  void set_client(ChardevClient* client) override;
  void accept_input() override;
  std::string describe() const override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace backplane

// SPDX-License-Identifier: MIT
// Character devices: where a UART's, a monitor's or a console's bytes come from and go to.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backplane/backend.h"
#include "backplane/room.h"
#include "backplane/types.h"

namespace backplane {

class MainLoop;

inline constexpr Kind kChardevKind{.base = "chardev",
                                   .prefix = "chardev-",
                                   .suffix = "",
                                   .noun = "character device",
                                   .option = "-chardev"};

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

// Who has a character device, and does not listen to it at times, derives from this, too.
class ChardevUser {
 public:
  // Whether it does now: a port that the guest has open. Machine lock.
  virtual bool listens() const = 0;

 protected:
  ~ChardevUser() = default;
};

// One backend: "chardev-stdio", "chardev-socket", ... A type of its own derives from it, implements
// write(), and hands what arrives to client(), as far as that can receive it. Machine lock for all
// calls. Where several are to share one, chardev-mux stands in front of it.
class Chardev : public Backend {
  BACKPLANE_OBJECT(Chardev, Backend, "chardev")
 public:
  static void class_init(ObjectClass&) {}

  // Writes all bytes; those that the other side does not take at once are queued (bounded) and
  // sent by the main loop; with nobody connected they are dropped. Never blocks for long.
  virtual void write(const u8* data, std::size_t size) = 0;
  // Bytes waiting to be sent.
  virtual std::size_t pending() const { return 0; }
  // Connects the user of the device; null disconnects. One at a time.
  virtual void set_client(ChardevClient* client) { client_ = client; }
  // The client can accept bytes again.
  virtual void accept_input() {}
  // A file descriptor that the other side has sent along with the bytes that were received (of a
  // unix socket: SCM_RIGHTS), which is the caller's from now on; the last one if there were
  // several. -1: there is none.
  virtual int take_descriptor() { return -1; }

  Backend& claim(const Object& user) override;

 protected:
  ChardevClient* client() const { return client_; }
  // From open() on.
  MainLoop& loop() const;

 private:
  ChardevClient* client_ = nullptr;
  [[maybe_unused]] Room<4> room_;
};

// A character device as -serial and -monitor write it, as name and properties.
struct ChardevParts {
  std::string name;
  std::vector<std::pair<std::string, std::string>> properties;
};
// "null", "none", "stdio", "pty", "pty:LINK", "file:PATH", "pipe:PATH", "unix:PATH" and
// "tcp:[HOST]:PORT", those with a colon followed by any ",KEY=VALUE" of that kind. Two commas stand
// for one of a path. Throws Error.
ChardevParts parse_chardev_short_form(const std::string& text);

}  // namespace backplane

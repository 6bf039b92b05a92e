// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "state/chunks.h"

namespace backplane {

// The connection between the program that a machine is in and the one that it goes to. One thread
// uses it, but for cancel(). What fails throws Error that begins with the place.
class MigrationLink : public ByteSink, public ByteSource {
 public:
  // Throws Error if `place` is none, "unix:PATH", "tcp:HOST:PORT" or "fd:NAME" (descriptors.h).
  static std::unique_ptr<MigrationLink> to(std::string_view place);
  virtual ~MigrationLink() = default;

  // Nobody can answer: it is a pipe or a file that was handed over.
  virtual bool is_one_way() const { return false; }

  // Connects to a program that waits there, or waits for one that connects. What was handed over is
  // connected.
  virtual void connect() = 0;
  virtual void accept() = 0;
  // What accept() begins with: others can connect from then on.
  virtual void listen() = 0;
  // Both wait for the other program as long as it takes, or as the limit says. get() throws at the
  // connection's end.
  void put(std::span<const u8> bytes) override = 0;
  void get(std::span<u8> bytes) override = 0;
  virtual void set_limit(std::optional<int> milliseconds) = 0;
  virtual bool is_connected() const = 0;
  virtual void close() = 0;
  // Whether get() would find something, an end included.
  virtual bool has_answer() = 0;
  // Whatever waits, or would wait later, throws Error. Any thread.
  virtual void cancel() = 0;
  virtual const std::string& place() const = 0;
};

}  // namespace backplane

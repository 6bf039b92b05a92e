// SPDX-License-Identifier: MIT
// Where a machine is served to gdb: -gdb, -s, and whoever wants it elsewhere later.
#pragma once

#include <string>

#include "backplane/backend.h"
#include "backplane/command.h"
#include "gdb/server.h"

namespace backplane::host::gdb {

// Where -s is.
inline constexpr const char* kUsualDevice = "tcp::1234";

// Main thread, machine lock held.
class Service {
 public:
  // The server becomes a child of `root`, its character device one of the backends.
  // What its clients have the monitor do is done as of this context.
  Service(CommandContext context, Backends& backends, Object& root)
      : context_(std::move(context)), backends_(backends), root_(root) {}
  ~Service() { stop(); }
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Waits for a client there, in place of where it waited before: a device as -monitor takes them,
  // whose sockets are servers that wait for nobody unless they are told otherwise, and on this
  // host's own address if none is given. "none": nowhere. Throws Error, and then waits nowhere.
  void serve(const std::string& device);
  bool serving() const { return server_ != nullptr; }

 private:
  void stop();
  std::string run_for_client(std::string_view line);

  CommandContext context_;
  Backends& backends_;
  Object& root_;
  Server* server_ = nullptr;
  bool owns_device_ = false;
  bool in_client_ = false;  // a client's command is carried out
};

}  // namespace backplane::host::gdb

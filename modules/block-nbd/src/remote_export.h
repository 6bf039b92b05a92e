// SPDX-License-Identifier: MIT
// The server as one that may go and come back: the connection is made anew, and what was in flight
// asked again.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "connection.h"
#include "wire/place.h"

namespace backplane::nbd {

class RemoteExport {
 public:
  // Connects; tries again for as long as `open_timeout` says (seconds). Throws Error.
  RemoteExport(ExportName name, u32 open_timeout, u32 reconnect_delay);

  const ExportName& name() const { return name_; }
  // As it was at first, which a server that comes back has to be like.
  const ExportInfo& info() const { return info_; }
  // 0 or a negative errno, -EIO where there is no server for longer than `reconnect_delay`. Any
  // thread, several at a time.
  int carry_out(Request request, u32* part_size = nullptr, u32* part_state = nullptr);
  // Why there is no server; empty if there is one.
  std::string failure();

 private:
  // Null: there is none.
  std::shared_ptr<Connection> connection(Deadline deadline);
  void connect_again();

  const ExportName name_;
  const u32 reconnect_delay_;
  ExportInfo info_;

  std::mutex mutex_;  // of what follows; held while a connection is made
  std::shared_ptr<Connection> connection_;
  Deadline next_attempt_;
  std::string failure_;
};

}  // namespace backplane::nbd

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
  // All in seconds; 0 as the last: for ever.
  struct Patience {
    u32 open = 0;       // for a server to come
    u32 reconnect = 0;  // for one that has gone to come back
    u32 request = 0;    // for something to come of what was asked for
  };
  // Throws Error.
  RemoteExport(ExportName name, const Patience& patience);

  const ExportName& name() const { return name_; }
  // As it was at first, which a server that comes back has to be like.
  const ExportInfo& info() const { return info_; }
  // 0 or a negative errno, -EIO where there is no server for longer than it is waited for, or twice
  // nothing came of it. Any thread, several at a time.
  int carry_out(Request request, u32* part_size = nullptr, u32* part_state = nullptr);
  // Why there is no server; empty if there is one.
  std::string failure();

 private:
  // Null: there is none.
  std::shared_ptr<Connection> connection(Deadline deadline);
  std::shared_ptr<Connection> connect() const;
  void connect_again();

  const ExportName name_;
  const Patience patience_;
  ExportInfo info_;

  std::mutex mutex_;  // of what follows; held while a connection is made
  std::shared_ptr<Connection> connection_;
  Deadline next_attempt_;
  std::string failure_;
};

}  // namespace backplane::nbd

// SPDX-License-Identifier: MIT
// A connection to an export, on which many requests are in flight. Whoever waits for a reply and
// finds nobody at it receives what comes, for the others as well, until its own is there: a request
// that is alone needs no other thread.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>

#include "backplane/io_vector.h"
#include "backplane/types.h"
#include "wire/channel.h"
#include "wire/handshake.h"

namespace backplane::nbd {

struct Request {
  Command command = kCmdFlush;
  u16 flags = 0;
  u64 offset = 0;
  u32 size = 0;
  std::span<const iovec> iov;  // of a read or a write: as long as `size`
  // What a block status comes to: a first part in one state. 0: none was told.
  u32 part_size = 0;
  u32 part_state = 0;
};

class Connection {
 public:
  // Chooses the export at the other end of the socket. Later, one that is silent for so many
  // seconds while it is waited for is lost. Throws Error.
  Connection(Socket socket, const std::string& name, Deadline deadline, u32 most_silence);
  // Nothing is in flight.
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  const ExportInfo& info() const { return info_; }
  // 0 or a negative errno; nothing if the connection is lost, and with that what became of it. Any
  // thread, several at a time.
  std::optional<int> carry_out(Request& request);
  bool is_lost();
  // Why it is lost.
  std::string reason();
  // It is, because nothing came.
  bool was_silent();

 private:
  struct Pending {
    Request& request;
    u64 received = 0;  // bytes of a read
    int error = 0;     // a negative errno: the first that was told
    bool done = false;
  };
  struct Chunk;

  bool send(const Request& request, u64 cookie);
  // One reply or a part of one; false: the connection is of no more use.
  bool receive_reply();
  bool receive_simple(Pending& pending, u32 error);
  bool receive_chunk(Pending& pending, const Chunk& chunk);
  bool receive_part(Pending& pending, const Chunk& chunk);
  bool receive_status(Pending& pending, u32 size);
  bool receive_error(Pending& pending, u32 size);
  void finish(Pending& pending);
  Pending* find(u64 cookie);
  bool lose(const char* why);
  // What was waited for did not come.
  bool lose_contact();

  Channel channel_;
  ExportInfo info_;

  std::mutex sending_;
  std::mutex mutex_;  // what follows; never waits for anything
  std::condition_variable changed_;
  std::unordered_map<u64, Pending*> pending_;  // by their cookies
  u64 next_cookie_ = 1;
  bool receiving_ = false;  // somebody is at it
  bool lost_ = false;
  bool silent_ = false;
  std::string reason_;
};

}  // namespace backplane::nbd

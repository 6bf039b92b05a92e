// SPDX-License-Identifier: MIT
// One client. Its threads take turns: one receives a request while the others carry out theirs, so
// that as many are in flight as there are threads, and what a request needs is its thread's.
//
// What a client can make the server keep is bounded by kMaxThreads and kMaxInFlight; one that does
// not take its replies waits for itself alone.
#pragma once

#include <condition_variable>
#include <mutex>
#include <span>
#include <string_view>
#include <thread>
#include <vector>

#include "server/export.h"
#include "server/negotiation.h"
#include "wire/channel.h"

namespace backplane::nbd {

class Session {
 public:
  static constexpr unsigned kMaxThreads = 16;
  static constexpr u64 kMaxInFlight = 64 << 20;  // bytes of data, of all its requests
  static constexpr u32 kMaxHandshake = 10;       // seconds

  Session(const Export& exported, Socket socket) : export_(exported), channel_(std::move(socket)) {}

  // Until the client has left, and what it asked for is done. Whether it chose the export.
  bool run();
  // Ends it soon. Any thread.
  void stop();

 private:
  struct Request {
    u16 flags = 0;
    u16 type = 0;
    u64 cookie = 0;
    u64 offset = 0;
    u32 size = 0;
  };
  class Buffer;
  class Share;

  void serve();
  // False: nothing more is to be received.
  bool receive(Request& request, Buffer& buffer, Share& share);
  bool receive_data(const Request& request, Buffer& buffer, Share& share);
  void add_thread_if_needed();

  // 0, or what is wrong with it, by the protocol's number.
  u32 check(const Request& request) const;
  void carry_out(const Request& request, Buffer& buffer);
  int change(const Request& request, Buffer& buffer);
  int read_ahead(const Request& request, Buffer& buffer);
  void send_data(const Request& request, std::span<u8> data);
  void send_status(const Request& request);
  void send_result(const Request& request, u32 error);
  void send(std::span<const u8> head, std::span<u8> data = {});
  void leave();

  const Export& export_;
  Channel channel_;
  Agreement agreement_;

  // Lock order: receiving_, then state_. sending_ is taken alone.
  std::mutex receiving_;  // whose turn it is to receive
  std::mutex sending_;
  std::mutex state_;  // what follows
  std::condition_variable room_;
  u64 in_flight_ = 0;     // bytes of data
  unsigned waiting_ = 0;  // threads that have nothing to carry out
  bool over_ = false;
  std::vector<std::thread> helpers_;
};

}  // namespace backplane::nbd

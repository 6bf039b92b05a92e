// SPDX-License-Identifier: MIT
// The server's side of a WebSocket: what browsers speak in place of a plain connection. Whatever
// arrives, it keeps no more of it than a request's header and a control frame. [RFC 6455]
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backplane/types.h"

namespace backplane::vnc {

class WebSocket {
 public:
  // What arrived: adds what it carries to `carried`, and what is to be answered to `answer`. False:
  // the connection is to end, after what is to be answered.
  bool receive(std::span<const u8> bytes, std::vector<u8>& carried, std::vector<u8>& answer);
  // A frame that carries these bytes.
  static void frame(std::span<const u8> bytes, std::vector<u8>& to);
  // The handshake is over: frames can be sent.
  bool open() const { return open_; }

 private:
  enum class Opcode : u8 { Continuation = 0, Text = 1, Binary = 2, Close = 8, Ping = 9, Pong = 10 };

  bool is_from_here() const;
  bool shake_hands(std::vector<u8>& answer);
  bool take_header(u8 byte);
  bool begin_payload();
  bool end_frame(std::vector<u8>& answer);

  bool open_ = false;
  std::string request_;
  std::vector<u8> header_;  // of the frame under way, as far as it came
  bool in_payload_ = false;
  Opcode opcode_ = Opcode::Binary;
  u64 left_ = 0;  // of the payload, bytes
  u64 at_ = 0;    // in it
  std::array<u8, 4> mask_{};
  std::vector<u8> control_;  // what a control frame carries
};

// The value of a header of an HTTP request, whatever the case of its name.
std::optional<std::string_view> http_header(std::string_view request, std::string_view name);

}  // namespace backplane::vnc

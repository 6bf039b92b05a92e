// SPDX-License-Identifier: MIT
// The server's side of what comes before the first request. [NBD "Handshake phase"]
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/export.h"
#include "wire/channel.h"
#include "wire/fields.h"

namespace backplane::nbd {

// The number of the only context there is.
inline constexpr u32 kBaseContext = 1;

// What a client and the server agreed on.
struct Agreement {
  bool structured = false;  // replies
  bool base_allocation = false;
};

class Negotiation {
 public:
  Negotiation(const Export& exported, Channel& channel) : export_(exported), channel_(channel) {}

  // Whether the client has chosen the export: requests follow. Else it left, or made no sense.
  bool run();
  const Agreement& agreement() const { return agreement_; }

 private:
  enum class Next { Option, Requests, End };

  bool greet();
  bool take_option(u32& option, std::vector<u8>& data, bool& too_long);
  Next answer(u32 option, std::span<const u8> data);
  Next choose_by_name(std::span<const u8> data);
  Next choose(u32 option, std::span<const u8> data);
  Next list(std::span<const u8> data);
  Next contexts(u32 option, std::span<const u8> data);
  Next reply(u32 option, u32 type, const FieldWriter& data = {});
  Next refuse(u32 option, u32 type, std::string_view reason);

  const Export& export_;
  Channel& channel_;
  Agreement agreement_;
  bool fixed_ = false;
  bool no_zeroes_ = false;
};

}  // namespace backplane::nbd

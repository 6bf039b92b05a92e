// SPDX-License-Identifier: MIT
// The client's side of what comes before the first request. [NBD "Handshake phase"]
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backplane/types.h"
#include "wire/channel.h"
#include "wire/protocol.h"

namespace backplane::nbd {

// What a server says of an export.
struct ExportInfo {
  u64 size = 0;           // bytes
  u16 flags = 0;          // TransmissionFlag
  u32 minimum_block = 1;  // bytes that requests are a multiple of
  u32 preferred_block = 4096;
  u32 maximum_block = kMaxPayload;
  bool structured = false;             // replies may be
  std::optional<u32> base_allocation;  // the number of that context
  std::string description;

  bool has(TransmissionFlag flag) const { return (flags & flag) != 0; }
};

// Chooses an export, and is where requests can be sent. Throws Error, which the caller says the
// server's name with.
ExportInfo choose_export(Channel& channel, const std::string& name);

struct ListedExport {
  std::string name;
  std::string description;
  std::optional<ExportInfo> info;  // none: the server does not say before it is chosen
};
// All that a server has, and leaves it. Throws Error.
std::vector<ListedExport> list_exports(Channel& channel);

}  // namespace backplane::nbd

// SPDX-License-Identifier: MIT
#include "backplane/virtio/scatter_gather.h"

#include <algorithm>
#include <cstring>

namespace backplane {

namespace {

// Calls each(buffer, bytes done before it, bytes) for the pieces of [offset, offset+size).
template <class Each>
u64 for_pieces(std::span<const iovec> list, u64 offset, u64 size, Each each) {
  u64 done = 0;
  for (const iovec& buffer : list) {
    if (done == size) break;
    if (offset >= buffer.iov_len) {
      offset -= buffer.iov_len;
      continue;
    }
    const u64 part = std::min<u64>(buffer.iov_len - offset, size - done);
    each(static_cast<u8*>(buffer.iov_base) + offset, done, part);
    done += part;
    offset = 0;
  }
  return done;
}

}  // namespace

u64 gather(std::span<const iovec> from, u64 offset, void* to, u64 size) {
  return for_pieces(from, offset, size, [to](const u8* host, u64 done, u64 part) {
    std::memcpy(static_cast<u8*>(to) + done, host, part);
  });
}

u64 scatter(std::span<const iovec> to, u64 offset, const void* from, u64 size) {
  return for_pieces(to, offset, size, [from](u8* host, u64 done, u64 part) {
    std::memcpy(host, static_cast<const u8*>(from) + done, part);
  });
}

u64 slice(std::span<const iovec> list, u64 offset, u64 size, std::vector<iovec>& out) {
  return for_pieces(list, offset, size, [&out](u8* host, u64 /*done*/, u64 part) {
    out.push_back({host, part});
  });
}

}  // namespace backplane

// SPDX-License-Identifier: MIT
#include "virtio/offloads.h"

#include "backplane/virtio/virtio_regs.h"
#include "virtio/net_regs.h"

namespace backplane::virtio_net {

namespace {

struct Row {
  OffloadKind kind;
  unsigned guest_bit;
};
constexpr Row kRows[] = {{kChecksumOffload, kGuestCsum},
                         {kTcp4Offload, kGuestTso4},
                         {kTcp6Offload, kGuestTso6},
                         {kEcnOffload, kGuestEcn}};

}  // namespace

u64 host_offload_features() {
  return virtio::bit(kCsum) | virtio::bit(kHostTso4) | virtio::bit(kHostTso6) |
         virtio::bit(kHostEcn);
}

u64 guest_offload_features(unsigned kinds) {
  u64 features = 0;
  for (const Row& row : kRows)
    if ((kinds & row.kind) != 0) features |= virtio::bit(row.guest_bit);
  return features == 0 ? 0 : features | virtio::bit(kCtrlGuestOffloads);
}

unsigned offload_kinds(u64 guest_features) {
  unsigned kinds = 0;
  for (const Row& row : kRows)
    if ((guest_features & virtio::bit(row.guest_bit)) != 0) kinds |= row.kind;
  return kinds;
}

bool check_host_offload(u64 features, FrameOffload& left) {
  const auto has = [features](unsigned bit) { return (features & virtio::bit(bit)) != 0; };
  left.flags = has(kCsum) ? left.flags & FrameOffload::kNeedsChecksum : 0;
  if (!left.needs_segmentation()) return true;
  if ((left.segmentation & FrameOffload::kEcn) != 0 && !has(kHostEcn)) return false;
  switch (left.segmentation & ~unsigned{FrameOffload::kEcn}) {
    case FrameOffload::kTcp4:
      return has(kHostTso4);
    case FrameOffload::kTcp6:
      return has(kHostTso6);
    default:
      return false;
  }
}

}  // namespace backplane::virtio_net

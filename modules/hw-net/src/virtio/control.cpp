// SPDX-License-Identifier: MIT
// What the driver asks for. [virtio-1.2 §5.1.6.5 "Control Virtqueue"]
#include <cstring>

#include "backplane/virtio/scatter_gather.h"
#include "virtio/net_device.h"
#include "virtio/offloads.h"

namespace backplane {

using namespace virtio_net;

namespace {

// More than any command needs: two full tables of addresses that a driver may list.
constexpr std::size_t kMostControlData = 64_KiB;

template <class T>
bool read(std::span<const u8> data, T& value) {
  if (data.size() < sizeof value) return false;
  std::memcpy(&value, data.data(), sizeof value);
  return true;
}

}  // namespace

void VirtioNet::control(VirtQueue& queue) {
  queue.for_each(element_, [this, &queue](const VirtElement& element) {
    if (element.out_size < sizeof(ControlHeader) || element.in_size < 1) {
      mark_needs_reset("a command without a header or without room for the answer");
      return false;
    }
    const u8 ack = answer(element);
    scatter(element.in, element.in_size - 1, &ack, 1);
    queue.push(element, static_cast<u32>(element.in_size == 1 ? 1 : 0));
    return true;
  });
  queue.notify();
}

u8 VirtioNet::answer(const VirtElement& element) {
  ControlHeader header{};
  gather(element.out, 0, &header, sizeof header);
  const u64 size = element.out_size - sizeof header;
  if (size > kMostControlData) return kError;
  std::vector<u8> data(size);
  gather(element.out, sizeof header, data.data(), size);
  return command(header, data) ? kOk : kError;
}

bool VirtioNet::command(const ControlHeader& header, std::span<const u8> data) {
  switch (header.command_class) {
    case kClassAnnounce:
      if (header.command != kAnnounceAck || !has_feature(kGuestAnnounce)) return false;
      state_.announce = false;
      return true;
    case kClassMq:
      return header.command == kVqPairsSet && has_feature(kMq) && set_pairs(data);
    case kClassGuestOffloads:
      return header.command == kGuestOffloadsSet && has_feature(kCtrlGuestOffloads) &&
             set_guest_offloads(data);
    default:
      return filter_.command(header, data);
  }
}

// [virtio-1.2 §5.1.6.5.6 "Automatic receive steering in multiqueue mode"]
bool VirtioNet::set_pairs(std::span<const u8> data) {
  u16 pairs = 0;
  if (!read(data, pairs) || pairs == 0 || pairs > max_pairs_) return false;
  state_.pairs = pairs;
  if (netdev_) netdev_->receive_more();
  return true;
}

// [virtio-1.2 §5.1.6.5.8 "Offloads State Configuration"]
bool VirtioNet::set_guest_offloads(std::span<const u8> data) {
  u64 wanted = 0;
  if (!read(data, wanted)) return false;
  const unsigned kinds = offload_kinds(wanted);
  if ((guest_offload_features(kinds) & wanted) != wanted ||
      (kinds & ~offload_kinds(guest_features())) != 0)
    return false;
  accept_offloads(kinds);
  return true;
}

}  // namespace backplane

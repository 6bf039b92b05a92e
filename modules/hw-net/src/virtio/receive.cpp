// SPDX-License-Identifier: MIT
// Frames for the driver. [virtio-1.2 §5.1.6.4 "Processing of Incoming Packets"]
#include "backplane/machine.h"
#include "backplane/virtio/scatter_gather.h"
#include "virtio/net_device.h"
#include "virtio/offloads.h"

namespace backplane {

using namespace virtio_net;

bool VirtioNet::receive_offloaded(const FrameOffload& left, std::span<const u8> frame) {
  // Nothing changes in a guest that stands still.
  if (!takes_kicks() || machine().run_control().state() != RunState::Running) return false;
  // A driver that is not there, or does not want it, never sees it.
  if (!has_link() || !operating() || !filter_.accepts(frame)) return true;
  // It was given when another driver took more.
  const bool takes_offloads = (state_.receive_offloads & kChecksumOffload) != 0;
  if (!left.nothing_left() && !takes_offloads) return true;
  VirtQueue& receive_queue = *queue(2U * steering_.pair_for(frame, state_.pairs));
  if (!receive_queue.enabled()) return true;
  const std::size_t chains = take_chains(receive_queue, header_size() + frame.size());
  if (needs_reset()) return true;
  if (chains == 0) return false;
  store(receive_queue, takes_offloads ? left : FrameOffload{}, frame, chains);
  return true;
}

std::size_t VirtioNet::take_chains(VirtQueue& queue, u64 size) {
  const bool mergeable = has_feature(kMrgRxbuf);
  std::size_t count = 0;
  u64 room = 0;
  while (room < size) {
    if (!mergeable && count == 1) {
      mark_needs_reset("a receive buffer that is smaller than a frame");
      break;
    }
    if (count == chains_.size()) chains_.emplace_back();
    if (!queue.pop(chains_[count])) {
      // From here on the driver kicks when it adds some; it may have done so just now.
      queue.set_notification(true);
      if (queue.empty()) break;
      continue;
    }
    if (count == 0 && chains_[0].in_size < header_size()) {
      mark_needs_reset("a receive buffer that is smaller than a header");
      break;
    }
    room += chains_[count].in_size;
    ++count;
  }
  if (room >= size) return count;
  for (; count != 0; --count) queue.put_back();
  return 0;
}

// All but the last chain are filled, and the driver sees all of them at once.
// [virtio-1.2 §5.1.6.3.2 "Device Requirements: Setting Up Receive Buffers"]
void VirtioNet::store(VirtQueue& queue, const FrameOffload& left, std::span<const u8> frame,
                      std::size_t chains) {
  const Header start{left, static_cast<u16>(chains)};
  for (std::size_t i = 0; i < chains; ++i) {
    const VirtElement& chain = chains_[i];
    u64 written = i == 0 ? scatter(chain.in, 0, &start, header_size()) : 0;
    const u64 part = scatter(chain.in, written, frame.data(), frame.size());
    frame = frame.subspan(part);
    written += part;
    if (i + 1 == chains)
      queue.push(chain, static_cast<u32>(written));
    else
      queue.push_with_next(chain, static_cast<u32>(written));
  }
  queue.notify();
}

}  // namespace backplane

// SPDX-License-Identifier: MIT
// From a descriptor chain to host buffers. [virtio-1.2 §2.7.5 "The Virtqueue Descriptor Table",
// 2.7.5.3 "Indirect Descriptors"]
#include <atomic>
#include <cstring>

#include "backplane/virtio/virtio_device.h"
#include "backplane/virtio/virtqueue.h"

namespace backplane {

using namespace virtio;

namespace {

// The descriptor as it is now; the driver may change it meanwhile, so it is read only this once.
Descriptor read_descriptor(const u8* table, unsigned index) {
  Descriptor d;
  std::memcpy(&d, table + u64{index} * sizeof d, sizeof d);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  return d;
}

}  // namespace

bool VirtQueue::collect(u16 head, VirtElement& element) {
  if (head >= state_.size) return broken("a descriptor index is beyond the table");
  const std::shared_ptr<const FlatView> view = device_.transport().dma_space().view();
  if (!device_.hold_memory(index_, head, view))
    return broken("a chain is available that the device has already");
  return walk(*view, descriptors_.host, state_.size, head, element, false);
}

bool VirtQueue::walk(const FlatView& view, const u8* table, unsigned count, unsigned first,
                     VirtElement& element, bool indirect) {
  unsigned index = first;
  for (unsigned seen = 0;; ++seen) {
    // A chain longer than its table passes some descriptor twice.
    if (seen == count) return broken("a descriptor chain loops");
    const Descriptor d = read_descriptor(table, index);
    if ((d.flags & kIndirect) != 0) {
      if (indirect) return broken("an indirect descriptor table holds an indirect descriptor");
      if ((d.flags & kNext) != 0) return broken("an indirect descriptor has a next one");
      return collect_indirect(view, d, element);
    }
    if (!add_buffer(view, d, element)) return false;
    if ((d.flags & kNext) == 0) return true;
    index = d.next;
    if (index >= count) return broken("a descriptor index is beyond the table");
  }
}

bool VirtQueue::collect_indirect(const FlatView& view, const Descriptor& d, VirtElement& element) {
  if (!device_.has_feature(kIndirectDesc))
    return broken("an indirect descriptor, which was not negotiated");
  const unsigned count = d.length / sizeof(Descriptor);
  if (d.length % sizeof(Descriptor) != 0 || count == 0)
    return broken("an indirect descriptor table of an impossible length");
  const FlatRange* range = view.find(d.address);
  if (range == nullptr || !range->is_ram() || d.length > range->size - (d.address - range->start))
    return broken("an indirect descriptor table is not in RAM");
  const u8* table = range->host + (d.address - range->start);
  return walk(view, table, count, 0, element, true);
}

bool VirtQueue::add_buffer(const FlatView& view, const Descriptor& d, VirtElement& element) {
  const bool write = (d.flags & kWrite) != 0;
  if (d.length == 0) return broken("a buffer of length zero");
  if (!write && !element.in.empty()) return broken("a buffer to read follows one to write");
  u64& total = write ? element.in_size : element.out_size;
  total += d.length;
  if (element.in_size + element.out_size > ~u32{0})
    return broken("a descriptor chain of 4 GiB or more");

  u64 address = d.address;
  u64 left = d.length;
  while (left != 0) {
    const FlatRange* range = view.find(address);
    if (range == nullptr || !range->is_ram() || (write && range->readonly))
      return broken("a buffer outside RAM");
    if (element.in.size() + element.out.size() >= kMaxChain)
      return broken("a descriptor chain of too many buffers");
    const u64 at = address - range->start;
    const u64 part = std::min(left, range->size - at);
    u8* host = range->host + at;
    if (write) {
      range->block->about_to_write(range->block_offset + at, part);
      element.in.push_back({host, part});
      element.in_places.push_back({range->block, range->block_offset + at});
    } else {
      element.out.push_back({host, part});
    }
    address += part;
    left -= part;
    if (address == 0 && left != 0) return broken("a buffer outside RAM");
  }
  return true;
}

}  // namespace backplane

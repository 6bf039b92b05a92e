// SPDX-License-Identifier: MIT
// Pages that the guest gives up, takes back, or reports as unused.
// [virtio-1.2 §5.5.6 "Device Operation", 5.5.6.6 "Free Page Reporting"]
#include <algorithm>

#include "backplane/machine.h"
#include "backplane/virtio/scatter_gather.h"
#include "balloon/balloon.h"

namespace backplane {

using namespace virtio_balloon;

namespace {

// Page numbers looked at in one request. Drivers send some hundreds; what lies beyond is ignored.
constexpr u64 kMaxPagesInRequest = 64 * 1024;
constexpr u64 kBatch = 512;

}  // namespace

void VirtioBalloon::inflate(VirtQueue& queue) {
  queue.for_each(element_, [this, &queue](const VirtElement& element) {
    take_pages(element);
    queue.push(element, 0);
    return true;
  });
  queue.notify();
}

// Pages that come back are simply used again: they read as zero until the guest writes them.
void VirtioBalloon::deflate(VirtQueue& queue) {
  queue.for_each(element_, [&queue](const VirtElement& element) {
    queue.push(element, 0);
    return true;
  });
  queue.notify();
}

void VirtioBalloon::report(VirtQueue& queue) {
  queue.for_each(element_, [&queue](const VirtElement& element) {
    for (std::size_t i = 0; i < element.in.size(); ++i) {
      const VirtElement::Place& place = element.in_places[i];
      const u64 first = (place.offset + kPageSize - 1) & kPageMask;
      const u64 end = (place.offset + element.in[i].iov_len) & kPageMask;
      if (first < end) place.block->discard(first, end - first);
    }
    queue.push(element, 0);
    return true;
  });
  queue.notify();
}

void VirtioBalloon::take_pages(const VirtElement& element) {
  const u64 count = std::min<u64>(element.out_size / sizeof(u32), kMaxPagesInRequest);
  if (count < element.out_size / sizeof(u32))
    guest_error("{} pages in one request; the first {} are taken", element.out_size / sizeof(u32),
                count);
  std::array<u32, kBatch> batch;
  for (u64 done = 0; done < count; done += kBatch) {
    const u64 some = std::min(kBatch, count - done);
    gather(element.out, done * sizeof(u32), batch.data(), some * sizeof(u32));
    // Guests hand pages out in no order; neighbours go back to the host together.
    std::sort(batch.begin(), batch.begin() + some);
    for (u64 i = 0; i < some;) {
      u64 end = i + 1;
      while (end < some && batch[end] <= batch[end - 1] + u64{1}) ++end;
      const u64 pages = u64{batch[end - 1]} - batch[i] + 1;
      if (!give_back(u64{batch[i]} << kPageShift, pages << kPageShift))
        guest_error("page {:#x} is not in RAM", u32{batch[i]});
      i = end;
    }
  }
}

bool VirtioBalloon::give_back(u64 address, u64 size) {
  const std::shared_ptr<const FlatView> view = machine().memory().view();
  bool all_ram = true;
  const u64 end = address + size;
  while (address < end) {
    const FlatRange* range = view->find(address);
    if (range == nullptr || !range->is_ram() || range->readonly) {
      all_ram = false;
      address += kPageSize;
      continue;
    }
    const u64 at = address - range->start;
    const u64 offset = range->block_offset + at;
    const u64 part = std::min(end - address, range->size - at) & kPageMask;
    if (part == 0 || offset % kPageSize != 0) {
      all_ram = false;
      address += kPageSize;
      continue;
    }
    range->block->about_to_write(offset, part);
    range->block->discard(offset, part);
    address += part;
  }
  return all_ram;
}

}  // namespace backplane

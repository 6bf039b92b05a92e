// SPDX-License-Identifier: MIT
// The device's side of a split virtqueue. [virtio-1.2 §2.7 "Split Virtqueues"]
//
// Whatever the driver writes into its rings is data: an index that runs away, a descriptor that
// loops or points outside RAM marks the device as needing a reset, and pop() finds nothing until
// then. Everything in guest memory is read once. All with the lock of the loop that its device is
// served in (VirtioDevice::io_context()).
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "backplane/io_vector.h"
#include "backplane/memory.h"
#include "backplane/state.h"
#include "backplane/types.h"
#include "backplane/virtio/version.h"
#include "backplane/virtio/virtio_regs.h"

namespace backplane {

class VirtioDevice;

// A descriptor chain made available by the driver: host buffers in guest RAM. Reuse one object
// for many requests; its vectors keep their storage.
struct VirtElement {
  u16 head = 0;
  std::vector<iovec> out;  // the device reads
  std::vector<iovec> in;   // the device writes
  u64 out_size = 0;        // bytes
  u64 in_size = 0;

  // Where the buffers of `in` lie, to report what is written there.
  struct Place {
    RamBlock* block;
    u64 offset;
  };
  std::vector<Place> in_places;

  void clear();
};

// One queue of a device, which owns it and is told by its handler that there is something to take.
// The driver owns the rings, in guest RAM; where they are the transport says.
class VirtQueue {
 public:
  // Descriptors in one chain, indirect ones included.
  static constexpr unsigned kMaxChain = 1024;
  // Called when the driver kicks, or when it may have added buffers.
  using Handler = std::function<void(VirtQueue&)>;

  // VirtioDevice::add_queue() makes them. `max_size`: a power of two, at most 32768.
  VirtQueue(VirtioDevice& device, unsigned index, u16 max_size, Handler handler);

  unsigned index() const { return index_; }
  u16 max_size() const { return max_size_; }
  // Buffers that were popped and not yet pushed.
  unsigned in_flight() const { return in_flight_; }

  // --- for the device --------------------------------------------------------------------------
  // Takes the next chain. False if there is none, or if the driver's rings are broken.
  bool pop(VirtElement& element);
  // Gives a chain back with the number of bytes written to its `in` buffers.
  void push(const VirtElement& element, u32 written);
  // Like push(), but the driver sees it only together with the next chain that is pushed.
  void push_with_next(const VirtElement& element, u32 written);
  // Takes back the last pop(), if nothing was pushed since.
  void put_back();
  // Tells the driver of what was pushed since the last time, unless it asked not to be told.
  void notify();
  // Whether there is nothing to pop now; a driver may add something at any moment.
  bool empty();
  // Whether the driver should kick when it adds buffers.
  void set_notification(bool enabled);
  // Pops chains and calls each(element) until the queue is empty or each() returns false; what a
  // driver adds meanwhile is included. A driver that never stops adding is served again later, when
  // others had their turn.
  template <class Each>
  void for_each(VirtElement& element, Each each) {
    unsigned budget = 2U * max_size_;
    bool more = true;
    do {
      set_notification(false);
      while (more && budget != 0 && pop(element)) {
        more = each(element);
        --budget;
      }
      set_notification(true);
    } while (more && budget != 0 && !empty());
    if (budget == 0) serve_later();
  }

  // --- for the transport -----------------------------------------------------------------------
  u16 size() const { return state_.size; }
  // A power of two up to max_size(); anything else is ignored.
  void set_size(u16 size);
  // Guest-physical addresses of the three parts. [virtio-1.2 §2.7]
  u64 descriptor_area() const { return state_.descriptor_area; }
  u64 driver_area() const { return state_.driver_area; }
  u64 device_area() const { return state_.device_area; }
  void set_areas(u64 descriptors, u64 driver, u64 device);
  bool enabled() const { return state_.enabled; }
  // Size and areas are final. Rings that are not in RAM are found when the queue is first used.
  void enable();
  // The driver kicked.
  void kick();
  // Back to the state after a device reset.
  void reset();
  // Where it is and how far it has got, as state of a device. Chains that the device holds are the
  // device's to say, by their heads.
  static std::span<const StateMember> members();
  // Throws Error if the queue cannot be as it was loaded.
  void loaded();
  // Takes a chain that the device held when it was saved. False if there is none at `head`.
  bool take_again(u16 head, VirtElement& element);

 private:
  struct State {
    u16 size = 0;
    u64 descriptor_area = 0;
    u64 driver_area = 0;
    u64 device_area = 0;
    bool enabled = false;
    u16 next_avail = 0;
    u16 next_used = 0;
    u16 signalled_used = 0;
    bool signalled_valid = false;
    bool pushed = false;  // since the last notification
    static std::span<const StateMember> members();
  };
  // A ring in guest RAM.
  struct Ring {
    u8* host = nullptr;
    RamBlock* block = nullptr;
    u64 offset = 0;
  };
  bool usable();
  bool map_rings();
  bool map_ring(const FlatView& view, Ring& ring, u64 address, u64 size, u64 alignment,
                bool writable, const char* what);
  bool collect(u16 head, VirtElement& element);
  bool collect_indirect(const FlatView& view, const virtio::Descriptor& d, VirtElement& element);
  bool walk(const FlatView& view, const u8* table, unsigned count, unsigned first,
            VirtElement& element, bool indirect);
  bool add_buffer(const FlatView& view, const virtio::Descriptor& d, VirtElement& element);
  bool broken(const char* what);
  bool driver_wants_interrupt();
  void serve_later();

  u16 avail_index() const;
  void store_used16(unsigned offset, u16 value);
  void report_used(unsigned offset, unsigned size);

  VirtioDevice& device_;
  unsigned index_;
  u16 max_size_;
  Handler handler_;

  Ring descriptors_;
  Ring avail_;
  Ring used_;
  u64 generation_ = 0;  // of the memory view the rings were found in
  bool mapped_ = false;

  State state_;
  unsigned in_flight_ = 0;
};

// The queues of a device, which are state as they are in number.
struct VirtQueues {
  std::vector<std::unique_ptr<VirtQueue>> list;
  void reset() {
    for (const auto& queue : list) queue->reset();
  }
  static std::span<const StateMember> members();
};

}  // namespace backplane

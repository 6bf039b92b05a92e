// SPDX-License-Identifier: MIT
// virtio-blk: a disk. [virtio-1.2 §5.2 "Block Device"]
//
// A request is taken from its queue, handed to the queue of its block node, and given back when
// that has done it, all in the loop that the device is served in: the main loop, or an I/O thread.
// Several are under way at once and finish in any order.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backplane/block_queue.h"
#include "backplane/io_thread.h"
#include "backplane/virtio/virtio_device.h"
#include "backplane/virtio/virtio_pci.h"
#include "block/block_regs.h"

namespace backplane {

class VirtioBlock final : public VirtioDevice, public DiskSizeListener {
  BACKPLANE_OBJECT(VirtioBlock, VirtioDevice, "virtio-blk-device")
 public:
  static void class_init(VirtioDeviceClass& k);

  void reset() override;
  void settle() override;
  void saving() override;
  void loaded() override;
  std::string describe() const override;
  unsigned config_size() const override { return virtio_block::kConfigSize; }

  void realize();
  void unrealize();

 protected:
  u64 device_features() const override;
  void fill_config(std::span<u8> image) const override;
  void config_written(unsigned offset, u32 value, unsigned size) override;

 private:
  void disk_size_changed() override;
  // One request of the driver, from pop to push.
  struct Request {
    VirtQueue* queue = nullptr;  // null: a free one
    VirtElement element;
    virtio_block::RequestHeader header{};
    unsigned parts = 0;  // of it that are under way, and one while they are being made
    bool failed = false;
    bool flush_after = false;
    bool held = false;  // until the machine goes on
  };

  void serve(VirtQueue& queue);
  void start(Request& request);
  void start_transfer(Request& request);
  void start_flush(Request& request);
  void start_ranges(Request& request);
  void give_id(Request& request);
  // Hands one piece of the request to the disk.
  void submit(Request& request, BlockRequest piece);
  void part_done(Request& request, int result);
  void finish(Request& request, u8 status);

  bool has_write_cache() const { return write_cache_ != OnOffAuto::Off; }
  bool in_bounds(u64 sector, u64 sectors) const;
  bool write_through() const;
  u64 capacity() const { return drive_->size() / kSectorSize; }
  Request& take_request();

  BackendLink<BlockNode> drive_;
  BackendLink<IoThread> iothread_;
  std::string serial_;
  i32 bootindex_ = -1;
  OnOffAuto write_cache_ = OnOffAuto::Auto;  // the host's; Auto: On
  ErrorAction on_read_error_ = ErrorAction::Auto;
  ErrorAction on_write_error_ = ErrorAction::Auto;
  AutoNumber num_queues_;
  u16 queue_size_ = 256;
  bool discard_ = true;
  bool write_zeroes_ = true;
  bool config_wce_ = true;

  std::unique_ptr<BlockQueue> disk_;  // while it is realized
  // A request by where it begins.
  struct Held {
    u16 queue = 0;
    u16 head = 0;
    static std::span<const StateMember> members();
  };
  static constexpr std::size_t kMostHeld = VirtQueue::kMaxChain * kMaxQueues;
  struct State {
    bool write_back = true;  // as the driver set it
    std::vector<Held> held;  // requests that wait for the machine to go on, when it was saved
  };
  State state_;
  VirtElement element_;
  std::vector<std::unique_ptr<Request>> requests_;  // all there are
  std::vector<Request*> free_requests_;
};

}  // namespace backplane

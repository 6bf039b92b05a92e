// SPDX-License-Identifier: MIT
// virtio-scsi: a host adapter. [virtio-1.2 §5.6 "SCSI Host Device"]
//
// Commands and events are in the loop that it is served in: the main loop, or an I/O thread. What
// the driver has to ask of the adapter itself is answered under the machine lock, too.
#pragma once

#include <memory>
#include <vector>

#include "backplane/io_thread.h"
#include "backplane/virtio/virtio_device.h"
#include "bus/scsi_device.h"
#include "virtio/scsi_host_regs.h"

namespace backplane {

class VirtioScsi final : public VirtioDevice {
  BACKPLANE_OBJECT(VirtioScsi, VirtioDevice, "virtio-scsi-device")
 public:
  static void class_init(VirtioDeviceClass& k);

  unsigned config_size() const override { return virtio_scsi::kConfigSize; }
  void realize();
  void unrealize();
  void reset() override;
  void saving() override;
  void loaded() override;

 protected:
  u64 device_features() const override;
  void fill_config(std::span<u8> image) const override;

 private:
  // One of the driver's, from pop to push.
  struct Request {
    VirtQueue* queue = nullptr;  // null: a free one
    VirtElement element;
    ScsiCommand command;
  };
  // One by where it begins, which waits for the machine to go on.
  struct Held {
    u16 queue = 0;
    u16 head = 0;
    static std::span<const StateMember> members();
  };
  static constexpr std::size_t kMostHeld = VirtQueue::kMaxChain * kMaxQueues;

  void serve(VirtQueue& queue);
  void start(Request& request);
  void start_without_unit(Request& request, const virtio_scsi::RequestHeader& header);
  void respond(Request& request, virtio_scsi::Response response, u8 status,
               const scsi::Sense& sense, u64 moved);
  void control_kicked(VirtQueue& queue);
  void control(VirtQueue& queue);
  u8 manage(const virtio_scsi::TaskManagement& asked);
  void tell(const ScsiDevice& unit, ScsiBus::Change change);
  Request& take_request();

  BackendLink<IoThread> iothread_;
  AutoNumber num_queues_;
  u16 queue_size_ = 256;
  u32 max_sectors_ = 0xffff;
  u32 cmd_per_lun_ = 128;

  ScsiBus* units_ = nullptr;
  struct State {
    bool events_missed = false;
    std::vector<Held> held;
  };
  State state_;
  VirtElement element_;
  std::vector<std::unique_ptr<Request>> requests_;  // all there are
  std::vector<Request*> free_requests_;
};

}  // namespace backplane

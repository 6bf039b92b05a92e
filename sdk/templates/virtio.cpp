// SPDX-License-Identifier: MIT
// A virtio device that gives back what it is sent, upside down: of each request in its queue, the
// buffers that the driver wrote are copied, last byte first, into those that it may read. Its
// configuration space counts the requests (32 bits at offset 0).
// [virtio-1.2 §2.5 "Device Configuration Space", 2.6 "Virtqueues"]
#include <backplane/module.h>
#include <backplane/virtio/scatter_gather.h>
#include <backplane/virtio/virtio_device.h>
#include <backplane/virtio/virtio_pci.h>

#include <algorithm>
#include <vector>

using namespace backplane;

namespace {

// Of those that the specification leaves to whoever needs one.
constexpr u16 kVirtioId = 0x3f;
constexpr u64 kFeatureCounts = 1 << 0;

class @CLASS@ final : public VirtioDevice {
 public:
  static void class_init(VirtioDeviceClass& k) {
    k.virtio_id = kVirtioId;
    k.property<&@CLASS@::limit_>("limit", "bytes of a request that are given back, at most");
    k.state<&@CLASS@::state_>(1, {member<&State::requests>("requests")});
  }

  unsigned config_size() const override { return 4; }

  void realize() {
    if (limit_ == 0 || limit_ > 1_MiB) throw Error::of("limit={}: expects 1 to 1048576", limit_);
    queue_ = &add_queue(64, [this](VirtQueue&) { serve(); });
  }

  void reset() override {
    state_ = {};
    VirtioDevice::reset();
  }

 protected:
  u64 device_features() const override { return kFeatureCounts; }
  void fill_config(std::span<u8> image) const override { put_config(image, 0, state_.requests); }

 private:
  void serve() {
    queue_->for_each(element_, [this](const VirtElement& element) {
      std::vector<u8> bytes(std::min<u64>(element.out_size, limit_));
      gather(element.out, 0, bytes.data(), bytes.size());
      std::reverse(bytes.begin(), bytes.end());
      queue_->push(element, static_cast<u32>(scatter(element.in, 0, bytes.data(), bytes.size())));
      ++state_.requests;
      return true;
    });
    queue_->notify();
    if (has_feature(0)) notify_config();
  }

  struct State {
    u32 requests = 0;
  };
  State state_;
  u32 limit_ = 65536;
  VirtQueue* queue_ = nullptr;
  VirtElement element_;
};

BACKPLANE_TYPE(@CLASS@, "@TYPE@-device", .description = "Turns bytes around")

// The same as a PCI function, whose properties are the device's.
class @CLASS@Pci final : public VirtioPci {
 public:
  static constexpr const char* kDevice = "@TYPE@-device";
  static void class_init(PciDeviceClass& k) { init_class(k, kDevice, 0xff0000); }
  @CLASS@Pci() : VirtioPci(kDevice) {}
};

BACKPLANE_TYPE(@CLASS@Pci, "@TYPE@-pci", .category = "Misc", .description = "Turns bytes around")

}  // namespace

BACKPLANE_MODULE("@MODULE@", "0.1", "A virtio device that turns bytes around", "MIT")

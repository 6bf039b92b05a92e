// SPDX-License-Identifier: MIT
// virtio-rng: random bytes from the host. [virtio-1.2 §5.4 "Entropy Device"]
#include <algorithm>
#include <array>
#include <memory>

#include "backplane/error.h"
#include "backplane/machine.h"
#include "backplane/virtio/scatter_gather.h"
#include "backplane/virtio/virtio_device.h"
#include "rng/host_random.h"
#include "rng/random_source.h"

namespace backplane {

namespace {

constexpr u64 kNoLimit = 0x7fff'ffff'ffff'ffff;

class VirtioRng final : public VirtioDevice {
 public:
  static void class_init(VirtioDeviceClass& k) {
    k.virtio_id = virtio::kIdEntropy;
    k.property<&VirtioRng::source_>("rng", "id of an -object rng-...; none: the host's generator");
    k.property<&VirtioRng::max_bytes_>("max-bytes", "bytes given out in each period, at most");
    k.property<&VirtioRng::period_>("period", "milliseconds in which max-bytes are given out");
    k.state<&VirtioRng::state_>(1, {member<&State::left>("left")});
    k.state_timer<&VirtioRng::timer_>("period");
  }

  unsigned config_size() const override { return 0; }

  void reset() override {
    VirtioDevice::reset();
    state_.left = max_bytes_;
  }

  void loaded() override {
    VirtioDevice::loaded();
    if (state_.left > max_bytes_)
      throw Error::of("left={}: more than max-bytes={}", state_.left, max_bytes_);
  }

  void realize() {
    if (max_bytes_ == 0) throw Error("max-bytes=0: expects 1 or more");
    if (period_ == 0) throw Error("period=0: expects 1 or more milliseconds");
    constexpr u16 kQueueSize = 8;
    queue_ = &add_queue(kQueueSize, [this](VirtQueue&) { serve(); });
    state_.left = max_bytes_;
    timer_ = std::make_unique<Timer>(machine().virtual_clock(), [this] {
      state_.left = max_bytes_;
      queue_->kick();
    });
  }

  void unrealize() { timer_.reset(); }

 protected:
  u64 device_features() const override { return 0; }
  void fill_config(std::span<u8> /*image*/) const override {}

 private:
  void serve() {
    if (state_.left == 0) return;  // the timer kicks again
    queue_->for_each(element_, [this](const VirtElement& element) {
      queue_->push(element, fill(element));
      return state_.left != 0;
    });
    queue_->notify();
  }

  // A device may give less than was asked for, but something. [virtio-1.2 §5.4.6.2]
  u32 fill(const VirtElement& element) {
    std::array<u8, 4096> bytes;
    const u64 some = std::min({element.in_size, u64{bytes.size()}, state_.left});
    const u64 got = source_ ? source_->fill(bytes.data(), some) : host_random(bytes.data(), some);
    const u64 given = scatter(element.in, 0, bytes.data(), got);
    if (given == 0) return 0;
    if (max_bytes_ != kNoLimit) {
      state_.left -= std::min(state_.left, given);
      if (!timer_->armed()) timer_->arm_in(i64{period_} * 1'000'000);
    }
    return static_cast<u32>(given);
  }

  BackendLink<RandomSource> source_;
  u64 max_bytes_ = kNoLimit;
  u32 period_ = 65536;
  struct State {
    u64 left = kNoLimit;  // bytes that may still be given out in this period
  };
  State state_;
  VirtQueue* queue_ = nullptr;
  VirtElement element_;
  std::unique_ptr<Timer> timer_;
};
BACKPLANE_TYPE(VirtioRng, "virtio-rng-device", .description = "Random numbers from the host")

}  // namespace

}  // namespace backplane

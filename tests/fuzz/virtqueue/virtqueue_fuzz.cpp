// SPDX-License-Identifier: MIT
// A hostile driver: rings, descriptors, registers and kicks of the bytes' choice, at each of the
// virtio devices. Nothing may crash, hang, or reach outside guest RAM.
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>

#include "../input.h"
#include "backplane/block_queue.h"
#include "backplane/command.h"
#include "backplane/pci/host_bridge.h"
#include "backplane/testing/test_machine.h"
#include "backplane/testing/virtio_driver.h"
#include "backplane/virtio/scatter_gather.h"

namespace backplane::fuzz {
namespace {

using testing::DriverQueue;
using testing::TestMachine;
using testing::VirtioPciDriver;

constexpr u64 kRamSize = 1_MiB;
constexpr u64 kRings = 0x1000;  // 32 KiB apart
constexpr u64 kRingStride = 0x8000;
constexpr unsigned kQueues = 4;
constexpr u16 kQueueSize = 8;
constexpr unsigned kSlot = 4;

// A small disk in memory.
class FuzzNode final : public BlockNode {
 public:
  static void class_init(ObjectClass&) {}
  u64 size() const override { return bytes_.size(); }

 protected:
  int do_read(u64 offset, std::span<const iovec> iov) override {
    return move(offset, iov,
                [](u8* disk, void* memory, std::size_t n) { std::memcpy(memory, disk, n); });
  }
  int do_write(u64 offset, std::span<const iovec> iov) override {
    return move(offset, iov,
                [](u8* disk, void* memory, std::size_t n) { std::memcpy(disk, memory, n); });
  }
  int do_write_zeroes(u64 offset, u64 size, bool) override {
    if (offset > bytes_.size() || size > bytes_.size() - offset) __builtin_trap();
    const std::lock_guard lock(mutex_);
    std::fill_n(&bytes_[offset], size, u8{0});
    return 0;
  }

 private:
  template <class Move>
  int move(u64 offset, std::span<const iovec> iov, Move move) {
    const std::lock_guard lock(mutex_);
    for (const iovec& piece : iov) {
      if (offset > bytes_.size() || piece.iov_len > bytes_.size() - offset) __builtin_trap();
      move(&bytes_[offset], piece.iov_base, piece.iov_len);
      offset += piece.iov_len;
    }
    return 0;
  }

  std::mutex mutex_;
  std::vector<u8> bytes_ = std::vector<u8>(64_KiB);
};
BACKPLANE_TYPE(FuzzNode, "block-fuzz")

class Guest {
 public:
  explicit Guest(Input& input) : input_(input) {
    machine_.create_device("pci-host-bridge");
    switch (input_.take<u8>() % 3) {
      case 0: {
        backends_.add(kBlockKind, "fuzz", "disk", {});
        machine_.add_device("virtio-blk-pci", "", "",
                            {{"drive", "disk"}, {"num-queues", "2"}, {"addr", "04"}});
        break;
      }
      case 1:
        machine_.add_device(
            "virtio-balloon-pci", "", "",
            {{"free-page-reporting", "on"}, {"guest-stats-polling-interval", "1"}, {"addr", "04"}});
        break;
      default:
        machine_.add_device("virtio-rng-pci", "", "", {{"addr", "04"}, {"max-bytes", "1000"}});
        break;
    }
    machine_.power_on();
    driver_.emplace(machine_, kSlot);
    driver_->pci().enable_msix(kRamSize - 64, 1);
    start();
  }

  void run() {
    while (!input_.empty()) {
      step();
      if ((driver_->status() & virtio::kDeviceNeedsReset) != 0) start();
    }
  }

 private:
  void start() {
    u64 features = virtio::bit(virtio::kVersion1);
    if ((input_.take<u8>() & 1) != 0) features |= virtio::bit(virtio::kIndirectDesc);
    if ((input_.take<u8>() & 1) != 0) features |= virtio::bit(virtio::kEventIdx);
    driver_->negotiate(features);
    queues_.clear();
    for (unsigned i = 0; i < kQueues; ++i) {
      queues_.emplace_back(machine_.memory(), kRings + i * kRingStride, kQueueSize);
      for (u16 d = 0; d < kQueueSize; ++d)
        queues_.back().set_descriptor(
            d, {0x8'0000 + u64{d} * 64, 64, static_cast<u16>(d % 2 == 0 ? 0 : virtio::kWrite), 0});
      driver_->set_up_queue(i, queues_.back(), static_cast<u16>(i));
    }
    driver_->driver_ok();
  }

  // Mostly inside RAM, where interesting things are; sometimes anywhere.
  u64 some_address() {
    const u8 kind = input_.take<u8>();
    if (kind < 0xf8) return input_.take<u32>() % kRamSize;
    if (kind < 0xfe) return kRamSize - kind % 16;
    return input_.take<u64>();
  }

  u32 some_length() {
    const u8 kind = input_.take<u8>();
    if (kind < 0xc0) return kind;
    if (kind < 0xfe) return input_.take<u16>();
    return input_.take<u32>();
  }

  virtio::Descriptor some_descriptor() {
    virtio::Descriptor d{some_address(), some_length(), input_.take<u8>(), input_.take<u8>()};
    d.flags &= (d.flags & 0xf0) == 0 ? 7 : virtio::kNext | virtio::kWrite;
    d.next = d.next == 0xff ? kQueueSize : d.next % kQueueSize;
    return d;
  }

  // A request such as the block device expects.
  void add_disk_request(DriverQueue& queue) {
    constexpr u64 kHeader = 0x9'0000;
    machine_.memory().store<u32>(kHeader, input_.take<u8>() % 16);
    machine_.memory().store<u64>(kHeader + 8, input_.take<u8>());
    machine_.memory().store<u64>(kHeader + 16, input_.take<u16>());
    machine_.memory().store<u64>(kHeader + 24, input_.take<u16>());
    const u32 length = some_length() % 0x4000;
    queue.add({{kHeader, 16 + input_.take<u8>() % 40U}}, {{0xa'0000, length + 1}});
  }

  void step() {
    DriverQueue& queue = queues_[input_.take<u8>() % kQueues];
    const unsigned index = static_cast<unsigned>(&queue - queues_.data());
    switch (input_.take<u8>() % 15) {
      case 0:
      case 1:
      case 2:
        queue.set_descriptor(input_.take<u8>() % kQueueSize, some_descriptor());
        break;
      case 3:
        queue.make_available(input_.take<u8>() % kQueueSize);
        break;
      case 4:
      case 5:
        driver_->kick(index);
        break;
      case 6: {
        const virtio::Descriptor d = some_descriptor();
        machine_.memory().write(some_address(), &d, sizeof d);
        break;
      }
      case 7: {
        const u8 how = input_.take<u8>();
        if (how < 8) queue.set_avail_index(input_.take<u16>());
        break;
      }
      case 8:
        driver_->set_common16(input_.take<u8>() % 0x40U, input_.take<u16>());
        break;
      case 9:
        driver_->set_common32(input_.take<u8>() % 0x40U, input_.take<u32>());
        break;
      case 10:
        driver_->set_config32(input_.take<u8>() % 0x48U, input_.take<u32>());
        break;
      case 11:
        start();
        break;
      case 12: {
        machine_.advance_time(600'000'000);
        const u64 target = (input_.take<u16>() + 1U) * 1_MiB;
        for (CommandProvider* device : objects_offering<CommandProvider>(machine_))
          if (device->commands().front().name == "balloon")
            machine_.call(dynamic_cast<Object&>(*device), "balloon",
                          Value::Record{{"value", target}});
        break;
      }
      case 13: {
        // Interrupts are stores: here, into the device's own registers.
        const u64 bar = driver_->pci().bar_address(input_.take<u8>() % 2 == 0 ? 4 : 1);
        driver_->pci().enable_msix(bar + input_.take<u16>() % 0x4000, input_.take<u8>() % 32);
        break;
      }
      default:
        add_disk_request(queue);
        driver_->kick(index);
        break;
    }
  }

  Input& input_;
  TestMachine machine_{kRamSize};
  Backends& backends_ = machine_.add_child("backends", std::make_unique<Backends>(machine_));
  std::optional<VirtioPciDriver> driver_;
  std::vector<DriverQueue> queues_;
};

}  // namespace
}  // namespace backplane::fuzz

extern "C" int LLVMFuzzerTestOneInput(const backplane::u8* data, std::size_t size) {
  using namespace backplane;
  fuzz::Input input(data, size);
  fuzz::Guest(input).run();
  return 0;
}

// SPDX-License-Identifier: MIT
// A hostile driver of a network card or of serial ports: headers, control commands, descriptors and
// registers of the bytes' choice, while frames and bytes arrive. Nothing may crash, hang, or reach
// outside guest RAM.
#include <cstring>
#include <memory>
#include <optional>

#include "../input.h"
#include "backplane/chardev.h"
#include "backplane/netdev.h"
#include "backplane/pci/host_bridge.h"
#include "backplane/testing/test_machine.h"
#include "backplane/testing/virtio_driver.h"

namespace backplane::fuzz {
namespace {

using testing::DriverQueue;
using testing::TestMachine;
using testing::VirtioPciDriver;

constexpr u64 kRamSize = 2_MiB;
constexpr u64 kRings = 0x1000;
constexpr u64 kRingStride = 0x1000;
constexpr u64 kBuffers = 0x8'0000;
constexpr u64 kBufferStride = 0x1'0000;
constexpr unsigned kQueues = 6;
constexpr u16 kQueueSize = 8;
constexpr unsigned kSlot = 4;

// Gives frames back, after looking at each of their bytes.
class EchoNetwork final : public Netdev, public OffloadNetdev {
 public:
  static void class_init(ObjectClass& k) { k.property<&EchoNetwork::queues_>("queues", "as many"); }
  std::string describe() const override { return "an echo"; }
  void send(std::span<const iovec> frame) override { send_offloaded({}, frame); }
  void send_offloaded(const FrameOffload& left, std::span<const iovec> frame) override {
    std::vector<u8> whole;
    for (const iovec& piece : frame) {
      const auto* const bytes = static_cast<const u8*>(piece.iov_base);
      whole.insert(whole.end(), bytes, bytes + piece.iov_len);
    }
    if (left.needs_segmentation() && (accepted_ & kTcp4Offload) == 0)
      segment_frame(left, whole, [this](std::span<const u8> segment) { deliver(segment); });
    else if (left.needs_checksum() && (accepted_ & kChecksumOffload) == 0)
      complete_checksum(left, whole);
    else
      deliver(left, whole);
  }
  unsigned receive_offloads() const override { return kChecksumOffload | kTcp4Offload; }
  void accept_offloads(unsigned kinds) override { accepted_ = kinds; }
  void arrive(const std::vector<u8>& frame) { deliver(frame); }

 private:
  u32 queues_ = 2;
  unsigned accepted_ = 0;
};
BACKPLANE_TYPE(EchoNetwork, "net-fuzz-echo")

// Gives bytes back as far as they are taken.
class EchoTerminal final : public Chardev {
 public:
  static void class_init(ObjectClass&) {}
  std::string describe() const override { return "an echo"; }
  void write(const u8* data, std::size_t size) override {
    if (client() == nullptr) return;
    const std::size_t room = std::min(client()->can_receive(), size);
    if (room != 0) client()->receive(data, room);
  }
  void toggle() {
    if (client() == nullptr) return;
    open_ = !open_;
    client()->event(open_ ? ChardevClient::Event::Opened : ChardevClient::Event::Closed);
  }

 private:
  bool open_ = false;
};
BACKPLANE_TYPE(EchoTerminal, "chardev-fuzz-echo")

class Guest {
 public:
  explicit Guest(Input& input) : input_(input) {
    machine_.create_device("pci-host-bridge");
    if (input_.take<u8>() % 3 == 0) {
      terminal_ =
          &dynamic_cast<EchoTerminal&>(backends_.add(kChardevKind, "fuzz-echo", "terminal", {}));
      machine_.add_device("virtio-serial-pci", "", "", {{"max_ports", "2"}, {"addr", "04"}});
      machine_.add_device("virtserialport", "", "", {{"chardev", "terminal"}, {"name", "port"}});
      machine_.add_device("virtconsole", "", "", {});
    } else {
      network_ = &dynamic_cast<EchoNetwork&>(backends_.add(kNetdevKind, "fuzz-echo", "net", {}));
      machine_.add_device("virtio-net-pci", "", "",
                          {{"netdev", "net"}, {"mq", "on"}, {"host_mtu", "1500"}, {"addr", "04"}});
    }
    machine_.power_on();
    driver_.emplace(machine_, kSlot);
    machine_.run_control().start();
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
    // All that is offered, or all but some.
    const u64 features = driver_->device_features();
    const u64 left_out = input_.take<u8>() % 2 == 0 ? 0 : input_.take<u32>();
    driver_->negotiate((features & ~left_out) | virtio::bit(virtio::kVersion1));
    queues_.clear();
    for (unsigned i = 0; i < kQueues; ++i) {
      queues_.emplace_back(machine_.memory(), kRings + i * kRingStride, kQueueSize);
      driver_->set_up_queue(i, queues_.back());
    }
    driver_->driver_ok();
  }

  u64 some_buffer() { return kBuffers + input_.take<u8>() % 8 * kBufferStride; }

  // Bytes that begin as a header, a control command or a message do.
  testing::Buffer some_data() {
    const u64 address = some_buffer();
    std::array<u8, 80> bytes{};
    for (u8& byte : bytes) byte = input_.take<u8>() % 4 == 0 ? input_.take<u8>() : u8{0};
    bytes[0] %= 8;
    bytes[1] %= 8;
    if (input_.take<u8>() % 2 == 0) {
      // IPv4 and TCP after a header that leaves them to be divided.
      const FrameOffload left{.flags = 1,
                              .segmentation = input_.take<u8>() % 2 == 0 ? u8{1} : u8{4},
                              .header_size = 54,
                              .segment_size = input_.take<u8>(),
                              .checksum_start = 34,
                              .checksum_offset = 16};
      std::memcpy(bytes.data(), &left, sizeof left);
      bytes[24] = 0x08;
      bytes[25] = 0x00;
      bytes[26] = 0x45;
      bytes[58] = 0x50;
    }
    machine_.memory().write(address, bytes.data(), bytes.size());
    const u32 length = input_.take<u8>() % 4 == 0 ? input_.take<u16>() : input_.take<u8>() % 128;
    return {address, length + 1};
  }

  void step() {
    const unsigned index = input_.take<u8>() % kQueues;
    DriverQueue& queue = queues_[index];
    switch (input_.take<u8>() % 12) {
      case 0:
      case 1:
      case 2:
        queue.add({some_data()}, {});
        driver_->kick(index);
        break;
      case 3:
        queue.add({some_data()}, {{some_buffer(), input_.take<u8>() % 4 + 1U}});
        driver_->kick(index);
        break;
      case 4:
      case 5:
        queue.add({}, {{some_buffer(), input_.take<u16>() + 1U}});
        driver_->kick(index);
        break;
      case 6:
        if (network_ != nullptr) {
          std::vector<u8> frame(input_.take<u16>() % 3000);
          std::fill_n(frame.begin(), std::min<std::size_t>(6, frame.size()), u8{0xff});
          network_->arrive(frame);
        }
        if (terminal_ != nullptr) terminal_->toggle();
        break;
      case 7:
        queue.set_descriptor(
            input_.take<u8>() % kQueueSize,
            {input_.take<u32>() % (2 * kRamSize), input_.take<u16>(),
             static_cast<u16>(input_.take<u8>() % 8), static_cast<u16>(input_.take<u8>() % 16)});
        break;
      case 8:
        queue.make_available(input_.take<u8>() % kQueueSize);
        driver_->kick(index);
        break;
      case 9:
        driver_->set_config32(input_.take<u8>() % 0x20U, input_.take<u32>());
        break;
      case 10:
        machine_.run_main_loop();
        break;
      default:
        start();
        break;
    }
  }

  Input& input_;
  TestMachine machine_{kRamSize};
  Backends& backends_ = machine_.add_child("backends", std::make_unique<Backends>(machine_));
  EchoNetwork* network_ = nullptr;
  EchoTerminal* terminal_ = nullptr;
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

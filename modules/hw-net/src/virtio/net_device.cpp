// SPDX-License-Identifier: MIT
#include "virtio/net_device.h"

#include <bit>
#include <cstring>

#include "backplane/error.h"
#include "backplane/machine.h"
#include "backplane/virtio/scatter_gather.h"
#include "backplane/virtio/virtio_pci.h"
#include "mac_addresses.h"

namespace backplane {

using namespace virtio_net;

namespace {

// [virtio-1.2 §5.1.4.1 "Device Requirements: Device configuration layout"]
constexpr u16 kLeastMtu = 68;
constexpr u16 kControlQueueSize = 64;
// More than any command needs: two full tables of addresses that a driver may list.
constexpr std::size_t kMostControlData = 64_KiB;

void check_queue_size(const char* property, u16 size) {
  if (!std::has_single_bit(size) || size < 4 || size > VirtQueue::kMaxChain)
    throw Error::of("{}={}: expects a power of two from 4 to {}", property, size,
                    VirtQueue::kMaxChain);
}

}  // namespace

void VirtioNet::class_init(VirtioDeviceClass& k) {
  k.virtio_id = virtio::kIdNetwork;
  k.property<&VirtioNet::netdev_>("netdev", "id of the -netdev behind it; none: no cable");
  k.property<&VirtioNet::mac_>("mac", "its address (default: one that no other device has)");
  k.property<&VirtioNet::mtu_>("host_mtu", "the largest payload that it offers; 0: it says none");
  k.property<&VirtioNet::bootindex_>("bootindex", "its place when firmware boots (-1: none)");
  k.property<&VirtioNet::rx_queue_size_>("rx_queue_size", "entries of the queue to the guest");
  k.property<&VirtioNet::tx_queue_size_>("tx_queue_size", "entries of the queue from the guest");
  k.property<&VirtioNet::plugged_in, &VirtioNet::set_link>("link", "the cable is plugged in")
      .dynamic = true;
  k.state<&VirtioNet::filter_>(1, "filter");
}

void VirtioNet::set_link(bool plugged_in) {
  if (plugged_in == plugged_in_) return;
  plugged_in_ = plugged_in;
  if (realized()) notify_config();
}

void VirtioNet::realize() {
  check_queue_size("rx_queue_size", rx_queue_size_);
  check_queue_size("tx_queue_size", tx_queue_size_);
  if (mtu_ != 0 && mtu_ < kLeastMtu)
    throw Error::of("host_mtu={}: expects {} or more", mtu_, kLeastMtu);
  if (!mac_.is_set()) mac_ = free_mac_address(machine());
  filter_ = ReceiveFilter(mac_);
  receive_queue_ = &add_queue(rx_queue_size_, [this](VirtQueue& queue) {
    queue.set_notification(false);
    if (netdev_) netdev_->receive_more();
  });
  transmit_queue_ = &add_queue(tx_queue_size_, [this](VirtQueue& queue) { transmit(queue); });
  add_queue(kControlQueueSize, [this](VirtQueue& queue) { control(queue); });
  if (!netdev_) return;
  netdev_->set_client(this);
  run_state_ = machine().run_control().on_change([this](bool running) {
    // Soon: the machine is about to run when this is called.
    if (running) kick_all_later();
  });
}

void VirtioNet::unrealize() {
  run_state_.end();
  if (netdev_) netdev_->set_client(nullptr);
  netdev_.disconnect();
  receive_queue_ = nullptr;
  transmit_queue_ = nullptr;
}

std::string VirtioNet::describe() const {
  return fmt::format("{}, {}, {}", VirtioDevice::describe(),
                     PropertyTraits<MacAddress>::print(filter_.own_address()),
                     has_link() ? netdev_->describe() : "not connected");
}

u64 VirtioNet::device_features() const {
  u64 features = virtio::bit(kMac) | virtio::bit(kMrgRxbuf) | virtio::bit(kStatus) |
                 virtio::bit(kCtrlVq) | virtio::bit(kCtrlRx) | virtio::bit(kCtrlVlan) |
                 virtio::bit(kCtrlRxExtra) | virtio::bit(kCtrlMacAddr);
  if (mtu_ != 0) features |= virtio::bit(kMtu);
  return features;
}

void VirtioNet::fill_config(std::span<u8> image) const {
  std::copy(filter_.own_address().bytes.begin(), filter_.own_address().bytes.end(),
            image.begin() + kMacField);
  put_config<u16>(image, kStatusField, has_link() ? kLinkUp : 0);
  put_config<u16>(image, kMaxVirtqueuePairs, 1);
  put_config<u16>(image, kMtuField, mtu_);
}

// A driver of before version 1 sets the address by writing it.
// [virtio-1.2 §5.1.4.3 "Legacy Interface: Device configuration layout"]
void VirtioNet::config_written(unsigned offset, u32 value, unsigned size) {
  if (has_feature(virtio::kVersion1)) return;
  MacAddress address = filter_.own_address();
  for (unsigned i = 0; i < size && offset + i < kStatusField; ++i)
    address.bytes[offset + i] = static_cast<u8>(value >> (8 * i));
  filter_.set_own_address(address);
}

void VirtioNet::driver_started() {
  if (has_feature(kCtrlVlan)) filter_.filter_vlans();
}

unsigned VirtioNet::header_size() const {
  return has_feature(virtio::kVersion1) || has_feature(kMrgRxbuf) ? sizeof(Header)
                                                                  : kLegacyHeaderSize;
}

// [virtio-1.2 §5.1.6.2 "Packet Transmission"]
void VirtioNet::transmit(VirtQueue& queue) {
  queue.for_each(element_, [this, &queue](const VirtElement& element) {
    if (element.out_size < header_size()) {
      mark_needs_reset("a frame without a header");
      return false;
    }
    const u64 size = element.out_size - header_size();
    if (has_link() && size <= Netdev::kMaxFrame) {
      pieces_.clear();
      slice(element.out, header_size(), size, pieces_);
      netdev_->send(pieces_);
    }
    queue.push(element, 0);
    return true;
  });
  queue.notify();
}

// [virtio-1.2 §5.1.6.4 "Processing of Incoming Packets"]
bool VirtioNet::receive(std::span<const u8> frame) {
  // Nothing changes in a guest that stands still.
  if (machine().run_control().state() != RunState::Running) return false;
  // A driver that is not there, or does not want it, never sees it.
  if (!has_link() || !operating() || !receive_queue_->enabled() || !filter_.accepts(frame))
    return true;
  const std::size_t chains = take_chains(header_size() + frame.size());
  if (needs_reset()) return true;
  if (chains == 0) return false;
  store(frame, chains);
  return true;
}

std::size_t VirtioNet::take_chains(u64 size) {
  const bool mergeable = has_feature(kMrgRxbuf);
  std::size_t count = 0;
  u64 room = 0;
  while (room < size) {
    if (!mergeable && count == 1) {
      mark_needs_reset("a receive buffer that is smaller than a frame");
      break;
    }
    if (count == chains_.size()) chains_.emplace_back();
    if (!receive_queue_->pop(chains_[count])) {
      // From here on the driver kicks when it adds some; it may have done so just now.
      receive_queue_->set_notification(true);
      if (receive_queue_->empty()) break;
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
  for (; count != 0; --count) receive_queue_->put_back();
  return 0;
}

// All but the last chain are filled, and the driver sees all of them at once.
// [virtio-1.2 §5.1.6.3.2 "Device Requirements: Setting Up Receive Buffers"]
void VirtioNet::store(std::span<const u8> frame, std::size_t chains) {
  Header start{};
  start.num_buffers = static_cast<u16>(chains);
  for (std::size_t i = 0; i < chains; ++i) {
    const VirtElement& chain = chains_[i];
    u64 written = i == 0 ? scatter(chain.in, 0, &start, header_size()) : 0;
    const u64 part = scatter(chain.in, written, frame.data(), frame.size());
    frame = frame.subspan(part);
    written += part;
    if (i + 1 == chains)
      receive_queue_->push(chain, static_cast<u32>(written));
    else
      receive_queue_->push_with_next(chain, static_cast<u32>(written));
  }
  receive_queue_->notify();
}

void VirtioNet::control(VirtQueue& queue) {
  queue.for_each(element_, [this, &queue](const VirtElement& element) {
    if (element.out_size < sizeof(ControlHeader) || element.in_size < 1) {
      mark_needs_reset("a command without a header or without room for the answer");
      return false;
    }
    const u8 ack = answer(element);
    scatter(element.in, element.in_size - 1, &ack, 1);
    queue.push(element, static_cast<u32>(element.in_size == 1 ? 1 : 0));
    return true;
  });
  queue.notify();
}

u8 VirtioNet::answer(const VirtElement& element) {
  ControlHeader header{};
  gather(element.out, 0, &header, sizeof header);
  const u64 size = element.out_size - sizeof header;
  if (size > kMostControlData) return kError;
  std::vector<u8> data(size);
  gather(element.out, sizeof header, data.data(), size);
  return filter_.command(header, data) ? kOk : kError;
}

BACKPLANE_REGISTER(VirtioNet, .category = "Network", .description = "Network card")

namespace {

class VirtioNetPci final : public VirtioPci {
 public:
  static constexpr const char* kDevice = VirtioNet::kTypeName;
  static constexpr u32 kClassCode = 0x02'00'00;  // Ethernet

  static void class_init(PciDeviceClass& k) { init_class(k, kDevice, kClassCode); }
  VirtioNetPci() : VirtioPci(kDevice) {}
};
BACKPLANE_TYPE(VirtioNetPci, "virtio-net-pci", .category = "Network", .description = "Network card")

}  // namespace

}  // namespace backplane

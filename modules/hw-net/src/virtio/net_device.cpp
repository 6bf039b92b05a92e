// SPDX-License-Identifier: MIT
#include "virtio/net_device.h"

#include <algorithm>
#include <bit>

#include "backplane/error.h"
#include "backplane/machine.h"
#include "backplane/virtio/scatter_gather.h"
#include "backplane/virtio/virtio_pci.h"
#include "mac_addresses.h"
#include "virtio/offloads.h"

namespace backplane {

using namespace virtio_net;

namespace {

// [virtio-1.2 §5.1.4.1 "Device Requirements: Device configuration layout"]
constexpr u16 kLeastMtu = 68;
constexpr u16 kControlQueueSize = 64;
constexpr unsigned kMostPairs = (VirtioDevice::kMaxQueues - 1) / 2;
constexpr std::string_view kHalf = "half";
constexpr std::string_view kFull = "full";

void check_queue_size(const char* property, u16 size) {
  if (!std::has_single_bit(size) || size < 4 || size > VirtQueue::kMaxChain)
    throw Error::of("{}={}: expects a power of two from 4 to {}", property, size,
                    VirtQueue::kMaxChain);
}

}  // namespace

void VirtioNet::class_init(VirtioDeviceClass& k) {
  k.virtio_id = virtio::kIdNetwork;
  k.property<&VirtioNet::netdev_>("netdev", "id of the -netdev behind it; none: no cable");
  k.property<&VirtioNet::iothread_>("iothread",
                                    "id of the -object iothread that serves its queues");
  k.property<&VirtioNet::mac_>("mac", "its address (default: one that no other device has)");
  k.property<&VirtioNet::mtu_>("host_mtu", "the largest payload that it offers; 0: it says none");
  k.property<&VirtioNet::speed_>("speed", "what it says of its speed: Mbit/s (-1: nothing)");
  k.property<&VirtioNet::duplex_>("duplex", "half or full, or nothing");
  k.property<&VirtioNet::mq_>("mq", "as many queues each way as the netdev has");
  k.property<&VirtioNet::bootindex_>("bootindex", "its place when firmware boots (-1: none)");
  k.property<&VirtioNet::rx_queue_size_>("rx_queue_size", "entries of the queue to the guest");
  k.property<&VirtioNet::tx_queue_size_>("tx_queue_size", "entries of the queue from the guest");
  k.property<&VirtioNet::plugged_in, &VirtioNet::set_link>("link", "the cable is plugged in")
      .dynamic = true;
  k.state<&VirtioNet::filter_>(1, "filter");
  k.state<&VirtioNet::state_>(1,
                              {member<&State::pairs>("pairs"), member<&State::announce>("announce"),
                               member<&State::receive_offloads>("receive_offloads")});
}

void VirtioNet::set_link(bool plugged_in) {
  if (plugged_in == plugged_in_) return;
  const QueueLock lock(*this);
  plugged_in_ = plugged_in;
  if (realized()) notify_config();
}

void VirtioNet::check_properties() const {
  check_queue_size("rx_queue_size", rx_queue_size_);
  check_queue_size("tx_queue_size", tx_queue_size_);
  if (mtu_ != 0 && mtu_ < kLeastMtu)
    throw Error::of("host_mtu={}: expects {} or more", mtu_, kLeastMtu);
  if (speed_ < -1) throw Error::of("speed={}: expects -1, or Mbit/s", speed_);
  if (!duplex_.empty() && duplex_ != kHalf && duplex_ != kFull)
    throw Error::of("duplex={}: expects half or full", duplex_);
}

unsigned VirtioNet::backend_queues() const {
  const Property* const queues =
      netdev_ ? netdev_->object_class().find_property("queues") : nullptr;
  return queues == nullptr ? 1
                           : static_cast<unsigned>(queues->get(*netdev_, *queues).as_unsigned());
}

unsigned VirtioNet::backend_offloads() const {
  const auto* const offloading = dynamic_cast<const OffloadNetdev*>(netdev_.get());
  return offloading == nullptr ? 0 : offloading->receive_offloads();
}

// The queues of each pair, then the control queue. [virtio-1.2 §5.1.2 "Virtqueues"]
void VirtioNet::realize() {
  check_properties();
  if (!mac_.is_set()) mac_ = free_mac_address(machine());
  filter_ = ReceiveFilter(mac_);
  if (iothread_) serve_in(*iothread_);
  max_pairs_ = mq_ ? static_cast<u16>(std::clamp(backend_queues(), 1U, kMostPairs)) : u16{1};
  const auto handler = [this](VirtQueue& queue) { queue_kicked(queue); };
  for (unsigned pair = 0; pair < max_pairs_; ++pair) {
    add_queue(rx_queue_size_, handler);
    add_queue(tx_queue_size_, handler);
  }
  add_queue(kControlQueueSize, handler);
  if (netdev_) connect_network();
}

void VirtioNet::connect_network() {
  netdev_->serve_in(io_context());
  const QueueLock lock(*this);
  netdev_->set_client(this);
  run_state_ = machine().run_control().on_change([this](bool running) {
    // Soon: the machine is about to run when this is called.
    if (running) kick_all_later();
  });
}

void VirtioNet::unrealize() {
  run_state_.end();
  stop_serving();
  if (netdev_) disconnect_network();
}

void VirtioNet::disconnect_network() {
  {
    const QueueLock lock(*this);
    accept_offloads(0);
    netdev_->set_client(nullptr);
  }
  netdev_->serve_in(machine().main_loop().io_context());
  netdev_.disconnect();
}

void VirtioNet::reset() {
  const QueueLock lock(*this);
  accept_offloads(0);
  VirtioDevice::reset();
}

// The network that it is on now has not heard of it. [virtio-1.2 §5.1.6.5.4 "Gratuitous Packet
// Sending"]
void VirtioNet::loaded() {
  const QueueLock lock(*this);
  VirtioDevice::loaded();
  if (state_.pairs == 0 || state_.pairs > max_pairs_)
    throw Error::of("{} pairs of queues are in use, of {}", state_.pairs, max_pairs_);
  if ((state_.receive_offloads & ~backend_offloads()) != 0)
    throw Error::of("the driver takes offloads {:#x}, of which this network has {:#x}",
                    state_.receive_offloads, backend_offloads());
  accept_offloads(state_.receive_offloads);
  state_.announce = driver_ok() && has_feature(kGuestAnnounce);
  if (state_.announce) notify_config();
}

void VirtioNet::accept_offloads(unsigned kinds) {
  state_.receive_offloads = kinds;
  if (auto* const offloading = dynamic_cast<OffloadNetdev*>(netdev_.get()))
    offloading->accept_offloads(kinds);
}

std::string VirtioNet::describe() const {
  const QueueLock lock(*this);
  return fmt::format("{}, {}, {}", VirtioDevice::describe(),
                     PropertyTraits<MacAddress>::print(filter_.own_address()),
                     has_link() ? netdev_->describe() : "not connected");
}

u64 VirtioNet::device_features() const {
  u64 features = virtio::bit(kMac) | virtio::bit(kMrgRxbuf) | virtio::bit(kStatus) |
                 virtio::bit(kCtrlVq) | virtio::bit(kCtrlRx) | virtio::bit(kCtrlVlan) |
                 virtio::bit(kCtrlRxExtra) | virtio::bit(kCtrlMacAddr) |
                 virtio::bit(kGuestAnnounce) | host_offload_features() |
                 guest_offload_features(backend_offloads());
  if (mtu_ != 0) features |= virtio::bit(kMtu);
  if (max_pairs_ > 1) features |= virtio::bit(kMq);
  if (speed_ >= 0 || !duplex_.empty()) features |= virtio::bit(kSpeedDuplex);
  return features;
}

void VirtioNet::fill_config(std::span<u8> image) const {
  std::copy(filter_.own_address().bytes.begin(), filter_.own_address().bytes.end(),
            image.begin() + kMacField);
  put_config<u16>(image, kStatusField,
                  static_cast<u16>((has_link() ? kLinkUp : 0) | (state_.announce ? kAnnounce : 0)));
  put_config<u16>(image, kMaxVirtqueuePairs, max_pairs_);
  put_config<u16>(image, kMtuField, mtu_);
  put_config<u32>(image, kSpeed, speed_ < 0 ? kUnknownSpeed : static_cast<u32>(speed_));
  put_config<u8>(image, kDuplex,
                 duplex_ == kHalf   ? kHalfDuplex
                 : duplex_ == kFull ? kFullDuplex
                                    : kUnknownDuplex);
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
  accept_offloads(offload_kinds(guest_features()));
}

// Without VIRTIO_NET_F_MQ the driver knows of one pair.
unsigned VirtioNet::control_index() const { return has_feature(kMq) ? 2U * max_pairs_ : 2U; }

void VirtioNet::queue_kicked(VirtQueue& queue) {
  if (queue.index() == control_index()) return control(queue);
  if (queue.index() > control_index()) return;
  if (queue.index() % 2 != 0) return transmit(queue);
  queue.set_notification(false);
  if (netdev_) netdev_->receive_more();
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
    transmit(element, static_cast<u16>(queue.index() / 2));
    queue.push(element, 0);
    return true;
  });
  queue.notify();
}

void VirtioNet::transmit(const VirtElement& element, u16 pair) {
  const u64 size = element.out_size - header_size();
  if (!has_link() || size > Netdev::kMaxFrame) return;
  FrameOffload left;
  gather(element.out, 0, &left, sizeof left);
  if (!check_host_offload(guest_features(), left)) {
    guest_error("a frame to be divided in a way that was not agreed on");
    return;
  }
  pieces_.clear();
  slice(element.out, header_size(), size, pieces_);
  if (max_pairs_ > 1) steering_.sent(pieces_, pair);
  netdev_->transmit(left, pieces_);
}

BACKPLANE_REGISTER(VirtioNet, .category = "Network", .description = "Network card")

namespace {

class VirtioNetPci final : public VirtioPci {
 public:
  static constexpr const char* kDevice = VirtioNet::kTypeName;
  static constexpr u32 kClassCode = 0x02'00'00;  // Ethernet

  static void class_init(PciDeviceClass& k) {
    init_class(k, kDevice, kClassCode);
    k.option_rom = "efi-virtio.rom";
  }
  VirtioNetPci() : VirtioPci(kDevice) {}
};
BACKPLANE_TYPE(VirtioNetPci, "virtio-net-pci", .category = "Network", .description = "Network card")

}  // namespace

}  // namespace backplane

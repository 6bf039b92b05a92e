// SPDX-License-Identifier: MIT
#include "tap_network.h"

#include <unistd.h>

#include <cstring>

#include "backplane/descriptors.h"
#include "backplane/error.h"
#include "backplane/log.h"
#include "backplane/machine.h"

namespace backplane {

namespace {

constexpr std::string_view kNone = "no";
constexpr unsigned kMostQueues = 127;
// Frames that are taken in a row, so that others get their turn.
constexpr unsigned kBurst = 64;

}  // namespace

void TapNetwork::class_init(ObjectClass& k) {
  k.property<&TapNetwork::interface_name_>(
      "ifname", "the interface, which is made if it is not there (%d: the first free number)");
  k.property<&TapNetwork::script_>("script",
                                   "a program that is run with the interface's name, or no");
  k.property<&TapNetwork::down_script_>("downscript", "the same, at the end");
  k.property<&TapNetwork::fd_>("fd", "an open TAP descriptor: its number, or its name (getfd)");
  k.property<&TapNetwork::fds_>("fds", "several, with colons between them, one a queue");
  k.property<&TapNetwork::queues_>("queues", "for a device that has several (mq=on)");
  k.property<&TapNetwork::offload_header_>(
      "vnet_hdr", "leave checksums and segmentation to the other side (auto: where it can)");
  k.property<&TapNetwork::vhost_>("vhost", "have the host's kernel move frames: only off is here");
}

TapNetwork::~TapNetwork() {
  if (!is_up_ || down_script_ == kNone) return;
  try {
    run_script("downscript", down_script_, interface_name_);
  } catch (const Error& error) {
    log::warn(fmt::format("{}: {}", id(), error.what()));
  }
}

std::string TapNetwork::describe() const {
  std::string text = fd_.empty() && fds_.empty()
                         ? fmt::format("tap {}", interface_name_)
                         : fmt::format("tap on descriptor {}", fd_.empty() ? fds_ : fd_);
  if (opened_.size() > 1) text += fmt::format(", {} queues", opened_.size());
  if (has_header_) text += ", offloads";
  return text;
}

void TapNetwork::check_properties() const {
  if (vhost_) throw Error("vhost=on is not here: expects vhost=off");
  if (queues_ == 0 || queues_ > kMostQueues)
    throw Error::of("queues={}: expects 1 to {}", queues_, kMostQueues);
  if (!fd_.empty() && !fds_.empty()) throw Error("fd= and fds= exclude each other");
  if (fd_.empty() && fds_.empty()) return;
  if (script_ != kNone || down_script_ != kNone)
    throw Error("script= and downscript= are not for descriptors that are open already");
  if (!fd_.empty() && queues_ != 1) throw Error("queues= of several is for fds=");
}

void TapNetwork::open() {
  check_properties();
  if (fd_.empty() && fds_.empty())
    open_interface();
  else
    adopt_descriptors();
  if (has_header_) {
    for (const TapQueue& queue : opened_) set_header_size(queue);
    accept_offloads(0);
  }
  frame_.resize(sizeof(FrameOffload) + kMaxFrame);
  moved();
}

void TapNetwork::moved() {
  watches_.clear();
  for (const TapQueue& queue : opened_)
    watches_.push_back(loop().watch(queue.fd(), IoContext::kReadable,
                                    [this, fd = queue.fd()](unsigned) { receive(fd); }));
}

void TapNetwork::open_interface() {
  const bool can = offload_header_ != OnOffAuto::Off && kernel_has_offload_header();
  if (offload_header_ == OnOffAuto::On && !can)
    throw Error("vnet_hdr=on: the host's kernel does not have it");
  TapInterface interface { interface_name_, queues_ > 1, can };
  for (u32 i = 0; i < queues_; ++i) opened_.push_back(open_tap(interface));
  interface_name_ = interface.name;
  has_header_ = can;
  if (script_ != kNone) run_script("script", script_, interface_name_);
  is_up_ = true;
}

void TapNetwork::adopt_descriptors() {
  std::string_view left = fds_.empty() ? fd_ : fds_;
  while (true) {
    const std::size_t colon = left.find(':');
    bool header = false;
    opened_.push_back(adopt_tap(descriptors::take(left.substr(0, colon)), header));
    if (opened_.size() > 1 && header != has_header_)
      throw Error("fds=: some have a header before each frame, and others none");
    has_header_ = header;
    if (colon == std::string_view::npos) break;
    left.remove_prefix(colon + 1);
  }
  if (offload_header_ != OnOffAuto::Auto && (offload_header_ == OnOffAuto::On) != has_header_)
    throw Error::of("vnet_hdr={}: the descriptor was opened the other way",
                    PropertyTraits<OnOffAuto>::print(offload_header_));
  if (queues_ != 1 && queues_ != opened_.size())
    throw Error::of("queues={}: {} descriptors were given", queues_, opened_.size());
  queues_ = static_cast<u32>(opened_.size());
}

void TapNetwork::send_offloaded(const FrameOffload& left, std::span<const iovec> frame) {
  FrameOffload header = left;
  pieces_.clear();
  if (has_header_) pieces_.push_back({&header, sizeof header});
  pieces_.insert(pieces_.end(), frame.begin(), frame.end());
  // The kernel refuses it if it is full, down, or the frame makes no sense: it is lost then.
  [[maybe_unused]] const ssize_t written =
      writev(opened_.front().fd(), pieces_.data(), static_cast<int>(pieces_.size()));
}

unsigned TapNetwork::receive_offloads() const {
  return has_header_ ? kChecksumOffload | kTcp4Offload | kTcp6Offload | kEcnOffload : 0U;
}

void TapNetwork::accept_offloads(unsigned kinds) {
  if (!has_header_) return;
  for (const TapQueue& queue : opened_) set_receive_offloads(queue, kinds);
}

void TapNetwork::receive(int fd) {
  for (unsigned i = 0; i < kBurst; ++i) {
    const ssize_t size = read(fd, frame_.data(), frame_.size());
    const std::size_t header = has_header_ ? sizeof(FrameOffload) : 0;
    if (size < static_cast<ssize_t>(header)) return;
    FrameOffload left;
    if (has_header_) std::memcpy(&left, frame_.data(), sizeof left);
    deliver(left, std::span(frame_).subspan(header, static_cast<std::size_t>(size) - header));
  }
}

BACKPLANE_TYPE(TapNetwork, "net-tap", .description = "A network interface of the host's (TAP)")

}  // namespace backplane

BACKPLANE_MODULE("net-tap", "0.1", "Networks by the host's TAP interfaces");

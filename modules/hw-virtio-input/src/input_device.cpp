// SPDX-License-Identifier: MIT
#include "input_device.h"

#include <algorithm>

#include "backplane/error.h"
#include "backplane/machine.h"
#include "backplane/virtio/scatter_gather.h"

namespace backplane {

using namespace virtio_input;

namespace {

constexpr u16 kQueueSize = 64;
constexpr std::size_t kUnionSize = kConfigSize - kUnion;
constexpr u16 kVendor = 0x0627, kVersion = 1;

std::size_t copy_text(std::string_view text, std::span<u8> bytes) {
  const std::size_t size = std::min(text.size(), bytes.size());
  std::copy_n(text.begin(), size, bytes.begin());
  return size;
}

}  // namespace

BACKPLANE_REGISTER_ABSTRACT(VirtioInput, .category = "Input",
                            .description = "An input device on virtio")

void VirtioInput::class_init(VirtioDeviceClass& k) {
  k.virtio_id = kIdInput;
  k.property<&VirtioInput::serial_>("serial", "what tells it from others of its kind");
  k.state<&VirtioInput::state_>(
      1, {member<&State::select>("select"), member<&State::subsel>("subsel"),
          member<&State::leds>("leds"), member<&State::events>("events", up_to(kMostEvents))});
}

std::span<const StateMember> VirtioInput::Event::members() {
  static const StateMember kMembers[] = {member<&Event::type>("type"), member<&Event::code>("code"),
                                         member<&Event::value>("value")};
  return kMembers;
}

void VirtioInput::realize() {
  if (serial_.size() > kUnionSize)
    throw Error::of("serial={}: has {} bytes; at most {} fit", serial_, serial_.size(), kUnionSize);
  add_queue(kQueueSize, [this](VirtQueue&) { send(); });
  add_queue(kQueueSize, [this](VirtQueue& queue) { take_status(queue); });
  stands_still_ = machine().run_control().state() != RunState::Running;
  run_state_ = machine().run_control().on_change([this](bool running) {
    stands_still_ = !running;
    if (running && listens()) send();
  });
}

void VirtioInput::unrealize() { run_state_ = {}; }

std::string VirtioInput::describe() const {
  return fmt::format("{}, {} events wait", VirtioDevice::describe(), state_.events.size());
}

// --- configuration [virtio-1.2 §5.8.4 "Device configuration layout"] ---------------------------

void VirtioInput::fill_config(std::span<u8> image) const {
  image[kSelect] = state_.select;
  image[kSubsel] = state_.subsel;
  image[kSize] = static_cast<u8>(fill_union(image.subspan(kUnion)));
}

std::size_t VirtioInput::fill_union(std::span<u8> bytes) const {
  switch (state_.select) {
    case kIdName:
      return state_.subsel == 0 ? copy_text(input_name(), bytes) : 0;
    case kIdSerial:
      return state_.subsel == 0 ? copy_text(serial_, bytes) : 0;
    case kIdDevids:
      if (state_.subsel != 0) return 0;
      put_config<u16>(bytes, 0, kBusVirtual);
      put_config<u16>(bytes, 2, kVendor);
      put_config<u16>(bytes, 4, product());
      put_config<u16>(bytes, 6, kVersion);
      return 8;
    case kEvBits: {
      Bits codes(bytes);
      fill_codes(state_.subsel, codes);
      const auto last = std::find_if(bytes.rbegin(), bytes.rend(), [](u8 b) { return b != 0; });
      return static_cast<std::size_t>(bytes.rend() - last);
    }
    case kAbsInfo: {
      const std::span<const u8> axes = absolute_axes();
      if (std::find(axes.begin(), axes.end(), state_.subsel) == axes.end()) return 0;
      put_config<u32>(bytes, 4, kMostPosition);  // from 0; no fuzz, flat or resolution
      return 20;
    }
    default:
      return 0;
  }
}

void VirtioInput::config_written(unsigned offset, u32 value, unsigned size) {
  for (unsigned n = 0; n < size; ++n) {
    const u8 byte = static_cast<u8>(value >> (8 * n));
    if (offset + n == kSelect) state_.select = byte;
    if (offset + n == kSubsel) state_.subsel = byte;
  }
}

// --- events [virtio-1.2 §5.8.6 "Device Operation"] ---------------------------------------------

void VirtioInput::report(u16 type, u16 code, i32 value) {
  if (!listens() || said_.size() >= kMostEvents) return;
  said_.push_back({.type = type, .code = code, .value = static_cast<u32>(value)});
}

void VirtioInput::sync() {
  if (said_.empty()) return;
  report(kEvSyn, 0, 0);
  // All of what happened at once, or nothing of it.
  if (state_.events.size() + said_.size() <= kMostEvents)
    state_.events.insert(state_.events.end(), said_.begin(), said_.end());
  said_.clear();
  send();
}

void VirtioInput::send() {
  if (stands_still_) return;
  VirtQueue& queue = *this->queue(kEventQueue);
  std::size_t sent = 0;
  for (; sent < state_.events.size(); ++sent) {
    if (!queue.pop(element_)) {
      queue.set_notification(true);
      if (!queue.pop(element_)) break;
    }
    const Event& event = state_.events[sent];
    const WireEvent wire{.type = event.type, .code = event.code, .value = event.value};
    queue.push(element_, static_cast<u32>(scatter(element_.in, 0, &wire, sizeof wire)));
  }
  state_.events.erase(state_.events.begin(),
                      state_.events.begin() + static_cast<std::ptrdiff_t>(sent));
  queue.notify();
}

void VirtioInput::take_status(VirtQueue& queue) {
  queue.for_each(element_, [this, &queue](const VirtElement& element) {
    WireEvent event{};
    if (gather(element.out, 0, &event, sizeof event) != sizeof event)
      guest_error("a status of {} bytes", element.out_size);
    else if (event.type == kEvLed && event.code <= kLedScrollLock)
      state_.leds = static_cast<u8>((state_.leds & ~(1U << event.code)) |
                                    (event.value != 0 ? 1U : 0U) << event.code);
    queue.push(element, 0);
    return true;
  });
  queue.notify();
}

}  // namespace backplane

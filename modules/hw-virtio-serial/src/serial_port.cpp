// SPDX-License-Identifier: MIT
#include "serial_port.h"

#include <algorithm>
#include <utility>

#include "backplane/error.h"
#include "backplane/machine.h"
#include "backplane/virtio/scatter_gather.h"
#include "serial_device.h"

namespace backplane {

using namespace virtio_console;

namespace {

// More than this waits in the queue, not at the character device: bytes.
constexpr std::size_t kMostPending = 64_KiB;
constexpr std::size_t kMostAtOnce = 64_KiB;
constexpr i64 kRetry = 5'000'000;  // ns

constexpr TypeMember kChangeMembers[] = {{"id", &kText}, {"open", &kBoolean}};
constexpr EventType kChange{"VSERPORT_CHANGE", kChangeMembers};
constexpr const EventType* kEvents[] = {&kChange};

}  // namespace

void SerialPort::class_init(DeviceClass& k) {
  k.property<&SerialPort::chardev_>("chardev", "id of the -chardev behind it");
  k.property<&SerialPort::name_>("name", "what the guest knows it by");
  k.property<&SerialPort::number_>("nr", "its number on the bus (default: the first free one)");
  k.state<&SerialPort::state_>(1, {member<&State::guest_connected>("guest_connected"),
                                   member<&State::host_connected>("host_connected")});
}

std::span<const EventType* const> SerialPort::events() const { return kEvents; }

VirtioSerial& SerialPort::serial() const { return static_cast<SerialBus&>(*bus()).device(); }

std::string SerialPort::describe() const {
  return fmt::format("port {}, {}, {}", number_, state_.guest_connected ? "guest on" : "guest off",
                     state_.host_connected ? "host on" : "host off");
}

// The first port is a console, as drivers that know of one port expect.
void SerialPort::choose_number(const VirtioSerial& device) {
  if (number_ != kAnyNumber) {
    if (number_ >= device.max_ports())
      throw Error::of("nr={}: expects 0 to {}", number_, device.max_ports() - 1);
    if (number_ == 0 && !is_console()) throw Error("nr=0 is for a virtconsole");
    if (device.port(number_) != nullptr) throw Error::of("nr={}: that port is taken", number_);
    return;
  }
  for (u32 free = is_console() ? 0 : 1; free < device.max_ports(); ++free)
    if (device.port(free) == nullptr) {
      number_ = free;
      return;
    }
  throw Error::of("all of the {} ports are taken (max_ports=)", device.max_ports());
}

void SerialPort::realize() {
  retry_ = std::make_unique<Timer>(machine().realtime_clock(), [this] { transmit(); });
  change_timer_ = std::make_unique<Timer>(machine().realtime_clock(), [this] {
    if (std::exchange(changed_, false)) tell_change();
  });
  if (chardev_) chardev_->set_client(this);
  // A state that was loaded says how it was elsewhere.
  run_state_ = machine().run_control().on_change([this](bool running) {
    if (running) tell_connection();
  });
}

void SerialPort::unrealize() {
  run_state_.end();
  retry_.reset();
  change_timer_.reset();
  if (chardev_) chardev_->set_client(nullptr);
  chardev_.disconnect();
}

// The other side stays connected, whatever the guest does.
void SerialPort::reset() {
  const bool host_connected = state_.host_connected;
  guest_opened(false);
  Device::reset();
  state_.host_connected = host_connected;
  if (retry_) retry_->cancel();
}

void SerialPort::driver_found() {
  if (is_console()) serial().tell(number_, kConsolePort, 1);
  if (!name_.empty()) serial().tell(number_, kPortName, 1);
  if (state_.host_connected) serial().tell(number_, kPortOpen, 1);
}

void SerialPort::guest_opened(bool open) {
  if (state_.guest_connected == open) return;
  state_.guest_connected = open;
  report_change();
  if (open) accept_input();
}

// At once, and then once a second at most, however often a guest opens and closes it. Of a port
// that nobody has given a name there is nothing to say.
void SerialPort::report_change() {
  if (id().empty() || !change_timer_) return;
  changed_ = true;
  if (change_timer_->armed()) return;
  changed_ = false;
  tell_change();
}

void SerialPort::tell_change() {
  constexpr i64 kPause = 1'000'000'000;  // ns
  change_timer_->arm_in(kPause);
  machine().events().send(kChange, Value::Record{{"id", id()}, {"open", state_.guest_connected}});
}

bool SerialPort::listens() const { return is_console() || state_.guest_connected; }

// --- from the guest -----------------------------------------------------------------------------

void SerialPort::transmit() {
  VirtQueue& queue = serial().transmit_queue(number_);
  const auto is_busy = [this] { return chardev_ && chardev_->pending() > kMostPending; };
  if (!is_busy())
    queue.for_each(element_, [&](const VirtElement& element) {
      for (u64 at = 0; chardev_ && at < element.out_size; at += bytes_.size()) {
        bytes_.resize(std::min<u64>(element.out_size - at, kMostAtOnce));
        gather(element.out, at, bytes_.data(), bytes_.size());
        chardev_->write(bytes_.data(), bytes_.size());
      }
      queue.push(element, 0);
      return !is_busy();
    });
  queue.notify();
  if (is_busy()) retry_->arm_in(kRetry);
}

void SerialPort::write_character(u8 character) {
  if (chardev_) chardev_->write(&character, 1);
}

// --- to the guest -------------------------------------------------------------------------------

bool SerialPort::takes_input() const {
  if (!serial().operating() || machine().run_control().state() != RunState::Running) return false;
  return is_console() || state_.guest_connected;
}

void SerialPort::accept_input() {
  if (chardev_) chardev_->accept_input();
}

std::size_t SerialPort::can_receive() {
  if (!takes_input()) return 0;
  VirtQueue& queue = serial().receive_queue(number_);
  if (!queue.pop(input_)) {
    // From here on the driver kicks when it adds some; it may have done so just now.
    queue.set_notification(true);
    if (!queue.pop(input_)) return 0;
  }
  const std::size_t room = input_.in_size;
  if (room == 0) {
    serial().mark_needs_reset("a receive buffer without room");
    return 0;
  }
  queue.put_back();
  return room;
}

void SerialPort::receive(const u8* data, std::size_t size) {
  VirtQueue& queue = serial().receive_queue(number_);
  while (size != 0 && queue.pop(input_)) {
    const u64 written = scatter(input_.in, 0, data, size);
    queue.push(input_, static_cast<u32>(written));
    if (written == 0) break;
    data += written;
    size -= written;
  }
  queue.notify();
}

void SerialPort::event(Event event) {
  if (event == Event::Break) return;
  connected_ = event == Event::Opened;
  tell_connection();
}

void SerialPort::tell_connection() {
  if (state_.host_connected == connected_) return;
  state_.host_connected = connected_;
  serial().tell(number_, kPortOpen, connected_ ? 1 : 0);
  if (connected_) accept_input();
}

BACKPLANE_REGISTER_ABSTRACT(SerialPort, .bus = "virtio-serial-bus")

namespace {

class VirtSerialPort final : public SerialPort {
 public:
  static void class_init(DeviceClass& k) { k.stateless(); }
  bool is_console() const override { return false; }
};
BACKPLANE_TYPE(VirtSerialPort, "virtserialport", .category = "Input",
               .description = "A channel with a name, between host and guest")

class VirtConsole final : public SerialPort {
 public:
  static void class_init(DeviceClass& k) { k.stateless(); }
  bool is_console() const override { return true; }
};
BACKPLANE_TYPE(VirtConsole, "virtconsole", .category = "Input", .description = "A console")

}  // namespace

}  // namespace backplane

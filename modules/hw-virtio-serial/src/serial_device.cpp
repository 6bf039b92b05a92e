// SPDX-License-Identifier: MIT
#include "serial_device.h"

#include <algorithm>

#include "backplane/error.h"
#include "backplane/machine.h"
#include "backplane/virtio/scatter_gather.h"
#include "backplane/virtio/virtio_pci.h"
#include "serial_port.h"

namespace backplane {

using namespace virtio_console;

namespace {

constexpr u16 kQueueSize = 128;
constexpr u16 kControlQueueSize = 32;
constexpr u32 kMostPorts = 31;

}  // namespace

// --- the bus ------------------------------------------------------------------------------------

void SerialBus::plug(Device& device) {
  auto* const port = dynamic_cast<SerialPort*>(&device);
  if (port == nullptr) throw Error::of("{} is no virtio serial port", device.type_name());
  port->choose_number(*device_);
  Bus::plug(device);
}

void SerialBus::unplug(Device& device) {
  Bus::unplug(device);
  if (device_->realized()) device_->port_gone(dynamic_cast<SerialPort&>(device).number());
}

bool SerialBus::has_room() const { return devices().size() < device_->max_ports(); }

void SerialBus::hot_plugged(Device& device) {
  device_->tell(dynamic_cast<SerialPort&>(device).number(), kDeviceAdd, 1);
}

void SerialBus::request_unplug(Device& device) { device_->machine().remove_device(device); }

// --- the device ---------------------------------------------------------------------------------

void VirtioSerial::class_init(VirtioDeviceClass& k) {
  k.virtio_id = virtio::kIdConsole;
  k.property<&VirtioSerial::max_ports_>("max_ports", "ports that fit on its bus");
  k.state<&VirtioSerial::state_>(1, {member<&State::driver_ready>("driver_ready"),
                                     member<&State::waiting>("waiting", up_to(kMostMessages))});
}

std::span<const StateMember> VirtioSerial::Message::members() {
  static const StateMember kMembers[] = {member<&Message::port>("port"),
                                         member<&Message::event>("event"),
                                         member<&Message::value>("value")};
  return kMembers;
}

void VirtioSerial::realize() {
  if (max_ports_ == 0 || max_ports_ > kMostPorts)
    throw Error::of("max_ports={}: expects 1 to {}", max_ports_, kMostPorts);
  const auto handler = [this](VirtQueue& queue) { queue_kicked(queue); };
  const auto add_port = [&] {
    add_queue(kQueueSize, handler);
    add_queue(kQueueSize, handler);
  };
  add_port();
  add_queue(kControlQueueSize, handler);
  add_queue(kControlQueueSize, handler);
  for (u32 port = 1; port < max_ports_; ++port) add_port();

  // The bus is called after the device that the user added.
  const auto* const outer = dynamic_cast<const Device*>(parent());
  const std::string name =
      outer == nullptr || outer->id().empty() ? "virtio-serial-bus" : outer->id();
  ports_ = &add_child(name + ".0", create_object<SerialBus>(SerialBus::kTypeName));
  ports_->connect(*this);
  ports_->attach_to(*this);
  run_state_ = machine().run_control().on_change([this](bool running) {
    // Soon: the machine is about to run when this is called.
    if (running) kick_all_later();
  });
}

void VirtioSerial::unrealize() {
  run_state_.end();
  if (ports_ != nullptr) remove_child(*ports_);
  ports_ = nullptr;
}

SerialPort* VirtioSerial::port(unsigned number) const {
  if (ports_ == nullptr) return nullptr;
  for (Device* const device : ports_->devices())
    if (auto& port = dynamic_cast<SerialPort&>(*device); port.number() == number) return &port;
  return nullptr;
}

u64 VirtioSerial::device_features() const {
  return virtio::bit(kMultiport) | virtio::bit(kEmergWrite);
}

void VirtioSerial::fill_config(std::span<u8> image) const {
  put_config<u32>(image, kMaxNrPorts, max_ports_);
}

// [virtio-1.2 §5.3.4 "Device configuration layout"]: a character for the first console, even before
// there are queues.
void VirtioSerial::config_written(unsigned offset, u32 value, unsigned /*size*/) {
  SerialPort* const console = port(0);
  if (offset == kEmergWr && console != nullptr) console->write_character(static_cast<u8>(value));
}

void VirtioSerial::queue_kicked(VirtQueue& queue) {
  switch (queue.index()) {
    case kControlReceiveQueue:
      return send_messages();
    case kControlTransmitQueue:
      return take_control(queue);
    default:
      break;
  }
  SerialPort* const served = port(port_of(queue.index()));
  if (queue.index() % 2 == 0) {
    if (served != nullptr) served->accept_input();
    return;
  }
  if (served != nullptr) return served->transmit();
  // What is written to nobody is lost.
  queue.for_each(element_, [&queue](const VirtElement& element) {
    queue.push(element, 0);
    return true;
  });
  queue.notify();
}

// --- control [virtio-1.2 §5.3.6.2 "Multiport Device Operation"] --------------------------------

void VirtioSerial::take_control(VirtQueue& queue) {
  queue.for_each(element_, [this, &queue](const VirtElement& element) {
    Control control{};
    if (gather(element.out, 0, &control, sizeof control) == sizeof control)
      handle(control);
    else
      guest_error("a control message of {} bytes", element.out_size);
    queue.push(element, 0);
    return true;
  });
  queue.notify();
}

void VirtioSerial::handle(const Control& control) {
  if (control.event == kDeviceReady) {
    state_.driver_ready = control.value != 0;
    state_.waiting.clear();
    if (ports_ == nullptr) return;
    for (Device* const device : ports_->devices())
      tell(dynamic_cast<SerialPort&>(*device).number(), kDeviceAdd, 1);
    return;
  }
  SerialPort* const meant = port(control.id);
  if (meant == nullptr) {
    guest_error("a control message for port {}, which is not there", control.id);
    return;
  }
  if (control.event == kPortReady && control.value != 0)
    meant->driver_found();
  else if (control.event == kPortOpen)
    meant->guest_opened(control.value != 0);
}

void VirtioSerial::tell(unsigned port, ControlEvent event, u16 value) {
  if (!state_.driver_ready || !multiport() || state_.waiting.size() >= kMostMessages) return;
  state_.waiting.push_back({.port = port, .event = event, .value = value});
  send_messages();
}

void VirtioSerial::port_gone(unsigned port) {
  std::erase_if(state_.waiting, [port](const Message& message) { return message.port == port; });
  tell(port, kDeviceRemove, 1);
}

void VirtioSerial::send_messages() {
  VirtQueue& queue = *this->queue(kControlReceiveQueue);
  std::size_t sent = 0;
  for (; sent < state_.waiting.size(); ++sent) {
    const Message& message = state_.waiting[sent];
    if (!queue.pop(message_)) {
      queue.set_notification(true);
      if (!queue.pop(message_)) break;
    }
    const Control control{.id = message.port, .event = message.event, .value = message.value};
    u64 written = scatter(message_.in, 0, &control, sizeof control);
    if (message.event == kPortName)
      if (const SerialPort* const named = port(message.port))
        written += scatter(message_.in, written, named->name().c_str(), named->name().size() + 1);
    queue.push(message_, static_cast<u32>(written));
  }
  state_.waiting.erase(state_.waiting.begin(),
                       state_.waiting.begin() + static_cast<std::ptrdiff_t>(sent));
  queue.notify();
}

BACKPLANE_REGISTER(SerialBus, .description = "Holds virtio serial ports")
BACKPLANE_REGISTER(VirtioSerial, .category = "Input", .description = "A bus of serial ports")

namespace {

class VirtioSerialPci final : public VirtioPci {
 public:
  static constexpr const char* kDevice = VirtioSerial::kTypeName;
  static constexpr u32 kClassCode = 0x07'80'00;  // communication controller

  static void class_init(PciDeviceClass& k) { init_class(k, kDevice, kClassCode); }
  VirtioSerialPci() : VirtioPci(kDevice) {}
};
BACKPLANE_TYPE(VirtioSerialPci, "virtio-serial-pci", .category = "Input",
               .description = "A bus of serial ports")

}  // namespace

}  // namespace backplane

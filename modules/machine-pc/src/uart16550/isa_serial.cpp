// SPDX-License-Identifier: MIT
#include "uart16550/isa_serial.h"

#include <algorithm>

#include "backplane/error.h"
#include "backplane/machine.h"

namespace backplane::pc {

namespace {

// How long output is gathered, so that a busy guest does not wake the main loop for every byte.
constexpr i64 kBatchTime = 1'000'000;  // nanoseconds

}  // namespace

void IsaSerial::class_init(DeviceClass& k) {
  k.property<&IsaSerial::asked_index_>("index", "which port: 0 is COM1, 3 is COM4; auto: the next");
  k.property<&IsaSerial::chardev_>("chardev", "id of the -chardev it leads to; none: nowhere");
  k.state<&IsaSerial::uart_>(1);
}

IsaSerial::Location IsaSerial::location(unsigned index) {
  constexpr Location kLocations[kMaximum] = {{0x3f8, 4}, {0x2f8, 3}, {0x3e8, 4}, {0x2e8, 3}};
  return kLocations[index];
}

std::vector<unsigned> IsaSerial::indices_on(const IsaBus& bus) {
  std::vector<unsigned> indices;
  for (const Device* const device : bus.devices())
    if (const auto* const port = dynamic_cast<const IsaSerial*>(device);
        port != nullptr && port->uart_ != nullptr)
      indices.push_back(port->index_);
  std::sort(indices.begin(), indices.end());
  return indices;
}

unsigned IsaSerial::free_index() const {
  const std::vector<unsigned> taken = indices_on(isa_bus());
  for (unsigned index = 0; index < kMaximum; ++index)
    if (!std::binary_search(taken.begin(), taken.end(), index)) return index;
  throw Error::of("there are {} serial ports already, which is all that the board has room for",
                  kMaximum);
}

void IsaSerial::realize() {
  index_ = asked_index_.value == AutoNumber::kAuto ? free_index() : asked_index_.value;
  if (index_ >= kMaximum)
    throw Error::of("index={}: expects 0 to {}: the board has room for {} serial ports", index_,
                    kMaximum - 1, kMaximum);
  const Location place = location(index_);
  uart_ = std::make_shared<Uart16550>(machine().virtual_clock(), isa_bus().irq(place.irq));
  flush_timer_ = std::make_unique<Timer>(machine().realtime_clock(), [this] { uart_->flush(); });
  uart_->set_flush_request([this] { flush_timer_->arm_in(kBatchTime); });
  uart_->set_backend(chardev_.get());
  add_ports("serial", place.base, Uart16550::kPorts,
            MmioHandler::of<&IsaSerial::read, &IsaSerial::write>(*this).sizes(1, 1));
  run_state_ = machine().run_control().on_change([this](bool running) {
    if (!running) uart_->flush();
  });
}

void IsaSerial::unrealize() {
  run_state_.end();
  uart_.reset();
  flush_timer_.reset();
  chardev_.disconnect();
}

void IsaSerial::loaded() {
  IsaDevice::loaded();
  uart_->loaded();
}

u64 IsaSerial::read(u64 offset, unsigned /*size*/) {
  return uart_->read(static_cast<unsigned>(offset));
}
void IsaSerial::write(u64 offset, u64 value, unsigned /*size*/) {
  uart_->write(static_cast<unsigned>(offset), static_cast<u8>(value));
}

BACKPLANE_REGISTER(IsaSerial, .category = "Input", .description = "16550A serial port")

aml::Bytes IsaSerial::acpi_terms() const {
  using namespace aml;
  const Location place = location(index_);
  return device(std::string("COM") + static_cast<char>('1' + index_),
                join({
                    name("_HID", eisa_id("PNP0501")),
                    name("_UID", integer(index_ + 1)),
                    name("_STA", integer(0x0f)),
                    name("_CRS", resource_template(
                                     {io_ports(place.base, Uart16550::kPorts), irq(place.irq)})),
                }));
}

}  // namespace backplane::pc

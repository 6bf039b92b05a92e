// SPDX-License-Identifier: MIT
#include "isa/serial.h"

#include "backplane/error.h"
#include "backplane/machine.h"

namespace backplane::pc {

namespace {

// How long output is gathered, so that a busy guest does not wake the main loop for every byte.
constexpr i64 kBatchTime = 1'000'000;  // nanoseconds

}  // namespace

void IsaSerial::class_init(DeviceClass& k) {
  k.property<&IsaSerial::index_>("index", "which port: 0 is COM1, 3 is COM4");
  k.state<&IsaSerial::uart_>(1);
}

IsaSerial::Location IsaSerial::location(unsigned index) {
  constexpr Location kLocations[kMaximum] = {{0x3f8, 4}, {0x2f8, 3}, {0x3e8, 4}, {0x2e8, 3}};
  return kLocations[index];
}

void IsaSerial::realize() {
  BACKPLANE_REALIZE_STEP("serial port realize");
  IsaDevice::realize();
  if (index_ >= kMaximum) throw Error::of("index={}: expects 0 to {}", index_, kMaximum - 1);
  const Location place = location(index_);
  const std::vector<Chardev*>& backends = machine().config().serials;
  uart_ = std::make_shared<Uart16550>(machine().virtual_clock(), isa_bus().irq(place.irq));
  flush_timer_ = std::make_unique<Timer>(machine().realtime_clock(), [this] { uart_->flush(); });
  uart_->set_flush_request([this] { flush_timer_->arm_in(kBatchTime); });
  if (index_ < backends.size()) uart_->set_backend(backends[index_]);
  add_ports("serial", place.base, Uart16550::kPorts,
            MmioHandler::of<&IsaSerial::read, &IsaSerial::write>(*this).sizes(1, 1));
  machine().on_run_state([uart = std::weak_ptr(uart_)](bool running) {
    if (const auto alive = uart.lock(); alive && !running) alive->flush();
  });
}

void IsaSerial::unrealize() {
  uart_.reset();
  flush_timer_.reset();
  IsaDevice::unrealize();
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

// Its backend is given by -serial, so only the board makes it.
BACKPLANE_REGISTER(IsaSerial, .category = "Input", .board_only = true,
                   .description = "16550A serial port")

}  // namespace backplane::pc

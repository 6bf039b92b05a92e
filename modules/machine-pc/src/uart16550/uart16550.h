// SPDX-License-Identifier: MIT
// The 16550A UART.
// [National Semiconductor PC16550D datasheet, "Registers", "FIFO Interrupt Mode Operation"]
#pragma once

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "backplane/chardev.h"
#include "backplane/clock.h"
#include "backplane/irq.h"
#include "backplane/state.h"
#include "backplane/types.h"

namespace backplane::pc {

// Bytes leave at once, whatever the baud rate, unless the backend is far behind: what the guest
// writes is gathered and handed over in batches. Machine lock for all calls.
class Uart16550 final : public ChardevClient {
 public:
  static constexpr unsigned kPorts = 8;

  // `ticks` paces the receive timeout and looks again at a backend that is behind.
  Uart16550(Clock& ticks, IrqLine irq);
  ~Uart16550();
  Uart16550(const Uart16550&) = delete;
  Uart16550& operator=(const Uart16550&) = delete;

  // Null: nothing is connected. The backend outlives the UART or is disconnected first.
  void set_backend(Chardev* backend);
  // How output is handed over: `request` is called when the first byte of a batch is waiting, and
  // is to have flush() called soon. Without it each byte is written at once.
  void set_flush_request(std::function<void()> request) { request_flush_ = std::move(request); }
  void flush();

  void reset();
  static std::span<const StateMember> members();
  // To be called when the state was loaded: what the backend has may fit now.
  void loaded();
  u8 read(unsigned port);
  void write(unsigned port, u8 value);

  std::size_t can_receive() override;
  void receive(const u8* data, std::size_t size) override;
  void event(Event event) override;

 private:
  static constexpr unsigned kFifoSize = 16;

  struct Received {
    u8 byte = 0;
    u8 errors = 0;  // LSR bits
    static std::span<const StateMember> members();
  };
  struct State {
    std::array<Received, kFifoSize> fifo{};
    unsigned fifo_start = 0;
    unsigned fifo_count = 0;
    u8 last_received = 0;
    u16 divisor = 12;
    u8 ier = 0, fcr = 0, lcr = 0, mcr = 0, scratch = 0;
    u8 line_errors = 0;   // LSR bits 1 and above, until read
    u8 modem_lines = 0;   // MSR 7:4
    u8 modem_deltas = 0;  // MSR 3:0, until read
    bool irq_level = false;
    bool timed_out = false;
    bool thr_empty = true;
    bool thr_interrupt = false;  // THRE happened and was neither read from IIR nor answered
    static std::span<const StateMember> members();
  };

  bool dlab() const { return (state_.lcr & 0x80) != 0; }
  bool fifo_enabled() const { return (state_.fcr & 1) != 0; }
  bool loopback() const { return (state_.mcr & 0x10) != 0; }
  bool at_trigger_level() const;
  i64 character_time() const;
  u8 lines_of_backend() const;
  u8 line_status() const;
  u8 modem_status() const;
  u8 interrupt_id() const;
  void update_irq();
  void push(u8 byte, u8 errors);
  u8 pop();
  void clear_receiver();
  void transmit(u8 byte);
  void wait_for_backend();
  void write_ier(u8 value);
  void write_fcr(u8 value);
  void write_mcr(u8 value);
  void set_modem_lines(u8 lines);

  IrqLine irq_;
  Chardev* backend_ = nullptr;
  std::function<void()> request_flush_;
  std::vector<u8> batch_;
  Timer timeout_timer_;
  Timer backlog_timer_;

  State state_;
};

}  // namespace backplane::pc

// SPDX-License-Identifier: MIT
#include "uart16550/uart16550.h"

#include <utility>

#include "time/ticks.h"

namespace backplane::pc {

namespace {

enum Port : unsigned { kData, kIer, kIirFcr, kLcr, kMcr, kLsr, kMsr, kScratch };

constexpr u8 kIerReceive = 1, kIerTransmit = 2, kIerLine = 4, kIerModem = 8;
constexpr u8 kIirNone = 1, kIirModem = 0, kIirTransmit = 2, kIirReceive = 4, kIirLine = 6,
             kIirTimeout = 0xc, kIirFifo = 0xc0;
constexpr u8 kFcrEnable = 1, kFcrClearReceiver = 2, kFcrClearTransmitter = 4;
constexpr u8 kMcrDtr = 1, kMcrRts = 2, kMcrOut1 = 4, kMcrOut2 = 8;
constexpr u8 kLsrReady = 1, kLsrOverrun = 2, kLsrParity = 4, kLsrFraming = 8, kLsrBreak = 0x10,
             kLsrThrEmpty = 0x20, kLsrIdle = 0x40, kLsrFifoError = 0x80;
constexpr u8 kMsrCts = 0x10, kMsrDsr = 0x20, kMsrRing = 0x40, kMsrCarrier = 0x80;
constexpr u8 kMsrTrailingRing = 4;

constexpr u64 kBaudClock = 115'200;
constexpr std::size_t kBatch = 1024;
// With more than this waiting in the backend, the transmitter is busy.
constexpr std::size_t kBacklog = 256 * 1024;
constexpr i64 kBacklogInterval = 2'000'000;  // nanoseconds

}  // namespace

Uart16550::Uart16550(Clock& ticks, IrqLine irq)
    : irq_(irq),
      timeout_timer_(ticks,
                     [this] {
                       state_.timed_out = state_.fifo_count != 0;
                       update_irq();
                     }),
      backlog_timer_(ticks, [this] { wait_for_backend(); }) {
  batch_.reserve(kBatch);
}

Uart16550::~Uart16550() { set_backend(nullptr); }

void Uart16550::set_backend(Chardev* backend) {
  if (backend_ != nullptr) {
    flush();
    backend_->set_client(nullptr);
  }
  backend_ = backend;
  if (backend_ != nullptr) {
    backend_->set_client(this);
    state_.modem_lines = lines_of_backend();
  }
}

std::span<const StateMember> Uart16550::Received::members() {
  static const StateMember kMembers[] = {
      member<&Received::byte>("byte"),
      member<&Received::errors>("errors"),
  };
  return kMembers;
}

std::span<const StateMember> Uart16550::State::members() {
  static const StateMember kMembers[] = {
      member<&State::fifo>("fifo"),
      member<&State::fifo_start>("fifo_start", within(0, kFifoSize - 1)),
      member<&State::fifo_count>("fifo_count", within(0, kFifoSize)),
      member<&State::last_received>("last_received"),
      member<&State::divisor>("divisor"),
      member<&State::ier>("ier"),
      member<&State::fcr>("fcr"),
      member<&State::lcr>("lcr"),
      member<&State::mcr>("mcr"),
      member<&State::scratch>("scratch"),
      member<&State::line_errors>("line_errors"),
      member<&State::modem_lines>("modem_lines"),
      member<&State::modem_deltas>("modem_deltas"),
      member<&State::irq_level>("irq_level"),
      member<&State::timed_out>("timed_out"),
      member<&State::thr_empty>("thr_empty"),
      member<&State::thr_interrupt>("thr_interrupt"),
  };
  return kMembers;
}

std::span<const StateMember> Uart16550::members() {
  static const StateMember kMembers[] = {
      member<&Uart16550::state_>("state"),
      member<&Uart16550::timeout_timer_>("timeout_timer"),
      member<&Uart16550::backlog_timer_>("backlog_timer"),
  };
  return kMembers;
}

void Uart16550::reset() {
  flush();
  timeout_timer_.cancel();
  backlog_timer_.cancel();
  state_ = {.modem_lines = lines_of_backend()};
  irq_.set(false);
}

// What is at the other end of the cable is ready whenever it is there.
u8 Uart16550::lines_of_backend() const {
  return backend_ != nullptr ? kMsrCarrier | kMsrDsr | kMsrCts : 0;
}

void Uart16550::loaded() {
  if (backend_ != nullptr && !loopback()) backend_->accept_input();
}

// --- receiver ---------------------------------------------------------------------------------

std::size_t Uart16550::can_receive() {
  if (loopback()) return 0;
  const unsigned capacity = fifo_enabled() ? kFifoSize : 1;
  return state_.fifo_count < capacity ? capacity - state_.fifo_count : 0;
}

void Uart16550::receive(const u8* data, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) push(data[i], 0);
  update_irq();
}

void Uart16550::event(Event event) {
  if (event != Event::Break || loopback()) return;
  push(0, kLsrBreak);
  update_irq();
}

void Uart16550::push(u8 byte, u8 errors) {
  const unsigned capacity = fifo_enabled() ? kFifoSize : 1;
  if (state_.fifo_count >= capacity) {
    state_.line_errors |= kLsrOverrun;
    if (fifo_enabled()) return;
    state_.fifo_count = 0;  // the holding register is overwritten
  }
  state_.fifo[(state_.fifo_start + state_.fifo_count) % kFifoSize] = {byte, errors};
  // An error is reported when its character is at the top of the FIFO.
  if (state_.fifo_count++ == 0) state_.line_errors |= errors;
  state_.timed_out = false;
  if (fifo_enabled()) timeout_timer_.arm_in(4 * character_time());
}

u8 Uart16550::pop() {
  if (state_.fifo_count == 0) return state_.last_received;
  state_.last_received = state_.fifo[state_.fifo_start].byte;
  state_.fifo_start = (state_.fifo_start + 1) % kFifoSize;
  state_.timed_out = false;
  if (--state_.fifo_count != 0) {
    state_.line_errors |= state_.fifo[state_.fifo_start].errors;
    if (fifo_enabled()) timeout_timer_.arm_in(4 * character_time());
  } else {
    timeout_timer_.cancel();
    if (backend_ != nullptr && !loopback()) backend_->accept_input();
  }
  return state_.last_received;
}

void Uart16550::clear_receiver() {
  state_.fifo_start = state_.fifo_count = 0;
  state_.timed_out = false;
  timeout_timer_.cancel();
}

bool Uart16550::at_trigger_level() const {
  constexpr unsigned kLevels[] = {1, 4, 8, 14};
  return state_.fifo_count >= (fifo_enabled() ? kLevels[state_.fcr >> 6] : 1);
}

i64 Uart16550::character_time() const {
  const u64 divisor = state_.divisor == 0 ? 1 : state_.divisor;
  return nanoseconds_for(10 * divisor, kBaudClock);  // start, 8 data and stop bits
}

// --- transmitter ------------------------------------------------------------------------------

void Uart16550::transmit(u8 byte) {
  state_.thr_interrupt = false;
  if (loopback()) {
    push(byte, 0);
  } else if (backend_ != nullptr) {
    batch_.push_back(byte);
    if (!request_flush_ || batch_.size() >= kBatch)
      flush();
    else if (batch_.size() == 1)
      request_flush_();
    if (backend_->pending() > kBacklog) {
      state_.thr_empty = false;
      backlog_timer_.arm_in(kBacklogInterval);
      return;
    }
  }
  state_.thr_interrupt = state_.thr_empty;
}

void Uart16550::wait_for_backend() {
  if (backend_ != nullptr && backend_->pending() > kBacklog) {
    backlog_timer_.arm_in(kBacklogInterval);
    return;
  }
  state_.thr_empty = state_.thr_interrupt = true;
  update_irq();
}

void Uart16550::flush() {
  if (batch_.empty() || backend_ == nullptr) return;
  backend_->write(batch_.data(), batch_.size());
  batch_.clear();
}

// --- registers --------------------------------------------------------------------------------

u8 Uart16550::line_status() const {
  u8 value = state_.line_errors;
  if (state_.fifo_count != 0) value |= kLsrReady;
  if (state_.thr_empty) value |= kLsrThrEmpty | kLsrIdle;
  if (fifo_enabled())
    for (unsigned i = 0; i < state_.fifo_count; ++i)
      if (state_.fifo[(state_.fifo_start + i) % kFifoSize].errors != 0) value |= kLsrFifoError;
  return value;
}

u8 Uart16550::modem_status() const { return state_.modem_lines | state_.modem_deltas; }

void Uart16550::set_modem_lines(u8 lines) {
  const u8 changed = lines ^ state_.modem_lines;
  state_.modem_deltas |= (changed & ~kMsrRing) >> 4;
  if ((changed & kMsrRing) != 0 && (lines & kMsrRing) == 0) state_.modem_deltas |= kMsrTrailingRing;
  state_.modem_lines = lines;
}

// The pending interrupt of highest priority.
u8 Uart16550::interrupt_id() const {
  constexpr u8 kErrors = kLsrOverrun | kLsrParity | kLsrFraming | kLsrBreak;
  if ((state_.ier & kIerLine) != 0 && (state_.line_errors & kErrors) != 0) return kIirLine;
  if ((state_.ier & kIerReceive) != 0 && at_trigger_level()) return kIirReceive;
  if ((state_.ier & kIerReceive) != 0 && state_.timed_out) return kIirTimeout;
  if ((state_.ier & kIerTransmit) != 0 && state_.thr_interrupt) return kIirTransmit;
  if ((state_.ier & kIerModem) != 0 && state_.modem_deltas != 0) return kIirModem;
  return kIirNone;
}

// On a PC, OUT2 gates the interrupt line; in loopback it is cut off.
void Uart16550::update_irq() {
  const bool level = interrupt_id() != kIirNone && ((state_.mcr & kMcrOut2) != 0 || loopback());
  if (level == state_.irq_level) return;
  state_.irq_level = level;
  irq_.set(level);
}

u8 Uart16550::read(unsigned port) {
  u8 value = 0;
  switch (port) {
    case kData:
      if (dlab()) return static_cast<u8>(state_.divisor);
      value = pop();
      break;
    case kIer:
      return dlab() ? static_cast<u8>(state_.divisor >> 8) : state_.ier;
    case kIirFcr:
      value = interrupt_id();
      if (value == kIirTransmit) state_.thr_interrupt = false;
      if (fifo_enabled()) value |= kIirFifo;
      break;
    case kLcr:
      return state_.lcr;
    case kMcr:
      return state_.mcr;
    case kLsr:
      value = line_status();
      state_.line_errors = 0;
      break;
    case kMsr:
      value = modem_status();
      state_.modem_deltas = 0;
      break;
    default:
      return state_.scratch;
  }
  update_irq();
  return value;
}

void Uart16550::write(unsigned port, u8 value) {
  switch (port) {
    case kData:
      if (dlab())
        state_.divisor = static_cast<u16>((state_.divisor & 0xff00) | value);
      else
        transmit(value);
      break;
    case kIer:
      if (dlab())
        state_.divisor = static_cast<u16>((state_.divisor & 0x00ff) | value << 8);
      else
        write_ier(value);
      break;
    case kIirFcr:
      write_fcr(value);
      break;
    case kLcr:
      state_.lcr = value;
      break;
    case kMcr:
      write_mcr(value);
      break;
    case kScratch:
      state_.scratch = value;
      break;
    default:
      break;  // LSR and MSR are read-only
  }
  update_irq();
}

void Uart16550::write_ier(u8 value) {
  const u8 old = std::exchange(state_.ier, value & 0x0f);
  // Enabling the transmit interrupt while the register is empty raises it.
  if ((old & kIerTransmit) == 0 && (state_.ier & kIerTransmit) != 0)
    state_.thr_interrupt = state_.thr_empty;
}

void Uart16550::write_fcr(u8 value) {
  const bool toggled = ((value ^ state_.fcr) & kFcrEnable) != 0;
  if (toggled || (value & kFcrClearReceiver) != 0) clear_receiver();
  if ((value & kFcrClearTransmitter) != 0 && state_.thr_empty) state_.thr_interrupt = true;
  state_.fcr = (value & kFcrEnable) != 0 ? value & 0xc9 : 0;
  if (backend_ != nullptr && !loopback()) backend_->accept_input();
}

// In loopback the modem inputs are the modem outputs.
void Uart16550::write_mcr(u8 value) {
  const bool was_loopback = loopback();
  state_.mcr = value & 0x1f;
  u8 lines = lines_of_backend();
  if (loopback()) {
    lines = 0;
    if ((state_.mcr & kMcrRts) != 0) lines |= kMsrCts;
    if ((state_.mcr & kMcrDtr) != 0) lines |= kMsrDsr;
    if ((state_.mcr & kMcrOut1) != 0) lines |= kMsrRing;
    if ((state_.mcr & kMcrOut2) != 0) lines |= kMsrCarrier;
  }
  set_modem_lines(lines);
  if (was_loopback && !loopback() && backend_ != nullptr) backend_->accept_input();
}

}  // namespace backplane::pc

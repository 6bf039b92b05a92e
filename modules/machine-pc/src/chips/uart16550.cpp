// SPDX-License-Identifier: MIT
#include "chips/uart16550.h"

#include <utility>

#include "chips/ticks.h"

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
    : ticks_(ticks),
      irq_(irq),
      timeout_timer_(ticks,
                     [this] {
                       timed_out_ = fifo_count_ != 0;
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
    modem_lines_ = kMsrCarrier | kMsrDsr | kMsrCts;
  }
}

void Uart16550::reset() {
  flush();
  clear_receiver();
  divisor_ = 12;
  ier_ = fcr_ = lcr_ = mcr_ = scratch_ = line_errors_ = modem_deltas_ = 0;
  backlog_timer_.cancel();
  thr_empty_ = true;
  thr_interrupt_ = false;
  update_irq();
}

// --- receiver ---------------------------------------------------------------------------------

std::size_t Uart16550::can_receive() {
  if (loopback()) return 0;
  const unsigned capacity = fifo_enabled() ? kFifoSize : 1;
  return fifo_count_ < capacity ? capacity - fifo_count_ : 0;
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
  if (fifo_count_ >= capacity) {
    line_errors_ |= kLsrOverrun;
    if (fifo_enabled()) return;
    fifo_count_ = 0;  // the holding register is overwritten
  }
  fifo_[(fifo_start_ + fifo_count_) % kFifoSize] = {byte, errors};
  // An error is reported when its character is at the top of the FIFO.
  if (fifo_count_++ == 0) line_errors_ |= errors;
  timed_out_ = false;
  if (fifo_enabled()) timeout_timer_.arm_in(4 * character_time());
}

u8 Uart16550::pop() {
  if (fifo_count_ == 0) return last_received_;
  last_received_ = fifo_[fifo_start_].byte;
  fifo_start_ = (fifo_start_ + 1) % kFifoSize;
  timed_out_ = false;
  if (--fifo_count_ != 0) {
    line_errors_ |= fifo_[fifo_start_].errors;
    if (fifo_enabled()) timeout_timer_.arm_in(4 * character_time());
  } else {
    timeout_timer_.cancel();
    if (backend_ != nullptr && !loopback()) backend_->accept_input();
  }
  return last_received_;
}

void Uart16550::clear_receiver() {
  fifo_start_ = fifo_count_ = 0;
  timed_out_ = false;
  timeout_timer_.cancel();
}

bool Uart16550::at_trigger_level() const {
  constexpr unsigned kLevels[] = {1, 4, 8, 14};
  return fifo_count_ >= (fifo_enabled() ? kLevels[fcr_ >> 6] : 1);
}

i64 Uart16550::character_time() const {
  const u64 divisor = divisor_ == 0 ? 1 : divisor_;
  return nanoseconds_for(10 * divisor, kBaudClock);  // start, 8 data and stop bits
}

// --- transmitter ------------------------------------------------------------------------------

void Uart16550::transmit(u8 byte) {
  thr_interrupt_ = false;
  if (loopback()) {
    push(byte, 0);
  } else if (backend_ != nullptr) {
    batch_.push_back(byte);
    if (!request_flush_ || batch_.size() >= kBatch)
      flush();
    else if (batch_.size() == 1)
      request_flush_();
    if (backend_->pending() > kBacklog) {
      thr_empty_ = false;
      backlog_timer_.arm_in(kBacklogInterval);
      return;
    }
  }
  thr_interrupt_ = thr_empty_;
}

void Uart16550::wait_for_backend() {
  if (backend_ != nullptr && backend_->pending() > kBacklog) {
    backlog_timer_.arm_in(kBacklogInterval);
    return;
  }
  thr_empty_ = thr_interrupt_ = true;
  update_irq();
}

void Uart16550::flush() {
  if (batch_.empty() || backend_ == nullptr) return;
  backend_->write(batch_.data(), batch_.size());
  batch_.clear();
}

// --- registers --------------------------------------------------------------------------------

u8 Uart16550::line_status() const {
  u8 value = line_errors_;
  if (fifo_count_ != 0) value |= kLsrReady;
  if (thr_empty_) value |= kLsrThrEmpty | kLsrIdle;
  if (fifo_enabled())
    for (unsigned i = 0; i < fifo_count_; ++i)
      if (fifo_[(fifo_start_ + i) % kFifoSize].errors != 0) value |= kLsrFifoError;
  return value;
}

u8 Uart16550::modem_status() const { return modem_lines_ | modem_deltas_; }

void Uart16550::set_modem_lines(u8 lines) {
  const u8 changed = lines ^ modem_lines_;
  modem_deltas_ |= (changed & ~kMsrRing) >> 4;
  if ((changed & kMsrRing) != 0 && (lines & kMsrRing) == 0) modem_deltas_ |= kMsrTrailingRing;
  modem_lines_ = lines;
}

// The pending interrupt of highest priority.
u8 Uart16550::interrupt_id() const {
  constexpr u8 kErrors = kLsrOverrun | kLsrParity | kLsrFraming | kLsrBreak;
  if ((ier_ & kIerLine) != 0 && (line_errors_ & kErrors) != 0) return kIirLine;
  if ((ier_ & kIerReceive) != 0 && at_trigger_level()) return kIirReceive;
  if ((ier_ & kIerReceive) != 0 && timed_out_) return kIirTimeout;
  if ((ier_ & kIerTransmit) != 0 && thr_interrupt_) return kIirTransmit;
  if ((ier_ & kIerModem) != 0 && modem_deltas_ != 0) return kIirModem;
  return kIirNone;
}

// On a PC, OUT2 gates the interrupt line; in loopback it is cut off.
void Uart16550::update_irq() {
  const bool level = interrupt_id() != kIirNone && ((mcr_ & kMcrOut2) != 0 || loopback());
  if (level == irq_level_) return;
  irq_level_ = level;
  irq_.set(level);
}

u8 Uart16550::read(unsigned port) {
  u8 value = 0;
  switch (port) {
    case kData:
      if (dlab()) return static_cast<u8>(divisor_);
      value = pop();
      break;
    case kIer:
      return dlab() ? static_cast<u8>(divisor_ >> 8) : ier_;
    case kIirFcr:
      value = interrupt_id();
      if (value == kIirTransmit) thr_interrupt_ = false;
      if (fifo_enabled()) value |= kIirFifo;
      break;
    case kLcr:
      return lcr_;
    case kMcr:
      return mcr_;
    case kLsr:
      value = line_status();
      line_errors_ = 0;
      break;
    case kMsr:
      value = modem_status();
      modem_deltas_ = 0;
      break;
    default:
      return scratch_;
  }
  update_irq();
  return value;
}

void Uart16550::write(unsigned port, u8 value) {
  switch (port) {
    case kData:
      if (dlab())
        divisor_ = static_cast<u16>((divisor_ & 0xff00) | value);
      else
        transmit(value);
      break;
    case kIer:
      if (dlab())
        divisor_ = static_cast<u16>((divisor_ & 0x00ff) | value << 8);
      else
        write_ier(value);
      break;
    case kIirFcr:
      write_fcr(value);
      break;
    case kLcr:
      lcr_ = value;
      break;
    case kMcr:
      write_mcr(value);
      break;
    case kScratch:
      scratch_ = value;
      break;
    default:
      break;  // LSR and MSR are read-only
  }
  update_irq();
}

void Uart16550::write_ier(u8 value) {
  const u8 old = std::exchange(ier_, value & 0x0f);
  // Enabling the transmit interrupt while the register is empty raises it.
  if ((old & kIerTransmit) == 0 && (ier_ & kIerTransmit) != 0) thr_interrupt_ = thr_empty_;
}

void Uart16550::write_fcr(u8 value) {
  const bool toggled = ((value ^ fcr_) & kFcrEnable) != 0;
  if (toggled || (value & kFcrClearReceiver) != 0) clear_receiver();
  if ((value & kFcrClearTransmitter) != 0 && thr_empty_) thr_interrupt_ = true;
  fcr_ = (value & kFcrEnable) != 0 ? value & 0xc9 : 0;
  if (backend_ != nullptr && !loopback()) backend_->accept_input();
}

// In loopback the modem inputs are the modem outputs.
void Uart16550::write_mcr(u8 value) {
  const bool was_loopback = loopback();
  mcr_ = value & 0x1f;
  u8 lines = backend_ != nullptr ? kMsrCarrier | kMsrDsr | kMsrCts : 0;
  if (loopback()) {
    lines = 0;
    if ((mcr_ & kMcrRts) != 0) lines |= kMsrCts;
    if ((mcr_ & kMcrDtr) != 0) lines |= kMsrDsr;
    if ((mcr_ & kMcrOut1) != 0) lines |= kMsrRing;
    if ((mcr_ & kMcrOut2) != 0) lines |= kMsrCarrier;
  }
  set_modem_lines(lines);
  if (was_loopback && !loopback() && backend_ != nullptr) backend_->accept_input();
}

}  // namespace backplane::pc

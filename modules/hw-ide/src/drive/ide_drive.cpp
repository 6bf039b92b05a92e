// SPDX-License-Identifier: MIT
#include "drive/ide_drive.h"

#include <algorithm>
#include <cassert>

#include "backplane/error.h"
#include "backplane/machine.h"

namespace backplane::ide {

BACKPLANE_REGISTER_ABSTRACT(IdeDrive, .bus = "IDE", .category = "Storage")

namespace {

// Modes of SET FEATURES, by the upper bits of what is in the count register.
// [ATA8-ACS 7.45.8 "Set transfer mode"]
constexpr u8 kModeKind = 0xf8, kModeNumber = 0x07;
constexpr u8 kPioDefault = 0x00, kPioFlow = 0x08, kMultiword = 0x20, kUltra = 0x40;
constexpr u8 kMostPio = 4, kMostMultiword = 2, kMostUltra = 5;

// Of a drive that obeys, with nothing to do.
constexpr u8 kIdleStatus = status::kReady | status::kSeekComplete;

void keep_earlier(u8& last, u8& earlier, u8 value) {
  earlier = last;
  last = value;
}

}  // namespace

std::span<const StateMember> TaskFile::members() {
  static const StateMember kMembers[] = {
      member<&TaskFile::features>("features"),
      member<&TaskFile::earlier_features>("earlier_features"),
      member<&TaskFile::count>("count"),
      member<&TaskFile::earlier_count>("earlier_count"),
      member<&TaskFile::lba_low>("lba_low"),
      member<&TaskFile::earlier_lba_low>("earlier_lba_low"),
      member<&TaskFile::lba_mid>("lba_mid"),
      member<&TaskFile::earlier_lba_mid>("earlier_lba_mid"),
      member<&TaskFile::lba_high>("lba_high"),
      member<&TaskFile::earlier_lba_high>("earlier_lba_high"),
      member<&TaskFile::device>("device"),
      member<&TaskFile::control>("control"),
  };
  return kMembers;
}

std::span<const StateMember> IdeDrive::State::members() {
  static const StateMember kMembers[] = {
      member<&State::status>("status"),
      member<&State::error>("error"),
      member<&State::interrupt>("interrupt"),
      member<&State::phase>("phase", within(Phase::Idle, Phase::DmaFromHost)),
      member<&State::buffer>("buffer", up_to(kMostBuffered)),
      member<&State::position>("position"),
      member<&State::stop>("stop"),
      member<&State::transfer_mode>("transfer_mode"),
  };
  return kMembers;
}

void IdeDrive::class_init(DeviceClass& k) {
  k.bus_type = IdeBus::kTypeName;
  k.category = "Storage";
  k.hotpluggable = false;
  k.property<&IdeDrive::drive_>("drive", "id of the -drive or -blockdev behind the drive");
  k.property<&IdeDrive::unit_>("unit",
                               "its place on the channel: 0 or 1 (auto: the first that is free)");
  k.property<&IdeDrive::serial_>("serial", "serial number, up to 20 bytes");
  k.property<&IdeDrive::model_>("model", "name of the model, up to 40 bytes");
  k.property<&IdeDrive::bootindex_>("bootindex", "its place when firmware boots (-1: none)");
  k.property<&IdeDrive::on_read_error_>("rerror",
                                        "what is done if the host cannot read (auto: report)");
  k.property<&IdeDrive::on_write_error_>("werror",
                                         "what is done if the host cannot write (auto: enospc)");
  k.property<&IdeDrive::write_cache_>(
      "write-cache", "off: what is written is on the host's disk when it completes (auto: on)");
  k.state<&IdeDrive::task_>(1, "task-file");
  k.state<&IdeDrive::state_>(1, "drive");
}

IdeBus& IdeDrive::channel() const { return dynamic_cast<IdeBus&>(*bus()); }

void IdeDrive::realize() {
  constexpr std::size_t kSerialSize = 20, kModelSize = 40;
  if (serial_.size() > kSerialSize)
    throw Error::of("serial={}: has {} bytes; at most {} fit", serial_, serial_.size(),
                    kSerialSize);
  if (model_.size() > kModelSize)
    throw Error::of("model={}: has {} bytes; at most {} fit", model_, model_.size(), kModelSize);
  if (!drive_) return;
  if (drive_->read_only() && !may_be_read_only())
    throw Error::of("{} is read-only, which a hard disk of IDE cannot be", drive_->where())
        .with_hint("use virtio-blk-pci, or make the image writable");
  open_queue();
}

void IdeDrive::open_queue() {
  disk_ = std::make_unique<BlockQueue>(
      machine(), *drive_,
      BlockQueueSettings{.on_error = {.read = on_read_error_, .write = on_write_error_},
                         .write_through = !has_write_cache()});
}

void IdeDrive::unrealize() {
  if (disk_ != nullptr) disk_->drain();
  disk_.reset();
}

void IdeDrive::settle() {
  if (disk_ != nullptr) disk_->settle();
}

std::string IdeDrive::describe() const {
  const std::string place = fmt::format("unit {}", unit());
  return disk_ != nullptr ? fmt::format("{}, {}, {}", place, drive_->describe(), disk_->describe())
                          : place + ", empty";
}

std::string IdeDrive::boot_path() const {
  return fmt::format("drive@{:x}/disk@{:x}", channel().number(), unit());
}

void IdeDrive::reset() {
  abandon();
  Device::reset();
  execute_diagnostic(false);
  reset_drive(true);
}

void IdeDrive::loaded() {
  Device::loaded();
  if (state_.position > state_.buffer.size() || state_.stop > state_.buffer.size() ||
      state_.position > state_.stop)
    throw Error::of("position {} and end {} of a block do not fit into {} bytes", state_.position,
                    state_.stop, state_.buffer.size());
  if (waits_for_host() && disk_ == nullptr)
    throw Error("a drive without a medium waits for its host");
  check_loaded();
  if (waits_for_host()) submit(true);
  channel().update_intrq();
}

// What the host was asked for must not touch the buffer later.
void IdeDrive::abandon() {
  ++generation_;
  if (state_.phase == Phase::Host && disk_ != nullptr) disk_->drain();
  state_.phase = Phase::Idle;
  state_.buffer.clear();
  state_.position = state_.stop = 0;
}

void IdeDrive::raise_interrupt() {
  state_.interrupt = true;
  channel().update_intrq();
}
void IdeDrive::drop_interrupt() {
  state_.interrupt = false;
  channel().update_intrq();
}

u8 IdeDrive::read(unsigned offset) {
  const bool earlier = (task_.control & control::kHighOrder) != 0;
  switch (offset) {
    case kErrorOrFeatures:
      return state_.error;
    case kSectorCount:
      return earlier ? task_.earlier_count : task_.count;
    case kLbaLow:
      return earlier ? task_.earlier_lba_low : task_.lba_low;
    case kLbaMid:
      return earlier ? task_.earlier_lba_mid : task_.lba_mid;
    case kLbaHigh:
      return earlier ? task_.earlier_lba_high : task_.lba_high;
    case kDevice:
      return task_.device;
    default:
      if (state_.interrupt) drop_interrupt();
      return state_.status;
  }
}

void IdeDrive::write(unsigned offset, u8 value) {
  if ((state_.status & (status::kBusy | status::kDataRequest)) != 0 && offset != kDevice) return;
  task_.control &= static_cast<u8>(~control::kHighOrder);
  switch (offset) {
    case kErrorOrFeatures:
      return keep_earlier(task_.features, task_.earlier_features, value);
    case kSectorCount:
      return keep_earlier(task_.count, task_.earlier_count, value);
    case kLbaLow:
      return keep_earlier(task_.lba_low, task_.earlier_lba_low, value);
    case kLbaMid:
      return keep_earlier(task_.lba_mid, task_.earlier_lba_mid, value);
    case kLbaHigh:
      return keep_earlier(task_.lba_high, task_.earlier_lba_high, value);
    default:
      task_.device = value;
      return;
  }
}

void IdeDrive::start_command(u8 command) {
  task_.control &= static_cast<u8>(~control::kHighOrder);
  // A drive that is busy obeys a reset alone. [ATA/ATAPI-7 volume 2 "DEVICE RESET"]
  if ((state_.status & (status::kBusy | status::kDataRequest)) != 0 && command != kDeviceReset) {
    guest_error("command {:#04x} to a drive that is busy", command);
    return;
  }
  if (command == kDeviceReset) abandon();
  drop_interrupt();
  state_.error = 0;
  state_.status = kIdleStatus | status::kBusy;
  if (!manage_power(command)) execute(command);
}

// A drive that does not rotate is always active. [ATA8-ACS 4.15 "Power Management"]
bool IdeDrive::manage_power(u8 command) {
  constexpr u8 kActive = 0xff;
  switch (command) {
    case kCheckPowerMode:
      task_.count = kActive;
      break;
    case kIdle:
    case kIdleImmediate:
    case kStandby:
    case kStandbyImmediate:
    case kSleep:
      break;
    default:
      return false;
  }
  complete();
  return true;
}

void IdeDrive::execute_diagnostic(bool announce) {
  abandon();
  state_.error = error::kDiagnosticPassed;
  state_.status = kIdleStatus;
  task_.device &= static_cast<u8>(~device::kSelect);
  reset_drive(false);
  state_.interrupt = announce;
  channel().update_intrq();
}

void IdeDrive::write_control(u8 value) {
  const bool was_reset = (task_.control & control::kReset) != 0;
  task_.control = value;
  if ((value & control::kReset) != 0) {
    if (was_reset) return;
    abandon();
    state_.interrupt = false;
    state_.status = status::kBusy;
  } else if (was_reset) {
    execute_diagnostic(false);
  }
}

void IdeDrive::complete_silently() {
  state_.phase = Phase::Idle;
  state_.buffer.clear();
  state_.position = state_.stop = 0;
  state_.status = kIdleStatus;
}

void IdeDrive::complete(u8 status_bits) {
  complete_silently();
  state_.status |= status_bits;
  raise_interrupt();
}

void IdeDrive::fail(u8 error_bits, u8 status_bits) {
  state_.error = error_bits;
  complete(static_cast<u8>(status::kError | status_bits));
}

void IdeDrive::set_buffer(std::vector<u8> data) {
  state_.buffer = std::move(data);
  state_.position = state_.stop = 0;
}

void IdeDrive::submit() { submit(false); }

void IdeDrive::submit(bool again) {
  state_.phase = Phase::Host;
  state_.position = state_.stop = 0;
  state_.status = kIdleStatus | status::kBusy;
  BlockRequest request = pending_request();
  request.done = [this, generation = generation_](int result) {
    if (generation != generation_) return;
    state_.phase = Phase::Idle;
    carried_out(result);
  };
  if (again)
    disk_->hold(std::move(request));
  else
    disk_->submit(std::move(request));
}

// --- PIO ------------------------------------------------------------------------------------

void IdeDrive::offer(std::size_t position, std::size_t at_once) {
  assert(position + at_once <= state_.buffer.size());
  state_.phase = Phase::PioToHost;
  state_.position = static_cast<u32>(position);
  state_.stop = static_cast<u32>(position + at_once);
  state_.status = kIdleStatus | status::kDataRequest;
  raise_interrupt();
}

void IdeDrive::accept(std::size_t size, std::size_t position, std::size_t at_once, bool announce) {
  assert(position + at_once <= size && size <= kMostBuffered);
  state_.buffer.resize(size);
  state_.phase = Phase::PioFromHost;
  state_.position = static_cast<u32>(position);
  state_.stop = static_cast<u32>(position + at_once);
  state_.status = kIdleStatus | status::kDataRequest;
  if (announce) raise_interrupt();
}

u32 IdeDrive::read_data(unsigned size) {
  if (state_.phase != Phase::PioToHost) return 0;
  u32 value = 0;
  for (unsigned i = 0; i < size && state_.position < state_.stop; ++i)
    value |= u32{state_.buffer[state_.position++]} << i * 8;
  if (state_.position == state_.stop) end_pio_block();
  return value;
}

void IdeDrive::write_data(u32 value, unsigned size) {
  if (state_.phase != Phase::PioFromHost) return;
  for (unsigned i = 0; i < size && state_.position < state_.stop; ++i)
    state_.buffer[state_.position++] = static_cast<u8>(value >> i * 8);
  if (state_.position == state_.stop) end_pio_block();
}

void IdeDrive::end_pio_block() {
  state_.phase = Phase::Idle;
  state_.status = kIdleStatus | status::kBusy;
  moved();
}

// --- DMA ------------------------------------------------------------------------------------

void IdeDrive::offer_dma() {
  state_.phase = Phase::DmaToHost;
  state_.position = 0;
  state_.stop = static_cast<u32>(state_.buffer.size());
  state_.status = kIdleStatus | status::kBusy;
  continue_dma();
}

void IdeDrive::accept_dma(std::size_t size) {
  state_.buffer.resize(size);
  state_.phase = Phase::DmaFromHost;
  state_.position = 0;
  state_.stop = static_cast<u32>(size);
  state_.status = kIdleStatus | status::kBusy;
  continue_dma();
}

void IdeDrive::continue_dma() {
  if (state_.phase != Phase::DmaToHost && state_.phase != Phase::DmaFromHost) return;
  if (!channel().is_selected(*this)) return;
  const std::span<u8> rest(state_.buffer.data() + state_.position, state_.stop - state_.position);
  state_.position += static_cast<u32>(channel().transfer(rest, state_.phase == Phase::DmaToHost));
  if (state_.position != state_.stop) return;
  state_.phase = Phase::Idle;
  moved();
}

// The drive is left in the middle of a command that is not going on.
void IdeDrive::stop_dma() {
  if (state_.phase == Phase::Host && disk_ != nullptr) disk_->drain();
}

// --- modes ----------------------------------------------------------------------------------

bool IdeDrive::set_transfer_mode(u8 mode) {
  const u8 kind = mode & kModeKind;
  const u8 number = mode & kModeNumber;
  const bool known =
      (kind == kPioDefault && number <= 1) || (kind == kPioFlow && number <= kMostPio) ||
      (kind == kMultiword && number <= kMostMultiword) || (kind == kUltra && number <= kMostUltra);
  if (known) state_.transfer_mode = mode;
  return known;
}

// Modes there are, and in the upper byte the one that was chosen.
u16 IdeDrive::multiword_modes() const {
  const bool chosen = (state_.transfer_mode & kModeKind) == kMultiword;
  const unsigned mode = state_.transfer_mode & kModeNumber;
  return static_cast<u16>(((2u << kMostMultiword) - 1) | (chosen ? 0x100u << mode : 0));
}
u16 IdeDrive::ultra_modes() const {
  const bool chosen = (state_.transfer_mode & kModeKind) == kUltra;
  const unsigned mode = state_.transfer_mode & kModeNumber;
  return static_cast<u16>(((2u << kMostUltra) - 1) | (chosen ? 0x100u << mode : 0));
}

}  // namespace backplane::ide

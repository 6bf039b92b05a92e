// SPDX-License-Identifier: MIT
#include "cdrom/cdrom.h"

#include <algorithm>

#include "backplane/error.h"
#include "drive/identity.h"

namespace backplane::ide {

BACKPLANE_REGISTER(IdeCdrom, .description = "IDE CD drive")

namespace {

using mmc::kNoSense;

constexpr u8 kSignatureMid = 0x14, kSignatureHigh = 0xeb;
constexpr u8 kByDma = 0x01;  // features of PACKET
constexpr const char* kModel = "BACKPLANE CD-ROM";
constexpr const char* kRevision = "1";

}  // namespace

std::span<const StateMember> IdeCdrom::State::members() {
  static const StateMember kMembers[] = {
      member<&State::phase>("phase", within(Phase::None, Phase::Identity)),
      member<&State::dma>("dma"),
      member<&State::at_once>("at_once"),
      member<&State::block>("block"),
      member<&State::left>("left"),
      member<&State::chunk>("chunk"),
  };
  return kMembers;
}

void IdeCdrom::class_init(DeviceClass& k) {
  k.state<&IdeCdrom::state_>(1, "cdrom");
  k.state<&IdeCdrom::optical_>(1, "optical");
  add_properties(k);
}

IdeCdrom::IdeCdrom()
    : DiscDevice(*this, drive(), optical_),
      optical_(kModel, kRevision, OpticalDrive::Interface::Atapi) {
  optical_.on_tray_moved([this] { tell_tray_moved(); });
}

void IdeCdrom::realize() { look_at_disc(false); }

void IdeCdrom::reset() {
  IdeDrive::reset();
  look_at_disc(true);
}

void IdeCdrom::loaded() {
  look_at_disc(false);
  IdeDrive::loaded();
}

// A packet that was to get blocks does not get them.
void IdeCdrom::end_transfers() {
  if (state_.phase != Phase::Blocks) return;
  abandon();
  fail_with(mmc::kMediumNotPresent);
}

void IdeCdrom::check_loaded() const {
  const u32 all = blocks().value_or(0);
  if (state_.chunk > state_.left || state_.chunk * u64{OpticalDrive::kBlockSize} > kMostBuffered ||
      state_.block > all || state_.left > all - state_.block)
    throw Error::of("{} blocks from {} on, {} at once, are not on the disc", state_.left,
                    state_.block, state_.chunk);
  if (waits_for_host() && state_.chunk == 0)
    throw Error("a drive that does nothing waits for its host");
  if (state_.phase == Phase::Packet && buffer().size() != OpticalDrive::kPacketSize)
    throw Error::of("a packet has {} bytes", buffer().size());
}

void IdeCdrom::reset_drive(bool power_on) {
  state_ = {};
  if (power_on) optical_.reset();
  TaskFile& registers = task();
  registers.count = registers.lba_low = 1;
  registers.lba_mid = kSignatureMid;
  registers.lba_high = kSignatureHigh;
  registers.device &= device::kSelect;
}

void IdeCdrom::execute(u8 command) {
  switch (command) {
    case kPacket:
      return take_packet();
    case kIdentifyPacket:
      return identify();
    case kIdentify:
      reset_drive(false);  // says what it is instead
      return fail(error::kAborted);
    case kDeviceReset:
      reset_drive(false);
      return complete_silently();
    case kSetFeatures:
      if (task().features != kSetTransferMode || set_transfer_mode(task().count)) return complete();
      return fail(error::kAborted);
    case kFlushCache:
      return complete();
    default:
      return fail(error::kAborted);
  }
}

// [ATA8-ACS 7.13 "IDENTIFY PACKET DEVICE"]
void IdeCdrom::identify() {
  Identity id;
  id.word(0, 0x85c0);  // CD, removable, DRQ within 50 us, packets of 12 bytes
  id.text(10, 10, serial().empty() ? "BP00002" : serial());
  id.text(23, 4, kRevision);
  id.text(27, 20, model().empty() ? kModel : model());
  id.word(49, 0x0f00);
  id.word(50, 0x4000);
  id.word(53, 0x0006);
  id.word(63, multiword_modes());
  id.word(64, 0x0003);
  for (unsigned at = 65; at <= 68; ++at) id.word(at, 120);
  id.word(80, 0x01f0);
  id.word(82, 0x4210);  // NOP, DEVICE RESET, PACKET
  id.word(83, 0x4000);
  id.word(84, 0x4000);
  id.word(85, 0x4210);
  id.word(87, 0x4000);
  id.word(88, ultra_modes());
  id.word(93, 0x6001 | (unit() == 0 ? 0x000a : 0x0200));
  set_buffer(id.finished());
  state_.phase = Phase::Identity;
  offer(0, buffer().size());
}

void IdeCdrom::take_packet() {
  const u32 limit = u32{task().lba_high} << 8 | task().lba_mid;
  constexpr u32 kMostAtOnce = 0xfffe;
  state_ = {.phase = Phase::Packet, .dma = (task().features & kByDma) != 0};
  state_.at_once = limit == 0 ? kMostAtOnce : std::max(limit & kMostAtOnce, 2u);
  task().count = reason::kCommand;
  accept(OpticalDrive::kPacketSize, 0, OpticalDrive::kPacketSize, false);
}

void IdeCdrom::execute_packet() {
  std::array<u8, OpticalDrive::kPacketSize> packet;
  std::copy_n(buffer().begin(), packet.size(), packet.begin());
  OpticalDrive::Reply reply = optical_.execute(packet);
  if (reply.sense != kNoSense) return fail_with(reply.sense);
  if (reply.blocks != 0) {
    state_.phase = Phase::Blocks;
    state_.block = reply.first_block;
    state_.left = reply.blocks;
    state_.chunk = 0;
    return next_blocks();
  }
  if (reply.data.empty()) return succeed();
  state_.phase = Phase::Data;
  set_buffer(std::move(reply.data));
  send();
}

void IdeCdrom::next_blocks() {
  constexpr u32 kMostBlocks = kMostBuffered / OpticalDrive::kBlockSize;
  state_.chunk = std::min(state_.left, kMostBlocks);
  submit();
}

BlockRequest IdeCdrom::pending_request() {
  BlockRequest request;
  request.op = BlockOp::Read;
  request.offset = state_.block * u64{OpticalDrive::kBlockSize};
  request.size = state_.chunk * u64{OpticalDrive::kBlockSize};
  buffer().resize(request.size);
  request.iov = {{buffer().data(), request.size}};
  return request;
}

void IdeCdrom::carried_out(int result) {
  if (result != 0) return fail_with(mmc::kUnreadable);
  send();
}

// The buffer, or a piece of it that the host has room for.
void IdeCdrom::send() {
  task().count = reason::kToHost;
  if (state_.dma) return offer_dma();
  const std::size_t from = position();
  const std::size_t size = std::min<std::size_t>(buffer().size() - from, state_.at_once);
  task().lba_mid = static_cast<u8>(size);
  task().lba_high = static_cast<u8>(size >> 8);
  offer(from, size);
}

void IdeCdrom::moved() {
  if (state_.phase == Phase::Packet) return execute_packet();
  if (state_.phase == Phase::Identity) {
    state_.phase = Phase::None;
    return complete_silently();
  }
  if (position() < buffer().size()) return send();
  if (state_.phase == Phase::Blocks) {
    state_.block += state_.chunk;
    state_.left -= state_.chunk;
    state_.chunk = 0;
    if (state_.left != 0) return next_blocks();
  }
  succeed();
}

void IdeCdrom::succeed() {
  state_ = {};
  optical_.set_sense(kNoSense);
  task().count = reason::kCommand | reason::kToHost;
  complete();
}

void IdeCdrom::fail_with(const Sense& sense) {
  state_ = {};
  optical_.set_sense(sense);
  task().count = reason::kCommand | reason::kToHost;
  fail(static_cast<u8>(sense.key << 4 | error::kAborted));
}

}  // namespace backplane::ide

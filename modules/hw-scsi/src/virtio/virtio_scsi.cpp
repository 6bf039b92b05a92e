// SPDX-License-Identifier: MIT
#include "virtio/virtio_scsi.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "backplane/error.h"
#include "backplane/machine.h"
#include "backplane/virtio/scatter_gather.h"
#include "backplane/virtio/virtio_pci.h"

namespace backplane {

using namespace virtio_scsi;

namespace {

constexpr u16 kControlQueueSize = 64;
constexpr u32 kMostAutoQueues = 8;

// A unit's place, in the single level form. [virtio-1.2 §5.6.6.1 "Device Operation: Request
// Queues"]
struct Place {
  bool valid = false;
  u32 target = 0;
  u32 lun = 0;
};
Place place_of(const u8 (&lun)[8]) {
  constexpr u8 kFlat = 0x40;
  const u8 form = lun[2] & 0xc0;
  return {lun[0] == 1 && (form == kFlat || form == 0), lun[1],
          static_cast<u32>((lun[2] & 0x3f) << 8 | lun[3])};
}

// The third byte of a unit's place, as REPORT LUNS has it, by which Linux knows it.
// [SAM-4 "Single level LUN structure"]
u8 form_of(u32 lun) {
  constexpr u32 kFirstFlat = 256;
  return static_cast<u8>(lun < kFirstFlat ? 0 : 0x40 | lun >> 8);
}

}  // namespace

void VirtioScsi::class_init(VirtioDeviceClass& k) {
  k.virtio_id = kIdScsiHost;
  k.property<&VirtioScsi::iothread_>("iothread",
                                     "id of the -object iothread that serves its queues");
  k.property<&VirtioScsi::num_queues_>("num_queues", "request queues (auto: one a CPU)");
  k.property<&VirtioScsi::queue_size_>("virtqueue_size", "entries of a queue, a power of two");
  k.property<&VirtioScsi::max_sectors_>("max_sectors", "of 512 bytes in a command");
  k.property<&VirtioScsi::cmd_per_lun_>("cmd_per_lun",
                                        "commands at once that a driver gives a unit");
  k.state<&VirtioScsi::state_>(1, {member<&State::events_missed>("events_missed"),
                                   member<&State::held>("held", up_to(kMostHeld))});
}

std::span<const StateMember> VirtioScsi::Held::members() {
  static const StateMember kMembers[] = {member<&Held::queue>("queue"),
                                         member<&Held::head>("head")};
  return kMembers;
}

void VirtioScsi::realize() {
  if (!std::has_single_bit(queue_size_) || queue_size_ < 4 || queue_size_ > VirtQueue::kMaxChain)
    throw Error::of("virtqueue_size={}: expects a power of two from 4 to {}", queue_size_,
                    VirtQueue::kMaxChain);
  const auto cpus = static_cast<u32>(machine().cpus().size());
  const u32 queues = num_queues_.value_or(std::clamp<u32>(cpus, 1, kMostAutoQueues));
  if (queues == 0 || queues > kMaxQueues - kFirstRequestQueue)
    throw Error::of("num_queues={}: expects 1 to {}", queues, kMaxQueues - kFirstRequestQueue);
  if (iothread_) serve_in(*iothread_);
  add_queue(kControlQueueSize, [this](VirtQueue& queue) { control_kicked(queue); });
  add_queue(kControlQueueSize, [](VirtQueue&) {});
  for (u32 i = 0; i < queues; ++i)
    add_queue(queue_size_, [this](VirtQueue& queue) { serve(queue); });

  // The bus is called after the device that the user added.
  const auto* const outer = dynamic_cast<const Device*>(parent());
  const std::string name = outer == nullptr || outer->id().empty() ? "scsi" : outer->id();
  units_ = &add_child(name + ".0", create_object<ScsiBus>(ScsiBus::kTypeName));
  units_->serve_in(io_context());
  units_->on_change([this](const ScsiDevice& unit, ScsiBus::Change change) { tell(unit, change); });
  units_->attach_to(*this);
}

void VirtioScsi::unrealize() {
  stop_serving();
  if (units_ != nullptr) remove_child(*units_);
  units_ = nullptr;
  requests_.clear();
  free_requests_.clear();
}

// What the driver gave up on must not touch its memory later.
void VirtioScsi::reset() {
  const QueueLock lock(*this);
  if (units_ != nullptr)
    for (ScsiDevice* const unit : units_->units()) unit->drain();
  VirtioDevice::reset();
}

// Those that are left wait for the machine to go on, because the host failed at them.
void VirtioScsi::saving() {
  const QueueLock lock(*this);
  VirtioDevice::saving();
  state_.held.clear();
  for (const auto& request : requests_)
    if (request->queue != nullptr)
      state_.held.push_back({static_cast<u16>(request->queue->index()), request->element.head});
}

void VirtioScsi::loaded() {
  const QueueLock lock(*this);
  VirtioDevice::loaded();
  for (const Held& held : state_.held) {
    VirtQueue* const at = queue(held.queue);
    Request& request = take_request();
    if (at == nullptr || !at->take_again(held.head, request.element) ||
        request.element.out_size < sizeof(RequestHeader) ||
        request.element.in_size < sizeof(ResponseHeader))
      throw Error::of("held: queue {} has no request at {}", held.queue, held.head);
    request.queue = at;
    request.command.held = true;
    start(request);
  }
}

u64 VirtioScsi::device_features() const { return virtio::bit(kHotplug); }

void VirtioScsi::fill_config(std::span<u8> image) const {
  put_config<u32>(image, kNumQueues, queue_count() - kFirstRequestQueue);
  put_config<u32>(image, kSegMax, queue_size_ - 2U);
  put_config<u32>(image, kMaxSectors, max_sectors_);
  put_config<u32>(image, kCmdPerLun, cmd_per_lun_);
  put_config<u32>(image, kEventInfoSize, sizeof(Event));
  put_config<u32>(image, kSenseSizeField, kSenseBytes);
  put_config<u32>(image, kCdbSize, kCdbBytes);
  put_config<u16>(image, kMaxTarget, ScsiBus::kTargets - 1);
  put_config<u32>(image, kMaxLun, ScsiBus::kUnits - 1);
}

// --- commands -----------------------------------------------------------------------------------

VirtioScsi::Request& VirtioScsi::take_request() {
  if (free_requests_.empty()) {
    requests_.push_back(std::make_unique<Request>());
    free_requests_.push_back(requests_.back().get());
  }
  Request& request = *free_requests_.back();
  free_requests_.pop_back();
  return request;
}

void VirtioScsi::serve(VirtQueue& queue) {
  queue.for_each(element_, [this, &queue](VirtElement& element) {
    if (element.out_size < sizeof(RequestHeader) || element.in_size < sizeof(ResponseHeader)) {
      mark_needs_reset("a SCSI request without a header or without room for the answer");
      return false;
    }
    Request& request = take_request();
    request.queue = &queue;
    std::swap(request.element, element);
    request.command.held = false;
    start(request);
    return true;
  });
}

void VirtioScsi::start(Request& request) {
  RequestHeader header;
  gather(request.element.out, 0, &header, sizeof header);
  ScsiCommand& command = request.command;
  command.cdb.assign(std::begin(header.cdb), std::end(header.cdb));
  command.out.clear();
  command.in.clear();
  const VirtElement& e = request.element;
  slice(e.out, sizeof header, e.out_size - sizeof header, command.out);
  slice(e.in, sizeof(ResponseHeader), e.in_size - sizeof(ResponseHeader), command.in);
  command.done = [this, &request](u8 status, const scsi::Sense& sense, u64 moved) {
    respond(request, request.command.overrun ? kOverrun : kOk, status, sense, moved);
  };
  const Place place = place_of(header.lun);
  ScsiDevice* const unit = place.valid ? units_->unit(place.target, place.lun) : nullptr;
  if (unit == nullptr) return start_without_unit(request, header);
  unit->start(command);
}

// Some commands are answered by a target, whatever unit they are for. [SPC-3 "INQUIRY command"]
void VirtioScsi::start_without_unit(Request& request, const RequestHeader& header) {
  constexpr u8 kNoUnit = 0x7f;
  constexpr std::size_t kInquirySize = 36;
  const Place place = place_of(header.lun);
  ScsiDevice* const other = place.valid ? units_->any_unit(place.target) : nullptr;
  if (other == nullptr) return respond(request, kBadTarget, 0, scsi::kNoSense, 0);
  if (header.cdb[0] == scsi::kReportLuns) return other->start(request.command);
  if (header.cdb[0] != scsi::kInquiry)
    return respond(request, kOk, scsi::kCheckCondition, scsi::kNoSuchUnit, 0);
  std::array<u8, kInquirySize> data{kNoUnit, 0, 5, 2, kInquirySize - 5};
  const u64 room = std::min<u64>(data.size(), scsi::load(header.cdb, 3, 2));
  respond(request, kOk, scsi::kGood, scsi::kNoSense,
          scatter(request.command.in, 0, data.data(), room));
}

void VirtioScsi::respond(Request& request, Response response, u8 status, const scsi::Sense& sense,
                         u64 moved) {
  const VirtElement& e = request.element;
  const u64 room = e.in_size - sizeof(ResponseHeader);
  const u64 asked = std::max(room, e.out_size - sizeof(RequestHeader));
  ResponseHeader header{};
  header.residual = static_cast<u32>(asked - std::min(asked, moved));
  header.status = status;
  header.response = response;
  if (status == scsi::kCheckCondition) {
    const std::vector<u8> bytes = scsi::fixed_sense(sense);
    header.sense_len = static_cast<u32>(bytes.size());
    std::copy(bytes.begin(), bytes.end(), std::begin(header.sense));
  }
  scatter(e.in, 0, &header, sizeof header);
  VirtQueue& queue = *request.queue;
  queue.push(e, static_cast<u32>(sizeof header + std::min(room, moved)));
  request.queue = nullptr;
  free_requests_.push_back(&request);
  queue.notify();
}

// --- control and events [virtio-1.2 §5.6.6.2, 5.6.6.3] ------------------------------------------

// Units wait for their commands under the machine lock.
void VirtioScsi::control_kicked(VirtQueue& queue) {
  io_context().with_machine([this, &queue] {
    const QueueLock lock(*this);
    control(queue);
  });
}

void VirtioScsi::control(VirtQueue& queue) {
  // Others of these may be served while a unit's commands are waited for.
  VirtElement own;
  queue.for_each(own, [this, &queue](const VirtElement& element) {
    TaskManagement asked{};
    const u64 size = gather(element.out, 0, &asked, sizeof asked);
    if (size < sizeof asked.type || element.in_size < 1) {
      mark_needs_reset("a control request without a type or without room for the answer");
      return false;
    }
    u64 written = 0;
    if (asked.type == kTmf) {
      const u8 response = size == sizeof asked ? manage(asked) : u8{kFunctionRejected};
      written = scatter(element.in, 0, &response, sizeof response);
    } else {
      // No events of a unit are told of: none that were asked for.
      constexpr u8 kNone[5] = {0, 0, 0, 0, kOk};
      written = scatter(element.in, 0, kNone, sizeof kNone);
    }
    queue.push(element, static_cast<u32>(written));
    return true;
  });
  queue.notify();
}

// Commands are not broken off: they are waited for, which has the same outcome.
u8 VirtioScsi::manage(const TaskManagement& asked) {
  const Place place = place_of(asked.lun);
  if (!place.valid || units_->any_unit(place.target) == nullptr) return kBadTarget;
  ScsiDevice* const unit = units_->unit(place.target, place.lun);
  switch (asked.subtype) {
    case kItNexusReset:
      for (ScsiDevice* const other : units_->units())
        if (other->target() == place.target) other->drain();
      return kFunctionComplete;
    case kAbortTask:
    case kAbortTaskSet:
    case kClearTaskSet:
    case kLogicalUnitReset:
      if (unit == nullptr) return kIncorrectLun;
      unit->drain();
      return kFunctionComplete;
    case kQueryTask:
    case kQueryTaskSet:
      return unit == nullptr ? kIncorrectLun : kFunctionComplete;
    default:
      return kFunctionRejected;
  }
}

void VirtioScsi::tell(const ScsiDevice& unit, ScsiBus::Change change) {
  const QueueLock lock(*this);
  if (!driver_ok() || !has_feature(kHotplug)) return;
  VirtQueue& queue = *this->queue(kEventQueue);
  VirtElement element;
  if (!queue.pop(element)) {
    state_.events_missed = true;
    return;
  }
  Event event{
      .event = kTransportReset,
      .lun = {1, static_cast<u8>(unit.target()), form_of(unit.lun()), static_cast<u8>(unit.lun())},
      .reason = change == ScsiBus::Change::Added ? kRescan : kRemoved};
  if (state_.events_missed) event.event |= kEventsMissed;
  state_.events_missed = false;
  queue.push(element, static_cast<u32>(scatter(element.in, 0, &event, sizeof event)));
  queue.notify();
}

BACKPLANE_REGISTER(VirtioScsi, .category = "Storage", .description = "SCSI host adapter")

namespace {

class VirtioScsiPci final : public VirtioPci {
 public:
  static constexpr const char* kDevice = VirtioScsi::kTypeName;
  static constexpr u32 kClassCode = 0x01'00'00;  // SCSI

  static void class_init(PciDeviceClass& k) {
    init_class(k, kDevice, kClassCode);
    k.identity.device = 0x1004;  // the transitional one
  }
  VirtioScsiPci() : VirtioPci(kDevice) {}
};
BACKPLANE_TYPE(VirtioScsiPci, "virtio-scsi-pci", .category = "Storage",
               .description = "SCSI host adapter")

}  // namespace

}  // namespace backplane

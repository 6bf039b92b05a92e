// SPDX-License-Identifier: MIT
// The device as the driver finds it, its queues, and its state.
#include "gpu_device.h"

#include "backplane/error.h"
#include "backplane/machine.h"
#include "backplane/property.h"
#include "backplane/virtio/scatter_gather.h"

namespace backplane {

using namespace virtio_gpu;

namespace {

constexpr u16 kControlQueueSize = 64, kCursorQueueSize = 16;
// Of pictures, before other devices get their turn: some screens full.
constexpr u64 kMostAtOnce = 16_MiB;

}  // namespace

BACKPLANE_REGISTER(VirtioGpu, .category = "Display", .description = "Screen on virtio")

void VirtioGpu::class_init(VirtioDeviceClass& k) {
  k.virtio_id = kIdGpu;
  k.property<&VirtioGpu::max_hostmem_>(
      "max_hostmem", "bytes of the host's memory that the guest's pictures may take");
  k.property<&VirtioGpu::edid_>("edid", "its monitor says what it is");
  k.property<&VirtioGpu::width_>("xres", "pixels that the monitor is wide");
  k.property<&VirtioGpu::height_>("yres", "pixels that the monitor is high");
  k.state<&VirtioGpu::state_>(1,
                              {member<&State::events>("events"), member<&State::scanout>("scanout"),
                               member<&State::cursor>("cursor"),
                               member<&State::resources>("resources", up_to(kMostResources))});
}

std::span<const StateMember> VirtioGpu::SavedResource::members() {
  static const StateMember kMembers[] = {
      member<&SavedResource::id>("id"), member<&SavedResource::format>("format"),
      member<&SavedResource::width>("width"), member<&SavedResource::height>("height"),
      member<&SavedResource::backing>("backing", up_to(kMostEntries))};
  return kMembers;
}

std::span<const StateMember> VirtioGpu::Scanout::members() {
  static const StateMember kMembers[] = {
      member<&Scanout::resource>("resource"), member<&Scanout::x>("x"), member<&Scanout::y>("y"),
      member<&Scanout::width>("width"), member<&Scanout::height>("height")};
  return kMembers;
}

std::span<const StateMember> VirtioGpu::CursorState::members() {
  static const StateMember kMembers[] = {member<&CursorState::resource>("resource"),
                                         member<&CursorState::x>("x"), member<&CursorState::y>("y"),
                                         member<&CursorState::hot_x>("hot_x"),
                                         member<&CursorState::hot_y>("hot_y")};
  return kMembers;
}

void VirtioGpu::realize() {
  for (const auto& [name, value] : {std::pair{"xres", width_}, std::pair{"yres", height_}})
    if (value < 1 || value >= Screen::kMostPixels)
      throw Error::of("{}={}: expects 1 to {}", name, value, Screen::kMostPixels - 1);
  later_ = std::make_unique<Timer>(machine().virtual_clock(), [this] { go_on(); });
  const auto handler = [this](VirtQueue& queue) { serve(queue); };
  add_queue(kControlQueueSize, handler);
  add_queue(kCursorQueueSize, handler);
  screen_.on_size_asked([this](u32 width, u32 height) { size_asked(width, height); });
}

void VirtioGpu::unrealize() { later_.reset(); }

// All that the driver has asked for is done.
void VirtioGpu::settle() {
  while (later_ != nullptr && later_->armed()) {
    later_->cancel();
    go_on();
  }
}

void VirtioGpu::reset() {
  long_.reset();
  if (later_ != nullptr) later_->cancel();
  forget_all();
  VirtioDevice::reset();
  cursor_.hide();
  show({});
}

std::string VirtioGpu::describe() const {
  const Scanout& s = state_.scanout;
  const std::string shown = s.resource == 0
                                ? std::string("shows nothing")
                                : fmt::format("shows {}x{} of {}", s.width, s.height, s.resource);
  return fmt::format("{}, {} resources in {} KiB, {}", VirtioDevice::describe(), resources_.size(),
                     held_ >> 10, shown);
}

// --- state --------------------------------------------------------------------------------------

void VirtioGpu::saving() {
  VirtioDevice::saving();
  state_.resources.clear();
  for (const auto& [id, resource] : resources_)
    state_.resources.push_back({.id = id,
                                .format = resource.format(),
                                .width = resource.width(),
                                .height = resource.height(),
                                .backing = resource.backing()});
}

// Pictures are filled from the guest's memory once more: what they showed is there.
void VirtioGpu::loaded() {
  VirtioDevice::loaded();
  forget_all();
  const Scanout scanout = std::exchange(state_.scanout, {});  // not shown before it is looked at
  for (SavedResource& saved : state_.resources) {
    const u64 cost = Resource::cost(saved.width, saved.height, saved.backing.size());
    if (saved.id == 0 || resource(saved.id) != nullptr ||
        !Resource::can_be(saved.format, saved.width, saved.height))
      throw Error::of("resources: {} cannot be as it is", saved.id);
    if (!has_room(cost))
      throw Error::of("resources: they take more than max_hostmem={}", max_hostmem_);
    Resource& made =
        resources_.try_emplace(saved.id, saved.format, saved.width, saved.height).first->second;
    held_ += cost;
    made.attach(std::move(saved.backing));
    if (made.has_backing())
      made.transfer(transport().dma_space(), {0, 0, saved.width, saved.height}, 0);
  }
  state_.resources = {};
  if (scanout.resource != 0 && !scanout_fits(scanout))
    throw Error::of("scanout: resource {} cannot be shown so", scanout.resource);
  const Resource* const picture = resource(state_.cursor.resource);
  if (picture != nullptr && picture->width() == kCursorSide && picture->height() == kCursorSide)
    cursor_.show(*picture);
  else
    cursor_.hide();
  place_cursor();
  show(scanout);
}

// --- configuration [virtio-1.2 §5.7.4 "Device configuration layout"] ---------------------------

u64 VirtioGpu::device_features() const { return edid_ ? virtio::bit(kEdid) : 0; }

void VirtioGpu::fill_config(std::span<u8> image) const {
  put_config<u32>(image, kEventsRead, state_.events);
  put_config<u32>(image, kNumScanouts, 1);
}

void VirtioGpu::config_written(unsigned offset, u32 value, unsigned size) {
  if (offset == kEventsClear && size == 4) state_.events &= ~value;
}

void VirtioGpu::size_asked(u32 width, u32 height) {
  width = std::min(width, Screen::kMostPixels - 1);
  height = std::min(height, Screen::kMostPixels - 1);
  // A guest that was told and shows something else is told again.
  const Scanout& shown = state_.scanout;
  const bool is_shown = shown.resource == 0 || (shown.width == width && shown.height == height);
  if (width == width_ && height == height_ && is_shown) return;
  width_ = width;
  height_ = height;
  state_.events |= kEventDisplay;
  notify_config();
}

// --- queues -------------------------------------------------------------------------------------

void VirtioGpu::serve(VirtQueue& queue) {
  if (queue.index() == kControlQueue) {
    // Commands are carried out in their order, and go on by themselves.
    if (later_->armed()) return;
    allowance_ = kMostAtOnce;
    return serve_control();
  }
  queue.for_each(element_, [&](const VirtElement& element) {
    Header header{};
    if (gather(element.out, 0, &header, sizeof header) != sizeof header)
      guest_error("a command of {} bytes", element.out_size);
    // No other commands: a transfer that goes on later counts on its picture.
    else if (header.type == kUpdateCursor || header.type == kMoveCursor)
      change_cursor(element, header.type == kUpdateCursor);
    else
      guest_error("command {:#x} in the cursor's queue", header.type);
    queue.push(element, 0);
    return true;
  });
  queue.notify();
}

void VirtioGpu::serve_control() {
  VirtQueue& control = *queue(kControlQueue);
  control.for_each(element_, [&](const VirtElement& element) {
    Header header{};
    std::optional<Answer> said = Answer{.type = kErrUnspec};
    if (gather(element.out, 0, &header, sizeof header) != sizeof header)
      guest_error("a command of {} bytes", element.out_size);
    else if (header.type == kTransferToHost2d)
      said = begin_transfer(element);
    else
      said = answer(header, element);
    if (said) finish(control, element, header, *said);
    return said && allowance_ != 0;
  });
  if (long_) long_->element = std::move(element_);
  control.notify();
  if (long_ || allowance_ == 0) later_->arm_in(0);
}

void VirtioGpu::go_on() {
  allowance_ = kMostAtOnce;
  if (long_) {
    const std::optional<Answer> said = transfer_rows(long_->command, long_->rows);
    if (!said) return later_->arm_in(0);
    finish(*queue(kControlQueue), long_->element, long_->command.header, *said);
    long_.reset();
  }
  serve_control();
}

void VirtioGpu::finish(VirtQueue& queue, const VirtElement& element, const Header& header,
                       const Answer& said) {
  Header reply{.type = said.type};
  if ((header.flags & kFlagFence) != 0) {
    reply.flags = kFlagFence;
    reply.fence_id = header.fence_id;
    reply.ctx_id = header.ctx_id;
  }
  u64 written = scatter(element.in, 0, &reply, sizeof reply);
  written += scatter(element.in, written, said.bytes.data(), said.bytes.size());
  queue.push(element, static_cast<u32>(written));
}

}  // namespace backplane

// SPDX-License-Identifier: MIT
// What the driver asks for. [virtio-1.2 §5.7.6.8 "Device Operation: controlq"]
#include <algorithm>
#include <new>
#include <optional>

#include "backplane/virtio/scatter_gather.h"
#include "edid.h"
#include "gpu_device.h"

namespace backplane {

using namespace virtio_gpu;

namespace {

// What is behind the header of a struct that begins with one.
template <class Reply>
std::vector<u8> behind_header(const Reply& reply) {
  const auto* const bytes = reinterpret_cast<const u8*>(&reply);
  return {bytes + sizeof(Header), bytes + sizeof reply};
}

}  // namespace

template <class Command>
std::optional<Command> VirtioGpu::read(const VirtElement& element) {
  Command command{};
  if (gather(element.out, 0, &command, sizeof command) == sizeof command) return command;
  guest_error("a command of {} bytes, which has {}", element.out_size, sizeof command);
  return std::nullopt;
}

VirtioGpu::Answer VirtioGpu::answer(const Header& header, const VirtElement& element) {
  switch (header.type) {
    case kGetDisplayInfo:
      return display_info();
    case kGetEdid:
      return edid(element);
    case kResourceCreate2d:
      return create(element);
    case kResourceUnref:
      return unref(element);
    case kSetScanout:
      return set_scanout(element);
    case kResourceFlush:
      return flush(element);
    case kResourceAttachBacking:
      return attach_backing(element);
    case kResourceDetachBacking:
      return detach_backing(element);
    case kUpdateCursor:
    case kMoveCursor:
      return change_cursor(element, header.type == kUpdateCursor);
    default:
      guest_error("command {:#x}", header.type);
      return {kErrUnspec};
  }
}

VirtioGpu::Answer VirtioGpu::display_info() const {
  DisplayInfo info{};
  info.modes[0] = {.rect = {0, 0, width_, height_}, .enabled = 1};
  return {kOkDisplayInfo, behind_header(info)};
}

VirtioGpu::Answer VirtioGpu::edid(const VirtElement& element) {
  const auto command = read<GetEdid>(element);
  if (!command || !has_feature(kEdid)) return {kErrUnspec};
  if (command->scanout != 0) return {kErrInvalidParameter};
  const vga::Edid bytes = vga::make_edid(width_, height_);
  EdidAnswer reply{};
  reply.size = static_cast<u32>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), reply.edid);
  return {kOkEdid, behind_header(reply)};
}

// --- resources ----------------------------------------------------------------------------------

Resource* VirtioGpu::resource(u32 id) {
  const auto found = resources_.find(id);
  return found != resources_.end() ? &found->second : nullptr;
}

bool VirtioGpu::has_room(u64 bytes) const {
  return bytes <= max_hostmem_ && held_ <= max_hostmem_ - bytes;
}

VirtioGpu::Answer VirtioGpu::create(const VirtElement& element) {
  const auto command = read<Create2d>(element);
  if (!command) return {kErrUnspec};
  if (command->resource_id == 0 || resource(command->resource_id) != nullptr)
    return {kErrInvalidResourceId};
  if (!Resource::can_be(command->format, command->width, command->height))
    return {kErrInvalidParameter};
  const u64 cost = Resource::cost(command->width, command->height);
  if (resources_.size() >= kMostResources) {
    guest_error("more than {} pictures", kMostResources);
    return {kErrOutOfMemory};
  }
  if (!has_room(cost)) {
    guest_error("a picture of {}x{}: all of them have {} bytes (max_hostmem=)", command->width,
                command->height, max_hostmem_);
    return {kErrOutOfMemory};
  }
  try {
    resources_.try_emplace(command->resource_id, command->format, command->width, command->height);
  } catch (const std::bad_alloc&) {
    guest_error("a picture of {}x{}: this host has no memory for it", command->width,
                command->height);
    return {kErrOutOfMemory};
  }
  held_ += cost;
  return {};
}

void VirtioGpu::forget(u32 id) {
  const auto found = resources_.find(id);
  held_ -= found->second.cost();
  resources_.erase(found);
}

void VirtioGpu::forget_all() {
  resources_.clear();
  held_ = 0;
}

VirtioGpu::Answer VirtioGpu::unref(const VirtElement& element) {
  const auto command = read<OneResource>(element);
  if (!command) return {kErrUnspec};
  if (resource(command->resource_id) == nullptr) return {kErrInvalidResourceId};
  forget(command->resource_id);
  if (state_.scanout.resource == command->resource_id) show({});
  return {};
}

VirtioGpu::Answer VirtioGpu::attach_backing(const VirtElement& element) {
  const auto command = read<AttachBacking>(element);
  if (!command) return {kErrUnspec};
  Resource* const meant = resource(command->resource_id);
  if (meant == nullptr) return {kErrInvalidResourceId};
  const u64 count = command->nr_entries, bytes = count * sizeof(MemoryEntry);
  if (meant->has_backing() || count > kMostEntries ||
      element.out_size < sizeof(AttachBacking) + bytes)
    return {kErrUnspec};
  const u64 cost = Resource::cost(meant->width(), meant->height(), count);
  if (!has_room(cost - meant->cost())) return {kErrOutOfMemory};
  std::vector<MemoryEntry> given(count);
  gather(element.out, sizeof(AttachBacking), given.data(), bytes);
  std::vector<BackingEntry> entries;
  entries.reserve(count);
  for (const MemoryEntry& entry : given) entries.push_back({entry.address, entry.length});
  held_ += cost - meant->cost();
  meant->attach(std::move(entries));
  return {};
}

VirtioGpu::Answer VirtioGpu::detach_backing(const VirtElement& element) {
  const auto command = read<OneResource>(element);
  if (!command) return {kErrUnspec};
  Resource* const meant = resource(command->resource_id);
  if (meant == nullptr) return {kErrInvalidResourceId};
  held_ -= meant->cost();
  meant->detach();
  held_ += meant->cost();
  return {};
}

std::optional<VirtioGpu::Answer> VirtioGpu::begin_transfer(const VirtElement& element) {
  const auto command = read<Transfer2d>(element);
  if (!command) return Answer{kErrUnspec};
  u32 rows = 0;
  std::optional<Answer> said = transfer_rows(*command, rows);
  if (!said) long_.emplace(LongTransfer{.command = *command, .rows = rows, .element = {}});
  return said;
}

std::optional<VirtioGpu::Answer> VirtioGpu::transfer_rows(const Transfer2d& command, u32& rows) {
  Resource* const found = resource(command.resource_id);
  if (found == nullptr) return Answer{kErrInvalidResourceId};
  if (!found->contains(command.rect)) return Answer{kErrInvalidParameter};
  Resource& meant = *found;
  const u64 row = u64{command.rect.width} * sizeof(u32);
  const u64 most = std::max<u64>(1, row == 0 ? ~u64{0} : allowance_ / row);
  Rect part = command.rect;
  part.y += rows;
  part.height = static_cast<u32>(std::min<u64>(command.rect.height - rows, most));
  const u64 offset = command.offset + u64{rows} * meant.width() * sizeof(u32);
  if (!meant.transfer(transport().dma_space(), part, offset)) {
    guest_error("resource {} has no memory behind all of a transfer", command.resource_id);
    return Answer{kErrUnspec};
  }
  allowance_ -= std::min(allowance_, part.height * row);
  rows += part.height;
  return rows == command.rect.height ? std::optional(Answer{}) : std::nullopt;
}

// --- what is shown ------------------------------------------------------------------------------

bool VirtioGpu::scanout_fits(const Scanout& scanout) const {
  const auto shown = resources_.find(scanout.resource);
  return shown != resources_.end() && scanout.width >= 1 && scanout.height >= 1 &&
         scanout.width <= Screen::kMostPixels && scanout.height <= Screen::kMostPixels &&
         shown->second.contains({scanout.x, scanout.y, scanout.width, scanout.height});
}

VirtioGpu::Answer VirtioGpu::set_scanout(const VirtElement& element) {
  const auto command = read<SetScanout>(element);
  if (!command) return {kErrUnspec};
  if (command->scanout_id != 0) return {kErrInvalidScanoutId};
  Scanout wanted;
  if (command->resource_id != 0) {
    if (resource(command->resource_id) == nullptr) return {kErrInvalidResourceId};
    const Rect& rect = command->rect;
    wanted = {command->resource_id, rect.x, rect.y, rect.width, rect.height};
    if (!scanout_fits(wanted)) return {kErrInvalidParameter};
  }
  show(wanted);
  return {};
}

VirtioGpu::Answer VirtioGpu::flush(const VirtElement& element) {
  const auto command = read<Flush>(element);
  if (!command) return {kErrUnspec};
  const Resource* const meant = resource(command->resource_id);
  if (meant == nullptr) return {kErrInvalidResourceId};
  if (!meant->contains(command->rect)) return {kErrInvalidParameter};
  const Scanout& scanout = state_.scanout;
  if (scanout.resource != command->resource_id) return {};
  const u32 first = std::max(command->rect.y, scanout.y);
  const u32 end = std::min(command->rect.y + command->rect.height, scanout.y + scanout.height);
  if (first < end) mark_rows({0, first - scanout.y, 1, end - first});
  return {};
}

VirtioGpu::Answer VirtioGpu::change_cursor(const VirtElement& element, bool picture) {
  const auto command = read<CursorCommand>(element);
  if (!command || command->scanout_id != 0) return {kErrUnspec};
  if (picture) {
    const Resource* const shown = resource(command->resource_id);
    const bool fits =
        shown != nullptr && shown->width() == kCursorSide && shown->height() == kCursorSide;
    mark_rows(cursor_.rows(screen_.height()));
    state_.cursor.resource = fits ? command->resource_id : 0;
    state_.cursor.hot_x = command->hot_x;
    state_.cursor.hot_y = command->hot_y;
    if (fits)
      cursor_.show(*shown);
    else
      cursor_.hide();
  }
  state_.cursor.x = command->x;
  state_.cursor.y = command->y;
  place_cursor();
  return {};
}

}  // namespace backplane

// SPDX-License-Identifier: MIT
// [virtio-1.2 §5.7 "GPU Device"]
#pragma once

#include "backplane/types.h"

namespace backplane::virtio_gpu {

constexpr u16 kIdGpu = 16;  // virtio::DeviceId

// [virtio-1.2 §5.7.2 "Virtqueues", 5.7.3 "Feature bits"]
enum Queue : unsigned { kControlQueue = 0, kCursorQueue = 1 };
enum Feature : unsigned { kEdid = 1 };

// struct virtio_gpu_config
enum Config : unsigned {
  kEventsRead = 0,
  kEventsClear = 4,
  kNumScanouts = 8,
  kNumCapsets = 12,
  kConfigSize = 16,
};
constexpr u32 kEventDisplay = 1;

// [virtio-1.2 §5.7.6.7 "Device Operation: Request header"]
enum ControlType : u32 {
  kGetDisplayInfo = 0x0100,
  kResourceCreate2d,
  kResourceUnref,
  kSetScanout,
  kResourceFlush,
  kTransferToHost2d,
  kResourceAttachBacking,
  kResourceDetachBacking,
  kGetCapsetInfo,
  kGetCapset,
  kGetEdid,

  kUpdateCursor = 0x0300,
  kMoveCursor,

  kOkNodata = 0x1100,
  kOkDisplayInfo,
  kOkCapsetInfo,
  kOkCapset,
  kOkEdid,

  kErrUnspec = 0x1200,
  kErrOutOfMemory,
  kErrInvalidScanoutId,
  kErrInvalidResourceId,
  kErrInvalidContextId,
  kErrInvalidParameter,
};
constexpr u32 kFlagFence = 1;

struct Header {
  u32 type;
  u32 flags;
  u64 fence_id;
  u32 ctx_id;
  u8 ring_idx;
  u8 padding[3];
};
static_assert(sizeof(Header) == 24);

struct Rect {
  u32 x, y, width, height;
};

constexpr unsigned kMaxScanouts = 16;
struct DisplayOne {
  Rect rect;
  u32 enabled;
  u32 flags;
};
struct DisplayInfo {
  Header header;
  DisplayOne modes[kMaxScanouts];
};
static_assert(sizeof(DisplayInfo) == 408);

struct GetEdid {
  Header header;
  u32 scanout;
  u32 padding;
};
struct EdidAnswer {
  Header header;
  u32 size;
  u32 padding;
  u8 edid[1024];
};
static_assert(sizeof(EdidAnswer) == 1056);

// Names are of bytes in the order that they have in memory.
enum Format : u32 {
  kB8G8R8A8 = 1,
  kB8G8R8X8 = 2,
  kA8R8G8B8 = 3,
  kX8R8G8B8 = 4,
  kR8G8B8A8 = 67,
  kX8B8G8R8 = 68,
  kA8B8G8R8 = 121,
  kR8G8B8X8 = 134,
};
struct Create2d {
  Header header;
  u32 resource_id;
  u32 format;
  u32 width;
  u32 height;
};
// Of unref and detach_backing.
struct OneResource {
  Header header;
  u32 resource_id;
  u32 padding;
};
struct SetScanout {
  Header header;
  Rect rect;
  u32 scanout_id;
  u32 resource_id;
};
struct Flush {
  Header header;
  Rect rect;
  u32 resource_id;
  u32 padding;
};
struct Transfer2d {
  Header header;
  Rect rect;
  u64 offset;
  u32 resource_id;
  u32 padding;
};
static_assert(sizeof(Transfer2d) == 56);
struct AttachBacking {
  Header header;
  u32 resource_id;
  u32 nr_entries;
};
struct MemoryEntry {
  u64 address;
  u32 length;
  u32 padding;
};
static_assert(sizeof(MemoryEntry) == 16);

// [virtio-1.2 §5.7.6.10 "Device Operation: cursorq"]
struct CursorCommand {
  Header header;
  u32 scanout_id;
  u32 x;
  u32 y;
  u32 padding;
  u32 resource_id;
  u32 hot_x;
  u32 hot_y;
  u32 padding2;
};
static_assert(sizeof(CursorCommand) == 56);
constexpr u32 kCursorSide = 64;  // pixels

}  // namespace backplane::virtio_gpu

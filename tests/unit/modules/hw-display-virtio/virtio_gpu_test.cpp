// SPDX-License-Identifier: MIT
// The screen as a driver uses it, and as it looks from outside.
#include <fstream>

#include "backplane/testing/state_check.h"
#include "gpu_device.h"
#include "virtio_machine.h"

namespace backplane::testing {
namespace {

using namespace virtio_gpu;

constexpr u64 kCommand = 0x20'0000, kReply = 0x21'0000, kPixels = 0x30'0000;
constexpr u16 kRingSize = 16;

class VirtioGpuTest : public VirtioTest {
 protected:
  void make(Properties properties = {}, const std::string& type = "virtio-gpu-pci") {
    if (type == "virtio-vga") properties.insert(properties.end(), {{"romfile", ""}});
    VirtioPci& function = add(type, std::move(properties));
    gpu_ = &dynamic_cast<VirtioGpu&>(function.device());
    driver_.emplace(machine_, kSlot);
    driver_->pci();
  }
  void start() {
    ASSERT_TRUE(driver_->negotiate(kModern | virtio::bit(kEdid)));
    for (unsigned n = 0; n < 2; ++n) {
      queues_[n].emplace(machine_.memory(), kRing + n * u64{0x1000}, kRingSize);
      driver_->set_up_queue(n, *queues_[n]);
    }
    driver_->driver_ok();
    machine_.run_control().start();
  }
  // Sends a command; returns the type that it was answered with.
  template <class Command>
  u32 send(const Command& command, std::string_view more = {}, unsigned queue = kControlQueue) {
    machine_.memory().write(kCommand, &command, sizeof command);
    machine_.memory().write(kCommand + sizeof command, more.data(), more.size());
    machine_.memory().store<u32>(kReply, 0);
    queues_[queue]->add({{kCommand, static_cast<u32>(sizeof command + more.size())}},
                        {{kReply, 0x1000}});
    driver_->kick(queue);
    const auto used = queues_[queue]->take_used();
    EXPECT_TRUE(used);
    length_ = used ? used->length : 0;
    return machine_.memory().load<u32>(kReply);
  }
  template <class Command>
  static Command command(ControlType type, Command command = {}) {
    command.header = {.type = type};
    return command;
  }
  u32 create(u32 id, u32 width, u32 height, u32 format = kB8G8R8X8) {
    return send(
        command<Create2d>(kResourceCreate2d,
                          {.resource_id = id, .format = format, .width = width, .height = height}));
  }
  u32 attach(u32 id, const std::vector<MemoryEntry>& entries) {
    return send(
        command<AttachBacking>(kResourceAttachBacking,
                               {.resource_id = id, .nr_entries = static_cast<u32>(entries.size())}),
        {reinterpret_cast<const char*>(entries.data()), entries.size() * sizeof(MemoryEntry)});
  }
  u32 transfer(u32 id, Rect rect, u64 offset = 0) {
    return send(command<Transfer2d>(kTransferToHost2d,
                                    {.rect = rect, .offset = offset, .resource_id = id}));
  }
  u32 show(u32 id, Rect rect, u32 scanout = 0) {
    return send(
        command<SetScanout>(kSetScanout, {.rect = rect, .scanout_id = scanout, .resource_id = id}));
  }
  u32 flush(u32 id, Rect rect) {
    return send(command<Flush>(kResourceFlush, {.rect = rect, .resource_id = id}));
  }
  u32 unref(u32 id) { return send(command<OneResource>(kResourceUnref, {.resource_id = id})); }
  // A picture of 4x4 whose pixels are their numbers, on the screen.
  void show_picture() {
    for (u32 n = 0; n < 16; ++n) machine_.memory().store<u32>(kPixels + 4 * n, 0xff000000 | n);
    EXPECT_EQ(create(1, 4, 4), kOkNodata);
    EXPECT_EQ(attach(1, {{kPixels, 24}, {kPixels + 24, 40}}), kOkNodata);
    EXPECT_EQ(transfer(1, {0, 0, 4, 4}), kOkNodata);
    EXPECT_EQ(show(1, {0, 0, 4, 4}), kOkNodata);
    EXPECT_EQ(flush(1, {0, 0, 4, 4}), kOkNodata);
  }
  u32 pixel(u32 x, u32 y) {
    gpu_->screen().refresh();
    return gpu_->screen().row(y)[x];
  }

  VirtioGpu* gpu_ = nullptr;
  std::optional<VirtioPciDriver> driver_;
  std::optional<DriverQueue> queues_[2];
  u32 length_ = 0;
};

TEST_F(VirtioGpuTest, EveryTypeSaysWhatItsStateIs) {
  EXPECT_EQ(types_without_state(), std::vector<std::string>{});
}

TEST_F(VirtioGpuTest, SaysWhatItsMonitorIs) {
  make({{"xres", "1024"}, {"yres", "768"}});
  start();
  EXPECT_EQ(driver_->config32(kNumScanouts), 1U);
  EXPECT_EQ(send(command<OneResource>(kGetDisplayInfo)), kOkDisplayInfo);
  EXPECT_EQ(length_, sizeof(DisplayInfo));
  EXPECT_EQ(machine_.memory().load<u32>(kReply + 24 + 8), 1024U);
  EXPECT_EQ(machine_.memory().load<u32>(kReply + 24 + 16), 1U);
  EXPECT_EQ(machine_.memory().load<u32>(kReply + 24 + 24 + 16), 0U);
  EXPECT_EQ(send(command<GetEdid>(kGetEdid)), kOkEdid);
  EXPECT_EQ(machine_.memory().load<u32>(kReply + 24), 128U);
  EXPECT_EQ(machine_.memory().load<u64>(kReply + 32), 0x00ffffffffffff00U);
  EXPECT_EQ(send(command<GetEdid>(kGetEdid, {.scanout = 1})), kErrInvalidParameter);
}

TEST_F(VirtioGpuTest, ShowsWhatIsTransferredAndFlushed) {
  make();
  start();
  show_picture();
  EXPECT_EQ(pixel(3, 1), 7U);
  EXPECT_EQ(gpu_->screen().width(), 4U);
  machine_.memory().store<u32>(kPixels + 4 * 9, 0x123456);
  EXPECT_EQ(transfer(1, {1, 2, 1, 1}, 4 * 9), kOkNodata);
  EXPECT_EQ(pixel(1, 2), 9U) << "it was not flushed";
  EXPECT_EQ(flush(1, {0, 2, 4, 1}), kOkNodata);
  EXPECT_EQ(pixel(1, 2), 0x123456U);
  EXPECT_EQ(show(1, {2, 2, 2, 2}), kOkNodata);
  EXPECT_EQ(pixel(1, 1), 15U);
}

class LongTransferTest : public VirtioGpuTest {
 protected:
  static constexpr u32 kSide = 4096;  // pixels: 64 MiB
  // Asks for all of a picture, whose pixels are all in the same memory.
  void begin() {
    make();
    start();
    for (u32 n = 0; n < kSide; ++n) machine_.memory().store<u32>(kPixels + 4 * n, n);
    ASSERT_EQ(create(1, kSide, kSide), kOkNodata);
    ASSERT_EQ(attach(1, std::vector<MemoryEntry>(kSide, {kPixels, 4 * kSide})), kOkNodata);
    ASSERT_EQ(show(1, {0, 0, 640, 480}), kOkNodata);
    const auto all =
        command<Transfer2d>(kTransferToHost2d, {.rect = {0, 0, kSide, kSide}, .resource_id = 1});
    const auto rest = command<Flush>(kResourceFlush, {.rect = {0, 0, 640, 480}, .resource_id = 1});
    machine_.memory().write(kCommand, &all, sizeof all);
    machine_.memory().write(kCommand + sizeof all, &rest, sizeof rest);
    queues_[kControlQueue]->add({{kCommand, sizeof all}}, {{kReply, 0x100}});
    queues_[kControlQueue]->add({{kCommand + sizeof all, sizeof rest}}, {{kReply + 0x100, 0x100}});
    driver_->kick(kControlQueue);
  }
  unsigned answered() {
    unsigned count = 0;
    while (queues_[kControlQueue]->take_used()) ++count;
    return count;
  }
};

TEST_F(LongTransferTest, LeavesOthersTheirTurn) {
  begin();
  EXPECT_EQ(answered(), 0U);
  // A kick changes nothing, and the cursor does not wait.
  driver_->kick(kControlQueue);
  EXPECT_EQ(answered(), 0U);
  send(command<CursorCommand>(kMoveCursor), {}, kCursorQueue);
  unsigned turns = 0;
  machine_.run_control().hold();
  machine_.run_control().let_go();
  for (; turns < 100 && answered() == 0; ++turns) machine_.virtual_clock().run_timers();
  EXPECT_EQ(turns, 3U);  // of 16 MiB, after the first
  EXPECT_EQ(machine_.memory().load<u32>(kReply), kOkNodata);
  EXPECT_EQ(machine_.memory().load<u32>(kReply + 0x100), kOkNodata);
  EXPECT_EQ(pixel(639, 479), 639U);
}

TEST_F(LongTransferTest, KeepsItsPictureWhateverIsInTheQueueOfTheCursor) {
  begin();
  send(command<OneResource>(kResourceUnref, {.resource_id = 1}), {}, kCursorQueue);
  send(command<Create2d>(kResourceCreate2d,
                         {.resource_id = 1, .format = kB8G8R8X8, .width = 16, .height = 16}),
       {}, kCursorQueue);
  gpu_->settle();
  EXPECT_EQ(answered(), 2U);
  EXPECT_EQ(machine_.memory().load<u32>(kReply), kOkNodata);
  EXPECT_EQ(pixel(639, 479), 639U);
}

TEST_F(LongTransferTest, IsDoneBeforeTheMachineIsSaved) {
  begin();
  gpu_->settle();
  EXPECT_EQ(answered(), 2U);
  EXPECT_EQ(pixel(639, 479), 639U);
}

TEST_F(LongTransferTest, EndsWithTheDevicesReset) {
  begin();
  gpu_->reset();
  EXPECT_EQ(machine_.virtual_clock().run_timers(), 0U);
  EXPECT_EQ(answered(), 0U);
}

TEST_F(VirtioGpuTest, HasColoursInAnyOrder) {
  make();
  start();
  constexpr std::pair<u32, u32> kExpected[] = {
      {kB8G8R8A8, 0x332211}, {kX8R8G8B8, 0x223344}, {kR8G8B8A8, 0x112233}, {kX8B8G8R8, 0x443322}};
  for (const auto& [format, colour] : kExpected) {
    machine_.memory().store<u32>(kPixels, 0x44332211);
    EXPECT_EQ(create(1, 1, 1, format), kOkNodata);
    EXPECT_EQ(attach(1, {{kPixels, 4}}), kOkNodata);
    EXPECT_EQ(transfer(1, {0, 0, 1, 1}), kOkNodata);
    EXPECT_EQ(show(1, {0, 0, 1, 1}), kOkNodata);
    EXPECT_EQ(pixel(0, 0), colour);
    EXPECT_EQ(unref(1), kOkNodata);
  }
}

TEST_F(VirtioGpuTest, FencesComeBack) {
  make();
  start();
  Create2d fenced{};
  fenced.header = {.type = kResourceCreate2d, .flags = kFlagFence, .fence_id = 77};
  EXPECT_EQ(send(fenced), kErrInvalidResourceId);
  EXPECT_EQ(machine_.memory().load<u32>(kReply + 4), kFlagFence);
  EXPECT_EQ(machine_.memory().load<u64>(kReply + 8), 77U);
}

TEST_F(VirtioGpuTest, RefusesWhatIsNotThereOrDoesNotFit) {
  make();
  start();
  show_picture();
  EXPECT_EQ(create(1, 4, 4), kErrInvalidResourceId);
  EXPECT_EQ(create(2, 0, 4), kErrInvalidParameter);
  EXPECT_EQ(create(2, 4, 4, 9), kErrInvalidParameter);
  EXPECT_EQ(unref(9), kErrInvalidResourceId);
  EXPECT_EQ(attach(1, {}), kErrUnspec) << "it has memory";
  EXPECT_EQ(transfer(1, {1, 0, 4, 4}), kErrInvalidParameter);
  EXPECT_EQ(transfer(1, {0, 0xffffffff, 1, 2}), kErrInvalidParameter);
  EXPECT_EQ(transfer(1, {0, 0, 4, 4}, 4), kErrUnspec) << "beyond the memory behind it";
  EXPECT_EQ(transfer(1, {0, 0, 4, 4}, ~u64{0}), kErrUnspec);
  EXPECT_EQ(flush(1, {0, 0, 5, 1}), kErrInvalidParameter);
  EXPECT_EQ(show(1, {0, 0, 4, 4}, 1), kErrInvalidScanoutId);
  EXPECT_EQ(show(1, {0, 0, 4, 5}), kErrInvalidParameter);
  EXPECT_EQ(show(1, {0, 0, 0, 0}), kErrInvalidParameter);
  EXPECT_EQ(show(7, {0, 0, 4, 4}), kErrInvalidResourceId);
  EXPECT_EQ(send(u32{kGetDisplayInfo}), kErrUnspec) << "four bytes";
  EXPECT_EQ(send(command<OneResource>(kGetCapset)), kErrUnspec);
}

TEST_F(VirtioGpuTest, MemoryThatIsNoneIsNotRead) {
  make();
  start();
  EXPECT_EQ(create(1, 4, 4), kOkNodata);
  EXPECT_EQ(transfer(1, {0, 0, 4, 4}), kErrUnspec) << "nothing is attached";
  EXPECT_EQ(attach(1, {{0xf000'0000, 64}}), kOkNodata);
  EXPECT_EQ(transfer(1, {0, 0, 4, 4}), kErrUnspec);
  EXPECT_EQ(send(command<OneResource>(kResourceDetachBacking, {.resource_id = 1})), kOkNodata);
  EXPECT_EQ(attach(1, {{kPixels, 0}, {kPixels, 0}}), kOkNodata);
  EXPECT_EQ(transfer(1, {0, 0, 4, 4}), kErrUnspec);
}

TEST_F(VirtioGpuTest, TheHostsMemoryIsBounded) {
  make({{"max_hostmem", "1000000"}});
  start();
  EXPECT_EQ(create(1, 0xffffffff, 0xffffffff), kErrInvalidParameter);
  EXPECT_EQ(create(1, 1, kMostSide + 1), kErrInvalidParameter);
  EXPECT_EQ(create(1, kMostSide, kMostSide), kErrOutOfMemory);
  EXPECT_EQ(create(1, 500, 400), kOkNodata);
  EXPECT_EQ(create(2, 500, 400), kErrOutOfMemory);
  EXPECT_EQ(unref(1), kOkNodata);
  EXPECT_EQ(create(2, 500, 400), kOkNodata);
  unsigned made = 0;
  while (made < 100'000 && create(10 + made, 1, 1) == kOkNodata) ++made;
  EXPECT_LT(made, 1000U);
}

TEST_F(VirtioGpuTest, APictureThatNobodyHasDrawnCostsNoTime) {
  const auto resident = [] {
    u64 size = 0, pages = 0;
    std::ifstream("/proc/self/statm") >> size >> pages;
    return pages * 4_KiB;
  };
  make({{"max_hostmem", "1073741824"}});
  start();
  const u64 before = resident();
  EXPECT_EQ(create(1, 16384, 8192), kOkNodata);  // 512 MiB
  EXPECT_LT(resident(), before + 128_MiB) << "it was cleared at once";
  EXPECT_EQ(show(1, {16000, 8000, 4, 4}), kOkNodata);
  EXPECT_EQ(pixel(3, 3), 0U);
}

TEST_F(VirtioGpuTest, HasNoMoreResourcesThanAStateTakes) {
  make();
  start();
  u32 id = 1;
  while (id <= kMostResources && create(id, 1, 1) == kOkNodata) ++id;
  EXPECT_EQ(id, kMostResources + 1);
  EXPECT_EQ(create(id, 1, 1), kErrOutOfMemory);
}

TEST_F(VirtioGpuTest, ThePointerIsOverThePicture) {
  make();
  start();
  EXPECT_EQ(create(1, 200, 100), kOkNodata);
  EXPECT_EQ(show(1, {0, 0, 200, 100}), kOkNodata);
  for (u32 n = 0; n < kCursorSide * kCursorSide; ++n)
    machine_.memory().store<u32>(kPixels + 4 * n, n == 0 ? 0xffff0000 : n == 1 ? 0x80000040 : 0);
  EXPECT_EQ(create(2, kCursorSide, kCursorSide, kB8G8R8A8), kOkNodata);
  EXPECT_EQ(attach(2, {{kPixels, 4 * kCursorSide * kCursorSide}}), kOkNodata);
  EXPECT_EQ(transfer(2, {0, 0, kCursorSide, kCursorSide}), kOkNodata);
  send(command<CursorCommand>(kUpdateCursor,
                              {.x = 10, .y = 20, .resource_id = 2, .hot_x = 2, .hot_y = 0}),
       {}, kCursorQueue);
  EXPECT_EQ(pixel(10, 20), 0xff0000U);
  EXPECT_EQ(pixel(11, 20), 0x40U);
  EXPECT_EQ(pixel(12, 20), 0U);
  send(command<CursorCommand>(kMoveCursor, {.x = ~u32{0}, .y = 99}), {}, kCursorQueue);
  EXPECT_EQ(pixel(10, 20), 0U);
  EXPECT_EQ(pixel(0, 99), 0x40U);
  send(command<CursorCommand>(kUpdateCursor, {.x = 1, .y = 99}), {}, kCursorQueue);
  EXPECT_EQ(pixel(0, 99), 0U);
}

TEST_F(VirtioGpuTest, AViewersSizeIsToldToTheDriver) {
  make();
  start();
  EXPECT_TRUE(gpu_->screen().ask_size(1000, 9999));
  EXPECT_EQ(driver_->config32(kEventsRead), kEventDisplay);
  EXPECT_EQ(driver_->isr() & virtio::kIsrConfig, virtio::kIsrConfig);
  send(command<OneResource>(kGetDisplayInfo));
  EXPECT_EQ(machine_.memory().load<u32>(kReply + 24 + 8), 1000U);
  EXPECT_EQ(machine_.memory().load<u32>(kReply + 24 + 12), 4095U);
  driver_->set_config32(kEventsClear, kEventDisplay);
  EXPECT_EQ(driver_->config32(kEventsRead), 0U);
}

TEST_F(VirtioGpuTest, AResetForgetsEverything) {
  make();
  start();
  show_picture();
  EXPECT_EQ(pixel(3, 3), 15U);
  driver_->set_status(0);
  EXPECT_EQ(pixel(3, 3), 0U);
  start();
  EXPECT_EQ(unref(1), kErrInvalidResourceId);
}

TEST_F(VirtioGpuTest, WhatIsSavedIsShownAgain) {
  make();
  start();
  show_picture();
  StateWriter saved;
  gpu_->saving();
  save_object(*gpu_, saved);
  unref(1);
  EXPECT_EQ(pixel(3, 3), 0U);
  StateReader reader(saved.bytes());
  load_object(*gpu_, reader);
  gpu_->loaded();
  EXPECT_EQ(pixel(3, 3), 15U);
  EXPECT_EQ(create(1, 4, 4), kErrInvalidResourceId);
}

TEST_F(VirtioGpuTest, AVgaIsSeenUntilTheDriverShowsSomething) {
  make({}, "virtio-vga");
  gpu_->screen().refresh();
  machine_.io().store<u16>(0x1ce, 1);
  const auto dispi = [this](u16 index, u16 value) {
    machine_.io().store<u16>(0x1ce, index);
    machine_.io().store<u16>(0x1cf, value);
  };
  dispi(1, 64);
  dispi(2, 32);
  dispi(3, 32);
  dispi(4, 0x41);
  machine_.memory().store<u32>(driver_->pci().bar_address(0), 0xabcdef);
  EXPECT_EQ(pixel(0, 0), 0xabcdefU);
  start();
  show_picture();
  EXPECT_EQ(pixel(1, 0), 1U);
  EXPECT_EQ(show(0, {}), kOkNodata);
  EXPECT_EQ(pixel(0, 0), 0xabcdefU);
  EXPECT_EQ(gpu_->screen().width(), 64U);
}

}  // namespace
}  // namespace backplane::testing

// SPDX-License-Identifier: MIT
// What is looked at while somebody watches, and what a saved machine has of it.
#include "backplane/device_memory.h"
#include "backplane/dirty_log.h"
#include "backplane/machine_state.h"
#include "backplane/pci/pci_regs.h"
#include "backplane/testing/scratch_directory.h"
#include "vga_machine.h"

namespace backplane::vga {
namespace {

// It runs nothing, and knows that.
class LoggingAccelerator final : public testing::NullAccelerator, public MemoryListener {
 public:
  static void class_init(AccelClass&) {}
  ~LoggingAccelerator() override {
    if (memory_ != nullptr) memory_->remove_listener(*this);
  }
  void init_machine(Machine& machine) override {
    memory_ = &machine.memory();
    memory_->add_listener(*this);
  }
  bool keeps_dirty_log() const override { return true; }

 private:
  AddressSpace* memory_ = nullptr;
};
BACKPLANE_TYPE(LoggingAccelerator, "vga-test-accel")

struct Viewer final : ScreenViewer {
  void changed(const Rectangle& what) override { seen.push_back(what); }
  void resized() override { ++sizes; }
  void gone() override { is_gone = true; }
  std::vector<Rectangle> seen;
  unsigned sizes = 0;
  bool is_gone = false;
};

struct WatchedMachine : VgaMachine {
  WatchedMachine() : VgaMachine(create_object<Accelerator>("vga-test-accel")) {
    for (const auto& [index, value] : {std::pair{1, 640}, {2, 480}, {3, 32}, {4, 0x41}})
      dispi(static_cast<u16>(index), static_cast<u16>(value));
    screen().add_viewer(viewer);
    screen().refresh();
    viewer.seen.clear();
  }
  ~WatchedMachine() {
    if (!viewer.is_gone) screen().remove_viewer(viewer);
  }
  void put(u32 x, u32 y, u32 colour) {
    machine.memory().store<u32>(pci.bar_address(0) + (y * 640 + x) * 4, colour);
  }
  Viewer viewer;
};

using Seen = std::vector<Rectangle>;

TEST(VgaWatched, TellsOfWhatHasChangedAlone) {
  WatchedMachine vga;
  vga.put(10, 20, 0x112233);
  vga.put(30, 21, 0x112233);
  vga.screen().refresh();
  EXPECT_EQ(vga.viewer.seen, (Seen{{10, 20, 21, 2}}));
  vga.viewer.seen.clear();
  vga.put(10, 20, 0x112233);
  vga.screen().refresh();
  EXPECT_EQ(vga.viewer.seen, Seen{});
}

// A write that nobody was told of is not seen; so lines that did not change are not looked at.
TEST(VgaWatched, LooksAtPagesThatWereWritten) {
  WatchedMachine vga;
  const std::shared_ptr<RamBlock> memory =
      dynamic_cast<DeviceMemory&>(*vga.device).device_memory().front();
  memory->host()[0] = 0xff;
  vga.screen().refresh();
  EXPECT_EQ(vga.viewer.seen, Seen{});
  memory->mark_written(0, 1);
  vga.screen().refresh();
  EXPECT_EQ(vga.viewer.seen, (Seen{{0, 0, 1, 1}}));
}

TEST(VgaWatched, APageThatWasWrittenIsLookedAtTwice) {
  WatchedMachine vga;
  const std::shared_ptr<RamBlock> memory =
      dynamic_cast<DeviceMemory&>(*vga.device).device_memory().front();
  memory->mark_written(0, 1);
  vga.screen().refresh();
  memory->host()[0] = 0xff;
  vga.screen().refresh();
  EXPECT_EQ(vga.viewer.seen, (Seen{{0, 0, 1, 1}}));
}

TEST(VgaWatched, BesideAMigrationsLog) {
  WatchedMachine vga;
  DirtyLog log(vga.machine.memory(), dynamic_cast<DeviceMemory&>(*vga.device).device_memory()[0]);
  vga.put(0, 0, 0x010101);
  vga.screen().refresh();
  EXPECT_EQ(vga.viewer.seen.size(), 1U);
  EXPECT_EQ(log.take(), std::vector<u64>{0});
}

TEST(VgaWatched, IsToldWhenTheScreenIsGone) {
  WatchedMachine vga;
  vga.machine.tear_down();
  EXPECT_TRUE(vga.viewer.is_gone);
}

TEST(VgaSaved, HasItsPictureWhereverItsMemoryIs) {
  const testing::ScratchDirectory directory;
  {
    VgaMachine vga;
    for (const auto& [index, value] : {std::pair{1, 640}, {2, 480}, {3, 32}, {4, 0x41}})
      vga.dispi(static_cast<u16>(index), static_cast<u16>(value));
    vga.machine.memory().store<u32>(vga.pci.bar_address(0), 0x123456);
    vga.pci.write16(::backplane::pci::kCommand, 0);  // it decodes nowhere
    save_machine(vga.machine, directory / "state");
  }
  VgaMachine vga;
  load_machine(vga.machine, directory / "state");
  EXPECT_EQ(vga.pixel(0, 0), 0x123456U);
  EXPECT_EQ(vga.screen().width(), 640U);
}

}  // namespace
}  // namespace backplane::vga

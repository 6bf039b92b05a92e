// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "backplane/memory.h"

namespace backplane {
namespace {

class Recorder final : public MemoryListener {
 public:
  void begin() override { log += "("; }
  void region_removed(const FlatRange& range) override { log += name("-", range); }
  void region_added(const FlatRange& range) override { log += name("+", range); }
  void commit() override { log += ")"; }
  bool takes_eventfds() const override { return take_eventfds; }
  void eventfd_added(u64 address, const MemoryRegion::Eventfd& e) override {
    log += fmt::format("e+{:x}={}", address, e.value);
  }
  void eventfd_removed(u64 address, const MemoryRegion::Eventfd& e) override {
    log += fmt::format("e-{:x}={}", address, e.value);
  }
  std::string take() { return std::exchange(log, {}); }

  std::string log;
  bool take_eventfds = false;

 private:
  static std::string name(const char* sign, const FlatRange& range) {
    return fmt::format("{}{}@{:x}", sign, range.region->name(), range.start);
  }
};

class ListenerTest : public testing::Test {
 protected:
  ListenerTest() {
    root->add_subregion(0x100, *a);
    root->add_subregion(0x200, *b);
    space.add_listener(listener);
  }

  std::unique_ptr<MemoryRegion> root = MemoryRegion::container("root", MemoryRegion::kMaxSize);
  std::unique_ptr<MemoryRegion> a = MemoryRegion::mmio("a", 0x10, {});
  std::unique_ptr<MemoryRegion> b = MemoryRegion::mmio("b", 0x10, {});
  AddressSpace space{"space", *root};
  Recorder listener;
};

TEST_F(ListenerTest, IsToldOfWhatIsThereAtFirst) { EXPECT_EQ(listener.take(), "(+a@100+b@200)"); }

TEST_F(ListenerTest, SeesOnlyTheDifference) {
  listener.take();
  a->set_address(0x180);
  EXPECT_EQ(listener.take(), "(-a@100+a@180)");
}

TEST_F(ListenerTest, SeesRemovalsBeforeAdditions) {
  listener.take();
  {
    const MemoryRegion::Batch batch;
    a->set_address(0x300);
    b->set_enabled(false);
  }
  EXPECT_EQ(listener.take(), "(-a@100-b@200+a@300)");
}

TEST_F(ListenerTest, SeesARegionThatIsBeingDestroyed) {
  listener.take();
  a.reset();
  EXPECT_EQ(listener.take(), "(-a@100)");
}

TEST_F(ListenerTest, SeesAChangeOfWritability) {
  const auto block = std::make_shared<RamBlock>("ram", kPageSize);
  const auto ram = MemoryRegion::ram("ram", block, 0, kPageSize);
  root->add_subregion(0x10000, *ram);
  listener.take();
  ram->set_readonly(true);
  EXPECT_EQ(listener.take(), "(-ram@10000+ram@10000)");
}

TEST_F(ListenerTest, IsToldNothingAfterItsRemoval) {
  space.remove_listener(listener);
  listener.take();
  a->set_enabled(false);
  EXPECT_EQ(listener.take(), "");
}

constexpr MemoryRegion::Eventfd kEventfd{.offset = 4, .size = 2, .match = true, .value = 3};

TEST_F(ListenerTest, EventfdsFollowTheirRegion) {
  listener.take_eventfds = true;
  listener.take();
  a->add_eventfd(kEventfd);
  EXPECT_EQ(listener.take(), "e+104=3");
  a->set_address(0x180);
  EXPECT_EQ(listener.take(), "(-a@100+a@180)e-104=3e+184=3");
  a->set_enabled(false);
  EXPECT_EQ(listener.take(), "(-a@180)e-184=3");
  a->set_enabled(true);
  EXPECT_EQ(listener.take(), "(+a@180)e+184=3");
  a->remove_eventfd(kEventfd);
  EXPECT_EQ(listener.take(), "e-184=3");
}

TEST_F(ListenerTest, AnEventfdThatIsCoveredIsNotThere) {
  listener.take_eventfds = true;
  a->add_eventfd(kEventfd);
  listener.take();
  const auto cover = MemoryRegion::mmio("c", 4, {});
  root->add_subregion(0x104, *cover, 1);
  EXPECT_EQ(listener.take(), "(-a@100+a@100+c@104+a@108)e-104=3");
}

TEST_F(ListenerTest, AListenerThatTakesNoEventfdsIsNotTold) {
  listener.take();
  EXPECT_FALSE(space.takes_eventfds());
  a->add_eventfd(kEventfd);
  EXPECT_EQ(listener.take(), "");
}

TEST_F(ListenerTest, LateListenerIsToldOfEventfds) {
  a->add_eventfd(kEventfd);
  Recorder late;
  late.take_eventfds = true;
  space.add_listener(late);
  EXPECT_TRUE(space.takes_eventfds());
  EXPECT_EQ(late.take(), "(+a@100+b@200)e+104=3");
  space.remove_listener(late);
}

}  // namespace
}  // namespace backplane

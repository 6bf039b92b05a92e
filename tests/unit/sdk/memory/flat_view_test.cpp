// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "backplane/memory.h"

namespace backplane {
namespace {

std::unique_ptr<MemoryRegion> device(const char* name, u64 size) {
  return MemoryRegion::mmio(name, size, {});
}

// "start+size name@offset" of each range, one a word.
std::string picture(const AddressSpace& space) {
  std::string text;
  for (const FlatRange& range : space.view()->ranges())
    text += fmt::format("{}{:x}+{:x} {}@{:x}", text.empty() ? "" : ", ", range.start, range.size,
                        range.region->name(), range.offset);
  return text;
}

class FlatViewTest : public testing::Test {
 protected:
  std::unique_ptr<MemoryRegion> root = MemoryRegion::container("root", MemoryRegion::kMaxSize);
  AddressSpace space{"space", *root};
};

TEST_F(FlatViewTest, IsEmptyWithoutRegions) { EXPECT_EQ(picture(space), ""); }

TEST_F(FlatViewTest, ShowsRegionsSortedByAddress) {
  const auto a = device("a", 0x10);
  const auto b = device("b", 0x20);
  root->add_subregion(0x200, *b);
  root->add_subregion(0x100, *a);
  EXPECT_EQ(picture(space), "100+10 a@0, 200+20 b@0");
}

TEST_F(FlatViewTest, HigherPriorityCoversLower) {
  const auto low = device("low", 0x1000);
  const auto high = device("high", 0x100);
  root->add_subregion(0, *low, 0);
  root->add_subregion(0x400, *high, 1);
  EXPECT_EQ(picture(space), "0+400 low@0, 400+100 high@0, 500+b00 low@500");
}

TEST_F(FlatViewTest, LowerPriorityAddedLaterStaysBelow) {
  const auto low = device("low", 0x1000);
  const auto high = device("high", 0x100);
  root->add_subregion(0x400, *high, 0);
  root->add_subregion(0, *low, -1);
  EXPECT_EQ(picture(space), "0+400 low@0, 400+100 high@0, 500+b00 low@500");
}

TEST_F(FlatViewTest, LastAddedWinsAmongEqualPriorities) {
  const auto first = device("first", 0x100);
  const auto second = device("second", 0x100);
  root->add_subregion(0, *first);
  root->add_subregion(0x80, *second);
  EXPECT_EQ(picture(space), "0+80 first@0, 80+100 second@0");
}

TEST_F(FlatViewTest, ContainerCutsItsChildrenOff) {
  const auto box = MemoryRegion::container("box", 0x100);
  const auto big = device("big", 0x1000);
  root->add_subregion(0x1000, *box);
  box->add_subregion(0x80, *big);
  EXPECT_EQ(picture(space), "1080+80 big@0");
}

TEST_F(FlatViewTest, PriorityInsideContainerDoesNotLeak) {
  const auto box = MemoryRegion::container("box", 0x100);
  const auto inner = device("inner", 0x100);
  const auto outer = device("outer", 0x100);
  root->add_subregion(0, *box, 0);
  box->add_subregion(0, *inner, 100);
  root->add_subregion(0, *outer, 1);
  EXPECT_EQ(picture(space), "0+100 outer@0");
}

TEST_F(FlatViewTest, DisabledRegionShowsWhatIsBelow) {
  const auto low = device("low", 0x100);
  const auto high = device("high", 0x100);
  root->add_subregion(0, *low, 0);
  root->add_subregion(0, *high, 1);
  high->set_enabled(false);
  EXPECT_EQ(picture(space), "0+100 low@0");
  high->set_enabled(true);
  EXPECT_EQ(picture(space), "0+100 high@0");
}

TEST_F(FlatViewTest, AliasShowsAWindowOfItsTarget) {
  const auto target = device("target", 0x1000);
  const auto alias = MemoryRegion::alias("alias", *target, 0x800, 0x100);
  root->add_subregion(0x5000, *alias);
  EXPECT_EQ(picture(space), "5000+100 target@800");
  alias->set_alias_offset(0x900);
  EXPECT_EQ(picture(space), "5000+100 target@900");
}

TEST_F(FlatViewTest, AliasBeyondTheEndOfItsTargetIsCutOff) {
  const auto target = device("target", 0x1000);
  const auto alias = MemoryRegion::alias("alias", *target, 0xf80, 0x100);
  root->add_subregion(0, *alias);
  EXPECT_EQ(picture(space), "0+80 target@f80");
}

TEST_F(FlatViewTest, AliasOfContainerShowsItsChildren) {
  const auto box = MemoryRegion::container("box", 0x1000);
  const auto a = device("a", 0x100);
  const auto b = device("b", 0x100);
  box->add_subregion(0x200, *a);
  box->add_subregion(0x600, *b);
  const auto alias = MemoryRegion::alias("alias", *box, 0x280, 0x400);
  root->add_subregion(0x10000, *alias);
  EXPECT_EQ(picture(space), "10000+80 a@80, 10380+80 b@0");
}

TEST_F(FlatViewTest, AliasOfAliasIsResolved) {
  const auto target = device("target", 0x1000);
  const auto inner = MemoryRegion::alias("inner", *target, 0x100, 0x200);
  const auto outer = MemoryRegion::alias("outer", *inner, 0x80, 0x100);
  root->add_subregion(0, *outer);
  EXPECT_EQ(picture(space), "0+100 target@180");
}

TEST_F(FlatViewTest, AliasFollowsChangesInsideItsTarget) {
  const auto box = MemoryRegion::container("box", 0x1000);
  const auto alias = MemoryRegion::alias("alias", *box, 0, 0x1000);
  root->add_subregion(0, *alias);
  const auto late = device("late", 0x10);
  box->add_subregion(0x20, *late);
  EXPECT_EQ(picture(space), "20+10 late@0");
  late->set_address(0x40);
  EXPECT_EQ(picture(space), "40+10 late@0");
}

TEST_F(FlatViewTest, LoopOfAliasesShowsNothing) {
  const auto box = MemoryRegion::container("box", 0x1000);
  const auto alias = MemoryRegion::alias("alias", *box, 0, 0x1000);
  box->add_subregion(0, *alias);
  root->add_subregion(0, *box);
  EXPECT_EQ(picture(space), "");
}

TEST_F(FlatViewTest, ReachesTheTopOfTheAddressSpace) {
  const auto top = device("top", 0x1000);
  root->add_subregion(0xffff'ffff'ffff'f000, *top);
  const FlatRange& range = space.view()->ranges().back();
  EXPECT_EQ(range.start, 0xffff'ffff'ffff'f000);
  EXPECT_NE(space.view()->find(0xffff'ffff'ffff'fffe), nullptr);
}

TEST_F(FlatViewTest, JoinsPiecesOfTheSameRegion) {
  const auto block = std::make_shared<RamBlock>("ram", 0x4000);
  const auto ram = MemoryRegion::ram("ram", block, 0, 0x4000);
  const auto low = MemoryRegion::alias("low", *ram, 0, 0x2000);
  const auto high = MemoryRegion::alias("high", *ram, 0x2000, 0x2000);
  root->add_subregion(0, *low);
  root->add_subregion(0x2000, *high);
  EXPECT_EQ(picture(space), "0+4000 ram@0");
}

TEST_F(FlatViewTest, RamRangesNameTheirMemory) {
  const auto block = std::make_shared<RamBlock>("ram", 0x4000);
  const auto ram = MemoryRegion::ram("ram", block, 0x1000, 0x2000);
  root->add_subregion(0x8000, *ram);
  const FlatRange& range = *space.view()->find(0x8000);
  EXPECT_EQ(range.block, block.get());
  EXPECT_EQ(range.block_offset, 0x1000U);
  EXPECT_EQ(range.host, block->host() + 0x1000);
  EXPECT_FALSE(range.readonly);
  ram->set_readonly(true);
  EXPECT_TRUE(space.view()->find(0x8000)->readonly);
}

TEST_F(FlatViewTest, DestroyedRegionDisappears) {
  {
    const auto gone = device("gone", 0x100);
    root->add_subregion(0, *gone);
    EXPECT_EQ(picture(space), "0+100 gone@0");
  }
  EXPECT_EQ(picture(space), "");
}

TEST_F(FlatViewTest, RegionDestroyedInsideABatchDisappearsAtOnce) {
  auto gone = device("gone", 0x100);
  root->add_subregion(0, *gone);
  const MemoryRegion::Batch batch;
  gone.reset();
  EXPECT_EQ(picture(space), "");
}

TEST_F(FlatViewTest, DestroyedTargetLeavesItsAliasEmpty) {
  auto target = device("target", 0x100);
  const auto alias = MemoryRegion::alias("alias", *target, 0, 0x100);
  root->add_subregion(0, *alias);
  target.reset();
  EXPECT_EQ(picture(space), "");
}

TEST_F(FlatViewTest, ViewKeepsTheMemoryItNames) {
  std::weak_ptr<RamBlock> watched;
  std::shared_ptr<const FlatView> view;
  {
    auto block = std::make_shared<RamBlock>("ram", kPageSize);
    watched = block;
    const auto ram = MemoryRegion::ram("ram", std::move(block), 0, kPageSize);
    root->add_subregion(0, *ram);
    view = space.view();
  }
  EXPECT_FALSE(watched.expired());
  view.reset();
  EXPECT_TRUE(watched.expired());
}

TEST_F(FlatViewTest, FindGivesTheRangeOrNull) {
  const auto a = device("a", 0x10);
  root->add_subregion(0x100, *a);
  const auto view = space.view();
  EXPECT_EQ(view->find(0xff), nullptr);
  EXPECT_NE(view->find(0x100), nullptr);
  EXPECT_NE(view->find(0x10f), nullptr);
  EXPECT_EQ(view->find(0x110), nullptr);
  EXPECT_EQ(view->find_or_next(0), view->find(0x100));
  EXPECT_EQ(view->find_or_next(0x110), nullptr);
}

}  // namespace
}  // namespace backplane

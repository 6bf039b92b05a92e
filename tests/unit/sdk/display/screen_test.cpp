// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "backplane/display.h"

namespace backplane {
namespace {

struct Viewer final : ScreenViewer {
  void changed(const Rectangle& what) override { seen.push_back(what); }
  void resized() override { ++sizes; }
  void gone() override { is_gone = true; }
  std::vector<Rectangle> seen;
  unsigned sizes = 0;
  bool is_gone = false;
};
using Seen = std::vector<Rectangle>;

struct Panel {
  void draw() {
    screen.resize(4, static_cast<u32>(rows.size()));
    for (u32 y = 0; y < rows.size(); ++y) screen.put_row(y, rows[y]);
  }
  std::vector<std::vector<u32>> rows{4, std::vector<u32>(4)};
  std::vector<bool> watched;
  Screen screen{[this] { draw(); }, [this](bool now) { watched.push_back(now); }};
};

TEST(Screen, TellsRowsBelowEachOtherAsOne) {
  Panel panel;
  Viewer viewer;
  panel.screen.add_viewer(viewer);
  panel.screen.refresh();
  EXPECT_EQ(viewer.sizes, 1U);
  EXPECT_EQ(viewer.seen, Seen{});
  panel.rows[0][1] = panel.rows[1][2] = panel.rows[3][3] = 7;
  panel.screen.refresh();
  EXPECT_EQ(viewer.seen, (Seen{{1, 0, 2, 2}, {3, 3, 1, 1}}));
  EXPECT_EQ(panel.screen.row(1)[2], 7U);
  panel.screen.remove_viewer(viewer);
}

TEST(Screen, SaysWhetherAnybodyLooks) {
  Panel panel;
  Viewer one, other;
  panel.screen.add_viewer(one);
  panel.screen.add_viewer(other);
  panel.screen.remove_viewer(one);
  EXPECT_EQ(panel.watched, (std::vector<bool>{true}));
  panel.screen.remove_viewer(other);
  EXPECT_EQ(panel.watched, (std::vector<bool>{true, false}));
}

TEST(Screen, TellsItsViewersThatItIsGone) {
  Viewer viewer;
  {
    Panel panel;
    panel.screen.add_viewer(viewer);
  }
  EXPECT_TRUE(viewer.is_gone);
}

TEST(Screen, HasNoMorePixelsThanItMay) {
  Screen screen([] {});
  screen.resize(100'000, 0);
  EXPECT_EQ(screen.width(), Screen::kMostPixels);
  EXPECT_EQ(screen.height(), 1U);
}

}  // namespace
}  // namespace backplane

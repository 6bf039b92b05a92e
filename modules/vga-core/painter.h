// SPDX-License-Identifier: MIT
// What registers and memory look like on the screen. Characters do not blink, and the cursor
// stands: so a screen that nobody changes is not drawn.
#pragma once

#include <array>
#include <vector>

#include "backplane/display.h"
#include "backplane/memory.h"
#include "registers.h"

namespace backplane::vga {

// Pages of memory that have to be looked at anew.
class DirtyPages {
 public:
  explicit DirtyPages(u64 memory_size) : pages_(memory_size / kPageSize) {}

  void mark(u64 offset) { pages_[offset / kPageSize] = any_ = true; }
  void mark_all() {
    pages_.assign(pages_.size(), true);
    any_ = true;
  }
  void clear() {
    if (any_) pages_.assign(pages_.size(), false);
    any_ = false;
  }
  bool any() const { return any_; }
  // Of [start, start + size), which goes on at the beginning behind the end of memory.
  bool any_of(u64 start, u64 size) const;

 private:
  std::vector<bool> pages_;
  bool any_ = false;
};

// Draws to a screen what may have changed. Keeps nothing but room to work in.
class Painter {
 public:
  // The size of memory is a power of two.
  Painter(const Registers& registers, const RamBlock& memory)
      : registers_(registers), memory_(memory) {}

  void draw(Screen& screen, const DirtyPages& dirty);

 private:
  // How memory becomes lines of pixels.
  struct Layout;
  Layout layout() const;

  void draw_text(Screen& screen, const DirtyPages& dirty);
  void draw_graphics(Screen& screen, const DirtyPages& dirty);
  void text_line(const Layout& layout, u32 line);
  void graphics_line(const Layout& layout, u32 address, u32 pixels);
  void linear_line(u32 depth, u64 address, u32 pixels, u32* out) const;
  void fill_palette();
  u32 dac_colour(u8 index) const;
  u8 byte(u64 at) const { return memory_.host()[at & (memory_.size() - 1)]; }
  u32 group(u64 at) const;

  const Registers& registers_;
  const RamBlock& memory_;
  std::array<u32, 256> dac_{};     // colours of all numbers
  std::array<u32, 16> palette_{};  // of those that the attribute controller has
  std::vector<u32> line_;
};

}  // namespace backplane::vga

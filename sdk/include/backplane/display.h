// SPDX-License-Identifier: MIT
// Displays: what a device shows, and what looks at it. Nothing is drawn unless somebody looks.
//
//   class Panel final : public Device, public DisplayDevice {
//    public:
//     Screen& screen() override { return screen_; }
//    private:
//     void draw() {
//       screen_.resize(640, 480);
//       for (u32 y = 0; y < 480; ++y) screen_.put_row(y, pixels_of(y));
//     }
//     Screen screen_{[this] { draw(); }};
//   };
//
// All under the machine lock.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backplane/backend.h"
#include "backplane/kind.h"
#include "backplane/room.h"
#include "backplane/types.h"
#include "backplane/value.h"

namespace backplane {

// What -display chooses from: backends that show the screens of the machine.
inline constexpr Kind kDisplayKind{
    .base = "display", .prefix = "display-", .suffix = "", .noun = "display", .option = "-display"};

// In pixels; x and y count from the left upper corner.
struct Rectangle {
  u32 x = 0, y = 0, width = 0, height = 0;

  bool empty() const { return width == 0 || height == 0; }
  bool operator==(const Rectangle&) const = default;
  // The least that has both.
  Rectangle united(const Rectangle& other) const;
  // What of it is inside [0, width) x [0, height).
  Rectangle clipped(u32 most_width, u32 most_height) const;
};

// Somebody who looks at a screen; told while the screen is drawn.
class ScreenViewer {
 public:
  virtual void changed(const Rectangle& what) = 0;
  // It has another size; all of it has changed.
  virtual void resized() = 0;
  // There is no such screen any more, and nobody looks at it.
  virtual void gone() = 0;

 protected:
  ~ScreenViewer() = default;
};

// One screen of a device: pixels of 32 bits, 0x00RRGGBB.
class Screen {
 public:
  static constexpr u32 kMostPixels = 4096;  // in either direction

  // `draw` brings the pixels up to date by the functions below. `watched`, if there is one, is told
  // when the first viewer comes and when the last one has gone.
  explicit Screen(std::function<void()> draw, std::function<void(bool)> watched = {});
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  // --- for who looks ---------------------------------------------------------------------------
  u32 width() const { return width_; }
  u32 height() const { return height_; }
  // As of the last refresh().
  std::span<const u32> row(u32 y) const {
    return std::span(pixels_).subspan(u64{y} * width_, width_);
  }
  // Brings the pixels up to date, and tells the viewers what has changed.
  void refresh();
  // It is told of what changes from now on, and outlives its time here.
  void add_viewer(ScreenViewer& viewer);
  void remove_viewer(ScreenViewer& viewer);
  bool has_viewers() const { return !viewers_.empty(); }
  // Lets the guest know of a size that is wanted. False: the device has no way to.
  bool ask_size(u32 width, u32 height);

  // --- for the device, in `draw` ---------------------------------------------------------------
  // A new size makes all black. Sizes beyond kMostPixels are cut off, one of 0 is 1.
  void resize(u32 width, u32 height);
  // As many pixels as the screen is wide. Those that are as they were have not changed.
  void put_row(u32 y, std::span<const u32> pixels);
  // Called with a size that somebody who looks wants, each from 1 to kMostPixels.
  void on_size_asked(std::function<void(u32 width, u32 height)> asked);

 private:
  void tell(const Rectangle& what);
  void tell_band();

  std::function<void()> draw_;
  std::function<void(bool)> watched_;
  std::vector<ScreenViewer*> viewers_;
  std::vector<u32> pixels_;
  u32 width_ = 0, height_ = 0;
  Rectangle band_;  // of rows one below the other: what has changed, and was not told
  std::unique_ptr<std::function<void(u32, u32)>> asked_;
  [[maybe_unused]] Room<3> room_;
};

// An object that has a screen: asked for by objects_offering().
class DisplayDevice {
 public:
  virtual Screen& screen() = 0;

 protected:
  ~DisplayDevice() = default;
};

// One backend: "display-vnc", ... It shows the screens of the machine to people, and passes on what
// they type (input.h).
class Display : public Backend {
  BACKPLANE_OBJECT(Display, Backend, "display")
 public:
  static void class_init(ObjectClass&) {}

  // Where it is, and who looks: a record of its kind, as query-vnc returns it.
  virtual Value status() const = 0;
  // What people have to say to be let in, of any length, from now on. Throws Error: it does not
  // ask.
  virtual void set_password(const std::string& password);

 private:
  [[maybe_unused]] Room<4> room_;
};

}  // namespace backplane

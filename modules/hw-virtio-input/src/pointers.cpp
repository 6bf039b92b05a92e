// SPDX-License-Identifier: MIT
// "virtio-mouse-device", which moves the pointer by so much, and "virtio-tablet-device", which puts
// it where it is on the screen. Both have five buttons and two wheels.
#include <array>

#include "backplane/virtio/virtio_pci.h"
#include "input_device.h"

namespace backplane {

using namespace virtio_input;

namespace {

class VirtioPointer : public VirtioInput {
  BACKPLANE_OBJECT(VirtioPointer, VirtioInput, "virtio-pointer-device")
 public:
  static void class_init(VirtioDeviceClass&) {}

  void button(PointerButton button, bool down) override {
    switch (button) {
      case PointerButton::Left:
        return report(kEvKey, kBtnLeft, down ? 1 : 0);
      case PointerButton::Right:
        return report(kEvKey, kBtnRight, down ? 1 : 0);
      case PointerButton::Middle:
        return report(kEvKey, kBtnMiddle, down ? 1 : 0);
      case PointerButton::Side:
        return report(kEvKey, kBtnSide, down ? 1 : 0);
      case PointerButton::Extra:
        return report(kEvKey, kBtnExtra, down ? 1 : 0);
      case PointerButton::WheelUp:
        return turn(kRelWheel, 1, down);
      case PointerButton::WheelDown:
        return turn(kRelWheel, -1, down);
      case PointerButton::WheelRight:
        return turn(kRelHwheel, 1, down);
      case PointerButton::WheelLeft:
        return turn(kRelHwheel, -1, down);
    }
  }

 protected:
  void fill_codes(u8 type, Bits& codes) const override {
    if (type == kEvKey)
      for (const u16 code : {kBtnLeft, kBtnRight, kBtnMiddle, kBtnSide, kBtnExtra}) codes.add(code);
    if (type == kEvRel)
      for (const u8 axis : {kRelWheel, kRelHwheel}) codes.add(axis);
  }

 private:
  void turn(RelativeAxis wheel, i32 steps, bool down) {
    if (down) report(kEvRel, wheel, steps);
  }
};
BACKPLANE_REGISTER_ABSTRACT(VirtioPointer, .category = "Input",
                            .description = "A pointing device on virtio")

class VirtioMouse final : public VirtioPointer {
 public:
  static void class_init(VirtioDeviceClass& k) { k.stateless(); }

  unsigned takes() const override { return kMovement; }
  std::string_view input_name() const override { return "virtio mouse"; }
  void move_by(i32 dx, i32 dy) override {
    if (dx != 0) report(kEvRel, kRelX, dx);
    if (dy != 0) report(kEvRel, kRelY, dy);
  }

 protected:
  void fill_codes(u8 type, Bits& codes) const override {
    VirtioPointer::fill_codes(type, codes);
    if (type == kEvRel)
      for (const u8 axis : {kRelX, kRelY}) codes.add(axis);
  }
  u16 product() const override { return 2; }
};
BACKPLANE_TYPE(VirtioMouse, "virtio-mouse-device", .category = "Input", .description = "Mouse")

class VirtioTablet final : public VirtioPointer {
 public:
  static void class_init(VirtioDeviceClass& k) { k.stateless(); }

  unsigned takes() const override { return kPosition; }
  std::string_view input_name() const override { return "virtio tablet"; }
  void move_to(u32 x, u32 y) override {
    report(kEvAbs, kAbsX, static_cast<i32>(x));
    report(kEvAbs, kAbsY, static_cast<i32>(y));
  }

 protected:
  void fill_codes(u8 type, Bits& codes) const override {
    VirtioPointer::fill_codes(type, codes);
    if (type == kEvAbs)
      for (const u8 axis : kAxes) codes.add(axis);
  }
  std::span<const u8> absolute_axes() const override { return kAxes; }
  u16 product() const override { return 3; }

 private:
  static constexpr std::array<u8, 2> kAxes{kAbsX, kAbsY};
};
BACKPLANE_TYPE(VirtioTablet, "virtio-tablet-device", .category = "Input", .description = "Tablet")

class VirtioMousePci final : public VirtioPci {
 public:
  static constexpr const char* kDevice = "virtio-mouse-device";
  static constexpr u32 kClassCode = 0x09'02'00;

  static void class_init(PciDeviceClass& k) { init_class(k, kDevice, kClassCode); }
  VirtioMousePci() : VirtioPci(kDevice) {}
};
BACKPLANE_TYPE(VirtioMousePci, "virtio-mouse-pci", .category = "Input",
               .description = "Mouse: moves the pointer by so much")

class VirtioTabletPci final : public VirtioPci {
 public:
  static constexpr const char* kDevice = "virtio-tablet-device";
  static constexpr u32 kClassCode = 0x09'80'00;  // other input controller

  static void class_init(PciDeviceClass& k) { init_class(k, kDevice, kClassCode); }
  VirtioTabletPci() : VirtioPci(kDevice) {}
};
BACKPLANE_TYPE(VirtioTabletPci, "virtio-tablet-pci", .category = "Input",
               .description = "Tablet: puts the pointer where it is on the screen")

}  // namespace

}  // namespace backplane

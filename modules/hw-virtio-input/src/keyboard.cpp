// SPDX-License-Identifier: MIT
// "virtio-keyboard-device": a keyboard with all keys that there are, and three lights.
#include "backplane/virtio/virtio_pci.h"
#include "input_device.h"

namespace backplane {

using namespace virtio_input;

namespace {

class VirtioKeyboard final : public VirtioInput {
 public:
  static void class_init(VirtioDeviceClass& k) { k.stateless(); }

  unsigned takes() const override { return kKeys; }
  std::string_view input_name() const override { return "virtio keyboard"; }
  void key(KeyCode code, bool down) override { report(kEvKey, code, down ? 1 : 0); }

 protected:
  void fill_codes(u8 type, Bits& codes) const override {
    if (type == kEvKey)
      for (const Key& key : keys()) codes.add(key.code);
    if (type == kEvRep) codes.add(0);  // the guest repeats what is held
    if (type == kEvLed)
      for (const u8 led : {kLedNumLock, kLedCapsLock, kLedScrollLock}) codes.add(led);
  }
  u16 product() const override { return 1; }
};
BACKPLANE_TYPE(VirtioKeyboard, "virtio-keyboard-device", .category = "Input",
               .description = "Keyboard")

class VirtioKeyboardPci final : public VirtioPci {
 public:
  static constexpr const char* kDevice = "virtio-keyboard-device";
  static constexpr u32 kClassCode = 0x09'00'00;

  static void class_init(PciDeviceClass& k) { init_class(k, kDevice, kClassCode); }
  VirtioKeyboardPci() : VirtioPci(kDevice) {}
};
BACKPLANE_TYPE(VirtioKeyboardPci, "virtio-keyboard-pci", .category = "Input",
               .description = "Keyboard")

}  // namespace

}  // namespace backplane

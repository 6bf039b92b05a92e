// SPDX-License-Identifier: MIT
// Input: what a user types and points at, and the devices that the guest learns it from.
//
// All under the machine lock.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <vector>

#include "backplane/room.h"
#include "backplane/types.h"

namespace backplane {

class Machine;

// A key by its place on a keyboard: the number that Linux has for it (KEY_A: 30).
using KeyCode = u16;

// One key, by the names that there are of it.
struct Key {
  std::string_view name;  // as QEMU's QMP has it: "ret"
  KeyCode code;
  // What a PC keyboard sends in scan code set 1 when it is pressed; e0xxh: E0h comes first. 0: it
  // sends a sequence of its own.
  u16 scan_code;
};
// All of them, by code; a key that has two names is there twice.
std::span<const Key> keys();
// Null: there is none of that name, code or scan code.
const Key* find_key(std::string_view name);
const Key* find_key(KeyCode code);
const Key* find_scan_code(u16 scan_code);

enum class PointerButton : u8 {
  Left,
  Middle,
  Right,
  WheelUp,  // a step of the wheel is a press and a release
  WheelDown,
  Side,
  Extra,
  WheelLeft,
  WheelRight,
};
// As QEMU's QMP has them, in that order.
std::span<const std::string_view> pointer_button_names();

// A device that the guest learns of input from: asked for by objects_offering().
class InputDevice {
 public:
  enum Takes : unsigned { kKeys = 1, kMovement = 2, kPosition = 4 };
  // Of the pointer's place on the screen, in either direction: 0 to this.
  static constexpr u32 kMostPosition = 0x7fff;

  virtual unsigned takes() const = 0;
  // What people call it: "PS/2 mouse".
  virtual std::string_view input_name() const = 0;
  // Whether the guest listens. Input goes elsewhere, if there is another one.
  virtual bool listens() const { return true; }

  virtual void key(KeyCode /*code*/, bool /*down*/) {}
  virtual void button(PointerButton /*button*/, bool /*down*/) {}
  virtual void move_by(i32 /*dx*/, i32 /*dy*/) {}  // to the right, downwards
  virtual void move_to(u32 /*x*/, u32 /*y*/) {}
  // What was said since the last call has happened at once.
  virtual void sync() {}

 protected:
  ~InputDevice() = default;
};

// Where input goes: the devices of a machine, of which one takes keys and one moves the pointer. A
// service of the machine (Machine::service()).
class Inputs {
 public:
  explicit Inputs(Machine& machine) : machine_(machine) {}

  // What is said here has happened at once with what is said until sync().
  void key(KeyCode code, bool down);
  void button(PointerButton button, bool down);
  // Where the pointer's device takes the other kind alone, nothing moves.
  void move_by(i32 dx, i32 dy);
  void move_to(u32 x, u32 y);
  void sync();

  // Whether the pointer takes places on the screen.
  bool takes_position() const;
  // Releases what is pressed.
  void release_all();

  // Those that have a pointer, in the order that they were made.
  std::vector<InputDevice*> pointers() const;
  // The one that input goes to; null: there is none.
  InputDevice* pointer() const;
  // From now on it is this one of pointers(), as long as it is there.
  void choose_pointer(InputDevice& device) { chosen_ = &device; }

 private:
  InputDevice* keyboard() const;

  Machine& machine_;
  const InputDevice* chosen_ = nullptr;
  std::set<KeyCode> keys_down_;
  std::set<PointerButton> buttons_down_;
  [[maybe_unused]] Room<4> room_;
};

}  // namespace backplane

// SPDX-License-Identifier: MIT
// What runs guest code: one per machine, chosen at launch.
//
// What an accelerator overrides is called on the main thread, under the machine lock, while no
// guest code runs, unless it says otherwise. What it throws as an Error before the machine is ready
// ends the launch, or has the next accelerator tried; afterwards nothing may throw but what says
// so.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backplane/debug.h"
#include "backplane/kind.h"
#include "backplane/object.h"
#include "backplane/room.h"
#include "backplane/value.h"

namespace backplane {

class Cpu;
class Machine;

// "driver.property=value", applied to each new object of that type (or deriving from it) before
// the user's own settings.
struct CompatProperty {
  std::string type;
  std::string property;
  std::string value;
};

// How instructions are to be counted (-icount). shift: log2 of virtual nanoseconds per instruction.
struct IcountOptions {
  bool adaptive = false;  // shift=auto
  unsigned shift = 3;
  bool align = false;
  bool sleep = true;
};

// What -accel chooses from.
inline constexpr Kind kAccelKind{.base = "accel",
                                 .prefix = "",
                                 .suffix = "-accel",
                                 .noun = "accelerator",
                                 .option = "-accel",
                                 .unknown = "invalid accelerator"};

struct AccelClass : ObjectClass {
  AccelClass() = default;
  explicit AccelClass(const ObjectClass& parent) : ObjectClass(parent) {}

  bool runs_guests = true;      // false: a program drives the devices in their place
  bool hardware = false;        // the processor itself runs the guest, and reads its counters
  bool shows_host_cpu = false;  // a guest may be shown the host processor as it is
  // Why this accelerator cannot run here, or nullopt if it can; cheap, starts nothing.
  std::optional<std::string> (*unavailable_reason)() = nullptr;
  // What there is to say of one that can run here, for people: a few words, or none. May load what
  // it would use.
  std::string (*remark)() = nullptr;
  std::vector<CompatProperty> compat_properties;
  Room<4> room;
};

// An interrupt message that the accelerator sends by itself when it is told to, without a thread
// of the emulator's having to look after it. It must end before its accelerator does.
class MessageSignal {
 public:
  virtual ~MessageSignal() = default;
  // What is sent from now on, as a PCI function writes it: `data` to `address`. False if such a
  // write is no interrupt message, or cannot be sent this way. Machine lock.
  virtual bool set_message(u64 address, u32 data) = 0;
  // Sends it. Any thread.
  virtual void signal() = 0;
};

class Accelerator : public Object {
  BACKPLANE_OBJECT(Accelerator, Object, "accel")
 public:
  using Class = AccelClass;
  static void class_init(AccelClass& k);
  const AccelClass& accel_class() const { return static_cast<const AccelClass&>(object_class()); }

  // "tcg": the type's name without "-accel".
  std::string name() const;

  // Guest time is to follow the instructions executed: the machine's virtual clock then does
  // (Clock::follow_instructions()). Before init_machine(). Throws Error if it cannot count them.
  virtual void count_instructions(const IcountOptions& options);
  // Prepares to run this machine (before its CPUs and RAM exist); the machine outlives it. Throws
  // Error with the reason why it cannot, and leaves nothing behind.
  virtual void init_machine(Machine& machine) = 0;
  // Gives a realized CPU its vCPU and thread; the thread waits until the machine starts. Throws
  // Error.
  virtual void create_vcpu(Cpu& cpu) = 0;
  // Called once, when the machine is ready and before it first runs.
  virtual void machine_ready() {}
  // Ends all vCPU threads: gives up the lock while it waits for them. Called once, before the
  // machine is taken apart; also if init_machine() was all that happened.
  virtual void shutdown() {}

  // Throws Error if its machine cannot be saved and loaded (machine_state.h).
  virtual void expect_saves_state() const;
  // What the guest may have found out of what runs it, and uses; a machine that goes on under
  // another accelerator has to find the same.
  virtual std::string guest_interface() const { return "none"; }

  // A message that it sends by itself; null if it cannot, or has no more of them. Also on a vCPU's
  // thread, and while guest code runs.
  virtual std::unique_ptr<MessageSignal> create_message_signal() { return nullptr; }

  // What a debugger gets of it: by default nothing.
  virtual DebugSupport debug_support() const;
  // Where guest code is to stop (Vcpu::Exit::Debug) from now on, in place of what was said before.
  // A vCPU that is at such a place already stops there. Nothing that a guest can see may change.
  // The machine stands still. Throws Error, and leaves all as it was, if it cannot watch as many or
  // such ones.
  virtual void set_debug_points(const DebugPoints&) {}

  // How it runs the machine, and what it has done so far: a record. Guest code may run.
  virtual Value describe() const { return Value::Record{}; }
  // The same of the code that it has made of the guest's; null: it makes none.
  virtual Value describe_jit() const { return {}; }

 private:
  [[maybe_unused]] Room<4> room_;
};

// The class of an accelerator by its name ("tcg"), its module loaded if needed. Throws Error as
// class_of_kind() does. Any thread.
const AccelClass& accel_find(std::string_view name);

}  // namespace backplane

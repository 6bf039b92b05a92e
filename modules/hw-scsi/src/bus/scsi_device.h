// SPDX-License-Identifier: MIT
// Units on a SCSI bus, which a host adapter gives commands: with the lock of the loop that it is
// served in, and inside the machine lock for all but commands.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backplane/block_queue.h"
#include "backplane/boot_device.h"
#include "backplane/device.h"
#include "backplane/io_context.h"
#include "backplane/io_vector.h"
#include "command/command_set.h"

namespace backplane {

class ScsiDevice;

// One command on its way, which the host adapter keeps until it is done.
struct ScsiCommand {
  std::vector<u8> cdb;
  std::vector<iovec> out;  // data for the unit
  std::vector<iovec> in;   // room for data from it
  bool held = false;       // until the machine goes on: the host failed at it before
  // It is for more data than there are buffers for, and `done` is called with nothing done.
  bool overrun = false;
  // Its status, what is wrong if it is no good one, and how many bytes went either way.
  std::function<void(u8 status, const scsi::Sense& sense, u64 moved)> done;

  // The unit's own.
  scsi::Outcome outcome;
  unsigned parts = 0;  // of its work that are under way, and one while they are being made
  bool failed = false;
  u64 moved = 0;
  std::vector<u8> repeated;  // what WRITE SAME writes, some times over
};

class ScsiBus final : public Bus {
  BACKPLANE_OBJECT(ScsiBus, Bus, "scsi-bus")
 public:
  static constexpr u32 kTargets = 256;
  static constexpr u32 kUnits = 16384;
  enum class Change { Added, Removed };

  static void class_init(ObjectClass& k) { k.stateless(); }

  // The loop that commands are given in. Before there are units.
  void serve_in(IoContext& loop) { loop_ = &loop; }
  IoContext& loop() const { return *loop_; }
  // Is told of units that come and go while the machine runs.
  void on_change(std::function<void(const ScsiDevice&, Change)> told) { told_ = std::move(told); }
  // Those that take commands. With the loop's lock.
  const std::vector<ScsiDevice*>& units() const { return units_; }
  // One of them; null: there is none.
  ScsiDevice* unit(u32 target, u32 lun) const;
  // Any unit of a target.
  ScsiDevice* any_unit(u32 target) const;
  // A unit takes commands from now on, or no more.
  void enter(ScsiDevice& unit);
  void leave(ScsiDevice& unit);

  void plug(Device& device) override;
  void hot_plugged(Device& device) override;
  void request_unplug(Device& device) override;

 private:
  std::function<void(const ScsiDevice&, Change)> told_;
  IoContext* loop_ = nullptr;
  std::vector<ScsiDevice*> units_;
};

class ScsiDevice : public Device, public BootDevice {
  BACKPLANE_OBJECT(ScsiDevice, Device, "scsi-device")
 public:
  static void class_init(DeviceClass& k);

  void realize();
  void realized_all();
  void unrealize();
  void reset() override;
  void settle() override;
  std::string describe() const override;
  std::string boot_path() const override;

  u32 target() const { return target_; }
  u32 lun() const { return lun_; }
  // The place that it was given, or a free one. Throws Error: that one is taken.
  void choose_place(const ScsiBus& bus);

  // Carries out a command; `done` is called before this returns, or later on the loop. With its
  // lock alone, or inside the machine lock.
  void start(ScsiCommand& command);
  // Waits for all commands; those that waited for the machine to go on have failed.
  void drain();

 protected:
  virtual scsi::DeviceType type() const = 0;
  // The bus that it is on.
  ScsiBus& units() const { return static_cast<ScsiBus&>(*bus()); }
  // What a command comes to, for the unit as it is without what the type knows.
  virtual scsi::Outcome carry_out(scsi::Unit unit, std::span<const u8> cdb,
                                  std::span<const u8> parameters);
  // The property "drive", and a queue on what it names; without one there is no medium. Throws
  // Error.
  BackendLink<BlockNode>& drive() { return drive_; }
  void open_queue();
  void close_queue() { disk_.reset(); }
  // Bytes; 0: there is none.
  u64 disk_size() const;

 private:
  static constexpr u32 kAnyPlace = ~u32{0};

  scsi::Unit unit() const;
  void start_work(ScsiCommand& command);
  void submit(ScsiCommand& command, BlockRequest piece);
  void submit_pattern(ScsiCommand& command);
  void part_done(ScsiCommand& command, int result);
  static void finish(ScsiCommand& command, const scsi::Sense& sense);

  BackendLink<BlockNode> drive_;
  std::string serial_;
  std::string vendor_ = "BACKPLNE";
  std::string product_;
  std::string version_ = "1";
  i32 bootindex_ = -1;
  u32 channel_ = 0;
  u32 target_ = kAnyPlace;
  u32 lun_ = kAnyPlace;
  OnOffAuto write_cache_ = OnOffAuto::Auto;  // the host's; Auto: On
  ErrorAction on_read_error_ = ErrorAction::Auto;
  ErrorAction on_write_error_ = ErrorAction::Auto;

  std::unique_ptr<BlockQueue> disk_;  // none: a drive without a disc
};

}  // namespace backplane

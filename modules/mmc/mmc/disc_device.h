// SPDX-License-Identifier: MIT
// What devices with an optical drive have in common for those who change its disc: properties, and
// the event that tells of the tray. Machine lock; that of the loop which the drive is used in is
// inside it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "backplane/backend.h"
#include "backplane/block.h"
#include "backplane/command.h"
#include "backplane/device.h"
#include "backplane/io_context.h"
#include "mmc/optical_drive.h"

namespace backplane::mmc {

// A base of the device beside Device. Its properties can be set while the machine runs:
//   drive        the disc: a node, or empty; it is changed while the tray is open
//   tray-open    on: unless the guest has locked it, which is told that it is wanted
//   locked       by the guest, from whom it can be taken
//   medium-name  by what the drive goes when it is empty, too
class DiscDevice : public CommandProvider {
 public:
  // To be called after the properties of the device's parents are known, of which "drive" is one.
  static void add_properties(DeviceClass& k);

  std::span<const Command> commands() const override { return {}; }
  std::span<const EventType* const> events() const override;

 protected:
  // All are parts of one object, and `self` is that; `disc` is its property "drive".
  DiscDevice(Device& self, BackendLink<BlockNode>& disc, OpticalDrive& optical)
      : self_(self), disc_(disc), optical_(optical) {}
  // Has the optical drive know the disc that is in it now. Throws Error if that is none.
  void look_at_disc(bool changed);
  // Blocks of that disc, none if there is no disc.
  std::optional<u32> blocks() const;
  // For OpticalDrive::on_tray_moved().
  void tell_tray_moved();
  // The loop whose lock the drive is used with; null: the main loop, or it is not used yet.
  virtual IoContext* loop() const { return nullptr; }
  // What is under way on the disc ends, or has failed: the tray opens, or the disc goes.
  virtual void end_transfers() = 0;
  // The device of a realized drive gets a queue on what is in it, or Error; and has none any more.
  virtual void open_queue() = 0;
  virtual void close_queue() = 0;

 private:
  class Lock;
  bool is_tray_open() const { return optical_.is_tray_open(); }
  void set_tray_open(bool open);
  void change_medium(std::string_view id);
  void put_in(std::string_view id);

  Device& self_;
  BackendLink<BlockNode>& disc_;
  OpticalDrive& optical_;
  std::string medium_name_;
};

}  // namespace backplane::mmc

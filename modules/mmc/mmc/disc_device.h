// SPDX-License-Identifier: MIT
// What devices with an optical drive have in common for those who change its disc: properties, and
// the event that tells of the tray. Machine lock.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "backplane/block.h"
#include "backplane/command.h"
#include "backplane/device.h"
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
  // Both are parts of one object, and `self` is that.
  DiscDevice(const Device& self, OpticalDrive& optical) : self_(self), optical_(optical) {}
  // For OpticalDrive::on_tray_moved().
  void tell_tray_moved();
  // What is under way on the disc ends, or has failed: the tray opens, or the disc goes.
  virtual void end_transfers() = 0;
  // The id of the node that the drive is to have from now on, or empty. Throws Error, and changes
  // nothing then. The device may not be realized yet.
  virtual void set_medium(std::string_view id) = 0;

 private:
  bool is_tray_open() const { return optical_.is_tray_open(); }
  void set_tray_open(bool open);
  void change_medium(std::string_view id);

  const Device& self_;
  OpticalDrive& optical_;
  std::string medium_name_;
};

// Blocks of a disc that is in that node. Throws Error if there is not one.
u32 blocks_of_disc(const BlockNode& node);

}  // namespace backplane::mmc

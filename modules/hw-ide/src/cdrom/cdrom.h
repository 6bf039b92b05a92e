// SPDX-License-Identifier: MIT
// "ide-cd": a CD drive, which is given packets. [ATA/ATAPI-7 volume 2 "PACKET command protocol"]
#pragma once

#include "drive/ide_drive.h"
#include "mmc/disc_device.h"
#include "mmc/optical_drive.h"

namespace backplane::ide {

using mmc::OpticalDrive;
using mmc::Sense;

class IdeCdrom final : public IdeDrive, public mmc::DiscDevice {
  BACKPLANE_OBJECT(IdeCdrom, IdeDrive, "ide-cd")
 public:
  static void class_init(DeviceClass& k);
  IdeCdrom();
  void realize();
  void reset() override;
  void loaded() override;

 protected:
  bool may_be_read_only() const override { return true; }
  void execute(u8 command) override;
  void reset_drive(bool power_on) override;
  void moved() override;
  void carried_out(int result) override;
  BlockRequest pending_request() override;
  void check_loaded() const override;
  void end_transfers() override;
  void open_queue() override { IdeDrive::open_queue(); }
  void close_queue() override { IdeDrive::close_queue(); }

 private:
  enum class Phase : u8 {
    None,
    Packet,  // comes from the host
    Data,    // goes to it, and is all of the reply
    Blocks,  // the same, of the disc
    Identity,
  };
  struct State {
    Phase phase = Phase::None;
    bool dma = false;
    u32 at_once = 0;  // bytes between two interrupts, at most
    u32 block = 0;    // the first in the buffer
    u32 left = 0;     // blocks from there on
    u32 chunk = 0;    // of them in the buffer, or under way
    static std::span<const StateMember> members();
  };

  void identify();
  void take_packet();
  void execute_packet();
  void next_blocks();
  void send();
  void succeed();
  void fail_with(const Sense& sense);

  OpticalDrive optical_;
  State state_;
};

}  // namespace backplane::ide

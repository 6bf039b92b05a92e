// SPDX-License-Identifier: MIT
// "ide-hd": a hard disk. [ATA8-ACS]
#pragma once

#include <optional>

#include "drive/ide_drive.h"

namespace backplane::ide {

class IdeDisk final : public IdeDrive {
  BACKPLANE_OBJECT(IdeDisk, IdeDrive, "ide-hd")
 public:
  static void class_init(DeviceClass& k);
  void realize();

 protected:
  bool may_be_read_only() const override { return false; }
  void execute(u8 command) override;
  void reset_drive(bool power_on) override;
  void moved() override;
  void carried_out(int result) override;
  BlockRequest pending_request() override;
  void check_loaded() const override;

 private:
  // What a command moves, and how.
  enum class Way : u8 { None, Read, ReadDma, Write, WriteDma, Verify, Flush, Trim };
  struct Geometry {
    u32 cylinders = 0;
    u32 heads = 16;
    u32 sectors = 63;
    static std::span<const StateMember> members();
  };
  struct State {
    Way way = Way::None;
    u64 sector = 0;         // the next one to be moved
    u32 left = 0;           // sectors to be moved from there on
    u32 chunk = 0;          // of them in the buffer, or under way
    u32 at_once = 1;        // PIO: sectors between two interrupts
    bool extended = false;  // by a 48-bit command
    bool flush_after = false;
    u32 ranges = 0;    // Trim: those in the buffer that were done
    u8 multiple = 16;  // SET MULTIPLE MODE; 0: off
    bool write_cache = true;
    Geometry geometry;  // as the host has it translated
    static std::span<const StateMember> members();
  };
  struct Transfer {
    Way way;
    bool extended = false;
    bool multiple = false;
    bool flush_after = false;  // forced unit access
  };

  u64 sectors() const { return node().size() / kSectorSize; }
  bool discards() const { return discard_; }
  void start(const Transfer& transfer);
  // The sector that the registers name; none: by cylinder, head and sector that there are not.
  std::optional<u64> addressed_sector(bool extended) const;
  void put_address(u64 sector);
  void next_chunk();
  void data_moved();
  void finish();
  void start_trim();
  void next_range();
  void identify();
  void set_features();
  void initialize_parameters();
  void set_multiple();
  void native_max(bool extended);
  Geometry natural_geometry() const;

  bool discard_ = true;
  State state_;
};

}  // namespace backplane::ide

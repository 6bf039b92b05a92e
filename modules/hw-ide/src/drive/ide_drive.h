// SPDX-License-Identifier: MIT
// What IDE drives have in common: registers, the protocols that move data, the interrupt, and the
// node that their data is in. A type of its own says in execute() what commands do.
// [ATA/ATAPI-7 volume 2 "Device protocol"]
//
// A drive never waits for the host: it is busy until its queue has done what was asked.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backplane/block_queue.h"
#include "backplane/boot_device.h"
#include "backplane/device.h"
#include "backplane/state.h"
#include "bus/ide_bus.h"
#include "drive/ata.h"

namespace backplane::ide {

// The registers as written, the earlier value of each behind the last: 48-bit commands take both.
struct TaskFile {
  u8 features = 0, earlier_features = 0;
  u8 count = 0, earlier_count = 0;
  u8 lba_low = 0, earlier_lba_low = 0;
  u8 lba_mid = 0, earlier_lba_mid = 0;
  u8 lba_high = 0, earlier_lba_high = 0;
  u8 device = 0;
  u8 control = 0;
  static std::span<const StateMember> members();
};

class IdeDrive : public Device, public BootDevice, public DiskSizeListener {
  BACKPLANE_OBJECT(IdeDrive, Device, "ide-drive")
 public:
  static void class_init(DeviceClass& k);

  // Its place on the channel: 0 or 1.
  bool has_unit() const { return unit_.value != AutoNumber::kAuto; }
  unsigned unit() const { return unit_.value; }
  void set_unit(unsigned unit) { unit_.value = unit; }

  // --- for the channel -------------------------------------------------------------------------
  u8 read(unsigned offset);
  void write(unsigned offset, u8 value);
  void start_command(u8 command);
  // `announce`: by an interrupt, as the command does and a reset does not.
  void execute_diagnostic(bool announce = true);
  u32 read_data(unsigned size);
  void write_data(u32 value, unsigned size);
  u8 status() const { return state_.status; }
  void write_control(u8 value);
  void continue_dma();
  void stop_dma();
  bool intrq() const { return state_.interrupt && (task_.control & control::kNoInterrupt) == 0; }
  bool says_selected() const { return (task_.device & device::kSelect) != 0; }

  void realize();
  void unrealize();
  void reset() override;
  void settle() override;
  void loaded() override;
  std::string describe() const override;
  std::string boot_path() const override;

 protected:
  static constexpr std::size_t kMostBuffered = 256_KiB;  // of a transfer, at once

  // --- what the type says ----------------------------------------------------------------------
  virtual bool may_be_read_only() const = 0;
  // Carries out a command; the drive is busy. Ends with one of the functions below.
  virtual void execute(u8 command) = 0;
  // Settings of the drive as after power-on, or a reset by the host; the signature in the
  // registers.
  virtual void reset_drive(bool power_on) = 0;
  // All that was to be moved in this direction has been: ask for more, or complete the command.
  virtual void moved() = 0;
  // The host has carried out what submit() asked for.
  virtual void carried_out(int result) = 0;
  // What submit() had asked for, and is asked for again.
  virtual BlockRequest pending_request() = 0;
  // Throws Error if what was loaded contradicts itself; before anything is done by it.
  virtual void check_loaded() const = 0;
  bool waits_for_host() const { return state_.phase == Phase::Host; }

  TaskFile& task() { return task_; }
  const TaskFile& task() const { return task_; }
  std::vector<u8>& buffer() { return state_.buffer; }
  const std::vector<u8>& buffer() const { return state_.buffer; }
  void set_buffer(std::vector<u8> data);
  BlockNode& node() const { return *drive_; }
  bool has_medium() const { return disk_ != nullptr; }
  bool has_write_cache() const { return write_cache_ != OnOffAuto::Off; }
  const std::string& serial() const { return serial_; }
  const std::string& model() const { return model_; }

  // The command is done, or has failed. Silently: the host knows, and gets no interrupt.
  void complete(u8 status_bits = 0);
  void complete_silently();
  void fail(u8 error_bits, u8 status_bits = 0);
  // The host is to move what is in the buffer, or to fill it. PIO: `at_once` bytes of it from
  // `position` on; the first of what it writes is not announced by an interrupt.
  void offer(std::size_t position, std::size_t at_once);
  void accept(std::size_t size, std::size_t position, std::size_t at_once, bool announce);
  void offer_dma();
  void accept_dma(std::size_t size);
  // How far in the buffer the host is.
  std::size_t position() const { return state_.position; }
  // Asks the host for pending_request(); the drive is busy.
  void submit();
  // What is under way is forgotten: the drive is idle.
  void abandon();
  // The property "drive", and a queue on what it names; without one there is no medium. Throws
  // Error.
  BackendLink<BlockNode>& drive() { return drive_; }
  void open_queue();
  void close_queue() { disk_.reset(); }
  // Settings that IDENTIFY speaks of: the modes of SET FEATURES. False: there is no such.
  bool set_transfer_mode(u8 mode);
  u16 multiword_modes() const;
  u16 ultra_modes() const;

 private:
  enum class Phase : u8 {
    Idle,
    Host,  // busy: the host carries out what was asked
    PioToHost,
    PioFromHost,
    DmaToHost,
    DmaFromHost,
  };
  struct State {
    u8 status = 0;
    u8 error = 0;
    bool interrupt = false;
    Phase phase = Phase::Idle;
    std::vector<u8> buffer;
    u32 position = 0;  // in it
    u32 stop = 0;      // PIO: where this block of data ends
    u8 transfer_mode = 0;
    static std::span<const StateMember> members();
  };

  bool manage_power(u8 command);
  void raise_interrupt();
  void drop_interrupt();
  void end_pio_block();
  IdeBus& channel() const;
  void disk_size_changed() override {}
  void submit(bool again);

  BackendLink<BlockNode> drive_;
  std::string serial_;
  std::string model_;
  i32 bootindex_ = -1;
  AutoNumber unit_;
  OnOffAuto write_cache_ = OnOffAuto::Auto;
  ErrorAction on_read_error_ = ErrorAction::Auto;
  ErrorAction on_write_error_ = ErrorAction::Auto;
  std::unique_ptr<BlockQueue> disk_;
  u64 generation_ = 0;  // of requests: those of another were abandoned
  TaskFile task_;
  State state_;
};

}  // namespace backplane::ide

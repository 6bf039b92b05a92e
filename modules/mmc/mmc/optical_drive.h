// SPDX-License-Identifier: MIT
// A CD or DVD drive by its packet commands, apart from what brings them. [MMC-6, SPC-3]
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "backplane/state.h"
#include "backplane/types.h"

namespace backplane::mmc {

// Why a command failed. [SPC-3 4.5 "Sense data"]
struct Sense {
  u8 key = 0;
  u8 code = 0;
  u8 qualifier = 0;
  bool operator==(const Sense&) const = default;
  static std::span<const StateMember> members();
};
inline constexpr Sense kNoSense{};
inline constexpr Sense kMediumNotPresent{0x02, 0x3a, 0x00};
inline constexpr Sense kUnreadable{0x03, 0x11, 0x00};
inline constexpr Sense kInvalidOpcode{0x05, 0x20, 0x00};
inline constexpr Sense kBlockOutOfRange{0x05, 0x21, 0x00};
inline constexpr Sense kInvalidField{0x05, 0x24, 0x00};
inline constexpr Sense kRemovalPrevented{0x05, 0x53, 0x02};
inline constexpr Sense kMediumChanged{0x06, 0x28, 0x00};

class OpticalDrive {
 public:
  static constexpr u32 kBlockSize = 2048;
  static constexpr std::size_t kPacketSize = 12;
  using Packet = std::span<const u8, kPacketSize>;

  // What a command gives back: data, or blocks of the disc that are to be read, or what is wrong.
  struct Reply {
    std::vector<u8> data;
    u32 first_block = 0;
    u32 blocks = 0;
    Sense sense;
  };

  // What brings the commands, as the drive tells it. [MMC-6 5.3.2 "Core Feature"]
  enum class Interface : u8 { Scsi = 1, Atapi = 2 };

  // Names of the drive: 16 and 4 characters at most.
  OpticalDrive(std::string product, std::string revision, Interface interface);

  // Blocks of the disc that is in it, none if there is no disc. The guest learns of a change.
  void set_disc(std::optional<u32> blocks, bool changed);
  void reset();

  // --- the tray, from outside -------------------------------------------------------------------
  bool is_tray_open() const { return state_.tray_open; }
  // Whatever the guest has locked. It learns of it; of a disc when the tray closes.
  void move_tray(bool open);
  // Somebody wants the disc, which the guest has locked: it is told so, as by the drive's button.
  void request_eject() { state_.events |= kEjectRequested; }
  void set_locked(bool locked) { state_.locked = locked; }
  // Is called when the tray has moved, whoever moved it. With the lock
  // that the drive is used with.
  void on_tray_moved(std::function<void()> moved) { tray_moved_ = std::move(moved); }

  // A disc is there, and the tray closed.
  bool has_disc() const { return blocks_.has_value() && !state_.tray_open; }
  bool is_locked() const { return state_.locked; }
  // What a command of that kind has to expect before it is looked at, which execute() looks for
  // itself: the guest learns once that the medium may have changed.
  std::optional<Sense> refusal(u8 opcode);
  // Carries out a command but for the reading of blocks.
  Reply execute(Packet packet);
  // What the next REQUEST SENSE says: the outcome of the last command.
  void set_sense(const Sense& sense) { state_.sense = sense; }
  const Sense& sense() const { return state_.sense; }

  static std::span<const StateMember> members();

 private:
  enum Event : u8 { kMediumMoved = 1, kEjectRequested = 2 };
  struct State {
    Sense sense;
    bool attention = false;  // the medium may have changed, which the host was not told
    u8 events = 0;           // for GET EVENT STATUS NOTIFICATION, which tells one at a time
    bool tray_open = false;
    bool locked = false;
    static std::span<const StateMember> members();
  };

  Reply inquiry(Packet packet) const;
  Reply request_sense(Packet packet);
  Reply start_stop(Packet packet);
  Reply read_capacity() const;
  Reply read_blocks(u32 first, u32 count) const;
  Reply read_cd(Packet packet) const;
  Reply read_toc(Packet packet) const;
  Reply read_disc_information(Packet packet) const;
  Reply read_track_information(Packet packet) const;
  Reply read_disc_structure(Packet packet) const;
  Reply get_configuration(Packet packet) const;
  Reply get_event_status(Packet packet);
  Reply mode_sense(Packet packet, bool short_form) const;
  Reply mechanism_status(Packet packet) const;
  bool is_dvd() const;
  u8 take_event();
  // Returns whether that is a change.
  bool put_tray(bool open);

  std::string product_, revision_;
  Interface interface_;
  std::optional<u32> blocks_;
  std::function<void()> tray_moved_;
  State state_;
};

}  // namespace backplane::mmc

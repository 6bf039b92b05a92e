// SPDX-License-Identifier: MIT
// A flash chip with Intel's command set, eight bits wide, apart from where it is.
// [CFI, JESD68.01; Intel StrataFlash J3 datasheet "Command definitions"]
#pragma once

#include <functional>
#include <span>

#include "backplane/state.h"
#include "backplane/types.h"

namespace backplane::pc {

// Machine lock.
class CfiFlash {
 public:
  static constexpr u32 kBlockSize = 4096;  // bytes that are erased together
  static constexpr u32 kBufferSize = 32;   // bytes that are programmed together, at most

  // Told when the chip begins or ends to answer reads itself, instead of its contents.
  using ModeHandler = std::function<void(bool reads_contents)>;
  // Told when these bytes of the contents are other ones.
  using ChangeHandler = std::function<void(u64 offset, u64 size)>;

  // Whole blocks, which outlive it.
  CfiFlash(std::span<u8> contents, bool read_only, ModeHandler on_mode, ChangeHandler on_change)
      : contents_(contents),
        read_only_(read_only),
        on_mode_(std::move(on_mode)),
        on_change_(std::move(on_change)) {}

  void reset();
  // What it answers while it does not show its contents.
  u8 read(u64 offset) const;
  void write(u64 offset, u8 value);
  bool reads_contents() const { return state_.mode == Mode::Contents; }

  static std::span<const StateMember> members();

 private:
  enum class Mode : u8 { Contents, Status, Identity, Query };
  enum class Awaits : u8 { Command, Byte, EraseConfirm, Lock, Count, Bytes, ProgramConfirm };
  struct State {
    Mode mode = Mode::Contents;
    Awaits awaits = Awaits::Command;
    u8 status = 0x80;
    u32 first = 0;  // of the bytes in the buffer, in the chip
    std::vector<u8> buffer;
    u32 expected = 0;  // of them
    static std::span<const StateMember> members();
  };

  void set_mode(Mode mode);
  void command(u8 value);
  void program(u64 offset, std::span<const u8> bytes);
  void erase(u64 offset);
  u8 query(u64 offset) const;
  bool refuses(u8 status_bit);

  std::span<u8> contents_;
  bool read_only_;
  ModeHandler on_mode_;
  ChangeHandler on_change_;
  State state_;
};

}  // namespace backplane::pc

// SPDX-License-Identifier: MIT
#pragma once

#include "chardev/stream_chardev.h"

namespace backplane {

// A pseudo-terminal: a terminal program opens the device that describe() names, and may leave and
// come back. While nobody has it open, what is written is dropped.
class PtyChardev final : public StreamChardev {
 public:
  static void class_init(ObjectClass& k);
  ~PtyChardev() override;
  void write(const u8* data, std::size_t size) override;
  std::string describe() const override { return "pty:" + device_; }

 private:
  void open() override;
  void end_of_input() override;
  void make_link();
  void watch_device();
  // Somebody has opened or closed the device.
  void device_changed();
  bool somebody_there() const;

  UniqueFd master_;
  UniqueFd changes_;  // inotify
  MainLoop::WatchHandle watch_{nullptr, nullptr};
  std::string device_;
  std::string link_;  // a symbolic link of this name leads to the device
  bool linked_ = false;
  bool there_ = false;
};

}  // namespace backplane

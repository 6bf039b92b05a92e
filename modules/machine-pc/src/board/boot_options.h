// SPDX-License-Identifier: MIT
// What firmware is told of how to boot: -boot. [SeaBIOS "Runtime configuration"]
#pragma once

#include <string>

#include "backplane/property.h"
#include "fw_cfg/fw_cfg.h"
#include "mc146818/isa_rtc.h"

namespace backplane::pc {

struct BootOptions {
  static constexpr const char* kUsualOrder = "cd";

  // Kinds of devices, the first to be tried first: c disk, d CD, n network, a floppy disk.
  std::string order = kUsualOrder;
  std::string once;  // the same until the first reset; empty: order
  bool strict = false;
  bool menu = false;
  u32 menu_wait = 0;   // ms that the menu can be called in; 0: what firmware takes
  i32 fail_wait = -1;  // ms after which a machine that found nothing resets; -1: never

  // Throws Error at letters that are none, or are there twice.
  static void check_order(std::string_view order);
  // Into the CMOS bytes that firmware reads the order from.
  static void put_order(std::string_view order, IsaRtc& rtc);
  void put_into(FwCfg& fw_cfg) const;
};

}  // namespace backplane::pc

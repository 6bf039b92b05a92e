// SPDX-License-Identifier: MIT
// The expansion ROM of a VGA, by which firmware shows something.
#pragma once

#include <string>

#include "backplane/error.h"
#include "backplane/firmware_file.h"
#include "backplane/log.h"
#include "backplane/pci/pci_device.h"

namespace backplane::vga {

// Loads `file` unless the user wants none. Without the usual one there is a screen all the same,
// for who needs no firmware to use it. Throws Error: another one that cannot be read.
inline void load_vga_rom(PciDevice& device, const std::string& file, const std::string& usual) {
  if (file.empty() || !device.get_value("rombar").as_bool()) return;
  if (file != usual || find_firmware_file(usual)) return device.load_rom(file);
  log::warn(fmt::format("{}: {} is missing, so firmware shows nothing: install the package seabios",
                        device.type_name(), usual));
}

}  // namespace backplane::vga

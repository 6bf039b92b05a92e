// SPDX-License-Identifier: MIT
// What the user has firmware told and handed on: a service of machines whose firmware asks.
#pragma once

#include <string>
#include <vector>

#include "backplane/options.h"
#include "backplane/types.h"

namespace backplane {

// Between init() and finish() of the machine. Machine lock. Throw Error.
class FirmwareConfiguration {
 public:
  // A file that firmware, and the guest's kernel, find by its name. [QEMU "fw_cfg", "opt/..."]
  virtual void add_file(const std::string& name, std::vector<u8> contents) = 0;
  // Fields of one structure of SMBIOS: "type", and what that type has. [DSP0134]
  virtual void add_smbios(KeyValueList fields) = 0;
  // Whether the machine starts in firmware that runs expansion ROMs of devices. At any time.
  virtual bool runs_option_roms() const = 0;

 protected:
  ~FirmwareConfiguration() = default;
};

}  // namespace backplane

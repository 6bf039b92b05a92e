// SPDX-License-Identifier: MIT
// A firmware image in its places: at the end of the first 4 GiB, where CPUs start, and below 1 MiB,
// where RAM shadows it once the firmware has said so.
// [440FX 3.2.19 "PAM[6:0]-Programmable Attribute Map Registers"]
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backplane/memory.h"
#include "i440fx/i440fx.h"

namespace backplane::pc {

// The image in a file, which is named in messages as -bios. Throws Error.
std::shared_ptr<RamBlock> read_firmware(const std::string& file);

class FirmwareRom {
 public:
  // Whether something else has the image below 4 GiB.
  enum class Top { Here, Elsewhere };
  // `ram` is the machine's RAM, from address 0. Outlives the bridge, which reports to it.
  FirmwareRom(MemoryRegion& root, const std::shared_ptr<RamBlock>& ram,
              std::shared_ptr<RamBlock> image, Top top, I440fxHostBridge& bridge);

 private:
  // One legacy area: what lies over the RAM there, if anything.
  struct Shadow {
    u64 address = 0;
    std::unique_ptr<MemoryRegion> rom;       // null where the image does not reach
    std::unique_ptr<MemoryRegion> readonly;  // the RAM, not to be written
  };
  void add_shadow(MemoryRegion& root, const std::shared_ptr<RamBlock>& ram, u64 address, u64 size);
  void apply(const I440fxHostBridge::LegacyArea& area);

  std::shared_ptr<RamBlock> image_;
  std::unique_ptr<MemoryRegion> top_;
  std::vector<Shadow> shadows_;
};

}  // namespace backplane::pc

// SPDX-License-Identifier: MIT
// IDENTIFY DEVICE of a hard disk. [ATA8-ACS 7.12.7]
#include <algorithm>

#include "disk/disk.h"
#include "drive/identity.h"

namespace backplane::ide {

void IdeDisk::identify() {
  constexpr u64 kMost28 = (u64{1} << 28) - 1;
  constexpr u64 kMaximumMultiple = 16;
  constexpr u64 kNanosecondsOfACycle = 120;
  const Geometry natural = natural_geometry();
  const Geometry& now = state_.geometry;
  const u64 all = sectors();

  Identity id;
  id.word(0, 0x0040);  // not removable
  id.word(1, natural.cylinders);
  id.word(3, natural.heads);
  id.word(6, natural.sectors);
  id.text(10, 10, serial().empty() ? "BP00001" : serial());
  id.text(23, 4, "1");
  id.text(27, 20, model().empty() ? "BACKPLANE HARDDISK" : model());
  id.word(47, 0x8000 | kMaximumMultiple);
  id.word(49, 0x0f00);  // DMA, LBA, IORDY
  id.word(50, 0x4000);
  id.word(53, 0x0007);  // words 54 to 58, 64 to 70 and 88 are valid
  id.word(54, now.cylinders);
  id.word(55, now.heads);
  id.word(56, now.sectors);
  id.words(57, u64{now.cylinders} * now.heads * now.sectors, 2);
  if (state_.multiple != 0) id.word(59, 0x0100u | state_.multiple);
  id.words(60, std::min(all, kMost28), 2);
  id.word(63, multiword_modes());
  id.word(64, 0x0003);  // PIO modes 3 and 4
  for (unsigned at = 65; at <= 68; ++at) id.word(at, kNanosecondsOfACycle);
  id.word(80, 0x01f0);  // ATA/ATAPI-4 to ATA8-ACS
  id.word(82, 0x4020);  // NOP, write cache
  id.word(83, 0x7400);  // FLUSH CACHE and its EXT, 48-bit addresses
  id.word(84, 0x4040);  // writes with forced unit access
  id.word(85, 0x4000 | (state_.write_cache ? 0x0020 : 0));
  id.word(86, 0x3400);
  id.word(87, 0x4040);
  id.word(88, ultra_modes());
  id.word(93, 0x6001 | (unit() == 0 ? 0x000a : 0x0200));  // 80 conductors; who it is
  id.words(100, all, 4);
  if (discards()) {
    id.word(105, 8);  // blocks of ranges in one command
    id.word(169, 0x0001);
  }
  id.word(217, 0x0001);  // does not rotate
  set_buffer(id.finished());
  state_.way = Way::None;
  offer(0, buffer().size());
}

}  // namespace backplane::ide

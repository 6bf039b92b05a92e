// SPDX-License-Identifier: MIT
#include "translate/translation.h"

#include "backplane/memory.h"

namespace backplane::tcg {

void Translation::begin(const GuestCode& scanned, const GuestBytes& bytes, Mode of) {
  block = &cache.create();
  code = &scanned;
  mode = of;
  cold_.clear();
  kept_.release();
  Block& b = *block;
  b.host_pc = bytes.page + scanned.offset();
  b.mode = mode;
  b.offset = static_cast<u16>(scanned.offset());
  b.size = static_cast<u16>(scanned.end() - scanned.offset());
  b.instructions = static_cast<u16>(scanned.insns().size());
  if (scanned.end() > kPageSize) b.second_page = bytes.next_page;
  b.first_point = cache.point_count();
  b.begin = a.here();
  offset = b.offset;
  index = 0;
}

void Translation::go_to(u16 to_offset, u16 to_index) {
  offset = to_offset;
  index = to_index;
  cache.add_point({a.here(), offset, index, CodePoint::kFlagsInMemory});
}

void Translation::give_back(int instructions) {
  if (options.count_instructions && instructions != 0)
    a.add(a.field32(BACKPLANE_JIT_OFFSET(budget)), instructions);
}

void Translation::finish() {
  Block& b = *block;
  b.end = a.here();
  a.move_to(cache.cold_position());
  b.cold_begin = a.here();
  for (std::size_t n = 0; n < cold_.size(); ++n) {
    const Cold cold = cold_[n];
    go_to(cold.offset, cold.index);
    cold.emit(cold.what);
  }
  b.cold_end = a.here();
  cache.set_cold_position(b.cold_end);
  a.move_to(b.end);
  b.points = cache.point_count() - b.first_point;
}

}  // namespace backplane::tcg

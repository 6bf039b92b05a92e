// SPDX-License-Identifier: MIT
#include "cache/code_cache.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "cache/granules.h"

namespace backplane::tcg {
namespace {

// The bytes of a page that a block was made from, [first, last].
struct Part {
  u64 first, last;
};
Part first_part(const Block& block) {
  return {block.offset, std::min<u64>(u64{block.offset} + block.size, kPageSize) - 1};
}
Part second_part(const Block& block) { return {0, u64{block.offset} + block.size - kPageSize - 1}; }

u64 granules_in(const Block& block, const u8* host_page) {
  u64 granules = 0;
  const auto add = [&granules](Part part) { granules |= granule_mask(part.first, part.last); };
  if (page_of(block.host_pc) == host_page) add(first_part(block));
  if (block.second_page == host_page) add(second_part(block));
  return granules;
}

bool touches(const Block& block, const u8* host_page, u64 offset, u64 size) {
  const auto meets = [&](Part part) { return part.first < offset + size && offset <= part.last; };
  return (page_of(block.host_pc) == host_page && meets(first_part(block))) ||
         (block.second_page == host_page && meets(second_part(block)));
}

// False also of a block whose page follows itself in the guest's memory.
bool spans_two_pages(const Block& block) {
  return block.second_page != nullptr && block.second_page != page_of(block.host_pc);
}

// Calls `visit` with the number of each bit that is set.
template <class Visit>
void for_each_bit(u64 bits, Visit visit) {
  for (; bits != 0; bits &= bits - 1) visit(static_cast<unsigned>(std::countr_zero(bits)));
}

}  // namespace

CodeCache::CodeCache(u64 buffer_size)
    : buffer_(buffer_size),
      assembler_(buffer_),
      cold_base_(static_cast<u32>(buffer_size / 2)),
      cold_position_(cold_base_),
      places_(kFirstPlaces) {}

void CodeCache::flush() {
  for (auto& [page, code] : pages_)
    code.ram->page_flags(code.ram_offset)
        .fetch_and(static_cast<u8>(~RamBlock::kHasCode), std::memory_order_relaxed);
  tell_of_change(nullptr);
  pages_.clear();
  entries_.clear();
  free_entry_ = 0;
  std::fill(places_.begin(), places_.end(), Place{});
  places_taken_ = 0;
  blocks_.clear();
  sites_.clear();
  points_.clear();
  assembler_.move_to(permanent_);
  cold_position_ = cold_base_;
  ++counters_.flushes;
}

Block& CodeCache::create() { return blocks_.emplace_back(); }

void CodeCache::note_page(Block& block, const u8* host_page, std::shared_ptr<RamBlock> ram,
                          u64 ram_offset) {
  PageCode& page = pages_[host_page];
  page.ram = std::move(ram);
  page.ram_offset = ram_offset;
  ++page.blocks;
  const u64 granules = granules_in(block, host_page);
  page.granules |= granules;
  for_each_bit(granules, [&](unsigned granule) {
    u32 number = free_entry_;
    if (number != 0) {
      free_entry_ = entries_[number - 1].next;
    } else {
      entries_.emplace_back();
      number = static_cast<u32>(entries_.size());
    }
    entries_[number - 1] = {&block, page.first[granule]};
    page.first[granule] = number;
  });
  // The hook for writes there, which a writer looks at that sees this, is older.
  page.ram->page_flags(ram_offset).fetch_or(RamBlock::kHasCode, std::memory_order_release);
}

void CodeCache::leave_page(Block& block, const u8* host_page) {
  const auto found = pages_.find(host_page);
  PageCode& page = found->second;
  for_each_bit(granules_in(block, host_page), [&](unsigned granule) {
    u32* at = &page.first[granule];
    while (entries_[*at - 1].block != &block) at = &entries_[*at - 1].next;
    const u32 number = *at;
    *at = entries_[number - 1].next;
    entries_[number - 1].next = free_entry_;
    free_entry_ = number;
    if (page.first[granule] == 0) page.granules &= ~(u64{1} << granule);
  });
  if (--page.blocks != 0) return;
  page.ram->page_flags(page.ram_offset)
      .fetch_and(static_cast<u8>(~RamBlock::kHasCode), std::memory_order_relaxed);
  pages_.erase(found);
  tell_of_change(host_page);
}

void CodeCache::publish(Block& block, std::shared_ptr<RamBlock> ram, u64 ram_offset,
                        std::shared_ptr<RamBlock> second, u64 second_offset) {
  note_page(block, page_of(block.host_pc), std::move(ram), ram_offset);
  if (spans_two_pages(block)) note_page(block, block.second_page, std::move(second), second_offset);
  if (++places_taken_ > places_.size() / 2) {
    ZeroedArray<Place> before = std::exchange(places_, ZeroedArray<Place>(2 * places_.size()));
    for (const Place& place : before)
      if (place.host_pc != nullptr) put(place);
  }
  put({block.host_pc, &block, block.mode.bits, block.entry, block.second_page != nullptr});
  ++counters_.blocks;
  counters_.guest_bytes += block.size;
  counters_.host_bytes += block.end - block.begin;
  counters_.cold_bytes += block.cold_end - block.cold_begin;
}

void CodeCache::put(const Place& place) {
  u32 at = home_of(place.host_pc, place.mode);
  while (places_[at].host_pc != nullptr) at = behind(at);
  places_[at] = place;
}

// Those behind it move up, unless they would come before where they are looked for.
void CodeCache::remove_place(const Block& block) {
  u32 hole = home_of(block.host_pc, block.mode.bits);
  while (places_[hole].block != &block) hole = behind(hole);
  const auto distance = [this](u32 from, u32 to) {
    return (to - from) & static_cast<u32>(places_.size() - 1);
  };
  for (u32 at = behind(hole); places_[at].host_pc != nullptr; at = behind(at)) {
    if (distance(home_of(places_[at].host_pc, places_[at].mode), at) < distance(hole, at)) continue;
    places_[hole] = places_[at];
    hole = at;
  }
  places_[hole] = {};
  --places_taken_;
}

JumpSite& CodeCache::create_site(Block& from) {
  JumpSite& site = sites_.emplace_back();
  site.from = &from;
  site.index = static_cast<u32>(sites_.size() - 1);
  return site;
}

void CodeCache::link(JumpSite& site, Block& to) {
  if (site.to == &to) return;
  if (site.to != nullptr) unlink(site);
  site.to = &to;
  site.target_pc = to.host_pc;
  site.next_incoming = to.first_incoming;
  to.first_incoming = site.index + 1;
  assembler_.patch_jump(site.jump, to.entry);
  ++counters_.links;
}

void CodeCache::unlink(JumpSite& site) {
  if (site.to == nullptr) return;
  for (u32* at = &site.to->first_incoming; *at != 0; at = &sites_[*at - 1].next_incoming) {
    if (&sites_[*at - 1] != &site) continue;
    *at = site.next_incoming;
    break;
  }
  site.to = nullptr;
  site.next_incoming = 0;
  assembler_.patch_jump(site.jump, site.unlinked);
}

void CodeCache::retire(Block& block) {
  block.valid = false;
  while (block.first_incoming != 0) unlink(sites_[block.first_incoming - 1]);
  remove_place(block);
  leave_page(block, page_of(block.host_pc));
  if (spans_two_pages(block)) leave_page(block, block.second_page);
  // Jump caches may still lead here: the entry becomes a jump to the block's own look-up code.
  assembler_.replace_entry(block.entry, block.retired_entry);
  ++counters_.invalidated;
}

unsigned CodeCache::invalidate(const u8* host_page, u64 offset, u64 size) {
  tell_of_change(host_page);
  const auto found = pages_.find(host_page);
  if (found == pages_.end()) return 0;
  std::vector<Block*> hit;
  for_each_bit(found->second.granules & granule_mask(offset, offset + size - 1),
               [&](unsigned granule) {
                 for (u32 at = found->second.first[granule]; at != 0; at = entries_[at - 1].next) {
                   ++counters_.examined;
                   Block* block = entries_[at - 1].block;
                   if (touches(*block, host_page, offset, size)) hit.push_back(block);
                 }
               });
  unsigned count = 0;
  for (Block* block : hit) {
    // It may be in several granules.
    if (!block->valid) continue;
    retire(*block);
    ++count;
  }
  return count;
}

unsigned CodeCache::invalidate_locked(const u8* host, u64 size) {
  const std::lock_guard guard(lock_);
  const u8* page = page_of(host);
  return invalidate(page, static_cast<u64>(host - page), size);
}

}  // namespace backplane::tcg

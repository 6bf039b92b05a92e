// SPDX-License-Identifier: MIT
#include <algorithm>

#include "backplane/error.h"
#include "boot/boot_plan.h"

namespace backplane::pc {

namespace {

// Above the BIOS data area, and where everything that is looked for here begins: page tables have
// to, the others may.
constexpr u64 kLowest = 0x1000;
constexpr u64 page_up(u64 value) { return (value + kPageSize - 1) & kPageMask; }

}  // namespace

LoaderArea::LoaderArea(const BootRequest& request, BootPlan& plan)
    : request_(request), plan_(plan) {
  for (const BootSegment& s : plan.segments) taken_.push_back({s.address, s.end()});
}

bool LoaderArea::is_free(u64 address, u64 size) const {
  const bool conventional = address >= kLowest && address + size <= kConventionalEnd;
  const bool extended = address >= kFirmwareEnd && address + size <= request_.memory.low_ram();
  return (conventional || extended) &&
         std::none_of(taken_.begin(), taken_.end(),
                      [=](const Range& r) { return address < r.end && r.start < address + size; });
}

u64 LoaderArea::reserve(u64 size, u64 wished) {
  std::vector<u64> places{kLowest, kFirmwareEnd};
  for (const Range& r : taken_) places.push_back(page_up(r.end));
  std::sort(places.begin(), places.end());
  places.insert(places.begin(), wished);
  for (const u64 place : places)
    if (is_free(place, size)) {
      taken_.push_back({place, place + size});
      return place;
    }
  throw Error::of("{}: leaves no room in the machine's {} MiB of RAM for {} bytes of boot data",
                  request_.kernel->name(), request_.memory.ram >> 20, size)
      .with_hint("give it more memory with -m");
}

u64 LoaderArea::put(std::vector<u8> bytes, u64 wished) {
  const u64 address = reserve(bytes.size(), wished);
  plan_.segments.push_back(BootSegment::of(address, std::move(bytes)));
  return address;
}

u64 LoaderArea::put_command_line(const std::string& text, u64 limit) {
  limit = std::min(limit, kCommandLineLimit - 1);
  if (text.size() > limit)
    throw Error::of("-append: the command line has {} characters; {} takes at most {}", text.size(),
                    request_.kernel->name(), limit);
  std::vector<u8> bytes(text.begin(), text.end());
  bytes.push_back(0);
  return put(std::move(bytes), kCommandLineAddress);
}

void LoaderArea::reserve_for_entry() {
  BootEntry& entry = plan_.entry;
  entry.gdt = reserve(kGdtSize, kGdtAddress);
  entry.stack = reserve(kStackSize, kStackAddress);
  if (entry.mode == EntryMode::Long64)
    entry.page_tables = reserve(kPageTablesSize, kPageTablesAddress);
}

}  // namespace backplane::pc

// SPDX-License-Identifier: MIT
// ELF kernels with a PVH entry point. [Xen docs/misc/pvh.pandoc "x86/HVM direct boot ABI",
// public/arch-x86/hvm/start_info.h]
#include "backplane/error.h"
#include "boot/boot_plan.h"
#include "boot/elf_image.h"

namespace backplane::pc {

namespace {

constexpr u32 kPhys32Entry = 18;  // XEN_ELFNOTE_PHYS32_ENTRY
constexpr u32 kStartMagic = 0x336ec578;
constexpr u32 kStartVersion = 1;

constexpr u64 kStartInfoSize = 56, kModuleSize = 32, kMemoryMapEntrySize = 24;

void put(std::vector<u8>& out, u64 value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i) out.push_back(static_cast<u8>(value >> i * 8));
}

std::optional<u64> entry_point(const ElfImage& elf) {
  for (const ElfImage::Note& note : elf.notes) {
    if (note.name != "Xen" || note.type != kPhys32Entry) continue;
    if (note.size == 8) return elf.file->number<u64>(note.offset);
    if (note.size == 4) return elf.file->number<u32>(note.offset);
  }
  return std::nullopt;
}

// hvm_start_info, the module list, the memory map, one after the other.
std::vector<u8> start_info(const BootRequest& request, u64 address, const BootSegment* initrd,
                           u64 command_line) {
  const std::vector<MemoryRange> ranges = request.memory.ranges();
  const u64 modules = address + kStartInfoSize;
  const u64 map = modules + kModuleSize;
  std::vector<u8> out;
  put(out, kStartMagic, 4);
  put(out, kStartVersion, 4);
  put(out, 0, 4);  // flags
  put(out, initrd != nullptr ? 1 : 0, 4);
  put(out, initrd != nullptr ? modules : 0, 8);
  put(out, command_line, 8);
  put(out, request.rsdp, 8);
  put(out, map, 8);
  put(out, ranges.size(), 4);
  put(out, 0, 4);
  put(out, initrd != nullptr ? initrd->address : 0, 8);
  put(out, initrd != nullptr ? initrd->size : 0, 8);
  put(out, 0, 8);  // the module's command line
  put(out, 0, 8);
  for (const MemoryRange& range : ranges) {
    put(out, range.address, 8);
    put(out, range.size, 8);
    put(out, range.type, 4);
    put(out, 0, 4);
  }
  static_assert(kStartInfoSize == 4 * 4 + 4 * 8 + 2 * 4);
  return out;
}

}  // namespace

std::optional<BootPlan> plan_pvh(const BootRequest& request) {
  std::optional<ElfImage> elf = read_elf(request.kernel);
  if (!elf) return std::nullopt;
  const std::optional<u64> entry = entry_point(*elf);
  if (!entry) return std::nullopt;

  BootPlan plan;
  for (const BootSegment& s : elf->segments)
    check_fits(request, s.address, s.memory_size, "the kernel");
  plan.segments = elf->segments;
  std::optional<BootSegment> initrd;
  if (request.initrd && request.initrd->size() != 0) {
    initrd = place_initrd(request, elf->end(), request.memory.low_ram());
    plan.segments.push_back(*initrd);
  }
  plan.entry.rip = *entry;
  LoaderArea area(request, plan);
  area.reserve_for_entry();
  const u64 line = area.put_command_line(request.command_line, kCommandLineLimit);
  const u64 info = area.reserve(
      kStartInfoSize + kModuleSize + request.memory.ranges().size() * kMemoryMapEntrySize,
      kBootInfoAddress);
  plan.segments.push_back(
      BootSegment::of(info, start_info(request, info, initrd ? &*initrd : nullptr, line)));
  plan.entry.rbx = info;
  return plan;
}

}  // namespace backplane::pc

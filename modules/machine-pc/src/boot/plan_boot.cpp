// SPDX-License-Identifier: MIT
#include <algorithm>

#include "backplane/compress.h"
#include "backplane/error.h"
#include "boot/boot_plan.h"
#include "boot/elf_image.h"

namespace backplane::pc {

namespace {

// The kernel itself, if it is a gzip file.
BlobPtr uncompressed(const BlobPtr& kernel, u64 maximum) {
  constexpr u64 kMagicSize = 16;
  if (!is_gzip(kernel->read(0, std::min(kernel->size(), kMagicSize)))) return kernel;
  const std::vector<u8> image = kernel->read(0, kernel->size());
  return std::make_shared<Blob>(kernel->name(), gunzip(image, maximum, kernel->name()));
}

// What is in low memory when a kernel starts must not be overwritten by it.
void check_low_memory(const BootRequest& request, const BootPlan& plan) {
  const auto overlaps = [](const BootSegment& s, u64 start, u64 end) {
    return s.address < end && s.end() > start;
  };
  for (const BootSegment& s : plan.segments) {
    if (s.blob != request.kernel) continue;
    if (overlaps(s, 0, kBiosDataEnd) || overlaps(s, kFirmwareStart, kTablesEnd))
      throw Error::of("{}: loads at {:#x}, where the BIOS data area or the ACPI tables are",
                      request.kernel->name(), s.address);
  }
}

void check_entry(const BootRequest& request, const BootPlan& plan) {
  const u64 entry = plan.entry.rip;
  const bool inside =
      std::any_of(plan.segments.begin(), plan.segments.end(), [&](const BootSegment& s) {
        return s.blob == request.kernel && entry >= s.address && entry < s.end();
      });
  if (!inside)
    throw Error::of("{}: its entry point {:#x} is in none of its segments", request.kernel->name(),
                    entry);
  if (plan.entry.mode == EntryMode::Protected32 && entry >= 4_GiB)
    throw Error::of("{}: its entry point {:#x} is beyond what 32-bit code reaches",
                    request.kernel->name(), entry);
}

}  // namespace

BootPlan plan_boot(BootRequest request) {
  request.kernel = uncompressed(request.kernel, request.memory.ram);
  for (const auto plan_kind : {plan_bzimage, plan_pvh, plan_multiboot})
    if (std::optional<BootPlan> plan = plan_kind(request)) {
      check_low_memory(request, *plan);
      check_entry(request, *plan);
      return std::move(*plan);
    }
  if (read_elf(request.kernel))
    throw Error::of("{}: ELF file with neither a PVH entry point nor a Multiboot header",
                    request.kernel->name());
  throw Error::of("{}: not a kernel: neither bzImage, PVH ELF file nor Multiboot image",
                  request.kernel->name());
}

}  // namespace backplane::pc

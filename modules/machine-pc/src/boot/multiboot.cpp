// SPDX-License-Identifier: MIT
// Multiboot 1 images. [Multiboot Specification version 0.6.96, "OS image format", "Boot information
// format"]
#include <algorithm>

#include "backplane/error.h"
#include "boot/boot_plan.h"
#include "boot/elf_image.h"

namespace backplane::pc {

namespace {

constexpr u32 kHeaderMagic = 0x1badb002, kLoaderMagic = 0x2badb002;
constexpr u64 kSearchLimit = 8192;

// Header flags.
constexpr u32 kPageAlign = 1u << 0, kWantMemory = 1u << 1, kWantVideo = 1u << 2,
              kAddressFields = 1u << 16;
constexpr u32 kMustUnderstand = 0xffff;
// Information flags.
constexpr u32 kHasMemory = 1u << 0, kHasCommandLine = 1u << 2, kHasModules = 1u << 3,
              kHasMemoryMap = 1u << 6, kHasLoaderName = 1u << 9;

constexpr u64 kInfoSize = 116, kModuleSize = 16, kMapEntrySize = 24;
constexpr std::string_view kLoaderName = "backplane";

void put(std::vector<u8>& out, u64 value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i) out.push_back(static_cast<u8>(value >> i * 8));
}

std::optional<u64> find_header(const Blob& kernel) {
  for (u64 at = 0; at + 12 <= std::min(kernel.size(), kSearchLimit); at += 4)
    if (kernel.number<u32>(at) == kHeaderMagic &&
        kernel.number<u32>(at) + kernel.number<u32>(at + 4) + kernel.number<u32>(at + 8) == 0)
      return at;
  return std::nullopt;
}

struct Image {
  std::vector<BootSegment> segments;
  u64 entry = 0;
};

// The header's own address fields: for images that are not ELF files.
Image by_address_fields(const BlobPtr& kernel, u64 header) {
  const u64 header_address = kernel->number<u32>(header + 12);
  const u64 load = kernel->number<u32>(header + 16);
  const u64 load_end = kernel->number<u32>(header + 20);
  const u64 bss_end = kernel->number<u32>(header + 24);
  if (load > header_address || header_address - load > header)
    throw Error::of("{}: Multiboot image whose load address is after its header", kernel->name());
  const u64 offset = header - (header_address - load);
  const u64 size = load_end == 0 ? kernel->size() - offset : load_end - load;
  if (load_end != 0 && load_end < load)
    throw Error::of("{}: Multiboot image that ends before it begins", kernel->name());
  if (!kernel->holds(offset, size))
    throw Error::of("{}: Multiboot image cut short: {} bytes of {} are there", kernel->name(),
                    kernel->size() - offset, size);
  const u64 memory_size = bss_end > load ? bss_end - load : size;
  Image image;
  image.segments.push_back(BootSegment::of(load, kernel, offset, size, memory_size));
  image.entry = kernel->number<u32>(header + 28);
  return image;
}

u64 information_size(const BootRequest& request) {
  return kInfoSize + kModuleSize + request.memory.ranges().size() * kMapEntrySize +
         kLoaderName.size() + 1 + request.initrd_file.size() + 1;
}

// The structure itself, the module's, the memory map, then the texts they refer to.
std::vector<u8> information(const BootRequest& request, u64 address, const BootSegment* module,
                            u64 command_line) {
  const std::vector<MemoryRange> ranges = request.memory.ranges();
  const u64 modules = address + kInfoSize;
  const u64 map = modules + kModuleSize;
  const u64 name = map + ranges.size() * kMapEntrySize;
  const u64 module_text = name + kLoaderName.size() + 1;
  std::vector<u8> out;
  put(out,
      kHasMemory | kHasCommandLine | kHasMemoryMap | kHasLoaderName |
          (module != nullptr ? kHasModules : 0),
      4);
  put(out, kConventionalEnd >> 10, 4);
  put(out, (request.memory.low_ram() - kFirmwareEnd) >> 10, 4);
  put(out, 0, 4);  // boot device
  put(out, command_line, 4);
  put(out, module != nullptr ? 1 : 0, 4);
  put(out, modules, 4);
  for (unsigned i = 0; i < 4; ++i) put(out, 0, 4);  // symbols
  put(out, ranges.size() * kMapEntrySize, 4);
  put(out, map, 4);
  for (unsigned i = 0; i < 3; ++i) put(out, 0, 4);  // drives, configuration table
  put(out, name, 4);
  out.resize(kInfoSize, 0);
  put(out, module != nullptr ? module->address : 0, 4);
  put(out, module != nullptr ? module->address + module->size : 0, 4);
  put(out, module_text, 4);
  put(out, 0, 4);
  for (const MemoryRange& range : ranges) {
    put(out, kMapEntrySize - 4, 4);
    put(out, range.address, 8);
    put(out, range.size, 8);
    put(out, range.type, 4);
  }
  for (const std::string_view text : {kLoaderName, std::string_view(request.initrd_file)}) {
    out.insert(out.end(), text.begin(), text.end());
    out.push_back(0);
  }
  return out;
}

// The kernel's name is the first word, as boot loaders have always had it: kernels leave it out.
std::string command_line(const BootRequest& request) {
  if (request.command_line.empty()) return request.kernel_file;
  return request.kernel_file + " " + request.command_line;
}

}  // namespace

std::optional<BootPlan> plan_multiboot(const BootRequest& request) {
  const std::optional<u64> header = find_header(*request.kernel);
  if (!header) return std::nullopt;
  const std::string& kernel_name = request.kernel->name();
  const u32 flags = request.kernel->number<u32>(*header + 4);
  if ((flags & kWantVideo) != 0)
    throw Error::of("{}: Multiboot image that requires a video mode; this machine has no display",
                    kernel_name);
  if ((flags & kMustUnderstand & ~(kPageAlign | kWantMemory)) != 0)
    throw Error::of("{}: Multiboot image with unknown requirements (flags {:#x})", kernel_name,
                    flags);

  Image image;
  if ((flags & kAddressFields) != 0) {
    image = by_address_fields(request.kernel, *header);
  } else {
    const std::optional<ElfImage> elf = read_elf(request.kernel);
    if (!elf)
      throw Error::of("{}: Multiboot image that is neither an ELF file nor says where it loads",
                      kernel_name);
    image = {elf->segments, elf->entry};
  }

  BootPlan plan;
  u64 end = 0;
  for (const BootSegment& s : image.segments) {
    check_fits(request, s.address, s.memory_size, "the kernel");
    end = std::max(end, s.end());
  }
  plan.segments = std::move(image.segments);
  std::optional<BootSegment> module;
  if (request.initrd && request.initrd->size() != 0) {
    module = place_initrd(request, end, request.memory.low_ram());
    plan.segments.push_back(*module);
  }
  plan.entry.rip = image.entry;
  plan.entry.rax = kLoaderMagic;
  LoaderArea area(request, plan);
  area.reserve_for_entry();
  const u64 line = area.put_command_line(command_line(request), kCommandLineLimit);
  const u64 info = area.reserve(information_size(request), kBootInfoAddress);
  plan.segments.push_back(
      BootSegment::of(info, information(request, info, module ? &*module : nullptr, line)));
  plan.entry.rbx = info;
  return plan;
}

}  // namespace backplane::pc

// SPDX-License-Identifier: MIT
// Linux bzImage. [Linux Documentation/arch/x86/boot.rst "The Linux/x86 Boot Protocol",
// Documentation/arch/x86/zero-page.rst "Zero Page"]
#include <algorithm>

#include "backplane/error.h"
#include "boot/boot_plan.h"

namespace backplane::pc {

namespace {

// The real-mode kernel header: offsets in the image and in the zero page alike.
constexpr u64 kSetupSects = 0x1f1, kBootFlag = 0x1fe, kHeaderJump = 0x200, kHeaderMagic = 0x202,
              kVersion = 0x206, kTypeOfLoader = 0x210, kLoadFlags = 0x211, kCode32Start = 0x214,
              kRamdiskImage = 0x218, kRamdiskSize = 0x21c, kCmdLinePtr = 0x228,
              kInitrdAddrMax = 0x22c, kKernelAlignment = 0x230, kRelocatable = 0x234,
              kXLoadFlags = 0x236, kCmdlineSize = 0x238, kPrefAddress = 0x258, kInitSize = 0x260;
// The zero page only.
constexpr u64 kAcpiRsdpAddr = 0x070, kAltMemK = 0x1e0, kE820Entries = 0x1e8, kE820Table = 0x2d0;
constexpr u64 kZeroPageSize = 4096;
constexpr std::size_t kE820Max = 128;

constexpr u16 kBootFlagValue = 0xaa55;
constexpr u32 kHdrS = 0x53726448;
constexpr u8 kLoadedHigh = 1, kCanUseHeap = 0x80;
constexpr u16 kXlfKernel64 = 1;
constexpr u8 kUndefinedLoader = 0xff;

constexpr u64 kSector = 512;
constexpr u64 kOneMegabyte = 0x100000;
constexpr u64 kEntry64Offset = 0x200;

template <class T>
void put(std::vector<u8>& page, u64 offset, T value) {
  for (unsigned i = 0; i < sizeof(T); ++i) page[offset + i] = static_cast<u8>(value >> i * 8);
}

// What the header says, with the defaults of older protocols.
struct Header {
  explicit Header(const Blob& k)
      : version(k.number<u16>(kVersion)),
        setup_size((k.number<u8>(kSetupSects) == 0 ? 4 : k.number<u8>(kSetupSects)) * kSector +
                   kSector),
        header_end(kHeaderMagic + k.number<u8>(kHeaderJump + 1)),
        load_flags(k.number<u8>(kLoadFlags)),
        code32_start(k.number<u32>(kCode32Start)),
        initrd_max(version >= 0x203 ? k.number<u32>(kInitrdAddrMax) : 0x37ffffff),
        alignment(version >= 0x205 ? k.number<u32>(kKernelAlignment) : 0),
        relocatable(version >= 0x205 && k.number<u8>(kRelocatable) != 0),
        xload_flags(version >= 0x20c ? k.number<u16>(kXLoadFlags) : u16{0}),
        cmdline_size(version >= 0x206 ? k.number<u32>(kCmdlineSize) : 255),
        pref_address(version >= 0x20a ? k.number<u64>(kPrefAddress) : kOneMegabyte),
        init_size(version >= 0x20a ? k.number<u32>(kInitSize) : 0) {}

  u16 version;
  u64 setup_size;
  u64 header_end;
  u8 load_flags;
  u32 code32_start;
  u64 initrd_max;
  u64 alignment;
  bool relocatable;
  u16 xload_flags;
  u64 cmdline_size;
  u64 pref_address;
  u64 init_size;

  // Not so of boot programs that wear a kernel's header to be started in real mode, and lean on
  // firmware from there on. (From 2.10 on, pref_address says where the kernel goes.)
  bool has_protected_entry() const { return version >= 0x20a || code32_start != 0; }
};

// Where the protected-mode kernel goes: the address it prefers, or, if that is beyond RAM and it
// can be moved, the lowest one.
u64 load_address(const BootRequest& request, const Header& header, u64 size) {
  u64 address = header.pref_address;
  if (header.relocatable && address + size > request.memory.low_ram()) {
    const u64 alignment = std::max<u64>(header.alignment, kPageSize);
    address = (kOneMegabyte + alignment - 1) / alignment * alignment;
  }
  return address;
}

std::vector<u8> zero_page(const BootRequest& request, const Header& header, u64 command_line) {
  std::vector<u8> page(kZeroPageSize, 0);
  const u64 end = std::min({header.header_end, kE820Table, request.kernel->size()});
  if (end > kSetupSects) request.kernel->read(kSetupSects, &page[kSetupSects], end - kSetupSects);
  put<u8>(page, kTypeOfLoader, kUndefinedLoader);
  put<u8>(page, kLoadFlags, static_cast<u8>(header.load_flags & ~kCanUseHeap));
  put<u32>(page, kCmdLinePtr, static_cast<u32>(command_line));
  put<u64>(page, kAcpiRsdpAddr, request.rsdp);
  put<u32>(page, kAltMemK, static_cast<u32>((request.memory.low_ram() - kOneMegabyte) >> 10));

  const std::vector<MemoryRange> ranges = request.memory.ranges();
  const std::size_t count = std::min(ranges.size(), kE820Max);
  put<u8>(page, kE820Entries, static_cast<u8>(count));
  for (std::size_t n = 0; n < count; ++n) {
    const u64 at = kE820Table + n * 20;
    put<u64>(page, at, ranges[n].address);
    put<u64>(page, at + 8, ranges[n].size);
    put<u32>(page, at + 16, ranges[n].type);
  }
  return page;
}

}  // namespace

std::optional<BootPlan> plan_bzimage(const BootRequest& request) {
  const Blob& kernel = *request.kernel;
  if (kernel.number<u16>(kBootFlag) != kBootFlagValue || kernel.number<u32>(kHeaderMagic) != kHdrS)
    return std::nullopt;
  const Header header(kernel);
  if (header.version < 0x202 || (header.load_flags & kLoadedHigh) == 0)
    throw Error::of("{}: boot protocol {}.{:02}, loaded low: too old a Linux kernel", kernel.name(),
                    header.version >> 8, header.version & 0xff);
  if (!header.has_protected_entry())
    throw Error::of(
        "{}: has no protected-mode entry point, only one in real mode that needs "
        "firmware, without which -kernel starts",
        kernel.name())
        .with_hint("start it from a disk image, with -bios");
  if (kernel.size() <= header.setup_size)
    throw Error::of("{}: Linux kernel cut short: {} bytes, of which its header says {} are set-up",
                    kernel.name(), kernel.size(), header.setup_size);

  BootPlan plan;
  const u64 size = kernel.size() - header.setup_size;
  const u64 memory_size = std::max(size, header.init_size);
  const u64 address = load_address(request, header, memory_size);
  check_fits(request, address, memory_size, "the kernel");
  plan.segments.push_back(BootSegment::of(address, request.kernel, header.setup_size, size));

  u64 initrd = 0, initrd_size = 0;
  if (request.initrd && request.initrd->size() != 0) {
    plan.segments.push_back(place_initrd(request, address + memory_size, header.initrd_max + 1));
    initrd = plan.segments.back().address;
    initrd_size = plan.segments.back().size;
  }

  const bool wide = (header.xload_flags & kXlfKernel64) != 0;
  plan.entry.mode = wide ? EntryMode::Long64 : EntryMode::Protected32;
  plan.entry.rip = address + (wide ? kEntry64Offset : 0);
  LoaderArea area(request, plan);
  area.reserve_for_entry();
  const u64 line = area.put_command_line(request.command_line, header.cmdline_size);
  std::vector<u8> page = zero_page(request, header, line);
  put<u32>(page, kRamdiskImage, static_cast<u32>(initrd));
  put<u32>(page, kRamdiskSize, static_cast<u32>(initrd_size));
  plan.entry.rsi = area.put(std::move(page), kBootInfoAddress);
  return plan;
}

}  // namespace backplane::pc

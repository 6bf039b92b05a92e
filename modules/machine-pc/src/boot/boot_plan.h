// SPDX-License-Identifier: MIT
// Direct kernel boot: what is put where in guest memory, and the state the boot processor starts
// in. A plan is made once, when the machine is complete, and carried out after every reset.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backplane/memory.h"
#include "backplane/x86/cpu.h"
#include "board/memory_map.h"
#include "boot/blob.h"

namespace backplane::pc {

// Places in low memory where what boot loaders here leave for a kernel lies, unless the kernel
// itself is there: LoaderArea then finds others.
constexpr u64 kGdtAddress = 0x1000;
constexpr u64 kPageTablesAddress = 0x2000;
constexpr u64 kStackAddress = 0x8000;
constexpr u64 kBootInfoAddress = 0x10000;  // boot_params, start_info, multiboot information
constexpr u64 kCommandLineAddress = 0x20000;

constexpr u64 kGdtSize = 32, kPageTablesSize = 6 * kPageSize, kStackSize = kPageSize;
constexpr u64 kCommandLineLimit = 0x10000;

struct BootRequest {
  BlobPtr kernel;
  BlobPtr initrd;           // may be null
  std::string kernel_file;  // as the user named it; a Multiboot kernel is told
  std::string initrd_file;
  std::string command_line;
  MemoryMap memory;
  u64 rsdp = 0;
};

// Bytes for guest memory: part of a blob, or bytes of its own; then zeros up to memory_size.
struct BootSegment {
  u64 address = 0;
  BlobPtr blob;
  u64 offset = 0;
  u64 size = 0;
  std::vector<u8> bytes;  // if there is no blob
  u64 memory_size = 0;    // at least the size

  static BootSegment of(u64 address, std::vector<u8> bytes);
  static BootSegment of(u64 address, BlobPtr blob, u64 offset, u64 size, u64 memory_size = 0);
  u64 end() const { return address + memory_size; }
};

enum class EntryMode {
  Protected32,  // flat 32-bit segments, no paging
  Long64,       // flat, the first 4 GiB mapped to themselves
};

struct BootEntry {
  EntryMode mode = EntryMode::Protected32;
  u64 rip = 0;
  u64 gdt = kGdtAddress;
  u64 page_tables = kPageTablesAddress;  // Long64 only
  u64 stack = kStackAddress;             // its lowest byte
  u64 rax = 0;
  u64 rbx = 0;
  u64 rsi = 0;
};

struct BootPlan {
  std::vector<BootSegment> segments;
  BootEntry entry;

  // Copies the segments into guest memory. The first time reads what is in files, keeps it for the
  // next reset, and lets go of the files. Throws Error if one is not in RAM.
  void load(AddressSpace& memory);
  // Puts the entry's state into a CPU that has just been reset, and its GDT and page tables into
  // guest memory.
  void enter(AddressSpace& memory, x86::X86Cpu& cpu) const;
};

// Recognises the kernel and plans its boot: a Linux bzImage, an ELF file with a PVH entry point, a
// Multiboot image; any of them compressed with gzip. Throws Error, one line: what the image is or
// lacks, what does not fit.
BootPlan plan_boot(BootRequest request);

// One kind each. Null if the image is not of the kind. [bzImage: Linux "The Linux/x86 Boot
// Protocol"; PVH: Xen "x86/HVM direct boot ABI"; "Multiboot Specification version 0.6.96"]
std::optional<BootPlan> plan_bzimage(const BootRequest& request);
std::optional<BootPlan> plan_pvh(const BootRequest& request);
std::optional<BootPlan> plan_multiboot(const BootRequest& request);

// Shared by the kinds. ---------------------------------------------------------------------------
// Throws Error if [address, address+size) is not RAM of the map, saying what it is.
void check_fits(const BootRequest& request, u64 address, u64 size, const char* what);
// The initrd at the end of RAM below `limit`, above `floor`. Throws Error if it does not fit.
BootSegment place_initrd(const BootRequest& request, u64 floor, u64 limit);

// Memory for what the loader itself leaves behind, clear of a plan's segments and of each other.
class LoaderArea {
 public:
  // Of a plan that has all that lies at a fixed place; both outlive it.
  LoaderArea(const BootRequest& request, BootPlan& plan);

  // `size` bytes: at `wished`, if nothing is there, else in conventional memory, else above 1 MiB.
  // Throws Error if there are none.
  u64 reserve(u64 size, u64 wished);
  // Puts bytes into such a place, as a segment of the plan; returns where.
  u64 put(std::vector<u8> bytes, u64 wished);
  // The command line with its NUL. Throws Error if it is longer than `limit` characters.
  u64 put_command_line(const std::string& text, u64 limit);
  // What BootPlan::enter() needs.
  void reserve_for_entry();

 private:
  struct Range {
    u64 start, end;
  };
  bool is_free(u64 address, u64 size) const;

  const BootRequest& request_;
  BootPlan& plan_;
  std::vector<Range> taken_;
};

}  // namespace backplane::pc

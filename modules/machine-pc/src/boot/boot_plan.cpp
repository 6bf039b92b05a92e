// SPDX-License-Identifier: MIT
#include "boot/boot_plan.h"

#include <algorithm>

#include "backplane/error.h"
#include "boot/prepare_memory.h"

namespace backplane::pc {

namespace {

using x86::Segment;
using x86::X86State;

// Selectors of the Linux boot protocol: __BOOT_CS and __BOOT_DS.
constexpr u16 kCodeSelector = 0x10, kDataSelector = 0x18;
constexpr u64 kFlatCode32 = 0x00cf9b000000ffff, kFlatCode64 = 0x00af9b000000ffff,
              kFlatData = 0x00cf93000000ffff;

constexpr u64 kPagePresent = 1, kPageWritable = 2, kPageLarge = 0x80;

constexpr u64 align_down(u64 value, u64 alignment) { return value & ~(alignment - 1); }

void write_gdt(AddressSpace& memory, u64 address, u64 code) {
  const u64 gdt[] = {0, 0, code, kFlatData};
  static_assert(sizeof gdt == kGdtSize);
  memory.write(address, gdt, sizeof gdt);
}

// Maps the first 4 GiB to themselves in 2 MiB pages.
void write_page_tables(AddressSpace& memory, u64 address) {
  constexpr u64 kFlags = kPagePresent | kPageWritable;
  const u64 pointers = address + kPageSize, directories = pointers + kPageSize;
  memory.fill(address, 0, 2 * kPageSize);
  memory.store<u64>(address, pointers | kFlags);
  std::vector<u64> entries(4 * 512);
  for (u64 n = 0; n < 4; ++n)
    memory.store<u64>(pointers + n * 8, (directories + n * kPageSize) | kFlags);
  for (u64 n = 0; n < entries.size(); ++n) entries[n] = n << 21 | kFlags | kPageLarge;
  memory.write(directories, entries.data(), entries.size() * sizeof(u64));
}

bool copy_to(AddressSpace& memory, u64 address, const std::vector<u8>& bytes) {
  if (bytes.empty()) return true;
  u8* const target = memory.ram_pointer(address, bytes.size(), true);
  if (target == nullptr) return false;
  prepare_memory(target, bytes.size());
  std::copy(bytes.begin(), bytes.end(), target);
  return true;
}

}  // namespace

BootSegment BootSegment::of(u64 address, std::vector<u8> bytes) {
  BootSegment segment;
  segment.address = address;
  segment.size = segment.memory_size = bytes.size();
  segment.bytes = std::move(bytes);
  return segment;
}

BootSegment BootSegment::of(u64 address, BlobPtr blob, u64 offset, u64 size, u64 memory_size) {
  BootSegment segment;
  segment.address = address;
  segment.blob = std::move(blob);
  segment.offset = offset;
  segment.size = size;
  segment.memory_size = std::max(size, memory_size);
  return segment;
}

void BootPlan::load(AddressSpace& memory) {
  for (BootSegment& s : segments) {
    if (s.blob) s.bytes = s.blob->read(s.offset, s.size);
    s.blob.reset();
    bool ok = copy_to(memory, s.address, s.bytes);
    if (ok && s.memory_size > s.size)
      ok = memory.fill(s.address + s.size, 0, s.memory_size - s.size) == MemResult::Ok;
    if (!ok)
      throw Error::of("{} bytes at {:#x} of the boot image do not fit into RAM", s.memory_size,
                      s.address);
  }
}

void BootPlan::enter(AddressSpace& memory, x86::X86Cpu& cpu) const {
  X86State& state = cpu.state();
  const bool wide = entry.mode == EntryMode::Long64;
  write_gdt(memory, entry.gdt, wide ? kFlatCode64 : kFlatCode32);
  state.gdtr = {kGdtSize - 1, entry.gdt};
  state.idtr = {0, 0};
  // Attributes: bits 40 to 55 of the descriptors above.
  state.seg[x86::CS] = Segment{kCodeSelector, static_cast<u16>(wide ? 0xa09b : 0xc09b), ~u32{0}, 0};
  for (const auto reg : {x86::DS, x86::ES, x86::SS, x86::FS, x86::GS})
    state.seg[reg] = Segment{kDataSelector, 0xc093, ~u32{0}, 0};
  state.cr0 = x86::kCr0PE | x86::kCr0ET;
  if (wide) {
    write_page_tables(memory, entry.page_tables);
    state.cr0 |= x86::kCr0PG;
    state.cr3 = entry.page_tables;
    state.cr4 = x86::kCr4PAE;
    state.efer = x86::kEferLME | x86::kEferLMA;
  }
  std::fill(std::begin(state.gpr), std::end(state.gpr), 0);
  state.gpr[x86::RAX] = entry.rax;
  state.gpr[x86::RBX] = entry.rbx;
  state.gpr[x86::RSI] = entry.rsi;
  state.gpr[x86::RSP] = entry.stack + kStackSize;
  state.rip = entry.rip;
  state.rflags = 2;
}

void check_fits(const BootRequest& request, u64 address, u64 size, const char* what) {
  if (request.memory.is_ram(address, size)) return;
  throw Error::of("{}: {} needs {} KiB at {:#x}, which the machine's {} MiB of RAM do not have",
                  request.kernel->name(), what, (size + 1023) >> 10, address,
                  request.memory.ram >> 20)
      .with_hint("give it more memory with -m");
}

BootSegment place_initrd(const BootRequest& request, u64 floor, u64 limit) {
  const u64 top = std::min(limit, request.memory.low_ram());
  const u64 size = request.initrd->size();
  const u64 address = size <= top ? align_down(top - size, kPageSize) : 0;
  if (size > top || address < floor)
    throw Error::of(
        "{}: the initial RAM disk of {} KiB does not fit beside the kernel into {} MiB "
        "of RAM",
        request.initrd->name(), (size + 1023) >> 10, request.memory.ram >> 20)
        .with_hint("give it more memory with -m");
  return BootSegment::of(address, request.initrd, 0, size);
}

}  // namespace backplane::pc

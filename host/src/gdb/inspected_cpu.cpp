// SPDX-License-Identifier: MIT
#include "gdb/inspected_cpu.h"

#include <algorithm>
#include <numeric>

#include "gdb/target_description.h"

namespace backplane::host::gdb {

InspectedCpu::InspectedCpu(Cpu& cpu, AddressSpace& memory)
    : cpu_(cpu), memory_(memory), target_(cpu.debug_target()) {
  if (target_ != nullptr) sizes_ = register_sizes(*target_);
}

// With what the accelerator has of the CPU in the Cpu object.
template <class Fn>
void InspectedCpu::with_state(const Fn& fn) {
  cpu_.run_on_thread([&] {
    if (cpu_.vcpu() != nullptr) cpu_.vcpu()->get_state();
    fn();
  });
}

std::vector<u8> InspectedCpu::read_registers() {
  std::vector<u8> bytes(std::accumulate(sizes_.begin(), sizes_.end(), std::size_t{0}));
  with_state([&] {
    std::span<u8> left(bytes);
    for (unsigned n = 0; n < sizes_.size(); ++n) {
      target_->read(n, left.first(sizes_[n]));
      left = left.subspan(sizes_[n]);
    }
  });
  return bytes;
}

std::vector<u8> InspectedCpu::read_register(unsigned number) {
  std::vector<u8> bytes(sizes_[number]);
  with_state([&] { target_->read(number, bytes); });
  return bytes;
}

bool InspectedCpu::write_registers(std::span<const u8> bytes) {
  bool good = true;
  with_state([&] {
    for (unsigned n = 0; n < sizes_.size() && bytes.size() >= sizes_[n] && good; ++n) {
      good = target_->write(n, bytes.first(sizes_[n]));
      bytes = bytes.subspan(sizes_[n]);
    }
    if (cpu_.vcpu() != nullptr) cpu_.vcpu()->put_state();
  });
  return good;
}

bool InspectedCpu::write_register(unsigned number, std::span<const u8> bytes) {
  if (bytes.size() != sizes_[number]) return false;
  bool good = false;
  with_state([&] {
    good = target_->write(number, bytes);
    if (cpu_.vcpu() != nullptr) cpu_.vcpu()->put_state();
  });
  return good;
}

// Calls piece(physical, offset, size) for each page, until it is false or a page is not there. The
// page tables are read on the CPU's thread, what they lead to is accessed on the caller's.
template <class Piece>
std::size_t InspectedCpu::by_page(u64 address, std::size_t size, Addresses addresses,
                                  const Piece& piece) {
  struct Page {
    u64 physical;
    std::size_t offset, size;
  };
  std::vector<Page> pages;
  with_state([&] {
    for (std::size_t done = 0; done < size; done += pages.back().size) {
      const u64 at = address + done;
      const std::optional<u64> physical =
          addresses == Addresses::Linear ? target_->physical(at) : at;
      if (!physical) return;
      const u64 left = kPageSize - (at & (kPageSize - 1));
      pages.push_back(
          {*physical, done, static_cast<std::size_t>(std::min<u64>(size - done, left))});
    }
  });
  std::size_t done = 0;
  for (const Page& page : pages) {
    if (!piece(page.physical, page.offset, page.size)) break;
    done += page.size;
  }
  return done;
}

std::size_t InspectedCpu::read_memory(u64 address, std::span<u8> bytes, Addresses addresses) {
  return by_page(
      address, bytes.size(), addresses, [&](u64 physical, std::size_t offset, std::size_t size) {
        return memory_.debug_read(physical, bytes.data() + offset, size) == MemResult::Ok;
      });
}

std::size_t InspectedCpu::write_memory(u64 address, std::span<const u8> bytes,
                                       Addresses addresses) {
  return by_page(
      address, bytes.size(), addresses, [&](u64 physical, std::size_t offset, std::size_t size) {
        return memory_.debug_write(physical, bytes.data() + offset, size) == MemResult::Ok;
      });
}

}  // namespace backplane::host::gdb

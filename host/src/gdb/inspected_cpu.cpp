// SPDX-License-Identifier: MIT
#include "gdb/inspected_cpu.h"

#include <algorithm>
#include <cstring>
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

// Calls piece(physical, offset, size) for each page, until it is false or a page is not there.
template <class Piece>
std::size_t InspectedCpu::by_page(u64 address, std::size_t size, Addresses addresses,
                                  const Piece& piece) {
  std::size_t done = 0;
  with_state([&] {
    while (done < size) {
      const u64 at = address + done;
      const std::size_t part = std::min<u64>(size - done, kPageSize - (at & (kPageSize - 1)));
      std::optional<u64> physical = at;
      if (addresses == Addresses::Linear) physical = target_->physical(at);
      if (!physical || !piece(*physical, done, part)) return;
      done += part;
    }
  });
  return done;
}

std::size_t InspectedCpu::read_memory(u64 address, std::span<u8> bytes, Addresses addresses) {
  return by_page(address, bytes.size(), addresses,
                 [&](u64 physical, std::size_t offset, std::size_t size) {
                   const u8* const host = memory_.ram_pointer(physical, size, false);
                   if (host == nullptr) return false;
                   std::memcpy(bytes.data() + offset, host, size);
                   return true;
                 });
}

std::size_t InspectedCpu::write_memory(u64 address, std::span<const u8> bytes,
                                       Addresses addresses) {
  return by_page(address, bytes.size(), addresses,
                 [&](u64 physical, std::size_t offset, std::size_t size) {
                   u8* const host = memory_.ram_pointer(physical, size, true);
                   if (host == nullptr) return false;
                   std::memcpy(host, bytes.data() + offset, size);
                   return true;
                 });
}

}  // namespace backplane::host::gdb

// SPDX-License-Identifier: MIT
// Registers and memory of one CPU, as packets carry them.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backplane/cpu.h"
#include "backplane/memory.h"

namespace backplane::host::gdb {

// Machine lock; the machine stands still. What it does is done on the CPU's thread meanwhile.
class InspectedCpu {
 public:
  InspectedCpu(Cpu& cpu, AddressSpace& memory);

  Cpu& cpu() const { return cpu_; }
  // Null if the architecture does not say how it is debugged; then nothing else may be called.
  const DebugTarget* target() const { return target_.get(); }

  // All registers, one behind the other.
  std::vector<u8> read_registers();
  // As many of them as there are bytes. False if one of them cannot have its value: those before it
  // have theirs.
  bool write_registers(std::span<const u8> bytes);
  bool has_register(u64 number) const { return number < sizes_.size(); }
  std::vector<u8> read_register(unsigned number);
  bool write_register(unsigned number, std::span<const u8> bytes);

  // What is at linear addresses, by the CPU's page tables and whatever its rights, or at physical
  // ones, as AddressSpace::debug_read() and debug_write() have it. How many bytes were accessed, in
  // whole pages from the first on.
  enum class Addresses : u8 { Linear, Physical };
  std::size_t read_memory(u64 address, std::span<u8> bytes, Addresses addresses);
  std::size_t write_memory(u64 address, std::span<const u8> bytes, Addresses addresses);

 private:
  template <class Fn>
  void with_state(const Fn& fn);
  template <class Piece>
  std::size_t by_page(u64 address, std::size_t size, Addresses addresses, const Piece& piece);

  Cpu& cpu_;
  AddressSpace& memory_;
  std::unique_ptr<DebugTarget> target_;
  std::vector<unsigned> sizes_;
};

}  // namespace backplane::host::gdb

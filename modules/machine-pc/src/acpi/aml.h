// SPDX-License-Identifier: MIT
// ACPI Machine Language, built bottom up: each function returns the bytes of one term, and takes
// the bytes of what it contains. [ACPI 6.4 20 "ACPI Machine Language (AML) Specification"]
#pragma once

#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "backplane/types.h"

namespace backplane::pc::aml {

using Bytes = std::vector<u8>;

// The terms one after the other.
Bytes join(std::initializer_list<Bytes> terms);
Bytes join(std::span<const Bytes> terms);

// --- names and data [20.2.2, 20.2.3] -----------------------------------------------------------
// A path such as "\\_SB.PCI0" or "_CRS"; segments shorter than four characters are padded.
Bytes path(std::string_view text);
Bytes integer(u64 value);
Bytes string(std::string_view text);
// The compressed form of an identifier such as "PNP0A03".
Bytes eisa_id(std::string_view id);
Bytes buffer(const Bytes& data);
Bytes package(std::span<const Bytes> elements);
Bytes package(std::initializer_list<Bytes> elements);

// --- objects [20.2.5] ---------------------------------------------------------------------------
Bytes name(std::string_view path, const Bytes& value);
Bytes scope(std::string_view path, const Bytes& body);
Bytes device(std::string_view path, const Bytes& body);
Bytes method(std::string_view path, unsigned arguments, const Bytes& body);

// Address spaces of operation regions.
enum class Space : u8 { SystemMemory = 0, SystemIo = 1, PciConfig = 2 };
Bytes operation_region(std::string_view path, Space space, u64 offset, u64 length);
// Consecutive fields of a region, of up to 32 bits, which are read and written in units of that
// many bytes; bits that are in no field are written as zeroes.
struct FieldUnit {
  std::string_view name;
  unsigned bits;
};
enum class Access : u8 { Byte = 1, Word = 2, DWord = 3 };
Bytes field(std::string_view region, Access access, std::initializer_list<FieldUnit> units);

// --- statements and expressions [20.2.5.3, 20.2.5.4] --------------------------------------------
Bytes arg(unsigned number);
Bytes local(unsigned number);
Bytes if_(const Bytes& predicate, const Bytes& body);
Bytes else_(const Bytes& body);
Bytes return_(const Bytes& value);
Bytes store(const Bytes& value, const Bytes& target);
// Tells the operating system of something about a device. [5.6.6 "Device Object Notifications"]
Bytes notify(const Bytes& object, const Bytes& value);
Bytes call(std::string_view method, std::initializer_list<Bytes> arguments);
Bytes and_(const Bytes& a, const Bytes& b, const Bytes& target = {});
Bytes or_(const Bytes& a, const Bytes& b, const Bytes& target = {});
Bytes shift_left(const Bytes& value, const Bytes& count, const Bytes& target);
Bytes equal(const Bytes& a, const Bytes& b);
// The number of the lowest set bit, from 1; 0 if none.
Bytes find_set_right_bit(const Bytes& value, const Bytes& target);
Bytes subtract(const Bytes& a, const Bytes& b, const Bytes& target);
// Makes an integer of a buffer's two bytes from an offset (a named field in the buffer).
Bytes create_word_field(const Bytes& buffer, u64 offset, std::string_view path);

// --- resources [6.4 "Resource Data Types for ACPI"]
// ------------------------------------------------ A buffer of descriptors with its end tag.
Bytes resource_template(std::initializer_list<Bytes> descriptors);
Bytes io_ports(u16 base, u8 length);
Bytes irq(u8 number);                                 // edge, active high
Bytes level_irqs(std::initializer_list<u8> numbers);  // level, active low, shared
Bytes fixed_memory(u32 base, u32 length, bool writable);
Bytes bus_numbers(u16 first, u16 last);
Bytes io_window(u16 first, u16 last);
Bytes memory_window(u32 first, u32 last, bool cacheable);
Bytes memory_window64(u64 first, u64 last);

}  // namespace backplane::pc::aml

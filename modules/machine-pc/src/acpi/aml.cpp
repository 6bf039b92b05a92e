// SPDX-License-Identifier: MIT
#include "acpi/aml.h"

#include <cassert>

namespace backplane::pc::aml {

namespace {

// Opcodes, with the names of [ACPI 6.4 20.3 "AML Byte Stream Byte Values"].
constexpr u8 kZeroOp = 0x00, kOneOp = 0x01, kNameOp = 0x08, kBytePrefix = 0x0a, kWordPrefix = 0x0b,
             kDWordPrefix = 0x0c, kStringPrefix = 0x0d, kQWordPrefix = 0x0e, kScopeOp = 0x10,
             kBufferOp = 0x11, kPackageOp = 0x12, kMethodOp = 0x14, kDualNamePrefix = 0x2e,
             kMultiNamePrefix = 0x2f, kExtOpPrefix = 0x5b, kLocal0Op = 0x60, kArg0Op = 0x68,
             kStoreOp = 0x70, kNotifyOp = 0x86, kSubtractOp = 0x74, kShiftLeftOp = 0x79,
             kAndOp = 0x7b, kOrOp = 0x7d, kFindSetRightBitOp = 0x82, kCreateWordFieldOp = 0x8b,
             kLEqualOp = 0x93, kIfOp = 0xa0, kElseOp = 0xa1, kReturnOp = 0xa4;
constexpr u8 kExtOpRegionOp = 0x80, kExtFieldOp = 0x81, kExtDeviceOp = 0x82;
constexpr u8 kWriteAsZeros = 0x40;  // of FieldFlags, beside the access

void append(Bytes& out, const Bytes& bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

void append_number(Bytes& out, u64 value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i) out.push_back(static_cast<u8>(value >> i * 8));
}

// PkgLength counts itself. [20.2.4]
Bytes package_length(std::size_t content) {
  Bytes out;
  if (content + 1 < 0x40) {
    out.push_back(static_cast<u8>(content + 1));
    return out;
  }
  unsigned extra = 1;
  while (content + 1 + extra >= u64{1} << (4 + 8 * extra)) ++extra;
  const u64 length = content + 1 + extra;
  out.push_back(static_cast<u8>(extra << 6 | (length & 15)));
  append_number(out, length >> 4, extra);
  return out;
}

// An opcode, the length, and the contents.
Bytes sized(std::initializer_list<u8> opcode, const Bytes& content) {
  Bytes out(opcode);
  append(out, package_length(content.size()));
  append(out, content);
  return out;
}

Bytes operation(u8 opcode, std::initializer_list<Bytes> operands) {
  Bytes out{opcode};
  for (const Bytes& operand : operands) append(out, operand);
  return out;
}

// A target that is left out is the null name.
Bytes target_or_none(const Bytes& target) { return target.empty() ? Bytes{kZeroOp} : target; }

void append_segment(Bytes& out, std::string_view segment) {
  assert(!segment.empty() && segment.size() <= 4);
  append(out, Bytes(segment.begin(), segment.end()));
  out.insert(out.end(), 4 - segment.size(), '_');
}

// Word, double-word and quad-word address space descriptors. [6.4.3.5]
enum ResourceType : u8 { kMemory = 0, kIo = 1, kBusNumber = 2 };
constexpr u8 kFixedBounds = 0x0c;  // minimum and maximum are fixed, positive decode
constexpr u8 kEntireRange = 0x03;  // I/O: ISA and non-ISA ports
constexpr u8 kReadWrite = 0x01, kCacheable = 0x02;

Bytes address_space(u8 tag, unsigned width, ResourceType type, u8 type_flags, u64 first, u64 last) {
  Bytes out{tag};
  append_number(out, 3 + 5 * width, 2);
  append_number(out, type, 1);
  append_number(out, kFixedBounds, 1);
  append_number(out, type_flags, 1);
  append_number(out, 0, width);  // granularity
  append_number(out, first, width);
  append_number(out, last, width);
  append_number(out, 0, width);  // translation offset
  append_number(out, last - first + 1, width);
  return out;
}
constexpr u8 kWordTag = 0x88, kDWordTag = 0x87, kQWordTag = 0x8a;

}  // namespace

Bytes join(std::span<const Bytes> terms) {
  Bytes out;
  for (const Bytes& term : terms) append(out, term);
  return out;
}
Bytes join(std::initializer_list<Bytes> terms) {
  return join(std::span<const Bytes>(terms.begin(), terms.size()));
}

Bytes path(std::string_view text) {
  Bytes out;
  if (!text.empty() && text.front() == '\\') {
    out.push_back('\\');
    text.remove_prefix(1);
  }
  std::vector<std::string_view> segments;
  while (!text.empty()) {
    const std::size_t dot = text.find('.');
    segments.push_back(text.substr(0, dot));
    text.remove_prefix(dot == std::string_view::npos ? text.size() : dot + 1);
  }
  if (segments.empty()) out.push_back(kZeroOp);
  if (segments.size() == 2) out.push_back(kDualNamePrefix);
  if (segments.size() > 2) {
    out.push_back(kMultiNamePrefix);
    out.push_back(static_cast<u8>(segments.size()));
  }
  for (const std::string_view segment : segments) append_segment(out, segment);
  return out;
}

Bytes integer(u64 value) {
  if (value == 0) return {kZeroOp};
  if (value == 1) return {kOneOp};
  Bytes out;
  if (value <= 0xff) {
    out.push_back(kBytePrefix);
    append_number(out, value, 1);
  } else if (value <= 0xffff) {
    out.push_back(kWordPrefix);
    append_number(out, value, 2);
  } else if (value <= 0xffffffff) {
    out.push_back(kDWordPrefix);
    append_number(out, value, 4);
  } else {
    out.push_back(kQWordPrefix);
    append_number(out, value, 8);
  }
  return out;
}

Bytes string(std::string_view text) {
  Bytes out{kStringPrefix};
  append(out, Bytes(text.begin(), text.end()));
  out.push_back(0);
  return out;
}

// Three letters in five bits each, then four hexadecimal digits, big-endian. [19.6.36 "EISAID"]
Bytes eisa_id(std::string_view id) {
  assert(id.size() == 7);
  u32 value = 0;
  for (unsigned i = 0; i < 3; ++i) value = value << 5 | (static_cast<u32>(id[i]) - '@');
  for (unsigned i = 3; i < 7; ++i) {
    const char c = id[i];
    value = value << 4 | static_cast<u32>(c <= '9' ? c - '0' : c - 'A' + 10);
  }
  return integer(__builtin_bswap32(value));
}

Bytes buffer(const Bytes& data) { return sized({kBufferOp}, join({integer(data.size()), data})); }

Bytes package(std::span<const Bytes> elements) {
  assert(elements.size() <= 0xff);
  return sized({kPackageOp}, join({Bytes{static_cast<u8>(elements.size())}, join(elements)}));
}
Bytes package(std::initializer_list<Bytes> elements) {
  return package(std::span<const Bytes>(elements.begin(), elements.size()));
}

Bytes name(std::string_view p, const Bytes& value) { return operation(kNameOp, {path(p), value}); }
Bytes scope(std::string_view p, const Bytes& body) {
  return sized({kScopeOp}, join({path(p), body}));
}
Bytes device(std::string_view p, const Bytes& body) {
  return sized({kExtOpPrefix, kExtDeviceOp}, join({path(p), body}));
}
Bytes method(std::string_view p, unsigned arguments, const Bytes& body) {
  return sized({kMethodOp}, join({path(p), Bytes{static_cast<u8>(arguments & 7)}, body}));
}

Bytes operation_region(std::string_view p, Space space, u64 offset, u64 length) {
  return join({Bytes{kExtOpPrefix, kExtOpRegionOp}, path(p), Bytes{static_cast<u8>(space)},
               integer(offset), integer(length)});
}

Bytes field(std::string_view region, Access access, std::initializer_list<FieldUnit> units) {
  const u8 flags = static_cast<u8>(static_cast<u8>(access) | kWriteAsZeros);
  Bytes content = join({path(region), Bytes{flags}});
  for (const FieldUnit& unit : units) {
    append_segment(content, unit.name);
    content.push_back(static_cast<u8>(unit.bits));  // a PkgLength of one byte, that counts bits
    assert(unit.bits < 0x40);
  }
  return sized({kExtOpPrefix, kExtFieldOp}, content);
}

Bytes arg(unsigned number) { return {static_cast<u8>(kArg0Op + number)}; }
Bytes local(unsigned number) { return {static_cast<u8>(kLocal0Op + number)}; }
Bytes if_(const Bytes& predicate, const Bytes& body) {
  return sized({kIfOp}, join({predicate, body}));
}
Bytes else_(const Bytes& body) { return sized({kElseOp}, body); }
Bytes return_(const Bytes& value) { return operation(kReturnOp, {value}); }
Bytes store(const Bytes& value, const Bytes& target) {
  return operation(kStoreOp, {value, target});
}
Bytes notify(const Bytes& object, const Bytes& value) {
  return operation(kNotifyOp, {object, value});
}
Bytes call(std::string_view method, std::initializer_list<Bytes> arguments) {
  return join({path(method), join(arguments)});
}
Bytes and_(const Bytes& a, const Bytes& b, const Bytes& target) {
  return operation(kAndOp, {a, b, target_or_none(target)});
}
Bytes or_(const Bytes& a, const Bytes& b, const Bytes& target) {
  return operation(kOrOp, {a, b, target_or_none(target)});
}
Bytes shift_left(const Bytes& value, const Bytes& count, const Bytes& target) {
  return operation(kShiftLeftOp, {value, count, target_or_none(target)});
}
Bytes equal(const Bytes& a, const Bytes& b) { return operation(kLEqualOp, {a, b}); }
Bytes find_set_right_bit(const Bytes& value, const Bytes& target) {
  return operation(kFindSetRightBitOp, {value, target_or_none(target)});
}
Bytes subtract(const Bytes& a, const Bytes& b, const Bytes& target) {
  return operation(kSubtractOp, {a, b, target_or_none(target)});
}
Bytes create_word_field(const Bytes& buffer, u64 offset, std::string_view p) {
  return operation(kCreateWordFieldOp, {buffer, integer(offset), path(p)});
}

Bytes resource_template(std::initializer_list<Bytes> descriptors) {
  Bytes content = join(descriptors);
  append(content, {0x79, 0x00});  // end tag; a checksum of zero is not checked
  return buffer(content);
}

Bytes io_ports(u16 base, u8 length) {
  Bytes out{0x47, 0x01};  // decodes 16 bits
  append_number(out, base, 2);
  append_number(out, base, 2);
  out.push_back(1);
  out.push_back(length);
  return out;
}

Bytes irq(u8 number) {
  Bytes out{0x22};
  append_number(out, u64{1} << number, 2);
  return out;
}

Bytes level_irqs(std::initializer_list<u8> numbers) {
  u64 mask = 0;
  for (const u8 number : numbers) mask |= u64{1} << number;
  Bytes out{0x23};
  append_number(out, mask, 2);
  out.push_back(0x18);  // level, active low, shared
  return out;
}

Bytes fixed_memory(u32 base, u32 length, bool writable) {
  Bytes out{0x86, 0x09, 0x00, static_cast<u8>(writable ? 1 : 0)};
  append_number(out, base, 4);
  append_number(out, length, 4);
  return out;
}

Bytes bus_numbers(u16 first, u16 last) {
  return address_space(kWordTag, 2, kBusNumber, 0, first, last);
}
Bytes io_window(u16 first, u16 last) {
  return address_space(kWordTag, 2, kIo, kEntireRange, first, last);
}
Bytes memory_window(u32 first, u32 last, bool cacheable) {
  return address_space(kDWordTag, 4, kMemory,
                       static_cast<u8>(kReadWrite | (cacheable ? kCacheable : 0)), first, last);
}
Bytes memory_window64(u64 first, u64 last) {
  return address_space(kQWordTag, 8, kMemory, kReadWrite | kCacheable, first, last);
}

}  // namespace backplane::pc::aml

// SPDX-License-Identifier: MIT
// x87 control, status and environment: on the image itself. Data instructions run natively.
// [SDM 1 "x87 FPU Control Instructions"]
#include "../handlers.h"
#include "availability.h"

namespace backplane::x86::interpreter {
namespace {

constexpr unsigned kRegisterBytes = 10;

// Two bits a register, as the environment in memory has it; the image keeps one bit.
enum Tag : u16 { kValid = 0, kZero = 1, kSpecial = 2, kEmpty = 3 };

u16 tag_of(const u8* value) {
  u64 significand = 0;
  u16 exponent = 0;
  std::memcpy(&significand, value, 8);
  std::memcpy(&exponent, value + 8, 2);
  exponent &= 0x7fff;
  if (exponent == 0) return significand == 0 ? kZero : kSpecial;
  if (exponent == 0x7fff || (significand >> 63) == 0) return kSpecial;
  return kValid;
}

u16 full_tags(const FpuImage& image) {
  const u8 present = image.get<u8>(kFtw);
  u16 tags = 0;
  for (unsigned physical = 0; physical < 8; ++physical) {
    const unsigned relative = (physical - image.top()) & 7;
    const u16 tag = (present >> physical & 1) != 0 ? tag_of(image.st(relative)) : u16{kEmpty};
    tags |= static_cast<u16>(tag << (2 * physical));
  }
  return tags;
}

u8 abridged_tags(u16 tags) {
  u8 present = 0;
  for (unsigned physical = 0; physical < 8; ++physical)
    if ((tags >> (2 * physical) & 3) != kEmpty) present |= static_cast<u8>(1U << physical);
  return present;
}

// The environment's form depends on the operand size and on whether pointers are real addresses.
struct Format {
  bool wide;  // 32-bit: 28 bytes; else 14
  bool real;  // real or virtual-8086 mode
  unsigned size() const { return wide ? 28 : 14; }
  unsigned field() const { return wide ? 4 : 2; }
};

Format format_of(const Execution& x, const Instruction& i) {
  return {i.operand_size != 2, !x.state.protected_mode()};
}

void put16(u8* at, u64 value) {
  const u16 v = static_cast<u16>(value);
  std::memcpy(at, &v, 2);
}
void put32(u8* at, u64 value) {
  const u32 v = static_cast<u32>(value);
  std::memcpy(at, &v, 4);
}
u16 get16(const u8* at) {
  u16 v = 0;
  std::memcpy(&v, at, 2);
  return v;
}
u32 get32(const u8* at) {
  u32 v = 0;
  std::memcpy(&v, at, 4);
  return v;
}

// Seven fields: control, status, tags, instruction pointer and opcode, operand pointer.
void make_environment(const FpuImage& image, Format f, u8* out) {
  std::memset(out, f.wide ? 0xff : 0, f.size());  // reserved halves read as ones
  put16(out, image.get<u16>(kFcw));
  put16(out + f.field(), image.get<u16>(kFsw));
  put16(out + 2 * f.field(), full_tags(image));
  const u64 fip = image.get<u64>(kFip);
  const u64 fdp = image.get<u64>(kFdp);
  const u64 fop = image.get<u16>(kFop) & 0x7ff;
  u8* pointers = out + 3 * f.field();
  if (f.wide && !f.real) {
    put32(pointers, fip);
    put32(pointers + 4, fop << 16);
    put32(pointers + 8, fdp);
    put16(pointers + 12, 0);
  } else if (f.wide) {
    put16(pointers, fip);
    put32(pointers + 4, (fip >> 16 & 0xffff) << 12 | fop);
    put16(pointers + 8, fdp);
    put32(pointers + 12, (fdp >> 16 & 0xffff) << 12);
  } else if (!f.real) {
    put16(pointers, fip);
    put16(pointers + 2, 0);
    put16(pointers + 4, fdp);
    put16(pointers + 6, 0);
  } else {
    put16(pointers, fip);
    put16(pointers + 2, (fip >> 16 & 0xf) << 12 | fop);
    put16(pointers + 4, fdp);
    put16(pointers + 6, (fdp >> 16 & 0xf) << 12);
  }
}

void take_environment(const FpuImage& image, Format f, const u8* in) {
  image.set<u16>(kFcw, get16(in));
  image.set_status(get16(in + f.field()));
  image.set<u8>(kFtw, abridged_tags(get16(in + 2 * f.field())));
  const u8* pointers = in + 3 * f.field();
  u64 fip = 0;
  u64 fdp = 0;
  u16 fop = 0;
  if (f.wide && !f.real) {
    fip = get32(pointers);
    fop = get16(pointers + 6);
    fdp = get32(pointers + 8);
  } else if (f.wide) {
    const u32 high = get32(pointers + 4);
    fip = get16(pointers) | u64{high >> 12 & 0xffff} << 16;
    fop = static_cast<u16>(high);
    fdp = get16(pointers + 8) | u64{get32(pointers + 12) >> 12 & 0xffff} << 16;
  } else {
    const u16 high = get16(pointers + 2);
    fip = get16(pointers);
    fdp = get16(pointers + 4);
    if (f.real) {
      fip |= u64{high} >> 12 << 16;
      fop = high;
      fdp |= u64{get16(pointers + 6)} >> 12 << 16;
    }
  }
  image.set<u64>(kFip, fip);
  image.set<u64>(kFdp, fdp);
  image.set<u16>(kFop, fop & 0x7ff);
  image.update_error_summary();
}

// The image, ready to be changed in place.
FpuImage usable_image(Execution& x) {
  require_x87(x);
  FpuImage image(x.state);
  image.materialize(kComponentX87);
  return image;
}

void initialize(Execution& x, const Instruction&) {
  const FpuImage image = usable_image(x);
  image.set_status(0);  // data registers keep their values, but are empty
  std::memset(image.data(), 0, kMxcsr);
  image.set<u16>(kFcw, kFcwDefault);
}

void clear_exceptions(Execution& x, const Instruction&) {
  const FpuImage image = usable_image(x);
  image.set<u16>(kFsw, image.get<u16>(kFsw) & 0x7f00);
}

void store_status(Execution& x, const Instruction& i) {
  x.store(i, i.operand[0], usable_image(x).get<u16>(kFsw));
}

void store_control(Execution& x, const Instruction& i) {
  x.store(i, i.operand[0], usable_image(x).get<u16>(kFcw));
}

void load_control(Execution& x, const Instruction& i) {
  const FpuImage image = usable_image(x);
  require_no_x87_exception(x);
  const u16 value = static_cast<u16>(x.load(i, i.operand[0]));
  image.set<u16>(kFcw, (value & 0x1f3f) | 0x40);  // bit 6 is always one
  image.update_error_summary();
}

void store_environment(Execution& x, const Instruction& i) {
  const FpuImage image = usable_image(x);
  const Format f = format_of(x, i);
  u8 environment[28];
  make_environment(image, f, environment);
  x.write_bytes(x.linear(i, f.size(), true), environment, f.size());
  image.set<u16>(kFcw, image.get<u16>(kFcw) | 0x3f);  // all exceptions masked
  image.update_error_summary();
}

void load_environment(Execution& x, const Instruction& i) {
  const FpuImage image = usable_image(x);
  require_no_x87_exception(x);
  const Format f = format_of(x, i);
  u8 environment[28];
  x.read_bytes(x.linear(i, f.size(), false), environment, f.size());
  take_environment(image, f, environment);
}

void save(Execution& x, const Instruction& i) {
  const FpuImage image = usable_image(x);
  const Format f = format_of(x, i);
  u8 area[28 + 8 * kRegisterBytes];
  make_environment(image, f, area);
  for (unsigned n = 0; n < 8; ++n)
    std::memcpy(area + f.size() + n * kRegisterBytes, image.st(n), kRegisterBytes);
  const unsigned size = f.size() + 8 * kRegisterBytes;
  x.write_bytes(x.linear(i, size, true), area, size);
  initialize(x, i);
}

void restore(Execution& x, const Instruction& i) {
  const FpuImage image = usable_image(x);
  require_no_x87_exception(x);
  const Format f = format_of(x, i);
  u8 area[28 + 8 * kRegisterBytes];
  const unsigned size = f.size() + 8 * kRegisterBytes;
  x.read_bytes(x.linear(i, size, false), area, size);
  take_environment(image, f, area);
  for (unsigned n = 0; n < 8; ++n) {
    std::memset(image.st(n), 0, 16);
    std::memcpy(image.st(n), area + f.size() + n * kRegisterBytes, kRegisterBytes);
  }
}

void wait(Execution& x, const Instruction&) {
  constexpr u64 kBoth = kCr0MP | kCr0TS;
  if ((x.state.cr0 & kBoth) == kBoth) raise_fault(kNM);
  require_no_x87_exception(x);
}

}  // namespace

void add_x87_environment_handlers(HandlerTable& t) {
  t.add(ZYDIS_MNEMONIC_FNINIT, initialize);
  t.add(ZYDIS_MNEMONIC_FNCLEX, clear_exceptions);
  t.add(ZYDIS_MNEMONIC_FNSTSW, store_status);
  t.add(ZYDIS_MNEMONIC_FNSTCW, store_control);
  t.add(ZYDIS_MNEMONIC_FLDCW, load_control);
  t.add(ZYDIS_MNEMONIC_FNSTENV, store_environment);
  t.add(ZYDIS_MNEMONIC_FLDENV, load_environment);
  t.add(ZYDIS_MNEMONIC_FNSAVE, save);
  t.add(ZYDIS_MNEMONIC_FRSTOR, restore);
  t.add(ZYDIS_MNEMONIC_FWAIT, wait);
}

}  // namespace backplane::x86::interpreter

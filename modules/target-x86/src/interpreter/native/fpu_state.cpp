// SPDX-License-Identifier: MIT
// FXSAVE and XSAVE families, MXCSR, VZEROALL and VZEROUPPER: on the image itself.
// [SDM 1 "Managing State Using the XSAVE Feature Set"]
#include "../handlers.h"
#include "availability.h"

namespace backplane::x86::interpreter {
namespace {

// Registers that exist in this mode: 16 in 64-bit code, else 8.
unsigned vector_count(const Execution& x) { return x.code64() ? 16 : 8; }

// A save area in guest memory, checked to be aligned and (for saving) writable.
class Area {
 public:
  Area(Execution& x, const Instruction& i, unsigned size, unsigned alignment, bool write) : x_(x) {
    address_ = x.linear(i, size, write);
    require_alignment(address_, alignment);
    // As processors do: where the second page cannot be written, CR2 is the area's last byte.
    if (write) {
      x.probe_write(address_, 1);
      x.probe_write(address_ + size - 1, 1);
    }
  }
  void write(unsigned offset, const void* data, unsigned size) {
    x_.write_bytes(address_ + offset, data, size);
  }
  void read(unsigned offset, void* data, unsigned size) {
    x_.read_bytes(address_ + offset, data, size);
  }

 private:
  Execution& x_;
  u64 address_ = 0;
};

// The x87 part: control words and pointers, then the registers. Without REX.W pointers are cut to
// 32 bits, their selectors zero.
void save_x87(Area& area, const FpuImage& image, bool wide) {
  u8 head[kMxcsr];
  std::memcpy(head, image.data(), sizeof head);
  if (!wide) {
    std::memset(head + kFip + 4, 0, 4);
    std::memset(head + kFdp + 4, 0, 4);
  }
  area.write(0, head, sizeof head);
  area.write(kStack, image.st(0), kXmm - kStack);
}

void load_x87(const FpuImage& image, const u8* legacy, bool wide) {
  std::memcpy(image.data(), legacy, kMxcsr);
  std::memcpy(image.st(0), legacy + kStack, kXmm - kStack);
  for (unsigned n = 0; n < 8; ++n) std::memset(image.st(n) + 10, 0, 6);  // reserved
  image.set<u8>(kFtw + 1, 0);
  image.set<u16>(kFop, image.get<u16>(kFop) & kFopValid);
  if (!wide) {
    image.set<u32>(kFip + 4, 0);
    image.set<u32>(kFdp + 4, 0);
  }
  image.update_error_summary();
}

void save_mxcsr(Area& area, const FpuImage& image) {
  const u32 words[2] = {image.mxcsr(), kMxcsrValid};
  area.write(kMxcsr, words, sizeof words);
}

u32 checked_mxcsr(u32 value) {
  if ((value & ~kMxcsrValid) != 0) raise_fault(kGP, 0);
  return value;
}

u32 mxcsr_of(const u8* legacy) {
  u32 value = 0;
  std::memcpy(&value, legacy + kMxcsr, sizeof value);
  return checked_mxcsr(value);
}

// --- FXSAVE ------------------------------------------------------------------------------------

void fxsave(Execution& x, const Instruction& i) {
  require_x87(x);
  const FpuImage image(x.state);
  Area area(x, i, kFxsaveSize, 16, true);
  image.materialize(kComponentX87 | kComponentSse);
  save_x87(area, image, i.argument != 0);
  save_mxcsr(area, image);
  area.write(kXmm, image.xmm(0), 16 * vector_count(x));
}

void fxrstor(Execution& x, const Instruction& i) {
  require_x87(x);
  const FpuImage image(x.state);
  Area area(x, i, kFxsaveSize, 16, false);
  u8 legacy[kFxsaveSize];
  area.read(0, legacy, sizeof legacy);
  const u32 mxcsr = mxcsr_of(legacy);
  image.materialize(kComponentX87 | kComponentSse);
  load_x87(image, legacy, i.argument != 0);
  image.set_mxcsr(mxcsr);
  std::memcpy(image.xmm(0), legacy + kXmm, 16 * vector_count(x));
}

// --- XSAVE -------------------------------------------------------------------------------------

enum XsaveForm : u8 { kPlain, kOptimized, kCompactForm };
constexpr u8 kWide = 0x10;  // in Instruction::argument: the form with REX.W

void require_xsave(const Execution& x) {
  if ((x.state.cr4 & kCr4OSXSAVE) == 0) raise_fault(kUD);
  if ((x.state.cr0 & kCr0TS) != 0) raise_fault(kNM);
}

u64 requested_components(const Execution& x) {
  const u64 mask = (x.reg(RDX, 4) << 32) | x.reg(RAX, 4);
  return mask & x.state.xcr0 & kAllComponents;
}

void xsave(Execution& x, const Instruction& i) {
  require_xsave(x);
  const u8 form = i.argument & 0xf;
  const bool wide = (i.argument & kWide) != 0;
  const u64 requested = requested_components(x);
  const FpuImage image(x.state);
  Area area(x, i, xsave_area_size(requested), 64, true);

  u64 in_use = image.in_use() & requested;
  if (form == kCompactForm && (requested & kComponentSse) != 0 && image.mxcsr() != kMxcsrDefault)
    in_use |= kComponentSse;
  const u64 saved = form == kPlain ? requested : in_use;
  // Their bits stay clear: to save a component is not to use it.
  image.initialize(saved & ~image.in_use());

  if ((saved & kComponentX87) != 0) save_x87(area, image, wide);
  if (form == kCompactForm ? (saved & kComponentSse) != 0
                           : (requested & (kComponentSse | kComponentAvx)) != 0)
    save_mxcsr(area, image);
  if ((saved & kComponentSse) != 0) area.write(kXmm, image.xmm(0), 16 * vector_count(x));
  // Component 2 is the first of the extended ones: its place is the same in both formats.
  if ((saved & kComponentAvx) != 0) area.write(kYmmHigh, image.ymm_high(0), 16 * vector_count(x));

  if (form == kCompactForm) {
    const u64 header[2] = {in_use, requested | kCompacted};
    area.write(kXstateBv, header, sizeof header);
    return;
  }
  u64 header = 0;
  area.read(kXstateBv, &header, sizeof header);
  header = (header & ~requested) | in_use;
  area.write(kXstateBv, &header, sizeof header);
}

// What the header says to load; #GP(0) if it is malformed. [SDM 1 "Operation of XRSTOR"]
struct Header {
  u64 components = 0;
  bool compacted = false;
};

Header checked_header(const Execution& x, Area& area) {
  u64 words[kXsaveHeaderSize / 8];
  area.read(kXstateBv, words, sizeof words);
  Header h{words[0], (words[1] & kCompacted) != 0};
  bool valid = true;
  if (h.compacted) {
    const u64 layout = words[1] & ~kCompacted;
    valid = x.cpu.features().xsavec && (layout & ~x.state.xcr0) == 0 && (words[0] & ~layout) == 0;
    for (unsigned n = 2; n < kXsaveHeaderSize / 8; ++n) valid = valid && words[n] == 0;
  } else {
    valid = words[1] == 0 && words[2] == 0 && (words[0] & ~x.state.xcr0) == 0;
  }
  if (!valid) raise_fault(kGP, 0);
  return h;
}

void xrstor(Execution& x, const Instruction& i) {
  require_xsave(x);
  const bool wide = (i.argument & kWide) != 0;
  const u64 requested = requested_components(x);
  const FpuImage image(x.state);
  Area area(x, i, xsave_area_size(requested), 64, false);
  const Header header = checked_header(x, area);
  const u64 loaded = requested & header.components;

  u8 legacy[kFxsaveSize];
  area.read(0, legacy, sizeof legacy);
  const bool takes_mxcsr = header.compacted ? (loaded & kComponentSse) != 0
                                            : (requested & (kComponentSse | kComponentAvx)) != 0;
  u32 mxcsr = image.mxcsr();
  if (takes_mxcsr)
    mxcsr = mxcsr_of(legacy);
  else if (header.compacted && (requested & kComponentSse) != 0)
    mxcsr = kMxcsrDefault;
  u8 high[256];
  const unsigned vectors = 16 * vector_count(x);
  if ((loaded & kComponentAvx) != 0) area.read(kYmmHigh, high, vectors);

  // Nothing faults from here on.
  image.set_mxcsr(mxcsr);
  image.materialize(loaded);
  image.initialize(requested & ~loaded);
  image.set_in_use((image.in_use() & ~requested) | loaded);
  if ((loaded & kComponentX87) != 0) load_x87(image, legacy, wide);
  if ((loaded & kComponentSse) != 0) std::memcpy(image.xmm(0), legacy + kXmm, vectors);
  if ((loaded & kComponentAvx) != 0) std::memcpy(image.ymm_high(0), high, vectors);
}

// --- MXCSR, upper halves -----------------------------------------------------------------------

template <void (*Require)(const Execution&)>
void load_mxcsr(Execution& x, const Instruction& i) {
  Require(x);
  const u32 value = checked_mxcsr(static_cast<u32>(x.load(i, i.operand[0])));
  FpuImage(x.state).set_mxcsr(value);
}

template <void (*Require)(const Execution&)>
void store_mxcsr(Execution& x, const Instruction& i) {
  Require(x);
  x.store(i, i.operand[0], FpuImage(x.state).mxcsr());
}

void zero_upper(Execution& x, const Instruction& i) {
  require_avx(x);
  const bool all = i.argument != 0;
  const FpuImage image(x.state);
  image.materialize(kComponentSse | kComponentAvx);
  std::memset(image.ymm_high(0), 0, 16 * vector_count(x));
  if (all) std::memset(image.xmm(0), 0, 16 * vector_count(x));
}

}  // namespace

void add_fpu_state_handlers(HandlerTable& t) {
  t.add(ZYDIS_MNEMONIC_FXSAVE, fxsave, 0);
  t.add(ZYDIS_MNEMONIC_FXSAVE64, fxsave, 1);
  t.add(ZYDIS_MNEMONIC_FXRSTOR, fxrstor, 0);
  t.add(ZYDIS_MNEMONIC_FXRSTOR64, fxrstor, 1);
  t.add(ZYDIS_MNEMONIC_XSAVE, xsave, kPlain);
  t.add(ZYDIS_MNEMONIC_XSAVE64, xsave, kPlain | kWide);
  t.add(ZYDIS_MNEMONIC_XSAVEOPT, xsave, kOptimized);
  t.add(ZYDIS_MNEMONIC_XSAVEOPT64, xsave, kOptimized | kWide);
  t.add(ZYDIS_MNEMONIC_XSAVEC, xsave, kCompactForm);
  t.add(ZYDIS_MNEMONIC_XSAVEC64, xsave, kCompactForm | kWide);
  t.add(ZYDIS_MNEMONIC_XRSTOR, xrstor);
  t.add(ZYDIS_MNEMONIC_XRSTOR64, xrstor, kWide);
  t.add(ZYDIS_MNEMONIC_LDMXCSR, load_mxcsr<require_sse>);
  t.add(ZYDIS_MNEMONIC_VLDMXCSR, load_mxcsr<require_avx>);
  t.add(ZYDIS_MNEMONIC_STMXCSR, store_mxcsr<require_sse>);
  t.add(ZYDIS_MNEMONIC_VSTMXCSR, store_mxcsr<require_avx>);
  t.add(ZYDIS_MNEMONIC_VZEROUPPER, zero_upper, 0);
  t.add(ZYDIS_MNEMONIC_VZEROALL, zero_upper, 1);
}

}  // namespace backplane::x86::interpreter

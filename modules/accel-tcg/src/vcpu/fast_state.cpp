// SPDX-License-Identifier: MIT
// The XSAVE family: what kernels do at each switch of tasks, and dynamic linkers at the first call
// of each function. Compiled without vector registers: translated code calls it with the guest's in
// place. [SDM 1 "Managing State Using the XSAVE Feature Set"]
//
// The host's XSAVE and XRSTOR are never given guest memory. Another vCPU may change what was
// checked before the host looks at it, and the host would store its own pointers of the x87. They
// work on memory of ours, from which what the guest is to see is copied, and to which what was
// checked is copied before.
#include "backplane/x86/xsave_image.h"
#include "vcpu/vcpu.h"

namespace backplane::tcg {
namespace {

using x86::kComponentAvx;
using x86::kComponentSse;
using x86::kComponentX87;

constexpr unsigned kVectorBytes = 16 * 16;
constexpr unsigned kAreaAlignment = 64;

// Everything is copied as words; all parts of an area are aligned to them.
using Word = u64;

template <class T>
T load(const u8* from) {
  T value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}
template <class T>
void store(u8* to, T value) {
  __builtin_memcpy(to, &value, sizeof value);
}

void host_xsave(u8* image, u64 components) {
  asm volatile("xsave64 (%0)" : : "r"(image), "a"(components), "d"(0) : "memory");
}
void host_xrstor(const u8* image, u64 components) {
  asm volatile("xrstor64 (%0)" : : "r"(image), "a"(components), "d"(0) : "memory");
}
u32 host_mxcsr() {
  u32 value;
  asm volatile("stmxcsr %0" : "=m"(value));
  return value;
}

// A save area in guest memory, which may lie in two pages. Guest memory is read once: another vCPU
// may write to it.
class StateArea {
 public:
  // False if it is not in plain memory that may be accessed so, or not aligned.
  bool find(SoftMmu& mmu, u64 linear, unsigned size, bool write) {
    if ((linear & (kAreaAlignment - 1)) != 0) return false;
    const MmuIndex index = mmu.current_index();
    const auto pointer = [&](u64 at) {
      return write ? mmu.write_pointer_fast(at, index)
                   : const_cast<u8*>(mmu.read_pointer_fast(at, index));
    };
    in_first_ = static_cast<unsigned>(kPageSize - (linear & ~kPageMask));
    first_ = pointer(linear);
    if (first_ == nullptr || size <= in_first_) return first_ != nullptr;
    second_ = pointer(linear + in_first_);
    return second_ != nullptr;
  }
  Word read(unsigned offset) const {
    return __atomic_load_n(reinterpret_cast<const Word*>(at(offset)), __ATOMIC_RELAXED);
  }
  void write(unsigned offset, Word value) { store(at(offset), value); }
  // Bytes of an image to or from the same place in the area.
  void copy_from(const u8* image, unsigned offset, unsigned size) {
    for (const unsigned end = offset + size; offset < end; offset += sizeof(Word))
      write(offset, load<Word>(image + offset));
  }
  void copy_to(u8* image, unsigned offset, unsigned size) const {
    for (const unsigned end = offset + size; offset < end; offset += sizeof(Word))
      store(image + offset, read(offset));
  }

 private:
  u8* at(unsigned offset) const {
    return offset < in_first_ ? first_ + offset : second_ + (offset - in_first_);
  }
  u8* first_ = nullptr;
  u8* second_ = nullptr;
  unsigned in_first_ = 0;
};

// Whether MXCSR comes along with what is saved or restored.
bool with_mxcsr(bool compacted, u64 requested, u64 present) {
  return compacted ? (present & kComponentSse) != 0
                   : (requested & (kComponentSse | kComponentAvx)) != 0;
}

}  // namespace

void TcgVcpu::x87_pointers_to_state() {
  x86::X87Pointers p;
  p.instruction = jit_.x87_page + (jit_.x87_place & X87Place::kOffsetMask);
  if ((jit_.x87_place & X87Place::kLinear) != 0) p.instruction = pointer_of(p.instruction);
  p.operand = jit_.x87_operand;
  p.opcode = jit_.x87_place >> X87Place::kOpcodeShift & x86::kFopValid;
  set_x87_pointers(state_, p);
}

void TcgVcpu::set_jit_x87_pointers(const x86::X87Pointers& p) {
  jit_.x87_page = p.instruction;
  jit_.x87_operand = p.operand;
  jit_.x87_place = (u32{p.opcode} & x86::kFopValid) << X87Place::kOpcodeShift;
}

void TcgVcpu::x87_pointers_from_state() { set_jit_x87_pointers(x87_pointers(state_)); }

// EDX:EAX and XCR0 select components. False: these instructions raise an exception, or an exception
// of the x87 is the board's, which the interpreter tells it.
bool TcgVcpu::requested_components(u64& requested) const {
  if ((state_.cr4 & x86::kCr4OSXSAVE) == 0 ||
      (state_.cr0 & (x86::kCr0TS | x86::kCr0NE)) != x86::kCr0NE)
    return false;
  const u64 mask = state_.gpr[x86::RDX] << 32 | (state_.gpr[x86::RAX] & 0xffffffff);
  requested = mask & state_.xcr0 & x86::kAllComponents;
  return (requested & ~u64{vector_mask_}) == 0;
}

bool TcgVcpu::fast_save_state(u64 form, u64 linear) {
  u64 requested = 0;
  StateArea area;
  if (!requested_components(requested) ||
      !area.find(mmu_, linear, x86::xsave_area_size(requested), true))
    return false;
  // The state's image is as good as any other memory: nobody looks at it while the registers are in
  // the processor.
  u8* const image = state_.xsave;
  host_xsave(image, requested);
  if ((requested & kComponentX87) != 0) x87_pointers_to_state();

  const u64 kind = form & SystemForm::kKindMask;
  const bool compact = kind == SystemForm::kSaveCompact;
  const u64 mxcsr = load<u32>(image + x86::kMxcsr) & x86::kMxcsrValid;
  u64 in_use = load<u64>(image + x86::kXstateBv) & requested;
  if (compact && (requested & kComponentSse) != 0 && mxcsr != x86::kMxcsrDefault)
    in_use |= kComponentSse;
  const u64 saved = kind == SystemForm::kSave ? requested : in_use;

  if ((saved & kComponentX87) != 0) {
    const u64 pointer_mask = (form & SystemForm::kWide) != 0 ? ~u64{0} : 0xffffffff;
    area.copy_from(image, 0, x86::kFip);
    for (const unsigned at : {x86::kFip, x86::kFdp})
      area.write(at, load<u64>(image + at) & pointer_mask);
    area.copy_from(image, x86::kStack, x86::kXmm - x86::kStack);
  }
  if (with_mxcsr(compact, requested, saved))
    area.write(x86::kMxcsr, mxcsr | u64{x86::kMxcsrValid} << 32);
  if ((saved & kComponentSse) != 0) area.copy_from(image, x86::kXmm, kVectorBytes);
  if ((saved & kComponentAvx) != 0) area.copy_from(image, x86::kYmmHigh, kVectorBytes);
  if (compact) {
    area.write(x86::kXstateBv, in_use);
    area.write(x86::kXcompBv, requested | x86::kCompacted);
  } else {
    area.write(x86::kXstateBv, (area.read(x86::kXstateBv) & ~requested) | in_use);
  }
  return true;
}

bool TcgVcpu::fast_restore_state(u64 form, u64 linear) {
  u64 requested = 0;
  StateArea area;
  if (!requested_components(requested) ||
      !area.find(mmu_, linear, x86::xsave_area_size(requested), false))
    return false;
  u8* const image = jit_.bounce;
  static_assert(kBounceSize >= sizeof(X86State::xsave));
  area.copy_to(image, x86::kXstateBv, x86::kXsaveHeaderSize);
  const u64 in_area = load<u64>(image + x86::kXstateBv);
  const u64 format = load<u64>(image + x86::kXcompBv);
  const bool compacted = (format & x86::kCompacted) != 0;
  // XSTATE_BV, XCOMP_BV, and what is reserved: of the standard format only the first word.
  const u64 layout = compacted ? format & ~x86::kCompacted : state_.xcr0;
  if ((in_area & ~layout) != 0 || (layout & ~state_.xcr0) != 0) return false;
  if (compacted ? !cpu_.features().xsavec : format != 0) return false;
  const unsigned checked = compacted ? x86::kXsaveHeaderSize : 3 * sizeof(Word);
  for (unsigned at = 2 * sizeof(Word); at < checked; at += sizeof(Word))
    if (load<Word>(image + x86::kXstateBv + at) != 0) return false;

  const u64 loaded = requested & in_area;
  u32 mxcsr = host_mxcsr();
  if (with_mxcsr(compacted, requested, loaded))
    mxcsr = static_cast<u32>(area.read(x86::kMxcsr));
  else if (compacted && (requested & kComponentSse) != 0)
    mxcsr = x86::kMxcsrDefault;
  if ((mxcsr & ~x86::kMxcsrValid) != 0) return false;

  // Nothing is refused from here on. An image in standard format, with a header of our own.
  store<u64>(image + x86::kMxcsr, mxcsr);
  for (unsigned at = 0; at < x86::kXsaveHeaderSize; at += sizeof(Word))
    store<Word>(image + x86::kXstateBv + at, at == 0 ? loaded : 0);
  if ((loaded & kComponentX87) != 0) {
    area.copy_to(image, 0, x86::kMxcsr);
    area.copy_to(image, x86::kStack, x86::kXmm - x86::kStack);
    image[x86::kFtw + 1] = 0;
    store(image + x86::kFsw,
          x86::with_error_summary(load<u16>(image + x86::kFsw), load<u16>(image + x86::kFcw)));
  }
  if ((loaded & kComponentSse) != 0) area.copy_to(image, x86::kXmm, kVectorBytes);
  if ((loaded & kComponentAvx) != 0) area.copy_to(image, x86::kYmmHigh, kVectorBytes);
  if ((requested & kComponentX87) != 0) {
    x86::X87Pointers pointers;
    if ((loaded & kComponentX87) != 0) {
      const u64 pointer_mask = (form & SystemForm::kWide) != 0 ? ~u64{0} : 0xffffffff;
      pointers = {load<u64>(image + x86::kFip) & pointer_mask,
                  load<u64>(image + x86::kFdp) & pointer_mask, load<u16>(image + x86::kFop)};
    }
    set_jit_x87_pointers(pointers);
  }
  host_xrstor(image, requested);
  return true;
}

}  // namespace backplane::tcg

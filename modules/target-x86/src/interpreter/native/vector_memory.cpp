// SPDX-License-Identifier: MIT
// Vector instructions that touch only part of their memory operand, or many addresses: masked
// moves and gathers. An element that the mask leaves out is not accessed and does not fault.
#include <algorithm>

#include "../handlers.h"
#include "availability.h"

namespace backplane::x86::interpreter {
namespace {

// A vector register of the image as bytes: the lower and the upper 16 are apart.
void read_vector(const FpuImage& image, unsigned n, unsigned size, u8* out) {
  std::memcpy(out, image.xmm(n), 16);
  if (size == 32) std::memcpy(out + 16, image.ymm_high(n), 16);
}

// A VEX-encoded result clears what is above it.
void write_vector(const FpuImage& image, unsigned n, unsigned size, const u8* value) {
  std::memcpy(image.xmm(n), value, 16);
  if (size == 32)
    std::memcpy(image.ymm_high(n), value + 16, 16);
  else
    std::memset(image.ymm_high(n), 0, 16);
}

bool top_bit_set(const u8* element, unsigned size) { return (element[size - 1] & 0x80) != 0; }

u64 element_address(const Execution& x, const Instruction& i, unsigned at, unsigned size,
                    bool write) {
  const u64 offset = (x.effective_address(i.memory) + at) & mask_of(i.address_size);
  return x.linear(i.memory.segment, offset, size, write);
}

// VMASKMOVPS/PD and VPMASKMOVD/Q: register, mask, memory to load; memory, mask, register to
// store. `argument` is the element's size.
void move_masked(Execution& x, const Instruction& i) {
  require_avx(x);
  const FpuImage image(x.state);
  image.materialize(kComponentSse | kComponentAvx);
  const bool store = i.operand[0].kind == OperandKind::Memory;
  const unsigned size = i.operand[1].size;
  const unsigned element = i.argument;
  alignas(32) u8 mask[32];
  alignas(32) u8 data[32] = {};
  read_vector(image, i.operand[1].reg, size, mask);
  if (store) read_vector(image, i.operand[2].reg, size, data);
  for (unsigned at = 0; at < size && store; at += element)
    if (top_bit_set(mask + at, element))
      x.probe_write(element_address(x, i, at, element, true), element);
  for (unsigned at = 0; at < size; at += element) {
    if (!top_bit_set(mask + at, element)) continue;
    const u64 address = element_address(x, i, at, element, store);
    if (store)
      x.write_bytes(address, data + at, element);
    else
      x.read_bytes(address, data + at, element);
  }
  if (!store) write_vector(image, i.operand[0].reg, size, data);
}

// Bytes of the first operand whose mask byte has its top bit set go to [rDI].
void store_bytes_masked(Execution& x, const Instruction& i, const u8* data, const u8* mask,
                        unsigned size) {
  const auto address = [&](unsigned at) {
    const u64 offset = (x.state.gpr[RDI] + at) & mask_of(i.address_size);
    return x.linear(i.memory.segment, offset, 1, true);
  };
  for (unsigned at = 0; at < size; ++at)
    if (top_bit_set(mask + at, 1)) x.probe_write(address(at), 1);
  for (unsigned at = 0; at < size; ++at)
    if (top_bit_set(mask + at, 1)) x.write(address(at), 1, data[at]);
}

template <void (*Require)(const Execution&)>
void store_bytes_masked_xmm(Execution& x, const Instruction& i) {
  Require(x);
  const FpuImage image(x.state);
  image.materialize(kComponentSse);
  store_bytes_masked(x, i, image.xmm(i.operand[0].reg), image.xmm(i.operand[1].reg), 16);
}

// MMX registers are the physical x87 registers; using one empties nothing and moves the top to 0.
void enter_mmx(const FpuImage& image) {
  image.set_status(static_cast<u16>(image.get<u16>(kFsw) & ~0x3800));
  image.set<u8>(kFtw, 0xff);
}

void store_bytes_masked_mmx(Execution& x, const Instruction& i) {
  require_mmx(x);
  const FpuImage image(x.state);
  image.materialize(kComponentX87);
  const unsigned top = image.top();
  const u8* data = image.st((i.operand[0].reg - top) & 7);
  const u8* mask = image.st((i.operand[1].reg - top) & 7);
  store_bytes_masked(x, i, data, mask, 8);
  enter_mmx(image);
}

// Sizes of a gather's elements in bytes, in Instruction::argument.
constexpr u8 gather_sizes(u8 index, u8 data) { return static_cast<u8>(index << 4 | data); }

// Elements complete from the lowest on; each clears its part of the mask, so that after a fault
// the instruction goes on where it was. [SDM 2C "VPGATHERDD/VPGATHERDQ"]
void gather(Execution& x, const Instruction& i) {
  require_avx(x);
  const u8 target = i.operand[0].reg;
  const u8 mask_register = i.operand[2].reg;
  if (target == mask_register || target == i.memory.index || mask_register == i.memory.index)
    raise_fault(kUD);
  const unsigned index_size = i.argument >> 4;
  const unsigned data_size = i.argument & 0xf;
  const unsigned elements = i.vector_size / std::max(index_size, data_size);

  const FpuImage image(x.state);
  image.materialize(kComponentSse | kComponentAvx);
  alignas(32) u8 indices[32];
  alignas(32) u8 mask[32];
  alignas(32) u8 data[32];
  read_vector(image, i.memory.index, 32, indices);
  read_vector(image, mask_register, 32, mask);
  read_vector(image, target, 32, data);
  MemoryOperand place = i.memory;
  place.index = kNoRegister;
  const u64 base = x.effective_address(place);
  for (unsigned n = 0; n < elements; ++n) {
    u8* const element_mask = mask + n * data_size;
    if (top_bit_set(element_mask, data_size)) {
      const i64 index = sign_extend(load_host(indices + n * index_size, index_size), index_size);
      const u64 offset =
          (base + (static_cast<u64>(index) << place.scale)) & mask_of(place.address_size);
      const u64 address = x.linear(place.segment, offset, data_size, false);
      x.read_bytes(address, data + n * data_size, data_size);
    }
    std::memset(element_mask, 0, data_size);
    write_vector(image, target, 32, data);
    write_vector(image, mask_register, 32, mask);
  }
  const unsigned result = elements * data_size;
  std::memset(data + result, 0, sizeof data - result);
  std::memset(mask, 0, sizeof mask);
  write_vector(image, target, 32, data);
  write_vector(image, mask_register, 32, mask);
}

}  // namespace

void add_vector_memory_handlers(HandlerTable& t) {
  t.add(ZYDIS_MNEMONIC_VMASKMOVPS, move_masked, 4);
  t.add(ZYDIS_MNEMONIC_VMASKMOVPD, move_masked, 8);
  t.add(ZYDIS_MNEMONIC_VPMASKMOVD, move_masked, 4);
  t.add(ZYDIS_MNEMONIC_VPMASKMOVQ, move_masked, 8);
  t.add(ZYDIS_MNEMONIC_MASKMOVDQU, store_bytes_masked_xmm<require_sse>);
  t.add(ZYDIS_MNEMONIC_VMASKMOVDQU, store_bytes_masked_xmm<require_avx>);
  t.add(ZYDIS_MNEMONIC_MASKMOVQ, store_bytes_masked_mmx);
  t.add(ZYDIS_MNEMONIC_VPGATHERDD, gather, gather_sizes(4, 4));
  t.add(ZYDIS_MNEMONIC_VPGATHERDQ, gather, gather_sizes(4, 8));
  t.add(ZYDIS_MNEMONIC_VPGATHERQD, gather, gather_sizes(8, 4));
  t.add(ZYDIS_MNEMONIC_VPGATHERQQ, gather, gather_sizes(8, 8));
  t.add(ZYDIS_MNEMONIC_VGATHERDPS, gather, gather_sizes(4, 4));
  t.add(ZYDIS_MNEMONIC_VGATHERDPD, gather, gather_sizes(4, 8));
  t.add(ZYDIS_MNEMONIC_VGATHERQPS, gather, gather_sizes(8, 4));
  t.add(ZYDIS_MNEMONIC_VGATHERQPD, gather, gather_sizes(8, 8));
}

}  // namespace backplane::x86::interpreter

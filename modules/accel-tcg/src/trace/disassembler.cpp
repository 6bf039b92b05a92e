// SPDX-License-Identifier: MIT
#include "trace/disassembler.h"

#include <Zydis/Zydis.h>
#include <fmt/ranges.h>

#include <array>
#include <cassert>

namespace backplane::tcg {

namespace {

ZydisDecoder decoder_of(unsigned code_bits) {
  ZydisDecoder decoder;
  switch (code_bits) {
    case 16:
      ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
      break;
    case 32:
      ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
      break;
    default:
      ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  }
  return decoder;
}

const ZydisFormatter& formatter() {
  static const ZydisFormatter instance = [] {
    ZydisFormatter made;
    ZydisFormatterInit(&made, ZYDIS_FORMATTER_STYLE_INTEL);
    ZydisFormatterSetProperty(&made, ZYDIS_FORMATTER_PROP_HEX_UPPERCASE, ZYAN_FALSE);
    return made;
  }();
  return instance;
}

}  // namespace

Disassembled disassemble(std::span<const u8> bytes, u64 address, unsigned code_bits) {
  assert(!bytes.empty());
  const ZydisDecoder decoder = decoder_of(code_bits);
  ZydisDecodedInstruction instruction;
  std::array<ZydisDecodedOperand, ZYDIS_MAX_OPERAND_COUNT> operands;
  if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes.data(), bytes.size(), &instruction,
                                           operands.data())))
    return {1, "(bad)"};
  std::array<char, 128> text{};
  ZydisFormatterFormatInstruction(&formatter(), &instruction, operands.data(),
                                  instruction.operand_count_visible, text.data(), text.size(),
                                  address, nullptr);
  return {instruction.length, text.data()};
}

namespace {

std::string line_of(const Disassembled& d, std::span<const u8> bytes, u64 address) {
  const std::string code = fmt::format("{:02x}", fmt::join(bytes.first(d.length), " "));
  return fmt::format("  {:016x}  {:<30}  {}\n", address, code, d.text);
}

}  // namespace

std::string line_of(std::span<const u8> bytes, u64 address, unsigned code_bits) {
  return line_of(disassemble(bytes, address, code_bits), bytes, address);
}

std::string listing(std::span<const u8> bytes, u64 address, unsigned code_bits) {
  std::string lines;
  while (!bytes.empty()) {
    const Disassembled d = disassemble(bytes, address, code_bits);
    lines += line_of(d, bytes, address);
    bytes = bytes.subspan(d.length);
    address += d.length;
  }
  return lines;
}

}  // namespace backplane::tcg

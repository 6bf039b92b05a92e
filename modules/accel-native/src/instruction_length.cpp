// SPDX-License-Identifier: MIT
#include "instruction_length.h"

namespace backplane::native {
namespace {

// What follows opcodes, sixteen to a line. [SDM 2 "Opcode Map"]
//   .  nothing                     m  ModRM               M, Z  ModRM and b, z
//   b  a byte                      w  two bytes           e     three bytes
//   z  an operand, at most four    q  an operand          r     four bytes
//   o  an address                  g  ModRM, and b or z for TEST
//   G  the same with z             c  ModRM, of registers whatever it says
//   p  prefix     R  REX           v, V, E, X  VEX of two bytes and three, EVEX, XOP or ModRM
//   0  the map behind 0F           8, a  those behind 0F 38 and 0F 3A
//   -  none
constexpr char kOneByte[] =
    "mmmmbz--mmmmbz-0"
    "mmmmbz--mmmmbz--"
    "mmmmbzp-mmmmbzp-"
    "mmmmbzp-mmmmbzp-"
    "RRRRRRRRRRRRRRRR"
    "................"
    "--EmppppzZbM...."
    "bbbbbbbbbbbbbbbb"
    "MZ-MmmmmmmmmmmmX"
    "..........-....."
    "oooo....bz......"
    "bbbbbbbbqqqqqqqq"
    "MMw.VvMZe.w..b-."
    "mmmm---.mmmmmmmm"
    "bbbbbbbbrr-b...."
    "p.pp..gG......mm";
constexpr char kTwoBytes[] =
    "mmmm-.....-.-m.M"
    "mmmmmmmmmmmmmmmm"
    "cccc----mmmmmmmm"
    "........8-a-----"
    "mmmmmmmmmmmmmmmm"
    "mmmmmmmmmmmmmmmm"
    "mmmmmmmmmmmmmmmm"
    "MMMMmmm.mmmmmmmm"
    "rrrrrrrrrrrrrrrr"
    "mmmmmmmmmmmmmmmm"
    "...mMmmm...mMmmm"
    "mmmmmmmmmmMmmmmm"
    "mmMmMMMm........"
    "mmmmmmmmmmmmmmmm"
    "mmmmmmmmmmmmmmmm"
    "mmmmmmmmmmmmmmmm";
static_assert(sizeof kOneByte == 257 && sizeof kTwoBytes == 257);

// ModRM, SIB and displacement. [SDM 2 "32-Bit Addressing Forms"]
unsigned modrm_length(u8 modrm, u8 sib) {
  const unsigned mode = modrm >> 6, rm = modrm & 7;
  if (mode == 3) return 1;
  const unsigned with_sib = rm == 4 ? 2 : 1;
  if (mode == 1) return with_sib + 1;
  const bool no_base = rm == 5 || (rm == 4 && (sib & 7) == 5);
  return mode == 2 || no_base ? with_sib + 4 : with_sib;
}

class Reader {
 public:
  explicit Reader(std::span<const u8> code) : code_(code) {}

  unsigned length() {
    constexpr unsigned kLongest = 15;
    if (!read_opcode() || at_ > code_.size() || at_ > kLongest) return 0;
    return at_;
  }

 private:
  u8 peek(unsigned ahead = 0) const {
    return at_ + ahead < code_.size() ? code_[at_ + ahead] : u8{0};
  }
  u8 next() {
    const u8 byte = peek();
    ++at_;
    return byte;
  }

  bool read_opcode() {
    for (;;) {
      const u8 opcode = next();
      const char kind = kOneByte[opcode];
      if (kind == 'p' || kind == 'R') {
        if (at_ > code_.size()) return false;
        // REX counts where the opcode is next.
        wide_ = kind == 'R' && (opcode & 8) != 0;
        short_ |= opcode == 0x66;
        short_address_ |= opcode == 0x67;
        repeats_ |= opcode == 0xf2;
        continue;
      }
      switch (kind) {
        case '0':
          return read_two_bytes(next());
        case 'v':
          at_ += 1;
          return read_map(1);
        case 'V': {
          const u8 map = next() & 0x1f;
          at_ += 1;
          return read_map(map);
        }
        case 'E': {
          const u8 map = next() & 7;
          at_ += 2;
          return read_map(map);
        }
        case 'X':
          return (peek() & 0x1f) < 8 ? read_rest('m') : read_xop();
        default:
          return read_rest(kind);
      }
    }
  }

  bool read_two_bytes(u8 opcode) {
    const char kind = kTwoBytes[opcode];
    if (kind == '8' || kind == 'a') {
      at_ += 1;
      return read_rest(kind == '8' ? 'm' : 'M');
    }
    read_rest(kind);
    // EXTRQ and INSERTQ have two bytes behind.
    if (opcode == 0x78 && (short_ || repeats_)) at_ += 2;
    return kind != '-';
  }

  // Of a VEX or EVEX prefix.
  bool read_map(u8 map) {
    const u8 opcode = next();
    if (map == 3) return read_rest('M');
    if (map != 1) return read_rest('m');
    const char kind = kTwoBytes[opcode];
    return read_rest(kind == 'M' || kind == '.' ? kind : 'm');
  }

  bool read_xop() {
    const u8 map = next() & 0x1f;
    at_ += 2;
    read_rest(map == 8 ? 'M' : 'm');
    if (map == 10) at_ += 4;
    return true;
  }

  bool read_rest(char kind) {
    const unsigned operand = short_ && !wide_ ? 2 : 4;
    switch (kind) {
      case '-':
        return false;
      case 'b':
        at_ += 1;
        break;
      case 'w':
        at_ += 2;
        break;
      case 'e':
        at_ += 3;
        break;
      case 'r':
        at_ += 4;
        break;
      case 'z':
        at_ += operand;
        break;
      case 'q':
        at_ += wide_ ? 8 : operand;
        break;
      case 'o':
        at_ += short_address_ ? 4 : 8;
        break;
      case 'c':
        at_ += 1;
        break;
      case 'm':
        at_ += modrm_length(peek(), peek(1));
        break;
      case 'M':
        at_ += modrm_length(peek(), peek(1)) + 1;
        break;
      case 'Z':
        at_ += modrm_length(peek(), peek(1)) + operand;
        break;
      case 'g':
      case 'G': {
        const bool tests = (peek() >> 3 & 7) < 2;
        at_ += modrm_length(peek(), peek(1));
        if (tests) at_ += kind == 'g' ? 1 : operand;
        break;
      }
      default:
        break;
    }
    return true;
  }

  const std::span<const u8> code_;
  unsigned at_ = 0;
  bool wide_ = false, short_ = false, short_address_ = false, repeats_ = false;
};

}  // namespace

unsigned instruction_length(std::span<const u8> code) { return Reader(code).length(); }

}  // namespace backplane::native

// SPDX-License-Identifier: MIT
#include "keysyms.h"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace backplane::vnc {

namespace {

struct Symbol {
  u32 symbol;
  KeyCode key;
};
constexpr Symbol kSymbols[] = {
    {0xfe03, 100}, {0xfe20, 15},  {0xff08, 14},  {0xff09, 15},  {0xff0a, 101}, {0xff0d, 28},
    {0xff13, 119}, {0xff14, 70},  {0xff15, 99},  {0xff1b, 1},   {0xff50, 102}, {0xff51, 105},
    {0xff52, 103}, {0xff53, 106}, {0xff54, 108}, {0xff55, 104}, {0xff56, 109}, {0xff57, 107},
    {0xff61, 99},  {0xff63, 110}, {0xff67, 127}, {0xff6a, 138}, {0xff6b, 119}, {0xff7f, 69},
    {0xff8d, 96},  {0xff95, 71},  {0xff96, 75},  {0xff97, 72},  {0xff98, 77},  {0xff99, 80},
    {0xff9a, 73},  {0xff9b, 81},  {0xff9c, 79},  {0xff9d, 76},  {0xff9e, 82},  {0xff9f, 83},
    {0xffaa, 55},  {0xffab, 78},  {0xffac, 121}, {0xffad, 74},  {0xffae, 83},  {0xffaf, 98},
    {0xffb0, 82},  {0xffb1, 79},  {0xffb2, 80},  {0xffb3, 81},  {0xffb4, 75},  {0xffb5, 76},
    {0xffb6, 77},  {0xffb7, 71},  {0xffb8, 72},  {0xffb9, 73},  {0xffbd, 117}, {0xffbe, 59},
    {0xffbf, 60},  {0xffc0, 61},  {0xffc1, 62},  {0xffc2, 63},  {0xffc3, 64},  {0xffc4, 65},
    {0xffc5, 66},  {0xffc6, 67},  {0xffc7, 68},  {0xffc8, 87},  {0xffc9, 88},  {0xffe1, 42},
    {0xffe2, 54},  {0xffe3, 29},  {0xffe4, 97},  {0xffe5, 58},  {0xffe7, 125}, {0xffe8, 126},
    {0xffe9, 56},  {0xffea, 100}, {0xffeb, 125}, {0xffec, 126}, {0xffff, 111},
};

// Of ISO 8859-1, which a dead key has too; 0: none.
char character_of(u32 symbol) {
  switch (symbol) {
    case 0xfe50:
      return '`';
    case 0xfe51:
      return '\264';
    case 0xfe52:
      return '^';
    case 0xfe53:
      return '~';
    case 0xfe57:
      return '\250';
    case 0x20ac:  // the Euro sign, which ISO 8859-15 has in the place of another one
      return '\244';
    default:
      return symbol < 0x100 ? static_cast<char>(symbol) : '\0';
  }
}

}  // namespace

KeyCode key_of_symbol(u32 symbol, Layout layout) {
  if (const char character = character_of(symbol); character != 0) {
    for (const auto characters : {&KeyRun::plain, &KeyRun::shifted, &KeyRun::third})
      for (const KeyRun& run : keys_of(layout)) {
        const bool third = characters == &KeyRun::third;
        const auto at = (run.*characters).find(character);
        if (at != std::string_view::npos && !(third && character == ' '))
          return static_cast<KeyCode>(run.first + at);
      }
    return 0;
  }
  const auto* const found = std::find_if(std::begin(kSymbols), std::end(kSymbols),
                                         [&](const Symbol& row) { return row.symbol == symbol; });
  return found != std::end(kSymbols) ? found->key : 0;
}

}  // namespace backplane::vnc

// SPDX-License-Identifier: MIT
// What is printed on the keys of keyboards, for viewers that send letters and not places.
#pragma once

#include <span>
#include <string_view>

#include "backplane/enumeration.h"
#include "backplane/input.h"

namespace backplane::vnc {

enum class Layout { EnUs, EnGb, De, Fr, Es };

// The keys from code `first` on: without, with Shift, and with AltGr, in ISO 8859-1. A character
// stands for a dead key as well, a space where no space bar is for none.
struct KeyRun {
  KeyCode first;
  std::string_view plain, shifted, third;
};
std::span<const KeyRun> keys_of(Layout layout);

}  // namespace backplane::vnc

template <>
struct backplane::EnumNames<backplane::vnc::Layout> {
  static constexpr EnumName<vnc::Layout> kNames[] = {{vnc::Layout::EnUs, "en-us"},
                                                     {vnc::Layout::EnGb, "en-gb"},
                                                     {vnc::Layout::De, "de"},
                                                     {vnc::Layout::Fr, "fr"},
                                                     {vnc::Layout::Es, "es"}};
};

// SPDX-License-Identifier: MIT
// The 256 words in which a drive says what it is. [ATA8-ACS 7.12.7 "IDENTIFY DEVICE data"]
#pragma once

#include <string_view>
#include <vector>

#include "backplane/types.h"

namespace backplane::ide {

class Identity {
 public:
  static constexpr unsigned kWords = 256;

  Identity() : bytes_(kWords * sizeof(u16)) {}

  void word(unsigned index, u64 value);
  // Over this word and those that follow it, the lowest first.
  void words(unsigned index, u64 value, unsigned count);
  // Text, two characters a word, the first in the upper byte, filled up with blanks.
  void text(unsigned index, unsigned words, std::string_view text);
  // With the signature and the checksum of the last word.
  std::vector<u8> finished() const;

 private:
  std::vector<u8> bytes_;
};

}  // namespace backplane::ide

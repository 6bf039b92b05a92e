// SPDX-License-Identifier: MIT
// What every compressor does, whatever its module.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "backplane/compressor.h"
#include "backplane/error.h"

namespace backplane::testing {

// What pages are like: of one value, of few, of any.
inline std::vector<std::vector<u8>> samples() {
  std::mt19937 random(1);
  std::vector<std::vector<u8>> all;
  for (const std::size_t size : {4_KiB, 12_KiB, 1_MiB}) {
    all.emplace_back(size, u8{7});
    for (const unsigned values : {4, 256})
      for (u8& byte : all.emplace_back(size)) byte = static_cast<u8>(random() % values);
  }
  return all;
}

// What is wrong with it, or nothing.
inline std::string unpack(Compressor& compressor, const std::vector<u8>& packed,
                          std::vector<u8>& data) {
  try {
    compressor.unpack(packed, data);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

inline void check_gives_back_what_it_took(Compressor& compressor) {
  for (const std::vector<u8>& sample : samples()) {
    std::vector<u8> packed{1, 2, 3};
    compressor.pack(sample, packed);
    EXPECT_EQ(std::vector<u8>(packed.begin(), packed.begin() + 3), (std::vector<u8>{1, 2, 3}));
    packed.erase(packed.begin(), packed.begin() + 3);
    std::vector<u8> data(sample.size());
    EXPECT_EQ(unpack(compressor, packed, data), "");
    EXPECT_EQ(data, sample);
  }
}

inline void check_refuses_another_size(Compressor& compressor) {
  for (const std::vector<u8>& sample : samples()) {
    std::vector<u8> packed;
    compressor.pack(sample, packed);
    for (const std::size_t size : {sample.size() - 1, sample.size() + 1}) {
      std::vector<u8> data(size);
      EXPECT_NE(unpack(compressor, packed, data), "");
    }
    packed.push_back(0);
    std::vector<u8> data(sample.size());
    EXPECT_NE(unpack(compressor, packed, data), "");
  }
}

// Damage may go unnoticed, but does nothing else.
inline void check_bears_damage(Compressor& compressor) {
  std::mt19937 random(2);
  for (const std::vector<u8>& sample : samples()) {
    std::vector<u8> whole;
    compressor.pack(sample, whole);
    for (unsigned n = 0; n < 200; ++n) {
      std::vector<u8> packed = whole;
      if (n % 2 == 0) packed.resize(random() % whole.size());
      for (unsigned change = n % 4; change != 0 && !packed.empty(); --change)
        packed[random() % std::min<std::size_t>(packed.size(), 64)] = static_cast<u8>(random());
      std::vector<u8> data(sample.size());
      const std::string said = unpack(compressor, packed, data);
      EXPECT_EQ(said.find('\n'), std::string::npos) << said;
      EXPECT_TRUE(packed.size() == whole.size() || !said.empty());
    }
  }
}

}  // namespace backplane::testing

// SPDX-License-Identifier: MIT
// Names of tests that are made from an instruction's text.
#pragma once

#include <gtest/gtest.h>

#include <cctype>
#include <string>

namespace backplane::tcg::testing {

// "mov eax, [rcx]" as "mov_eax_rcx_". `Example` has a member `text`.
template <class Example>
std::string example_name(const ::testing::TestParamInfo<Example>& info) {
  std::string name;
  for (const char c : info.param.text)
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      name += c;
    else if (!name.empty() && name.back() != '_')
      name += '_';
  return name;
}

}  // namespace backplane::tcg::testing

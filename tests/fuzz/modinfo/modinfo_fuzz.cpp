// SPDX-License-Identifier: MIT
// Any bytes as a module file: an Error or a record, nothing else.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "backplane/module.h"
#include "module/modinfo_strings.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace backplane;
  try {
    parse_module_image(data, size);
  } catch (const Error&) {
  }
  try {
    parse_modinfo(std::string_view(reinterpret_cast<const char*>(data), size));
  } catch (const Error&) {
  }
  return 0;
}

// SPDX-License-Identifier: MIT
// Whatever a client of QMP sends: it is cut into texts, and each that is JSON is written and read
// again as the same value.
#include <cstdlib>

#include "backplane/error.h"
#include "backplane/json.h"

using namespace backplane;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  JsonSplitter splitter(4096);
  for (std::size_t i = 0; i < size; ++i) {
    try {
      const auto text = splitter.take(static_cast<char>(data[i]));
      if (!text) continue;
      const Value value = parse_json(*text);
      if (parse_json(to_json(value)) != value) std::abort();
      static_cast<void>(to_text(value));
    } catch (const Error&) {
    }
  }
  return 0;
}

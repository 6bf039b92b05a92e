// SPDX-License-Identifier: MIT
#include "options/identity_options.h"

#include <algorithm>

#include "options/configuration.h"
#include "report.h"

namespace backplane::host {

namespace {

constexpr std::string_view kForm = "00000000-0000-0000-0000-000000000000";

bool is_digit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

}  // namespace

void set_name(Configuration& configuration, const GivenOption& option) {
  configuration.name = with_values(option, [](KeyValueList values) {
    const std::string name = values.take("guest").value_or("");
    values.take_as<bool>("debug-threads");  // threads have names anyway
    values.expect_empty("debug-threads, guest");
    return name;
  });
}

void set_uuid(Configuration& configuration, const GivenOption& option) {
  std::string uuid;
  for (const char c : option.value)
    uuid += c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  const bool well_formed =
      uuid.size() == kForm.size() &&
      std::equal(uuid.begin(), uuid.end(), kForm.begin(),
                 [](char c, char form) { return form == '-' ? c == form : is_digit(c); });
  if (!well_formed) throw option.error("expects a UUID, such as {}", kForm);
  configuration.uuid = uuid;
}

}  // namespace backplane::host

// SPDX-License-Identifier: MIT
#include "options/program_options.h"

#include "backplane/log.h"
#include "options/configuration.h"
#include "options/help_words.h"
#include "report.h"

namespace backplane::host {

void set_message_form(Configuration&, const GivenOption& option) {
  if (is_help(option.value)) return;
  with_values(option, [](KeyValueList values) {
    log::set_timestamps(values.take_as<bool>("timestamp").value_or(false));
    values.expect_empty("timestamp");
  });
}

void set_log_categories(Configuration&, const GivenOption& option) {
  if (!is_help(option.value)) with_option(option.text, [&] { log::enable(option.value); });
}

void add_descriptor(Configuration& configuration, const GivenOption& option) {
  with_values(option, [&](KeyValueList values) {
    const auto set = values.take_as<u32>("set");
    const auto fd = values.take_as<i32>("fd");
    values.take("opaque");
    values.expect_empty("fd, opaque, set");
    if (!set || !fd) throw Error("expects fd=NUMBER and set=NUMBER");
    configuration.descriptors.push_back({*set, *fd, option.text});
  });
}

}  // namespace backplane::host

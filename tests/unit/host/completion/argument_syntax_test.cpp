// SPDX-License-Identifier: MIT
#include "completion/argument_syntax.h"

#include <gtest/gtest.h>

namespace backplane::host {
namespace {

struct Reading {
  const char* argument;
  Alternatives first;
  std::vector<std::string> keys;  // "name" or "name value value"
};

const Reading kReadings[] = {
    {"FILE", {}, {}},
    {"none", {"none"}, {}},
    {"file:FILE|unix:PATH|defer", {"file:", "unix:", "defer"}, {}},
    {"[driver=]TYPE[,id=ID][,bus=BUS][,PROPERTY=VALUE...]", {}, {"id", "bus"}},
    {"[base=]utc|SECONDS[,clock=host|vm]", {"utc"}, {"clock host vm"}},
    {"[reboot=reset|shutdown][,panic=ACTION]", {}, {"reboot reset shutdown", "panic"}},
    {"timestamp=on|off", {}, {"timestamp on off"}},
    {"[type=]TYPE|none[,model=DEVICE]", {"none"}, {"model"}},
    {"[file=]FILE[,readonly=on|off]...", {}, {"readonly on off"}},
};

TEST(ArgumentSyntax, GivesWhatIsNoPlaceholder) {
  for (const Reading& reading : kReadings) {
    SCOPED_TRACE(reading.argument);
    const ArgumentSyntax syntax = parse_argument_syntax(reading.argument);
    EXPECT_EQ(syntax.first, reading.first);
    std::vector<std::string> keys;
    for (const SyntaxKey& key : syntax.keys) {
      std::string text = key.name;
      for (const std::string& value : key.values) text += " " + value;
      keys.push_back(text);
    }
    EXPECT_EQ(keys, reading.keys);
  }
}

}  // namespace
}  // namespace backplane::host

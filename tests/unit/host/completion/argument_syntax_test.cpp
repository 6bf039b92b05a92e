// SPDX-License-Identifier: MIT
#include "completion/argument_syntax.h"

#include <gtest/gtest.h>

namespace backplane::host {
namespace {

struct Reading {
  const char* argument;
  Alternatives first;
  std::vector<std::string> keys;  // "name" or "name:value value"
};

class Syntax : public ::testing::TestWithParam<Reading> {};

TEST_P(Syntax, GivesWhatIsNoPlaceholder) {
  const ArgumentSyntax syntax = parse_argument_syntax(GetParam().argument);
  EXPECT_EQ(syntax.first, GetParam().first);
  std::vector<std::string> keys;
  for (const SyntaxKey& key : syntax.keys) {
    std::string text = key.name;
    for (const std::string& value : key.values) text += " " + value;
    keys.push_back(text);
  }
  EXPECT_EQ(keys, GetParam().keys);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, Syntax,
    ::testing::Values(
        Reading{"FILE", {}, {}}, Reading{"none", {"none"}, {}},
        Reading{"file:FILE|unix:PATH|defer", {"file:", "unix:", "defer"}, {}},
        Reading{"[driver=]TYPE[,id=ID][,bus=BUS][,PROPERTY=VALUE...]", {}, {"id", "bus"}},
        Reading{"[base=]utc|SECONDS[,clock=host|vm]", {"utc"}, {"clock host vm"}},
        Reading{"[reboot=reset|shutdown][,panic=ACTION]", {}, {"reboot reset shutdown", "panic"}},
        Reading{"timestamp=on|off", {}, {"timestamp on off"}},
        Reading{"[type=]TYPE|none[,model=DEVICE]", {"none"}, {"model"}},
        Reading{"[file=]FILE[,readonly=on|off]...", {}, {"readonly on off"}}));

}  // namespace
}  // namespace backplane::host

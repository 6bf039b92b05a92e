// SPDX-License-Identifier: MIT
#include "wire/place.h"

#include <gtest/gtest.h>

#include "backplane/error.h"

namespace backplane::nbd {
namespace {

TEST(NbdPlace, IsSaidInSeveralWays) {
  struct Row {
    const char* uri;
    const char* path;
    const char* host;
    const char* port;
    const char* name;
  };
  constexpr Row kRows[] = {
      {"nbd://host", "", "host", "10809", ""},
      {"nbd://host:1234/one/two", "", "host", "1234", "one/two"},
      {"nbd://[::1]:1/a%20b", "", "::1", "1", "a b"},
      {"nbd:host:1234", "", "host", "1234", ""},
      {"nbd:host:1234:exportname=one", "", "host", "1234", "one"},
      {"nbd:unix:/run/s:exportname=one", "/run/s", "", "", "one"},
      {"nbd+unix:///?socket=/run/s", "/run/s", "", "", ""},
      {"nbd+unix:///one?socket=/run/a%3Fb", "/run/a?b", "", "", "one"},
  };
  for (const Row& row : kRows) {
    const ExportName named = ExportName::parse(row.uri);
    EXPECT_EQ(named.place.path, row.path) << row.uri;
    EXPECT_EQ(named.place.host, row.host) << row.uri;
    EXPECT_EQ(named.place.port, row.port) << row.uri;
    EXPECT_EQ(named.name, row.name) << row.uri;
    // What it is shown as means the same.
    const ExportName again = ExportName::parse(named.uri());
    EXPECT_EQ(again.uri(), named.uri());
    EXPECT_EQ(again.name, named.name);
  }
}

TEST(NbdPlace, IsRefusedWhereItIsNone) {
  for (const char* const uri :
       {"nbd+unix:///", "nbd+unix://host/?socket=/s", "nbd+tls://host", "nbd://[::1", "nbd://h/%zz",
        "nbd://h/%00", "nbd:unix:", "nbd://host?socket=/s", "nbds://host", "", "nbd+unix:///?a=b"})
    EXPECT_THROW(ExportName::parse(uri), Error) << uri;
}

}  // namespace
}  // namespace backplane::nbd

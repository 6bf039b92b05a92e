// SPDX-License-Identifier: MIT
#include "options/identity_options.h"

#include <gtest/gtest.h>

#include "command_line.h"

namespace backplane::host {
namespace {

TEST(IdentityOptions, AreEmptyWhereNothingIsGiven) {
  EXPECT_EQ(parse_name(command_line("")), "");
  EXPECT_EQ(parse_uuid(command_line("")), "");
}

TEST(IdentityOptions, NameAndUuidOfTheGuest) {
  EXPECT_EQ(parse_name(command_line("-name vm")), "vm");
  EXPECT_EQ(parse_name(command_line("-name guest=vm,debug-threads=on")), "vm");
  EXPECT_EQ(parse_uuid(command_line("-uuid 12345678-90AB-cdef-1234-567890ABCDEF")),
            "12345678-90ab-cdef-1234-567890abcdef");
}

TEST(IdentityOptions, RefuseWhatIsNone) {
  EXPECT_NE(message_of([] { parse_name(command_line("-name vm,process=x")); }), "no error");
  for (const char* uuid :
       {"1", "12345678-90ab-cdef-1234-567890abcdeg", "1234567890abcdef1234567890abcdef",
        "12345678-90ab-cdef-1234-567890abcdef0", "12345678x90ab-cdef-1234-567890abcdef"})
    EXPECT_NE(message_of([&] { parse_uuid(command_line(std::string("-uuid ") + uuid)); }),
              "no error")
        << uuid;
}

}  // namespace
}  // namespace backplane::host

// SPDX-License-Identifier: MIT
#include "options/identity_options.h"

#include <gtest/gtest.h>

#include "command_line.h"

namespace backplane::host {
namespace {

TEST(IdentityOptions, AreEmptyWhereNothingIsGiven) {
  EXPECT_EQ(Asked("").configuration.name, "");
  EXPECT_EQ(Asked("").configuration.uuid, "");
}

TEST(IdentityOptions, NameAndUuidOfTheGuest) {
  EXPECT_EQ(Asked("-name vm").configuration.name, "vm");
  EXPECT_EQ(Asked("-name guest=vm,debug-threads=on").configuration.name, "vm");
  EXPECT_EQ(Asked("-uuid 12345678-90AB-cdef-1234-567890ABCDEF").configuration.uuid,
            "12345678-90ab-cdef-1234-567890abcdef");
}

TEST(IdentityOptions, RefuseWhatIsNone) {
  EXPECT_NE(message_of([] { Asked("-name vm,process=x"); }), "no error");
  for (const char* uuid :
       {"1", "12345678-90ab-cdef-1234-567890abcdeg", "1234567890abcdef1234567890abcdef",
        "12345678-90ab-cdef-1234-567890abcdef0", "12345678x90ab-cdef-1234-567890abcdef"})
    EXPECT_NE(message_of([&] { Asked(std::string("-uuid ") + uuid); }), "no error") << uuid;
}

}  // namespace
}  // namespace backplane::host

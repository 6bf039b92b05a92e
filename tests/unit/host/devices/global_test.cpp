// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "command_line.h"
#include "devices/devices.h"

namespace backplane::host {
namespace {

TEST(Global, IsTypePropertyAndValue) {
  const CompatProperty property = parse_global("virtio-blk-pci.serial=a=b,c.d");
  EXPECT_EQ(property.type, "virtio-blk-pci");
  EXPECT_EQ(property.property, "serial");
  EXPECT_EQ(property.value, "a=b,c.d");
}

TEST(Global, MayHaveAnEmptyValue) { EXPECT_EQ(parse_global("a.b=").value, ""); }

class BadGlobal : public testing::TestWithParam<const char*> {};

TEST_P(BadGlobal, IsRefused) {
  EXPECT_EQ(message_of([] { parse_global(GetParam()); }), "expects TYPE.PROPERTY=VALUE");
}

INSTANTIATE_TEST_SUITE_P(Texts, BadGlobal,
                         testing::Values("", "foo", "foo.bar", "foo=1", ".a=1", "a.=1", "=a.b"));

}  // namespace
}  // namespace backplane::host

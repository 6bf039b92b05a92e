// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "backplane/error.h"
#include "backplane/pci/pci_device.h"

namespace backplane {
namespace {

using Traits = PropertyTraits<PciAddress>;

TEST(PciAddress, IsSlotAndFunctionInHexadecimal) {
  EXPECT_EQ(Traits::parse("3").devfn, 0x18);
  EXPECT_EQ(Traits::parse("03.1").devfn, 0x19);
  EXPECT_EQ(Traits::parse("1f.7").devfn, 0xff);
  EXPECT_EQ(Traits::parse("0x1f").devfn, 0xf8);
}

TEST(PciAddress, IsPrintedAsItIsParsed) {
  EXPECT_EQ(Traits::print(PciAddress::of(0x1e, 2)), "1e.2");
  EXPECT_EQ(Traits::print(PciAddress{}), "auto");
  EXPECT_EQ(Traits::parse("auto"), PciAddress{});
}

TEST(PciAddress, RefusesWhatIsNoAddress) {
  for (const char* text : {"", "20", "1.8", "1.", ".1", "g", "1.1.1", "-1", "1 ", "0x"})
    EXPECT_THROW(Traits::parse(text), Error) << text;
}

}  // namespace
}  // namespace backplane

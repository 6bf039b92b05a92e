// SPDX-License-Identifier: MIT
// What a stub's mapper is told to do.
#include "mappings.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

namespace backplane::native {
namespace {

constexpr u64 kLinear = 0x400000, kOffset = 0x10000;

TEST(Mappings, MapsNeighboursWithOneOrder) {
  Mappings mappings;
  for (u64 n = 0; n < 3; ++n)
    mappings.set(kLinear + n * kPageSize, {.rights = kRead, .offset = kOffset + n * kPageSize});
  ASSERT_EQ(mappings.orders().size(), 1u);
  const StubOrder& order = mappings.orders()[0];
  EXPECT_EQ(order.kind, u32{STUB_ORDER_MAP});
  EXPECT_EQ(order.address, kLinear);
  EXPECT_EQ(order.length, 3 * kPageSize);
  EXPECT_EQ(order.offset, kOffset);
  EXPECT_EQ(order.protection, u32{PROT_READ});
  EXPECT_EQ(mappings.pages(), 3u);
}

TEST(Mappings, MapsPagesThatAreElsewhereEachByItself) {
  Mappings mappings;
  mappings.set(kLinear, {.rights = kRead, .offset = kOffset});
  mappings.set(kLinear + kPageSize, {.rights = kRead, .offset = kOffset + 4 * kPageSize});
  EXPECT_EQ(mappings.orders().size(), 2u);
}

TEST(Mappings, ProtectsWhereOnlyRightsChange) {
  Mappings mappings;
  mappings.set(kLinear, {.rights = kRead, .offset = kOffset});
  mappings.set(kLinear, {.rights = kRead | kWrite, .offset = kOffset});
  ASSERT_EQ(mappings.orders().size(), 2u);
  EXPECT_EQ(mappings.orders()[1].kind, u32{STUB_ORDER_PROTECT});
  EXPECT_EQ(mappings.orders()[1].protection, u32{PROT_READ | PROT_WRITE});
}

TEST(Mappings, ReplacesAPageThatMoved) {
  Mappings mappings;
  mappings.set(kLinear, {.rights = kRead, .offset = kOffset});
  mappings.set(kLinear, {.rights = kRead, .offset = kOffset + kPageSize});
  ASSERT_EQ(mappings.orders().size(), 2u);
  EXPECT_EQ(mappings.orders()[1].kind, u32{STUB_ORDER_MAP});
  EXPECT_EQ(mappings.pages(), 1u);
}

TEST(Mappings, UnmapsAndForgets) {
  Mappings mappings;
  mappings.set(kLinear, {.rights = kRead, .offset = kOffset});
  mappings.set(kLinear, {});
  EXPECT_EQ(mappings.at(kLinear), Mapping{});
  EXPECT_EQ(mappings.pages(), 0u);
  EXPECT_EQ(mappings.orders().back().kind, u32{STUB_ORDER_UNMAP});
}

TEST(Mappings, NeedsNoOrderForWhatIsSoAlready) {
  Mappings mappings;
  mappings.set(kLinear, {.rights = kRead, .offset = kOffset});
  mappings.orders().clear();
  mappings.set(kLinear, {.rights = kRead, .offset = kOffset});
  mappings.set(kLinear + kPageSize, {});
  EXPECT_TRUE(mappings.orders().empty());
}

TEST(Mappings, ShowsWhatIsMapped) {
  Mappings mappings;
  mappings.set(kLinear, {.rights = kRead, .offset = kOffset});
  mappings.set(kLinear + 1_GiB, {.rights = kRead | kExecute, .offset = 0});
  u64 seen = 0;
  mappings.for_each([&](u64 linear, const Mapping& mapping) {
    EXPECT_EQ(mapping, mappings.at(linear));
    ++seen;
  });
  EXPECT_EQ(seen, 2u);
}

}  // namespace
}  // namespace backplane::native

// SPDX-License-Identifier: MIT
#include "acpi/tables.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "interrupts/ioapic.h"

namespace backplane::pc {
namespace {

class AcpiTablesTest : public ::testing::Test {
 protected:
  u64 number(u64 address, unsigned bytes) const {
    u64 value = 0;
    for (unsigned i = 0; i < bytes; ++i) value |= u64{at(address + i)} << i * 8;
    return value;
  }
  u8 at(u64 address) const { return tables_.image.at(address - tables_.base); }
  u8 sum(u64 address, u64 size) const {
    u8 total = 0;
    for (u64 i = 0; i < size; ++i) total = static_cast<u8>(total + at(address + i));
    return total;
  }
  std::string text(u64 address, unsigned size) const {
    std::string t;
    for (unsigned i = 0; i < size; ++i) t += static_cast<char>(at(address + i));
    return t;
  }
  // The tables that the XSDT lists, by signature.
  std::map<std::string, u64> listed() const {
    const u64 xsdt = number(tables_.rsdp() + 24, 8);
    std::map<std::string, u64> found;
    for (u64 entry = xsdt + 36; entry < xsdt + number(xsdt + 4, 4); entry += 8)
      found[text(number(entry, 8), 4)] = number(entry, 8);
    return found;
  }

  AcpiTables relocatable_ =
      build_acpi_tables({0x600, {0, 1, 4, 5}, aml::name("TEST", aml::integer(1))});
  PlacedAcpiTables tables_ = place_acpi_tables(relocatable_, 0xe0000);
};

TEST_F(AcpiTablesTest, TheRootPointerIsWhereItIsLookedForAndSumsUp) {
  EXPECT_EQ(text(tables_.rsdp(), 8), "RSD PTR ");
  EXPECT_EQ(tables_.rsdp() % 16, 0u);
  EXPECT_EQ(sum(tables_.rsdp(), 20), 0);
  EXPECT_EQ(sum(tables_.rsdp(), 36), 0);
}

TEST_F(AcpiTablesTest, EveryTableSumsUp) {
  auto all = listed();
  EXPECT_EQ(all.count("FACP"), 1u);
  EXPECT_EQ(all.count("APIC"), 1u);
  EXPECT_EQ(all.count("HPET"), 1u);
  all["DSDT"] = number(all["FACP"] + 140, 8);
  all["XSDT"] = number(tables_.rsdp() + 24, 8);
  all["RSDT"] = number(tables_.rsdp() + 16, 4);
  for (const auto& [signature, address] : all) {
    EXPECT_EQ(text(address, 4), signature);
    EXPECT_EQ(sum(address, number(address + 4, 4)), 0) << signature;
  }
}

TEST_F(AcpiTablesTest, ATimerThatIsNotThereIsNotListed) {
  relocatable_ = build_acpi_tables({0x600, {0}, aml::name("TEST", aml::integer(1)), false});
  tables_ = place_acpi_tables(relocatable_, 0xe0000);
  EXPECT_EQ(listed().count("HPET"), 0u);
  EXPECT_EQ(listed().count("WAET"), 1u);
}

TEST_F(AcpiTablesTest, TheRsdtListsWhatTheXsdtLists) {
  const u64 rsdt = number(tables_.rsdp() + 16, 4), xsdt = number(tables_.rsdp() + 24, 8);
  const u64 count = (number(rsdt + 4, 4) - 36) / 4;
  ASSERT_EQ(count, (number(xsdt + 4, 4) - 36) / 8);
  for (u64 n = 0; n < count; ++n)
    EXPECT_EQ(number(rsdt + 36 + n * 4, 4), number(xsdt + 36 + n * 8, 8));
}

TEST_F(AcpiTablesTest, TheFadtHasItsFullLengthAndAgreesWithItself) {
  const u64 fadt = listed()["FACP"];
  EXPECT_EQ(number(fadt + 4, 4), 276u);
  EXPECT_EQ(number(fadt + 40, 4), number(fadt + 140, 8));      // DSDT
  EXPECT_EQ(number(fadt + 56, 4), number(fadt + 148 + 4, 8));  // PM1a event block
  EXPECT_EQ(number(fadt + 64, 4), number(fadt + 172 + 4, 8));  // PM1a control block
  EXPECT_EQ(number(fadt + 76, 4), number(fadt + 208 + 4, 8));  // timer
  EXPECT_EQ(number(fadt + 80, 4), number(fadt + 220 + 4, 8));  // GPE0
  EXPECT_EQ(number(fadt + 116 + 4, 8), 0xcf9u);                // reset register
  const u64 facs = number(fadt + 36, 4);
  EXPECT_EQ(text(facs, 4), "FACS");
  EXPECT_EQ(facs % 64, 0u);
}

TEST_F(AcpiTablesTest, TheMadtNamesEveryProcessorAndTheIoApic) {
  const u64 madt = listed()["APIC"];
  std::vector<u32> apic_ids;
  unsigned io_apics = 0;
  for (u64 entry = madt + 44; entry < madt + number(madt + 4, 4); entry += at(entry + 1)) {
    ASSERT_NE(at(entry + 1), 0);
    if (at(entry) == 0) {
      EXPECT_EQ(at(entry + 2), apic_ids.size());
      apic_ids.push_back(at(entry + 3));
    }
    if (at(entry) == 1) {
      EXPECT_EQ(number(entry + 4, 4), IoApic::kDefaultAddress);
      ++io_apics;
    }
  }
  EXPECT_EQ(apic_ids, (std::vector<u32>{0, 1, 4, 5}));
  EXPECT_EQ(io_apics, 1u);
}

}  // namespace
}  // namespace backplane::pc

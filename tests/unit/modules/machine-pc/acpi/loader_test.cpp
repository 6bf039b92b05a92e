// SPDX-License-Identifier: MIT
// The loader script, carried out as firmware does.
#include "acpi/loader.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <numeric>
#include <string>

#include "board/pc_board.h"

namespace backplane::pc {
namespace {

using Files = std::map<std::string, std::vector<u8>>;

// Places `files` at the addresses that `place` gives for their zones (1: high, 2: the F segment).
class Firmware {
 public:
  explicit Firmware(Files files, std::map<u8, u64> zones)
      : files_(std::move(files)), zones_(std::move(zones)) {}

  void run() {
    const std::vector<u8>& script = files_.at(kAcpiLoaderFile);
    ASSERT_EQ(script.size() % 128, 0u);
    for (std::size_t at = 0; at < script.size(); at += 128) step(script.data() + at);
  }
  u64 address(const std::string& file) const { return placed_.at(file); }
  const std::vector<u8>& bytes(const std::string& file) const { return files_.at(file); }
  u64 number(u64 address, unsigned size) const {
    u64 value = 0;
    std::memcpy(&value, pointer(address, size), size);
    return value;
  }
  std::string text(u64 address, unsigned size) const {
    return {reinterpret_cast<const char*>(pointer(address, size)), size};
  }
  u8 sum(u64 address, u64 size) const {
    const u8* p = pointer(address, size);
    return static_cast<u8>(std::accumulate(p, p + size, 0));
  }

 private:
  template <class T>
  static T get(const u8* from) {
    T value;
    std::memcpy(&value, from, sizeof value);
    return value;
  }
  static std::string name(const u8* from) { return reinterpret_cast<const char*>(from); }

  void step(const u8* c) {
    switch (get<u32>(c)) {
      case 1: {  // allocate: file, alignment, zone
        const u64 address = zones_.at(c[64]);
        ASSERT_EQ(address % get<u32>(c + 60), 0u);
        ASSERT_TRUE(placed_.emplace(name(c + 4), address).second) << "placed twice";
        return;
      }
      case 2: {  // add pointer: destination, source, offset, size
        std::vector<u8>& into = files_.at(name(c + 4));
        const u32 offset = get<u32>(c + 116);
        const u8 size = c[120];
        ASSERT_LE(offset + size, into.size());
        u64 value = 0;
        std::memcpy(&value, into.data() + offset, size);
        ASSERT_LT(value, files_.at(name(c + 60)).size());
        value += placed_.at(name(c + 60));
        std::memcpy(into.data() + offset, &value, size);
        return;
      }
      case 3: {  // add checksum: file, result, start, length
        std::vector<u8>& in = files_.at(name(c + 4));
        const u32 result = get<u32>(c + 60), start = get<u32>(c + 64), length = get<u32>(c + 68);
        ASSERT_LE(start + length, in.size());
        // Some set the byte, some subtract from it.
        ASSERT_EQ(in.at(result), 0);
        in[result] =
            static_cast<u8>(-std::accumulate(in.begin() + start, in.begin() + start + length, 0));
        return;
      }
      default:
        FAIL() << "an unknown command";
    }
  }
  const u8* pointer(u64 address, u64 size) const {
    for (const auto& [file, at] : placed_) {
      const std::vector<u8>& bytes = files_.at(file);
      if (address >= at && address + size <= at + bytes.size())
        return bytes.data() + (address - at);
    }
    throw std::out_of_range("an address outside of the tables");
  }

  Files files_;
  std::map<u8, u64> zones_;
  std::map<std::string, u64> placed_;
};

TEST(AcpiLoader, DoesWhatADirectBootDoes) {
  const AcpiTables tables =
      build_acpi_tables({0x600, {0, 1, 2, 4, 5, 6}, aml::name("TEST", aml::integer(1))});
  const PlacedAcpiTables direct = place_acpi_tables(tables, 0xe0000);
  Firmware firmware({{kAcpiRootFile, tables.root},
                     {kAcpiBodyFile, tables.body},
                     {kAcpiLoaderFile, loader_script(tables)}},
                    {{u8{2}, 0xe0000}, {u8{1}, 0xe0000 + kTableAlignment}});
  firmware.run();
  std::vector<u8> image = firmware.bytes(kAcpiRootFile);
  image.resize(kTableAlignment, 0);
  const std::vector<u8>& body = firmware.bytes(kAcpiBodyFile);
  image.insert(image.end(), body.begin(), body.end());
  EXPECT_EQ(image, direct.image);
}

// A file as the guest reads it, port by port.
std::vector<u8> read_file(testing::PcBoard& board, const std::string& wanted) {
  const auto bytes = [&](unsigned count) {
    std::vector<u8> read;
    while (count-- != 0) read.push_back(board.in8(0x511));
    return read;
  };
  const auto big_endian = [](const std::vector<u8>& b) {
    return std::accumulate(b.begin(), b.end(), 0u, [](u32 a, u8 digit) { return a << 8 | digit; });
  };
  board.out16(0x510, 0x19);
  for (u32 left = big_endian(bytes(4)); left != 0; --left) {
    const u32 size = big_endian(bytes(4));
    const u16 selector = static_cast<u16>(big_endian(bytes(2)));
    bytes(2);
    const std::vector<u8> name = bytes(56);
    if (wanted != reinterpret_cast<const char*>(name.data())) continue;
    board.out16(0x510, selector);
    return bytes(size);
  }
  return {};
}

TEST(AcpiLoader, FirmwareFindsTheTablesOfItsOwnPorts) {
  testing::PcBoard board(64_MiB, 3);
  board.power_on();
  board.config_write(0x0b, 0x40, 0xb001);  // the PIIX4's PMBA
  Files files;
  for (const char* name : {kAcpiRootFile, kAcpiBodyFile, kAcpiLoaderFile}) {
    files[name] = read_file(board, name);
    ASSERT_FALSE(files[name].empty()) << name;
  }
  Firmware firmware(files, {{u8{2}, 0xf5a00}, {u8{1}, 0x3fe0000}});
  firmware.run();

  const u64 root = firmware.address(kAcpiRootFile);
  EXPECT_EQ(firmware.text(root, 8), "RSD PTR ");
  EXPECT_EQ(firmware.sum(root, 20), 0);
  EXPECT_EQ(firmware.sum(root, 36), 0);
  const u64 rsdt = firmware.number(root + 16, 4), xsdt = firmware.number(root + 24, 8);
  std::map<std::string, u64> found{{"RSDT", rsdt}, {"XSDT", xsdt}};
  const u64 count = (firmware.number(xsdt + 4, 4) - 36) / 8;
  ASSERT_EQ((firmware.number(rsdt + 4, 4) - 36) / 4, count);
  for (u64 n = 0; n < count; ++n) {
    const u64 table = firmware.number(xsdt + 36 + 8 * n, 8);
    EXPECT_EQ(firmware.number(rsdt + 36 + 4 * n, 4), table);
    found[firmware.text(table, 4)] = table;
  }
  const u64 fadt = found.at("FACP");
  EXPECT_EQ(firmware.text(firmware.number(fadt + 36, 4), 4), "FACS");
  found["DSDT"] = firmware.number(fadt + 40, 4);
  EXPECT_EQ(firmware.number(fadt + 140, 8), found["DSDT"]);
  for (const auto& [signature, table] : found) {
    EXPECT_EQ(firmware.text(table, 4), signature);
    EXPECT_EQ(firmware.sum(table, firmware.number(table + 4, 4)), 0) << signature;
  }
  EXPECT_EQ(firmware.number(fadt + 56, 4), 0xb000u) << "the event block";
  EXPECT_EQ(firmware.number(fadt + 64, 4), 0xb004u) << "the control block";
  EXPECT_EQ(found.count("APIC"), 1u);
}

}  // namespace
}  // namespace backplane::pc

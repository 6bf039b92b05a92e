// SPDX-License-Identifier: MIT
#include "smbios/smbios.h"

#include <gtest/gtest.h>

#include <map>
#include <numeric>

#include "backplane/error.h"

namespace backplane::pc {
namespace {

SmbiosFacts facts() {
  SmbiosFacts facts;
  facts.uuid = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
  facts.topology.sockets = 2;
  facts.topology.cores = 2;
  facts.memory.ram = 1_GiB;
  return facts;
}

struct Structure {
  std::vector<u8> bytes;
  std::vector<std::string> strings;
};

std::multimap<unsigned, Structure> structures_of(const Smbios& smbios) {
  std::multimap<unsigned, Structure> found;
  const std::vector<u8>& table = smbios.table;
  for (std::size_t at = 0; at + 4 <= table.size();) {
    Structure structure;
    structure.bytes.assign(table.begin() + static_cast<long>(at),
                           table.begin() + static_cast<long>(at) + table[at + 1]);
    std::size_t text = at + table[at + 1];
    do {
      std::string string;
      while (table[text] != 0) string += static_cast<char>(table[text++]);
      ++text;
      if (!string.empty()) structure.strings.push_back(string);
    } while (table[text] != 0);
    found.emplace(structure.bytes[0], structure);
    at = text + 1;
  }
  return found;
}

unsigned sum(const std::vector<u8>& bytes, std::size_t from) {
  return std::accumulate(bytes.begin() + static_cast<long>(from), bytes.end(), 0u) & 0xff;
}

TEST(Smbios, HasTheStructuresThatAreRequired) {
  const Smbios smbios = build_smbios({}, facts());
  const auto structures = structures_of(smbios);
  for (const unsigned type : {1, 3, 16, 17, 19, 32, 127})
    EXPECT_EQ(structures.count(type), 1u) << type;
  EXPECT_EQ(structures.count(4), 2u);
  EXPECT_EQ(smbios.anchor[0x1c] | smbios.anchor[0x1d] << 8, static_cast<int>(structures.size()));
}

TEST(Smbios, SumsUpToZeroWhereverItIs) {
  Smbios smbios = build_smbios({}, facts());
  place_smbios(smbios, 0xf0020);
  EXPECT_EQ(smbios.anchor.size(), 0x1fu);
  EXPECT_EQ(sum(smbios.anchor, 0), 0u);
  EXPECT_EQ(sum(smbios.anchor, 0x10), 0u);
  EXPECT_EQ(smbios.anchor[0x18], 0x20);
}

TEST(Smbios, SaysWhatTheUserSaid) {
  SmbiosSettings settings;
  settings.add(KeyValueList::parse("type=1,manufacturer=Maker,serial=S1"));
  settings.add(KeyValueList::parse("type=11,value=one,value=two"));
  const auto structures = structures_of(build_smbios(settings, facts()));
  const Structure& system = structures.find(1)->second;
  EXPECT_EQ(system.strings.front(), "Maker");
  EXPECT_EQ(system.strings.back(), "S1");
  // The first fields of the number have the lowest byte first.
  EXPECT_EQ(system.bytes[8], 0x33);
  EXPECT_EQ(system.bytes[12], 0x55);
  EXPECT_EQ(system.bytes[23], 0xff);
  EXPECT_EQ(structures.find(11)->second.strings, (std::vector<std::string>{"one", "two"}));
}

TEST(Smbios, RefusesWhatItDoesNotKnow) {
  SmbiosSettings settings;
  for (const char* text : {"manufacturer=x", "type=9,x=y", "type=1,colour=red",
                           "type=17,speed=fast", "file=/nonexistent", "file=/dev/null"})
    EXPECT_THROW(settings.add(KeyValueList::parse(text)), Error) << text;
}

}  // namespace
}  // namespace backplane::pc

// SPDX-License-Identifier: MIT
#include "gdb/framing.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "gdb/hex.h"

namespace backplane::host::gdb {
namespace {

using Event = PacketReader::Event;

std::vector<Event> events(PacketReader& reader, std::string_view bytes) {
  std::vector<Event> seen;
  for (const char c : bytes)
    if (const auto event = reader.take(static_cast<u8>(c))) seen.push_back(*event);
  return seen;
}

TEST(Framing, AddsUpTheBytesOfAPacket) {
  EXPECT_EQ(framed("OK"), "$OK#9a");
  EXPECT_EQ(framed(""), "$#00");
  EXPECT_EQ(framed("m1,2"), "$m1,2#fc");
}

TEST(Framing, EscapesWhatWouldEndAPacketOrRepeatAByte) {
  EXPECT_EQ(framed("a#$*}").substr(0, 10), "$a}\x03}\x04}\x0a}\x5d");
  PacketReader reader;
  EXPECT_EQ(events(reader, framed("a#$*}")), std::vector{Event::Packet});
  EXPECT_EQ(reader.text(), "a#$*}");
}

TEST(Framing, ReadsPacketsInPiecesOfAnySize) {
  PacketReader reader;
  EXPECT_TRUE(events(reader, "+$m1").size() == 1);
  EXPECT_TRUE(events(reader, ",2#f").empty());
  EXPECT_EQ(events(reader, "c"), std::vector{Event::Packet});
  EXPECT_EQ(reader.text(), "m1,2");
}

TEST(Framing, TellsAcknowledgementsAndTheInterruptFromNoise) {
  PacketReader reader;
  EXPECT_EQ(events(reader, "+-x\x03 #00"),
            (std::vector{Event::Accepted, Event::Rejected, Event::Interrupt}));
  // Within a packet they are bytes like others.
  EXPECT_EQ(events(reader, framed("a+\x03")), std::vector{Event::Packet});
  EXPECT_EQ(reader.text(), "a+\x03");
}

TEST(Framing, RefusesAChecksumThatIsWrongOrNone) {
  PacketReader reader;
  EXPECT_EQ(events(reader, "$OK#9b"), std::vector{Event::Damaged});
  EXPECT_EQ(events(reader, "$OK#zz"), std::vector{Event::Damaged});
  EXPECT_EQ(events(reader, "$OK#9A"), std::vector{Event::Packet});
}

TEST(Framing, ForgetsAPacketThatIsBrokenOff) {
  PacketReader reader;
  EXPECT_EQ(events(reader, "$m1,$OK#9a"), std::vector{Event::Packet});
  EXPECT_EQ(reader.text(), "OK");
}

TEST(Framing, HoldsNoMoreThanTheLongestPacket) {
  PacketReader reader;
  const std::string fits(kLongestPacket, 'a');
  EXPECT_EQ(events(reader, framed(fits)), std::vector{Event::Packet});
  EXPECT_EQ(reader.text(), fits);
  EXPECT_EQ(events(reader, framed(fits + "a")), std::vector{Event::TooLong});
  EXPECT_LE(reader.text().size(), kLongestPacket);
  EXPECT_EQ(events(reader, "$OK#9a"), std::vector{Event::Packet});
}

TEST(Framing, ComesBackFromAnyBytes) {
  std::mt19937 random(1);
  PacketReader reader;
  for (unsigned n = 0; n < 100'000; ++n) reader.take(static_cast<u8>(random()));
  // At most a packet and its checksum are under way.
  events(reader, "$#00$#00");
  EXPECT_EQ(events(reader, "$OK#9a"), std::vector{Event::Packet});
}

TEST(Hex, IsReadWhole) {
  EXPECT_EQ(to_hex(std::string_view("\x01\xab")), "01ab");
  EXPECT_EQ(from_hex("01aB"), (std::vector<u8>{1, 0xab}));
  EXPECT_EQ(from_hex(""), std::vector<u8>{});
  for (const char* bad : {"0", "0g", "xx", "01 2"}) EXPECT_FALSE(from_hex(bad)) << bad;
}

TEST(PacketText, IsTakenFromLeftToRight) {
  PacketText text("ffffffffffffffff,10:rest;more");
  EXPECT_EQ(text.take_number(), ~u64{0});
  EXPECT_FALSE(text.take(":"));
  EXPECT_TRUE(text.take(","));
  EXPECT_EQ(text.take_number(), 0x10u);
  EXPECT_TRUE(text.take(":"));
  EXPECT_EQ(text.take_until(';'), "rest");
  EXPECT_EQ(text.take_until(';'), "more");
  EXPECT_TRUE(text.empty());
  EXPECT_FALSE(text.take_number());
  EXPECT_FALSE(PacketText("10000000000000000").take_number()) << "65 bits";
}

}  // namespace
}  // namespace backplane::host::gdb

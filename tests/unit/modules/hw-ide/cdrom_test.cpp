// SPDX-License-Identifier: MIT
#include <cerrno>

#include "ide_machine.h"

namespace backplane::testing {
namespace {

using namespace ide;

constexpr u64 kBlock = 2048;

class CdromTest : public IdeTest {
 protected:
  CdromTest() : node_(add_drive("ide-cd", 100 * kBlock)) { power_on(); }

  void send(const std::vector<u8>& packet, u16 limit = 0xfffe, u8 features = 0) {
    issue({.command = kPacket, .features = features, .lba = u64{limit} << 8, .device = 0});
    EXPECT_EQ(wait(), (Outcome{kIdleStatus | status::kDataRequest, 0, false}));
    EXPECT_EQ(in8(kPrimary + kSectorCount), reason::kCommand);
    std::string bytes(packet.begin(), packet.end());
    bytes.resize(12);
    write_words(bytes);
  }
  // All that the drive has to give for a packet by PIO.
  std::string reply(const std::vector<u8>& packet, u16 limit = 0xfffe) {
    send(packet, limit);
    std::string data;
    while (true) {
      const Outcome outcome = wait();
      EXPECT_EQ(outcome.status & status::kError, 0);
      if ((outcome.status & status::kDataRequest) == 0) break;
      EXPECT_EQ(in8(kPrimary + kSectorCount), reason::kToHost);
      const unsigned size = in8(kPrimary + kLbaMid) | in8(kPrimary + kLbaHigh) << 8;
      EXPECT_LE(size, limit);
      data += read_words(size);
    }
    EXPECT_EQ(in8(kPrimary + kSectorCount), reason::kCommand | reason::kToHost);
    return data;
  }
  // Key, code and qualifier of what REQUEST SENSE says.
  std::vector<u8> sense() {
    const std::string data = reply({0x03, 0, 0, 0, 18});
    return {static_cast<u8>(data[2]), static_cast<u8>(data[12]), static_cast<u8>(data[13])};
  }
  // The event of the medium that the guest is told next, and what becomes of tray and disc.
  std::vector<u8> media_event() {
    const std::string data = reply({0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8});
    return {static_cast<u8>(data[4]), static_cast<u8>(data[5])};
  }
  void take_attention() {
    send({0x00});
    EXPECT_EQ(wait().status & status::kError, status::kError);
    sense();
  }

  IdeMemoryNode& node_;
};

TEST_F(CdromTest, HasTheSignatureOfPackets) {
  EXPECT_EQ(in8(kPrimary + kLbaMid), 0x14);
  EXPECT_EQ(in8(kPrimary + kLbaHigh), 0xeb);
  issue({.command = kIdentify, .device = 0});
  EXPECT_EQ(wait(), (Outcome{kIdleStatus | status::kError, error::kAborted, true}));
  EXPECT_EQ(in8(kPrimary + kLbaMid), 0x14);
  issue({.command = kIdentifyPacket, .device = 0});
  ASSERT_EQ(wait(), kData);
  EXPECT_EQ(read_words(512).substr(0, 2), "\xc0\x85");
}

TEST_F(CdromTest, SaysOnceThatTheDiscIsNew) {
  send({0x00});
  EXPECT_EQ(wait(), (Outcome{kIdleStatus | status::kError, 0x64, true}));
  EXPECT_EQ(sense(), (std::vector<u8>{6, 0x28, 0}));
  send({0x00});
  EXPECT_EQ(wait(), kDone);
}

TEST_F(CdromTest, ReadsBlocksInPiecesAsLargeAsTheHostTakes) {
  take_attention();
  EXPECT_EQ(reply({0x25}), std::string({0, 0, 0, 99, 0, 0, 8, 0}));
  EXPECT_EQ(reply({0x28, 0, 0, 0, 0, 3, 0, 0, 2}), node_.bytes.substr(3 * kBlock, 2 * kBlock));
  EXPECT_EQ(reply({0x28, 0, 0, 0, 0, 3, 0, 0, 2}, 1000),
            node_.bytes.substr(3 * kBlock, 2 * kBlock));
  EXPECT_EQ(reply({0xa8, 0, 0, 0, 0, 0, 0, 0, 0, 100}), node_.bytes);
}

TEST_F(CdromTest, ReadsBlocksByDma) {
  take_attention();
  put_table({4 * kBlock});
  send({0x28, 0, 0, 0, 0, 10, 0, 0, 4}, 0, 1);
  start_dma(true);
  EXPECT_EQ(wait(), kDone);
  EXPECT_EQ(memory(kPlace, 4 * kBlock), node_.bytes.substr(10 * kBlock, 4 * kBlock));
}

TEST_F(CdromTest, SaysWhatIsWrong) {
  take_attention();
  send({0x28, 0, 0, 0, 0, 99, 0, 0, 2});
  EXPECT_EQ(wait().error, 0x54);
  EXPECT_EQ(sense(), (std::vector<u8>{5, 0x21, 0}));
  send({0xff});
  EXPECT_EQ(wait().error, 0x54);
  EXPECT_EQ(sense(), (std::vector<u8>{5, 0x20, 0}));
  node_.error = -EIO;
  send({0x28, 0, 0, 0, 0, 0, 0, 0, 1});
  EXPECT_EQ(wait().error, 0x34);
  EXPECT_EQ(sense(), (std::vector<u8>{3, 0x11, 0}));
}

TEST_F(CdromTest, HasOneTrack) {
  take_attention();
  const std::string toc = reply({0x43, 0, 0, 0, 0, 0, 0, 0, 20});
  EXPECT_EQ(toc,
            std::string({0, 18, 1, 1, 0,  0x14, 1, 0, 0, 0, 0, 0, 0, 0x14, static_cast<char>(0xaa),
                         0, 0,  0, 0, 100}));
  const std::string times = reply({0x43, 2, 0, 0, 0, 0, 0, 0, 20});
  EXPECT_EQ(times.substr(8, 4), std::string({0, 0, 2, 0}));
  EXPECT_EQ(times.substr(16, 4), std::string({0, 0, 3, 25}));
}

TEST_F(CdromTest, OpensItsTrayUnlessThatIsForbidden) {
  take_attention();
  reply({0x1e, 0, 0, 0, 1});
  send({0x1b, 0, 0, 0, 2});
  EXPECT_EQ(wait().error, 0x54);
  reply({0x1e, 0, 0, 0, 0});
  reply({0x1b, 0, 0, 0, 2});
  send({0x00});
  EXPECT_EQ(wait().error, 0x24);
  EXPECT_EQ(sense(), (std::vector<u8>{2, 0x3a, 0}));
  reply({0x1b, 0, 0, 0, 3});
  send({0x00});
  EXPECT_EQ(wait(), kDone);
}

constexpr u8 kEjectRequest = 1, kNewMedia = 2, kMediaRemoval = 3;

TEST_F(CdromTest, AnotherDiscIsReadAndAnnounced) {
  take_attention();
  Device& drive = *drives_[0];
  std::vector<bool> moves;
  const Subscription told =
      machine_.events().subscribe([&](const EventType& type, const Value& to) {
        if (type.name == "DEVICE_TRAY_MOVED") moves.push_back(to.find("tray-open")->as_bool());
      });
  EXPECT_EQ(media_event()[0], kNewMedia);  // of power-on
  auto& other = dynamic_cast<IdeMemoryNode&>(backends_.add(kBlockKind, "ide-memory", "other", {}));
  other.bytes.assign(50 * kBlock, 'o');

  EXPECT_THROW(drive.set_property("drive", ""), Error);  // the tray is closed
  drive.set_value("tray-open", true);
  EXPECT_EQ(media_event(), (std::vector<u8>{kMediaRemoval, 1}));
  EXPECT_THROW(drive.set_property("drive", "other"), Error);  // there is another in it
  EXPECT_THROW(drive.set_property("drive", "nothing"), Error);
  EXPECT_EQ(node_.user(), &drive);
  drive.set_property("drive", "");
  EXPECT_EQ(node_.user(), nullptr);
  drive.set_property("drive", "other");
  send({0x00});
  EXPECT_EQ(wait().error, 0x24);
  drive.set_value("tray-open", false);
  EXPECT_EQ(media_event(), (std::vector<u8>{kNewMedia, 2}));
  send({0x00});
  EXPECT_EQ(wait().error, 0x64);
  EXPECT_EQ(sense(), (std::vector<u8>{6, 0x28, 0}));
  EXPECT_EQ(reply({0x25}), std::string({0, 0, 0, 49, 0, 0, 8, 0}));
  EXPECT_EQ(reply({0x28, 0, 0, 0, 0, 49, 0, 0, 1}), std::string(kBlock, 'o'));
  EXPECT_EQ(moves, (std::vector<bool>{true, false}));
  EXPECT_EQ(drive.get_property("medium-name"), "disk0");
}

TEST_F(CdromTest, ALockedTrayStaysAndTheGuestIsAsked) {
  take_attention();
  Device& drive = *drives_[0];
  media_event();
  reply({0x1e, 0, 0, 0, 1});
  EXPECT_TRUE(drive.get_value("locked").as_bool());
  drive.set_value("tray-open", true);
  EXPECT_FALSE(drive.get_value("tray-open").as_bool());
  EXPECT_EQ(media_event(), (std::vector<u8>{kEjectRequest, 2}));
  EXPECT_EQ(media_event(), (std::vector<u8>{0, 2}));
  drive.set_value("locked", false);
  drive.set_value("tray-open", true);
  EXPECT_EQ(media_event(), (std::vector<u8>{kMediaRemoval, 1}));
}

TEST_F(CdromTest, OneThatWasAskedForItsDiscLearnsOfItThoughNobodyWaits) {
  take_attention();
  Device& drive = *drives_[0];
  media_event();
  reply({0x1e, 0, 0, 0, 1});
  drive.set_value("tray-open", true);
  drive.set_value("locked", false);
  drive.set_value("tray-open", true);
  EXPECT_EQ(media_event(), (std::vector<u8>{kEjectRequest, 1}));
  EXPECT_EQ(media_event(), (std::vector<u8>{kMediaRemoval, 1}));
}

TEST_F(CdromTest, ATransferEndsWhenTheTrayOpens) {
  take_attention();
  send({0x28, 0, 0, 0, 0, 0, 0, 0, 2}, kBlock);
  EXPECT_EQ(wait(), kData);
  read_words(100);
  drives_[0]->set_value("tray-open", true);
  EXPECT_EQ(wait(), (Outcome{kIdleStatus | status::kError, 0x24, true}));
  drives_[0]->set_property("drive", "");
  // The host is at it.
  drives_[0]->set_property("drive", "disk0");
  drives_[0]->set_value("tray-open", false);
  take_attention();
  send({0x28, 0, 0, 0, 0, 0, 0, 0, 2});
  drives_[0]->set_value("tray-open", true);
  drives_[0]->set_property("drive", "");
  EXPECT_EQ(wait(), (Outcome{kIdleStatus | status::kError, 0x24, true}));
}

TEST_F(CdromTest, WhatIsNoDiscDoesNotGoIn) {
  take_attention();
  Device& drive = *drives_[0];
  auto& small = dynamic_cast<IdeMemoryNode&>(backends_.add(kBlockKind, "ide-memory", "small", {}));
  small.bytes.resize(kSectorSize);
  drive.set_value("tray-open", true);
  drive.set_property("drive", "");
  EXPECT_THROW(drive.set_property("drive", "small"), Error);
  EXPECT_EQ(small.user(), nullptr);
  EXPECT_EQ(drive.get_property("drive"), "");
}

TEST_F(IdeTest, ADriveWithoutADiscSaysSo) {
  drives_.push_back(&machine_.add_device("ide-cd", "", "ide.0", {}));
  power_on();
  issue({.command = kPacket, .device = 0});
  wait();
  write_words(std::string(12, '\0'));
  EXPECT_EQ(wait(), (Outcome{kIdleStatus | status::kError, 0x24, true}));
}

}  // namespace
}  // namespace backplane::testing

// SPDX-License-Identifier: MIT
#include "options/drive_options.h"

#include <gtest/gtest.h>

#include <fstream>

#include "backplane/testing/scratch_directory.h"
#include "command_line.h"

namespace backplane::host {
namespace {

DriveOptions drive(const std::string& text) {
  return parse_drive(KeyValueList::parse(text, "file"));
}

TEST(Drive, MakesADiskUnlessToldOtherwise) {
  EXPECT_EQ(drive("file=a.img").interface, "virtio");
  EXPECT_TRUE(drive("a.img,if=virtio").makes_device());
  EXPECT_EQ(drive("a.img,if=ide").interface, "ide");
  EXPECT_FALSE(drive("file=a.img,if=none,id=d").makes_device());
}

TEST(Drive, HasOptionsThatStandForIt) {
  const DriveOptions disk = parse_named_drive("hdb", "a,b=c.img");
  EXPECT_EQ(disk.interface, "ide");
  EXPECT_EQ(disk.index, 1U);
  EXPECT_FALSE(disk.is_cdrom);
  EXPECT_EQ(disk.protocol_node, (Properties{{"filename", "a,b=c.img"}}));
  const DriveOptions disc = parse_named_drive("cdrom", "a.iso");
  EXPECT_EQ(disc.index, 2U);
  EXPECT_TRUE(disc.is_cdrom);
  EXPECT_EQ(disc.format_node, (Properties{{"read-only", "on"}}));
}

TEST(Drive, IsQcow2IfItIsCalledSo) {
  const testing::ScratchDirectory directory;
  const auto file = [&](const std::string& name, std::string_view text) {
    std::ofstream(directory / name, std::ios::binary) << text;
    return (directory / name).string();
  };
  const std::string_view qcow2 = "QFI\xfb and more";
  EXPECT_EQ(drive(file("a.qcow2", qcow2)).format, "qcow2");
  EXPECT_EQ(drive(file("b.qcow2", "a disk")).format, "raw");
  EXPECT_EQ(drive(file("c.img", "a disk")).format, "raw");
  const std::string odd = file("d.img", qcow2);
  EXPECT_EQ(drive(odd + ",format=raw").format, "raw");
  EXPECT_EQ(message_of([&] { drive(odd); }),
            "the file is an image in the format qcow2, or a raw disk whose guest makes it look so");
}

TEST(Drive, IsOnAServerIfItsNameIsAUri) {
  for (const char* const uri : {"nbd://host/e", "nbd+unix:///e?socket=/run/s", "nbd:host:1"}) {
    const DriveOptions far = drive(std::string("file=") + uri);
    EXPECT_EQ(far.protocol, "nbd") << uri;
    EXPECT_EQ(far.format, "raw") << uri;
    EXPECT_EQ(far.protocol_node, (Properties{{"filename", uri}}));
  }
  EXPECT_EQ(drive("a:b").protocol, "file");
  EXPECT_EQ(drive("A://b").protocol, "file");
  const DriveOptions named = drive("file.driver=nbd,file.host=h");
  EXPECT_EQ(named.protocol, "nbd");
  EXPECT_EQ(named.protocol_node, (Properties{{"host", "h"}}));
}

TEST(Drive, IsAFormatOnAFileUnlessToldOtherwise) {
  const DriveOptions plain = drive("a,,b.img");
  EXPECT_EQ(plain.format, "raw");
  EXPECT_EQ(plain.protocol, "file");
  EXPECT_EQ(plain.protocol_node, (Properties{{"filename", "a,b.img"}}));
  EXPECT_EQ(plain.format_node, Properties{});
  EXPECT_EQ(plain.device, Properties{});
  EXPECT_EQ(plain.id, "");
  EXPECT_EQ(drive("a.img,format=qcow2,id=d").format, "qcow2");
  EXPECT_EQ(drive("a.img,format=qcow2,id=d").id, "d");
}

struct Row {
  const char* keys;
  Properties protocol;
  Properties format;
  Properties device;
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.keys; }

class DriveKeys : public ::testing::TestWithParam<Row> {};

TEST_P(DriveKeys, GoToWhomTheyConcern) {
  const Row& row = GetParam();
  const DriveOptions options = drive(std::string("a,") + row.keys);
  Properties protocol{{"filename", "a"}};
  protocol.insert(protocol.end(), row.protocol.begin(), row.protocol.end());
  EXPECT_EQ(options.protocol_node, protocol);
  EXPECT_EQ(options.format_node, row.format);
  EXPECT_EQ(options.device, row.device);
}

const Properties kNone;
const Properties kDirect{{"cache.direct", "on"}};
const Properties kNoFlush{{"cache.no-flush", "on"}};
const Properties kThrough{{"write-cache", "off"}};
const Properties kReadOnly{{"read-only", "on"}};

INSTANTIATE_TEST_SUITE_P(
    Keys, DriveKeys,
    ::testing::Values(
        Row{"readonly=on", kReadOnly, kReadOnly, kNone},
        Row{"read-only=on", kReadOnly, kReadOnly, kNone},
        Row{"cache=writeback", kNone, kNone, kNone}, Row{"cache=none", kDirect, kDirect, kNone},
        Row{"cache=writethrough", kNone, kNone, kThrough},
        Row{"cache=directsync", kDirect, kDirect, kThrough},
        Row{"cache=unsafe", kNoFlush, kNoFlush, kNone},
        Row{"locking=off", {{"locking", "off"}}, kNone, kNone},
        Row{"file.locking=off", {{"locking", "off"}}, kNone, kNone},
        Row{"aio=threads", {{"aio", "threads"}}, kNone, kNone},
        Row{"discard=ignore", {{"discard", "ignore"}}, {{"discard", "ignore"}}, kNone},
        Row{"detect-zeroes=on", kNone, {{"detect-zeroes", "on"}}, kNone},
        Row{"size=1M", kNone, {{"size", "1M"}}, kNone}, Row{"media=disk", kNone, kNone, kNone},
        Row{"media=cdrom", kReadOnly, kReadOnly, kNone},
        Row{"serial=S1,rerror=ignore,werror=stop",
            kNone,
            kNone,
            {{"serial", "S1"}, {"rerror", "ignore"}, {"werror", "stop"}}}));

TEST(Drive, HasAPlaceIfToldSo) {
  EXPECT_EQ(drive("a.img").index, std::nullopt);
  EXPECT_EQ(drive("a.img,index=3").index, 3U);
}

TEST(Drive, OfDiscsMayBeEmpty) {
  const DriveOptions empty = drive("if=ide,media=cdrom,id=cd0,bootindex=1");
  EXPECT_TRUE(empty.is_empty);
  EXPECT_EQ(empty.id, "cd0");
  EXPECT_FALSE(drive("a.iso,if=ide,media=cdrom").is_empty);
}

struct Refused {
  const char* text;
  const char* message;
};
void PrintTo(const Refused& row, std::ostream* out) { *out << row.text; }

class BadDrive : public ::testing::TestWithParam<Refused> {};

TEST_P(BadDrive, IsRefusedWithTheReason) {
  EXPECT_EQ(message_of([] { drive(GetParam().text); }), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Drives, BadDrive,
    ::testing::Values(Refused{"if=none,id=d", "file is missing: expects the path of an image"},
                      Refused{"if=ide,media=cdrom,aio=threads",
                              "aio is about an image, and file is missing"},
                      Refused{"a,readonly=maybe", "readonly='maybe': expects on or off"},
                      Refused{"a,cache=fast",
                              "cache='fast': expects writeback, none, writethrough, directsync "
                              "or unsafe"},
                      Refused{"a,index=x", "index='x': expects a number from 0 to 255"},
                      Refused{"a,if=none,index=1",
                              "index is the place among the disks of an interface: with if=none "
                              "there is none"},
                      Refused{"a,readonly=on,read-only=off",
                              "readonly and read-only are the same: expects one of them"},
                      Refused{"a,locking=on,file.locking=off",
                              "locking and file.locking are the same: expects one of them"}));

}  // namespace
}  // namespace backplane::host

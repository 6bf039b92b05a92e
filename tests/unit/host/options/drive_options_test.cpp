// SPDX-License-Identifier: MIT
#include "options/drive_options.h"

#include <gtest/gtest.h>

#include "command_line.h"

namespace backplane::host {
namespace {

DriveOptions drive(const std::string& text) {
  return parse_drive(KeyValueList::parse(text, "file"));
}

TEST(Drive, MakesADiskUnlessToldOtherwise) {
  EXPECT_TRUE(drive("file=a.img").makes_device);
  EXPECT_TRUE(drive("a.img,if=virtio").makes_device);
  EXPECT_FALSE(drive("file=a.img,if=none,id=d").makes_device);
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

class DriveKeys : public testing::TestWithParam<Row> {};

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
    testing::Values(Row{"readonly=on", kReadOnly, kReadOnly, kNone},
                    Row{"read-only=on", kReadOnly, kReadOnly, kNone},
                    Row{"cache=writeback", kNone, kNone, kNone},
                    Row{"cache=none", kDirect, kDirect, kNone},
                    Row{"cache=writethrough", kNone, kNone, kThrough},
                    Row{"cache=directsync", kDirect, kDirect, kThrough},
                    Row{"cache=unsafe", kNoFlush, kNoFlush, kNone},
                    Row{"locking=off", {{"locking", "off"}}, kNone, kNone},
                    Row{"file.locking=off", {{"locking", "off"}}, kNone, kNone},
                    Row{"aio=threads", {{"aio", "threads"}}, kNone, kNone},
                    Row{"discard=ignore", {{"discard", "ignore"}}, {{"discard", "ignore"}}, kNone},
                    Row{"detect-zeroes=on", kNone, {{"detect-zeroes", "on"}}, kNone},
                    Row{"size=1M", kNone, {{"size", "1M"}}, kNone},
                    Row{"media=disk", kNone, kNone, kNone},
                    Row{"serial=S1,rerror=ignore,werror=stop",
                        kNone,
                        kNone,
                        {{"serial", "S1"}, {"rerror", "ignore"}, {"werror", "stop"}}}));

TEST(Drive, HasAPlaceIfToldSo) {
  EXPECT_EQ(drive("a.img").index, std::nullopt);
  EXPECT_EQ(drive("a.img,index=3").index, 3U);
}

struct Refused {
  const char* text;
  const char* message;
};
void PrintTo(const Refused& row, std::ostream* out) { *out << row.text; }

class BadDrive : public testing::TestWithParam<Refused> {};

TEST_P(BadDrive, IsRefusedWithTheReason) {
  EXPECT_EQ(message_of([] { drive(GetParam().text); }), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Drives, BadDrive,
    testing::Values(Refused{"if=none,id=d", "file is missing: expects the path of an image"},
                    Refused{"a,if=ide", "if='ide': expects virtio or none"},
                    Refused{"a,readonly=maybe", "readonly='maybe': expects on or off"},
                    Refused{"a,cache=fast",
                            "cache='fast': expects writeback, none, writethrough, directsync "
                            "or unsafe"},
                    Refused{"a,index=x", "index='x': expects a number from 0 to 255"},
                    Refused{"a,if=none,index=1",
                            "index is the place among the disks of if=virtio: with if=none there "
                            "is none"},
                    Refused{"a,readonly=on,read-only=off",
                            "readonly and read-only are the same: expects one of them"},
                    Refused{"a,locking=on,file.locking=off",
                            "locking and file.locking are the same: expects one of them"}));

}  // namespace
}  // namespace backplane::host

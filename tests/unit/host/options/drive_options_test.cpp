// SPDX-License-Identifier: MIT
#include "options/drive_options.h"

#include <gtest/gtest.h>

#include "command_line.h"

namespace backplane::host {
namespace {

DriveOptions drive(const std::string& text) {
  return parse_drive(KeyValueList::parse(text, "file"));
}

TEST(Drive, MakesAVirtioDiskUnlessToldOtherwise) {
  EXPECT_TRUE(drive("file=a.img").makes_device);
  EXPECT_TRUE(drive("a.img,if=virtio").makes_device);
  EXPECT_FALSE(drive("file=a.img,if=none,id=d").makes_device);
}

TEST(Drive, HandsItsSettingsToTheBackend) {
  const BlockOptions block =
      drive(
          "file=a,,b.img,format=raw,id=d,readonly=on,cache=none,serial=S1,discard=ignore,"
          "detect-zeroes=unmap,locking=off,auto-read-only=on")
          .block;
  EXPECT_EQ(block.file, "a,b.img");
  EXPECT_EQ(block.id, "d");
  EXPECT_TRUE(block.read_only);
  EXPECT_TRUE(block.auto_read_only);
  EXPECT_EQ(block.cache, "none");
  EXPECT_EQ(block.serial, "S1");
  EXPECT_FALSE(block.discard);
  EXPECT_TRUE(block.detect_zeroes);
  EXPECT_FALSE(block.locking);
}

TEST(Drive, LeavesTheBackendsDefaultsAlone) {
  const BlockOptions block = drive("a.img").block;
  const BlockOptions defaults;
  EXPECT_EQ(block.discard, defaults.discard);
  EXPECT_EQ(block.locking, defaults.locking);
  EXPECT_EQ(block.cache, defaults.cache);
  EXPECT_EQ(block.read_only, defaults.read_only);
  EXPECT_EQ(block.detect_zeroes, defaults.detect_zeroes);
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
                    Refused{"a,format=qcow2", "format='qcow2': expects raw"},
                    Refused{"a,if=ide", "if='ide': expects virtio, none"},
                    Refused{"a,readonly=maybe", "readonly='maybe': expects on or off"},
                    Refused{"a,cache=fast",
                            "cache='fast': expects writeback, none, writethrough, directsync, "
                            "unsafe"},
                    Refused{"a,aio=native", "aio='native': expects threads"}));

TEST(Blockdev, AFormatTakesTheNodeBelowIt) {
  BlockNodes nodes;
  nodes.add(KeyValueList::parse("driver=file,node-name=f,filename=a.img,locking=off", "driver"));
  nodes.add(KeyValueList::parse("raw,node-name=d,file=f,read-only=on", "driver"));
  const auto roots = nodes.roots();
  ASSERT_EQ(roots.size(), 1U);
  EXPECT_EQ(roots[0].option, 1U);
  EXPECT_EQ(roots[0].block.id, "d");
  EXPECT_EQ(roots[0].block.file, "a.img");
  EXPECT_TRUE(roots[0].block.read_only);
  EXPECT_FALSE(roots[0].block.locking);
}

TEST(Blockdev, AFileThatNothingStandsOnIsADriveItself) {
  BlockNodes nodes;
  nodes.add(KeyValueList::parse("driver=file,node-name=f,filename=a.img", "driver"));
  ASSERT_EQ(nodes.roots().size(), 1U);
  EXPECT_EQ(nodes.roots()[0].block.id, "f");
}

TEST(Blockdev, AFileCanBeNamedInPlace) {
  BlockNodes nodes;
  nodes.add(KeyValueList::parse(
      "driver=raw,node-name=d,file.driver=file,file.filename=a.img,cache.direct=on", "driver"));
  ASSERT_EQ(nodes.roots().size(), 1U);
  EXPECT_EQ(nodes.roots()[0].block.file, "a.img");
  EXPECT_EQ(nodes.roots()[0].block.cache, "none");
}

class BadBlockdev : public testing::TestWithParam<Refused> {};

TEST_P(BadBlockdev, IsRefusedWithTheReason) {
  BlockNodes nodes;
  nodes.add(KeyValueList::parse("driver=file,node-name=f,filename=a.img"));
  nodes.add(KeyValueList::parse("driver=raw,node-name=taken,file=f"));
  EXPECT_EQ(message_of([&] { nodes.add(KeyValueList::parse(GetParam().text, "driver")); }),
            GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Nodes, BadBlockdev,
    testing::Values(
        Refused{"node-name=x", "driver is missing: expects raw, file or host_device"},
        Refused{"driver=qcow2,node-name=x", "driver='qcow2': expects raw, file, host_device"},
        Refused{"driver=file,filename=a",
                "node-name is missing: expects a name to refer to the node by"},
        Refused{"driver=file,node-name=f,filename=b", "node-name=f: that name is taken"},
        Refused{"driver=file,node-name=x", "filename is missing: expects the path of an image"},
        Refused{"driver=raw,node-name=x",
                "file is missing: expects the node-name of a file, or file.filename=PATH"},
        Refused{"driver=raw,node-name=x,file=y",
                "file=y: no -blockdev before this one has that node-name"},
        Refused{"driver=raw,node-name=x,file=f",
                "file=f: that node is the file of another one already"}));

}  // namespace
}  // namespace backplane::host

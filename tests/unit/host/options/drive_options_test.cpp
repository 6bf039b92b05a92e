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
          "detect-zeroes=on,locking=off,auto-read-only=on")
          .block;
  EXPECT_EQ(block.file, "a,b.img");
  EXPECT_EQ(block.id, "d");
  EXPECT_TRUE(block.read_only);
  EXPECT_TRUE(block.auto_read_only);
  EXPECT_EQ(block.cache, "none");
  EXPECT_EQ(block.serial, "S1");
  EXPECT_FALSE(block.discard);
  EXPECT_EQ(block.detect_zeroes, DetectZeroes::On);
  EXPECT_EQ(block.locking, ImageLocking::Off);
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

TEST(Drive, HasTheModesOfDetectZeroes) {
  EXPECT_EQ(drive("a.img,detect-zeroes=off").block.detect_zeroes, DetectZeroes::Off);
  EXPECT_EQ(drive("a.img,detect-zeroes=unmap").block.detect_zeroes, DetectZeroes::Unmap);
}

TEST(Drive, HasAPlaceIfToldSo) {
  EXPECT_EQ(drive("a.img").index, std::nullopt);
  EXPECT_EQ(drive("a.img,index=3").index, 3U);
}

TEST(Drive, SaysWhatIsDoneAboutFailures) {
  EXPECT_EQ(drive("a.img").block.on_error.write, ErrorAction::Auto);
  const ErrorActions actions = drive("a.img,rerror=ignore,werror=stop").block.on_error;
  EXPECT_EQ(actions.read, ErrorAction::Ignore);
  EXPECT_EQ(actions.write, ErrorAction::Stop);
}

TEST(Drive, TakesBothSpellings) {
  EXPECT_TRUE(drive("a.img,read-only=on").block.read_only);
  EXPECT_EQ(drive("a.img,file.locking=off").block.locking, ImageLocking::Off);
}

TEST(Drive, NamesTheKeysThatHelpAsTheyWereWritten) {
  EXPECT_EQ(drive("a.img").block.cures.read_only, "readonly=on");
  EXPECT_EQ(drive("a.img,read-only=off").block.cures.read_only, "read-only=on");
  EXPECT_EQ(drive("a.img").block.cures.unlocked, "locking=off");
  EXPECT_EQ(drive("a.img,file.locking=on").block.cures.unlocked, "file.locking=off");
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
    testing::Values(
        Refused{"if=none,id=d", "file is missing: expects the path of an image"},
        Refused{"a,format=qcow2", "format='qcow2': expects raw"},
        Refused{"a,if=ide", "if='ide': expects virtio, none"},
        Refused{"a,readonly=maybe", "readonly='maybe': expects on or off"},
        Refused{"a,cache=fast",
                "cache='fast': expects writeback, none, writethrough, directsync, "
                "unsafe"},
        Refused{"a,aio=native", "aio='native': expects threads"},
        Refused{"a,werror=panic", "werror='panic': expects report, ignore, stop, enospc or auto"},
        Refused{"a,index=x", "index='x': expects a whole number from 0 to 255"},
        Refused{"a,if=none,index=1",
                "index is the place among the disks of if=virtio: with if=none there "
                "is none"},
        Refused{"a,readonly=on,read-only=off",
                "readonly and read-only are the same: expects one of them"},
        Refused{"a,locking=on,file.locking=off",
                "locking and file.locking are the same: expects one of them"},
        Refused{"a,discard=ignore,detect-zeroes=unmap",
                "detect-zeroes=unmap: gives space back, which discard=ignore forbids"}));

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
  EXPECT_EQ(roots[0].block.locking, ImageLocking::Off);
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

// A raw node on a file node with these keys.
BlockOptions stack(const std::string& file_keys, const std::string& raw_keys) {
  BlockNodes nodes;
  nodes.add(KeyValueList::parse("driver=file,node-name=f,filename=a.img" + file_keys, "driver"));
  nodes.add(KeyValueList::parse("driver=raw,node-name=d,file=f" + raw_keys, "driver"));
  return nodes.roots().at(0).block;
}

TEST(Blockdev, WhatAFileForbidsItsFormatDoesNotAllow) {
  EXPECT_FALSE(stack(",discard=ignore", ",discard=unmap").discard);
  EXPECT_FALSE(stack(",discard=unmap", ",discard=ignore").discard);
  EXPECT_EQ(stack(",detect-zeroes=on", ",detect-zeroes=off").detect_zeroes, DetectZeroes::On);
  EXPECT_EQ(stack(",cache.direct=on", ",cache.direct=off").cache, "none");
  EXPECT_EQ(message_of([] { stack(",read-only=on", ",read-only=off"); }),
            "read-only=off: the file below it is read-only");
  EXPECT_EQ(message_of([] { stack(",cache.direct=on", ",cache.no-flush=on"); }),
            "cache.direct=on and cache.no-flush=on exclude each other");
}

TEST(Blockdev, NamesTheKeysThatHelpAndTheirNode) {
  const ImageCures cures = stack("", "").cures;
  EXPECT_EQ(cures.read_only, "read-only=on");
  EXPECT_EQ(cures.unlocked, "locking=off of node f");
  EXPECT_EQ(cures.cached, "cache.direct=off");
  BlockNodes nodes;
  nodes.add(KeyValueList::parse("raw,node-name=d,file.filename=a", "driver"));
  EXPECT_EQ(nodes.roots().at(0).block.cures.unlocked, "file.locking=off");
}

TEST(Blockdev, TheDriverSaysWhatTheFileMustBe) {
  EXPECT_EQ(stack("", "").kind, ImageKind::File);
  for (const auto& [keys, kind] :
       {std::pair{"driver=host_device,node-name=d,filename=a", ImageKind::Device},
        {"raw,node-name=d,file.driver=host_device,file.filename=a", ImageKind::Device},
        {"raw,node-name=d,file.filename=a", ImageKind::Any}}) {
    BlockNodes nodes;
    nodes.add(KeyValueList::parse(keys, "driver"));
    EXPECT_EQ(nodes.roots().at(0).block.kind, kind) << keys;
  }
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

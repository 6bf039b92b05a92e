// SPDX-License-Identifier: MIT
#include "backplane/frame_offload.h"

#include <gtest/gtest.h>

#include <vector>

#include "backplane/netdev.h"
#include "backplane/testing/test_machine.h"

namespace backplane::testing {
namespace {

using Bytes = std::vector<u8>;

constexpr std::size_t kIp = 14;
constexpr std::size_t kTcp = 34;
constexpr std::size_t kPayload = 54;

u32 load(const Bytes& bytes, std::size_t at, unsigned size) {
  u32 value = 0;
  for (unsigned i = 0; i < size; ++i) value = value << 8 | bytes[at + i];
  return value;
}

// Ethernet, IPv4, TCP with FIN, PSH and CWR, and a payload that counts.
Bytes tcp4_frame(std::size_t payload) {
  Bytes frame(kPayload + payload);
  const Bytes ip{0x45, 0, 0, 0, 0x12, 0x34, 0x40, 0, 64, 6, 0, 0, 10, 0, 2, 15, 10, 0, 2, 2};
  frame[12] = 0x08;
  std::copy(ip.begin(), ip.end(), frame.begin() + kIp);
  frame[kTcp + 4] = 0xff;  // the sequence number is about to wrap
  frame[kTcp + 5] = frame[kTcp + 6] = frame[kTcp + 7] = 0xff;
  frame[kTcp + 12] = 0x50;
  frame[kTcp + 13] = 0x80 | 0x10 | 0x08 | 0x01;
  for (std::size_t i = 0; i < payload; ++i) frame[kPayload + i] = static_cast<u8>(i * 7);
  return frame;
}

FrameOffload tcp4(u16 segment_size) {
  return {.flags = FrameOffload::kNeedsChecksum,
          .segmentation = FrameOffload::kTcp4,
          .header_size = kPayload,
          .segment_size = segment_size,
          .checksum_start = kTcp,
          .checksum_offset = 16};
}

bool checksums_are_right(const Bytes& frame) {
  Bytes summed(frame.begin() + kIp + 12, frame.begin() + kIp + 20);
  const std::size_t length = frame.size() - kTcp;
  for (const std::size_t part : {std::size_t{0}, std::size_t{6}, length >> 8, length & 0xff})
    summed.push_back(static_cast<u8>(part));
  summed.insert(summed.end(), frame.begin() + kTcp, frame.end());
  return internet_checksum(std::span(frame).subspan(kIp, 20)) == 0 &&
         internet_checksum(summed) == 0;
}

std::vector<Bytes> segments_of(const FrameOffload& left, const Bytes& frame, bool& done) {
  std::vector<Bytes> segments;
  done = segment_frame(left, frame, [&](std::span<const u8> segment) {
    segments.emplace_back(segment.begin(), segment.end());
  });
  return segments;
}

TEST(FrameOffloadTest, TheChecksumIsThatOfRfc1071) {
  EXPECT_EQ(internet_checksum(Bytes{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}), 0x220d);
  EXPECT_EQ(internet_checksum(Bytes{0x12}), 0xedff);
  EXPECT_EQ(internet_checksum({}), 0xffff);
}

TEST(FrameOffloadTest, AChecksumIsStoredWhereItBelongs) {
  Bytes frame(60, 1);
  const FrameOffload left{
      .flags = FrameOffload::kNeedsChecksum, .checksum_start = 34, .checksum_offset = 6};
  ASSERT_TRUE(complete_checksum(left, frame));
  // All that was summed up, the checksum included, is short of the pseudo header that was there.
  EXPECT_EQ(internet_checksum(std::span(frame).subspan(34)), 0x0101);
  EXPECT_EQ(frame[33], 1);
  EXPECT_EQ(frame[42], 1);
}

TEST(FrameOffloadTest, AChecksumOutsideOfTheFrameIsRefused) {
  Bytes frame(60);
  const auto refused = [&](u16 start, u16 offset) {
    return !complete_checksum(
        {.flags = FrameOffload::kNeedsChecksum, .checksum_start = start, .checksum_offset = offset},
        frame);
  };
  EXPECT_TRUE(refused(60, 0));
  EXPECT_TRUE(refused(58, 1));
  EXPECT_TRUE(refused(0, 59));
  EXPECT_TRUE(refused(0xffff, 0xffff));
  EXPECT_FALSE(refused(58, 0));
  EXPECT_TRUE(complete_checksum({.checksum_start = 0xffff}, frame)) << "nothing is left to be done";
}

TEST(FrameOffloadTest, SegmentsAreFramesOfTheirOwn) {
  bool done = false;
  const Bytes frame = tcp4_frame(2500);
  const std::vector<Bytes> segments = segments_of(tcp4(1000), frame, done);
  ASSERT_TRUE(done);
  ASSERT_EQ(segments.size(), 3U);
  Bytes payload;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const Bytes& segment = segments[i];
    EXPECT_TRUE(checksums_are_right(segment)) << i;
    EXPECT_EQ(load(segment, kIp + 2, 2), segment.size() - kIp) << i;
    EXPECT_EQ(load(segment, kIp + 4, 2), 0x1234 + i) << i;
    EXPECT_EQ(load(segment, kTcp + 4, 4), 0xffff'ffffU + static_cast<u32>(i * 1000)) << i;
    payload.insert(payload.end(), segment.begin() + kPayload, segment.end());
  }
  EXPECT_EQ(payload, Bytes(frame.begin() + kPayload, frame.end()));
  EXPECT_EQ(segments[0][kTcp + 13], 0x90);  // CWR is the first one's
  EXPECT_EQ(segments[1][kTcp + 13], 0x10);
  EXPECT_EQ(segments[2][kTcp + 13], 0x19);  // FIN and PSH are the last one's
}

TEST(FrameOffloadTest, WhatIsNoSegmentAsItSaysIsRefused) {
  bool done = true;
  Bytes frame = tcp4_frame(100);
  const auto refused = [&](const FrameOffload& left) {
    return segments_of(left, frame, done).empty() && !done;
  };
  EXPECT_TRUE(refused(tcp4(0)));
  FrameOffload left = tcp4(10);
  left.segmentation = FrameOffload::kTcp6;
  EXPECT_TRUE(refused(left));
  left = tcp4(10);
  left.flags = 0;
  EXPECT_TRUE(refused(left));
  left = tcp4(10);
  left.checksum_start = 33;
  EXPECT_TRUE(refused(left));
  left.checksum_start = 150;
  EXPECT_TRUE(refused(left));
  frame[kTcp + 12] = 0xf0;  // a header of 60 bytes
  frame.resize(kTcp + 59);
  EXPECT_TRUE(refused(tcp4(10)));
  frame = tcp4_frame(60'000);
  EXPECT_TRUE(refused(tcp4(1))) << "60000 segments";
  frame.resize(13);
  EXPECT_TRUE(refused(tcp4(10)));
}

// A backend that takes whole frames alone.
class WholeFrames final : public Netdev {
 public:
  static void class_init(ObjectClass&) {}
  std::string describe() const override { return "whole frames"; }
  void send(std::span<const iovec> frame) override { sizes.push_back(frame[0].iov_len); }
  void arrive(const FrameOffload& left, const Bytes& frame) { deliver(left, frame); }
  std::vector<std::size_t> sizes;
};
BACKPLANE_TYPE(WholeFrames, "net-whole-frames")

struct Card final : NetClient {
  bool receive(std::span<const u8> frame) override {
    if (full) return false;
    frames.emplace_back(frame.begin(), frame.end());
    return true;
  }
  bool full = false;
  std::vector<Bytes> frames;
};

struct OffloadCard final : OffloadNetClient {
  bool receive(std::span<const u8>) override { return true; }
  bool receive_offloaded(const FrameOffload& left, std::span<const u8>) override {
    if (full) return false;
    seen.push_back(left.checksum_start);
    return true;
  }
  bool full = true;
  std::vector<u16> seen;
};

struct Observer final : FrameObserver {
  void frame_passed(Direction direction, const FrameOffload&,
                    std::span<const iovec> frame) override {
    seen.emplace_back(direction, frame[0].iov_len);
  }
  std::vector<std::pair<Direction, std::size_t>> seen;
};

TEST(FrameOffloadTest, ABackendThatTakesWholeFramesIsGivenSuch) {
  WholeFrames network;
  Bytes frame = tcp4_frame(2500);
  const iovec piece{frame.data(), frame.size()};
  network.transmit(tcp4(1000), {&piece, 1});
  EXPECT_EQ(network.sizes, (std::vector<std::size_t>{1054, 1054, 554}));
  network.transmit(tcp4(0), {&piece, 1});
  EXPECT_EQ(network.sizes.size(), 3U) << "nonsense is lost";
}

TEST(FrameOffloadTest, ADeviceThatTakesWholeFramesIsGivenSuch) {
  WholeFrames network;
  Card card;
  network.set_client(&card);
  FrameOffload left = tcp4(0);
  left.segmentation = 0;
  card.full = true;
  network.arrive(left, tcp4_frame(100));
  card.full = false;
  network.receive_more();
  ASSERT_EQ(card.frames.size(), 1U);
  EXPECT_NE(load(card.frames[0], kTcp + 16, 2), 0U);
  network.arrive(tcp4(1000), tcp4_frame(2500));
  EXPECT_EQ(card.frames.size(), 1U) << "what it cannot take is lost";
  network.set_client(nullptr);
}

TEST(FrameOffloadTest, WhatIsLeftOfAFrameWaitsWithIt) {
  WholeFrames network;
  OffloadCard card;
  network.set_client(&card);
  network.arrive(tcp4(1000), tcp4_frame(2500));
  EXPECT_TRUE(card.seen.empty());
  card.full = false;
  network.receive_more();
  EXPECT_EQ(card.seen, std::vector<u16>{kTcp});
  network.set_client(nullptr);
}

TEST(FrameOffloadTest, ObserversSeeBothWaysUntilTheyAreDetached) {
  Observer first;
  Observer second;
  WholeFrames network;
  network.attach_observer(first);
  network.attach_observer(second);
  Bytes frame = tcp4_frame(10);
  const iovec piece{frame.data(), frame.size()};
  network.transmit({&piece, 1});
  network.arrive({}, tcp4_frame(20));
  network.detach_observer(first);
  network.transmit({&piece, 1});
  using enum FrameObserver::Direction;
  EXPECT_EQ(first.seen, (std::vector<std::pair<FrameObserver::Direction, std::size_t>>{
                            {FromDevice, 64}, {ToDevice, 74}}));
  EXPECT_EQ(second.seen.size(), 3U);
}

TEST(FrameOffloadTest, AnObserverAndWhatItSeesMayGoInAnyOrder) {
  Observer lasting;
  {
    WholeFrames network;
    network.attach_observer(lasting);
    {
      Observer passing;
      network.attach_observer(passing);
    }
    network.arrive({}, tcp4_frame(20));
  }
  EXPECT_EQ(lasting.seen.size(), 1U);
  WholeFrames next;
  next.attach_observer(lasting);
  next.arrive({}, tcp4_frame(20));
  EXPECT_EQ(lasting.seen.size(), 2U);
}

}  // namespace
}  // namespace backplane::testing

// SPDX-License-Identifier: MIT
// The card as a driver uses it.
#include <gtest/gtest.h>

#include <deque>
#include <optional>

#include "backplane/frame_offload.h"
#include "backplane/pci/host_bridge.h"
#include "backplane/pci/pci_device.h"
#include "backplane/testing/pci_driver.h"
#include "backplane/testing/test_machine.h"
#include "e1000_regs.h"
#include "fake_network.h"

namespace backplane::testing {
namespace {

using namespace e1000;

constexpr u64 kBar = 0xe000'0000;
constexpr u16 kPort = 0xc000;
constexpr unsigned kSlot = 4;
constexpr u64 kTxRing = 0x10'0000;
constexpr u64 kRxRing = 0x11'0000;
constexpr u64 kTxData = 0x20'0000;
constexpr u64 kRxData = 0x30'0000;
constexpr u32 kRingEntries = 8;
constexpr u64 kBufferStride = 0x4000;

const std::string kOwnAddress("\x52\x54\x00\x00\x00\x07", 6);
const std::string kPeerAddress("\x52\x54\x00\x00\x00\x99", 6);

std::string frame_to(const std::string& address, std::size_t size, char fill = 'x') {
  return address + kPeerAddress + std::string("\x08\x06", 2) + std::string(size - 14, fill);
}

class E1000Test : public ::testing::Test {
 protected:
  E1000Test()
      : backends_(machine_.add_child("backends", std::make_unique<Backends>(machine_))),
        cable_(dynamic_cast<FakeNetwork&>(backends_.add(kNetdevKind, "fake", "net0", {}))) {
    machine_.create_device("pci-host-bridge");
    card_ = &dynamic_cast<PciDevice&>(machine_.add_device(
        "e1000", "", "", {{"netdev", "net0"}, {"mac", "52:54:00:00:00:07"}, {"addr", "04"}}));
    pci_.emplace(machine_, kSlot);
    pci_->assign_bars(kBar, kPort);
    machine_.run_control().start();
  }

  u32 get(u32 offset) { return machine_.memory().load<u32>(kBar + offset); }
  void set(u32 offset, u32 value) { machine_.memory().store<u32>(kBar + offset, value); }

  void start(u32 rctl = kRctlEn | kRctlBam | kRctlSecrc) {
    set(kTdbal, kTxRing);
    set(kTdlen, kRingEntries * 16);
    set(kTctl, kTctlEn);
    set(kRdbal, kRxRing);
    set(kRdlen, kRingEntries * 16);
    for (u32 i = 0; i < kRingEntries; ++i)
      put(kRxRing + i * 16, ReceiveDescriptor{.address = kRxData + i * kBufferStride});
    set(kRdt, kRingEntries - 1);
    set(kRctl, rctl);
  }
  template <class T>
  void put(u64 address, const T& value) {
    machine_.memory().write(address, &value, sizeof value);
  }
  template <class T>
  T take(u64 address) {
    T value;
    machine_.memory().read(address, &value, sizeof value);
    return value;
  }
  void put_text(u64 address, const std::string& text) {
    machine_.memory().write(address, text.data(), text.size());
  }
  std::string text(u64 address, std::size_t size) {
    std::string read(size, '\0');
    machine_.memory().read(address, read.data(), size);
    return read;
  }

  void send(const TransmitDescriptor& descriptor) {
    put(kTxRing + tail_ * 16, descriptor);
    tail_ = (tail_ + 1) % kRingEntries;
    set(kTdt, tail_);
  }
  ReceiveDescriptor received(u32 index) { return take<ReceiveDescriptor>(kRxRing + index * 16); }
  std::string received_text(u32 index) {
    return text(kRxData + index * kBufferStride, received(index).length);
  }
  // The word at an address of the EEPROM, by its wires.
  u16 eeprom_word(u32 address) {
    const auto clock_out = [this](bool bit) {
      const u32 wires = kEecdCs | kEecdReq | (bit ? kEecdDi : 0U);
      set(kEecd, wires);
      set(kEecd, wires | kEecdSk);
    };
    set(kEecd, kEecdReq);
    for (int i = 8; i >= 0; --i) clock_out(((0b110U << 6 | address) >> i & 1) != 0);
    u32 word = 0;
    for (unsigned i = 0; i < 16; ++i) {
      clock_out(false);
      word = word << 1 | ((get(kEecd) & kEecdDo) != 0 ? 1U : 0U);
    }
    set(kEecd, 0);
    return static_cast<u16>(word);
  }
  u32 phy(u32 index) {
    set(kMdic, kMdicOpRead | 1U << 21 | index << 16);
    return get(kMdic);
  }

  TestMachine machine_;
  Backends& backends_;
  FakeNetwork& cable_;
  PciDevice* card_ = nullptr;
  std::optional<PciDriver> pci_;
  u32 tail_ = 0;
};

TEST_F(E1000Test, IsAn82540EM) {
  EXPECT_EQ(pci_->read32(0), 0x100e'8086U);
  EXPECT_EQ(pci_->bar_size(0), 128_KiB);
  EXPECT_NE(get(kStatus) & kStatusLu, 0U);
}

TEST_F(E1000Test, TheEepromHasTheAddressAndTheRightSum) {
  EXPECT_EQ(eeprom_word(0), 0x5452);
  EXPECT_EQ(eeprom_word(2), 0x0700);
  u16 sum = 0;
  for (u32 i = 0; i < 64; ++i) sum = static_cast<u16>(sum + eeprom_word(i));
  EXPECT_EQ(sum, 0xbaba);
  set(kEerd, kEerdStart | 1U << 8);
  EXPECT_EQ(get(kEerd), 0x0000'0110U | u32{eeprom_word(1)} << 16);
}

TEST_F(E1000Test, ThePhySaysWhoItIsAndThatThereIsALink) {
  EXPECT_EQ(phy(2) & 0xffff, 0x0141U);
  EXPECT_EQ(phy(3) & 0xffff, 0x0c20U);
  EXPECT_NE(phy(1) & 0x0004, 0U);
  set(kMdic, kMdicOpRead | 2U << 21);
  EXPECT_NE(get(kMdic) & kMdicE, 0U) << "there is one at address 1 alone";
  card_->set_property("link", "off");
  EXPECT_EQ(phy(1) & 0x0004, 0U);
  EXPECT_EQ(get(kStatus) & kStatusLu, 0U);
  EXPECT_NE(get(kIcr) & kLsc, 0U);
}

TEST_F(E1000Test, RegistersAreReachedThroughPorts) {
  machine_.io().store<u32>(kPort + kIoAddr, kVet);
  EXPECT_EQ(machine_.io().load<u32>(kPort + kIoData), 0x8100U);
  machine_.io().store<u32>(kPort + kIoData, 0x1234);
  EXPECT_EQ(get(kVet), 0x1234U);
  machine_.io().store<u32>(kPort + kIoAddr, ~0U);
  EXPECT_EQ(machine_.io().load<u32>(kPort + kIoData), 0U);
}

TEST_F(E1000Test, SendsAFrameOfSeveralDescriptorsAndSaysSo) {
  start();
  set(kIms, kTxdw);
  put_text(kTxData, "begin, ");
  put_text(kTxData + 0x100, "and end of it");
  send({.address = kTxData, .length = 7});
  EXPECT_TRUE(cable_.sent.empty());
  send({.address = kTxData + 0x100, .length = 13, .command = kTxEop | kTxRs});
  EXPECT_EQ(cable_.sent, std::vector<std::string>{"begin, and end of it"});
  EXPECT_EQ(take<TransmitDescriptor>(kTxRing + 16).status & kTxDd, kTxDd);
  EXPECT_EQ(get(kTdh), 2U);
  EXPECT_TRUE(card_->intx());
  EXPECT_EQ(get(kIcr) & kTxdw, u32{kTxdw});
  EXPECT_FALSE(card_->intx()) << "reading the causes clears them";
  EXPECT_EQ(get(kGptc), 1U);
  EXPECT_EQ(get(kGptc), 0U);
}

TEST_F(E1000Test, InsertsTheChecksumOfALegacyDescriptor) {
  start();
  put_text(kTxData, std::string(20, '\1'));
  send({.address = kTxData, .length = 20, .cso = 18, .command = kTxEop | kTxIc, .css = 14});
  ASSERT_EQ(cable_.sent.size(), 1U);
  EXPECT_EQ(cable_.sent[0].substr(18), "\xfc\xfc");
}

ContextDescriptor context(u8 command, u16 mss) {
  return {.ipcss = 14,
          .ipcso = 24,
          .ipcse = 33,
          .tucss = 34,
          .tucso = 50,
          .tucse = 0,
          .paylen_type_tucmd = static_cast<u32>(command | kTxDext) << 24,
          .status = 0,
          .hdrlen = 54,
          .mss = mss};
}

std::string tcp_frame(std::size_t payload) {
  std::string frame = frame_to(kPeerAddress, 54 + payload, 'p');
  frame.replace(12, 2, std::string("\x08\x00", 2));
  frame.replace(14, 40, std::string(40, '\0'));
  frame[14] = 0x45;
  frame[23] = 6;
  frame[46] = 0x50;
  frame.replace(50, 2, std::string("\x00\x06", 2));  // the pseudo header: addresses are zero
  return frame;
}

bool tcp_checksums_are_right(const std::string& frame) {
  const std::span bytes(reinterpret_cast<const u8*>(frame.data()), frame.size());
  const u32 pseudo_header = 6 + static_cast<u32>(frame.size()) - 34;
  return internet_checksum(bytes.subspan(14, 20)) == 0 &&
         internet_checksum(bytes.subspan(34), pseudo_header) == 0;
}

TEST_F(E1000Test, InsertsTheChecksumsOfItsContext) {
  start();
  std::string frame = tcp_frame(10);
  frame[51] = 6 + 30;  // of a frame that is not divided, the length is in it
  put_text(kTxData, frame);
  put(kTxRing, context(kTuTcp | kTuIp, 0));
  tail_ = 1;
  send({.address = kTxData,
        .length = 64,
        .cso = kData << 4,
        .command = kTxEop | kTxDext,
        .css = kIxsm | kTxsm});
  ASSERT_EQ(cable_.sent.size(), 1U);
  EXPECT_TRUE(tcp_checksums_are_right(cable_.sent[0]));
}

TEST_F(E1000Test, DividesAFrameIntoSegments) {
  start();
  put_text(kTxData, tcp_frame(2500));
  put(kTxRing, context(kTuTcp | kTuIp | kTxTse, 1000));
  tail_ = 1;
  send({.address = kTxData,
        .length = 2554,
        .cso = kData << 4,
        .command = kTxEop | kTxDext | kTxTse,
        .css = kIxsm | kTxsm});
  ASSERT_EQ(cable_.sent.size(), 3U);
  for (const std::string& frame : cable_.sent) EXPECT_TRUE(tcp_checksums_are_right(frame));
  EXPECT_EQ(cable_.sent[2].size(), 554U);
  EXPECT_EQ(get(kTsctc), 1U);
}

TEST_F(E1000Test, TagsAreInsertedAndTakenOut) {
  start();
  set(kCtrl, get(kCtrl) | kCtrlVme);
  put_text(kTxData, frame_to(kPeerAddress, 60));
  send({.address = kTxData, .length = 60, .command = kTxEop | kTxVle, .special = 0x0123});
  ASSERT_EQ(cable_.sent.size(), 1U);
  EXPECT_EQ(cable_.sent[0].substr(12, 6), std::string("\x81\x00\x01\x23\x08\x06", 6));
  std::string tagged = frame_to(kOwnAddress, 60);
  tagged.insert(12, std::string("\x81\x00\x0f\xff", 4));
  cable_.arrive(tagged);
  EXPECT_EQ(received(0).special, 0x0fff);
  EXPECT_NE(received(0).status & kRxVp, 0);
  EXPECT_EQ(received_text(0), frame_to(kOwnAddress, 60));
}

TEST_F(E1000Test, ReceivesIntoABufferWithAnInterrupt) {
  start(kRctlEn);
  set(kIms, kRxt0);
  cable_.arrive(frame_to(kOwnAddress, 100));
  EXPECT_EQ(received(0).status, kRxDd | kRxEop | kRxIxsm);
  EXPECT_EQ(received(0).length, 104) << "with room for the checksum";
  EXPECT_EQ(received_text(0).substr(0, 100), frame_to(kOwnAddress, 100));
  EXPECT_TRUE(card_->intx());
  EXPECT_EQ(get(kRdh), 1U);
  EXPECT_EQ(get(kGprc), 1U);
}

TEST_F(E1000Test, ShortFramesArePadded) {
  start();
  cable_.arrive(frame_to(kOwnAddress, 20));
  EXPECT_EQ(received(0).length, 60);
}

TEST_F(E1000Test, ALongFrameGoesIntoSeveralBuffers) {
  start(kRctlEn | kRctlLpe | kRctlSecrc | 3U << 16);  // of 256 bytes
  cable_.arrive(frame_to(kOwnAddress, 600, 'l'));
  EXPECT_EQ(received(0).length, 256);
  EXPECT_EQ(received(0).status & kRxEop, 0);
  EXPECT_EQ(received(2).length, 88);
  EXPECT_NE(received(2).status & kRxEop, 0);
  EXPECT_EQ(received_text(0) + received_text(1) + received_text(2),
            frame_to(kOwnAddress, 600, 'l'));
}

TEST_F(E1000Test, TakesWhatItsFilterSays) {
  start(kRctlEn | kRctlSecrc);
  u32 next = 0;
  const auto takes = [&](const std::string& address) {
    cable_.arrive(frame_to(address, 60));
    const bool taken = get(kRdh) != next;
    next = get(kRdh);
    set(kRdt, (next + kRingEntries - 1) % kRingEntries);
    return taken;
  };
  const std::string all(6, '\xff');
  const std::string group("\x01\x00\x5e\x00\x00\x01", 6);
  EXPECT_TRUE(takes(kOwnAddress));
  EXPECT_FALSE(takes(kPeerAddress));
  EXPECT_FALSE(takes(all));
  EXPECT_FALSE(takes(group));
  const unsigned hash = 0x0100 >> 4;
  set(kMta + hash / 32 * 4, 1U << hash % 32);
  EXPECT_TRUE(takes(group));
  set(kRctl, get(kRctl) | kRctlBam);
  EXPECT_TRUE(takes(all));
  set(kRctl, get(kRctl) | kRctlUpe);
  EXPECT_TRUE(takes(kPeerAddress));
  EXPECT_EQ(get(kBprc), 1U);
  EXPECT_EQ(get(kMprc), 1U);
}

TEST_F(E1000Test, FramesOfOtherVlansAreNotTaken) {
  start(kRctlEn | kRctlSecrc | kRctlVfe);
  std::string tagged = frame_to(kOwnAddress, 60);
  tagged.insert(12, std::string("\x81\x00\x00\x05", 4));
  cable_.arrive(tagged);
  EXPECT_EQ(get(kRdh), 0U);
  set(kVfta, 1U << 5);
  cable_.arrive(tagged);
  EXPECT_EQ(get(kRdh), 1U);
}

TEST_F(E1000Test, WithoutABufferFramesWait) {
  start();
  set(kRdt, 0);
  cable_.arrive(frame_to(kOwnAddress, 60));
  EXPECT_NE(get(kIcr) & kRxo, 0U);
  EXPECT_EQ(received(0).status, 0);
  set(kRdt, 1);
  EXPECT_NE(received(0).status & kRxDd, 0);
}

TEST_F(E1000Test, AFrameThatWaitsIsCountedWhenItIsTaken) {
  start();
  set(kRdt, 0);
  cable_.arrive(frame_to(kOwnAddress, 60));
  set(kRctl, get(kRctl));
  EXPECT_EQ(get(kTpr), 0U);
  set(kRdt, 1);
  EXPECT_EQ(get(kTpr), 1U);
}

TEST_F(E1000Test, LoopsBackWithoutACable) {
  card_->set_property("link", "off");
  start(kRctlEn | kRctlBam | kRctlSecrc | kRctlLbm);
  const std::string frame = frame_to(kOwnAddress, 60);
  put_text(kTxData, frame);
  send({.address = kTxData, .length = 60, .command = kTxEop});
  EXPECT_EQ(received_text(0), frame);
  EXPECT_TRUE(cable_.sent.empty());
}

TEST_F(E1000Test, InterruptsComeAsOftenAsTheThrottleLets) {
  start();
  set(kItr, 1000);  // 256 microseconds
  set(kIms, kRxt0);
  cable_.arrive(frame_to(kOwnAddress, 60));
  EXPECT_TRUE(card_->intx());
  get(kIcr);
  cable_.arrive(frame_to(kOwnAddress, 60));
  EXPECT_FALSE(card_->intx());
  machine_.advance_time(300'000);
  EXPECT_TRUE(card_->intx());
}

TEST_F(E1000Test, RingsThatMakeNoSenseHarmNothing) {
  start();
  set(kTdt, 0xffff);
  set(kTdh, 0xfff0);
  set(kRdh, 0xffff);
  cable_.arrive(frame_to(kOwnAddress, 60));
  set(kTdlen, 0);
  set(kRdlen, 0);
  set(kTdt, 3);
  set(kTdh, 0);
  set(kTdlen, 0xf'ff80);
  set(kTdbal, 0xffff'fff0);
  set(kTdbah, 0xffff'ffff);
  set(kTdt, 0xfffe);
  EXPECT_TRUE(cable_.sent.empty());
  set(kTdbal, kTxRing);
  set(kTdbah, 0);
  set(kTdlen, kRingEntries * 16);
  set(kTdh, 0);
  tail_ = 0;
  send({.address = ~u64{0}, .length = 0xffff, .command = kTxEop});
  EXPECT_TRUE(cable_.sent.empty());
}

TEST_F(E1000Test, AResetBySoftwareKeepsTheAddress) {
  start();
  set(kRal, 0);
  set(kCtrl, kCtrlRst);
  EXPECT_EQ(get(kRctl), 0U);
  EXPECT_EQ(get(kRal), 0x0000'5452U);
  EXPECT_EQ(get(kRal + 4), kRahAv | 0x0700U);
  EXPECT_EQ(get(kVet), 0x8100U);
}

}  // namespace
}  // namespace backplane::testing

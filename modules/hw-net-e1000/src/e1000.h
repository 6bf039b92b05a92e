// SPDX-License-Identifier: MIT
// "e1000": a network card with Intel's 82540EM, for guests without virtio. Of what it delays
// (interrupt delay timers but for ITR) and of power management nothing is here; checksums of what
// it receives are the driver's to verify. [8254x]
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "backplane/clock.h"
#include "backplane/netdev.h"
#include "backplane/pci/pci_device.h"
#include "backplane/subscription.h"
#include "e1000_regs.h"
#include "eeprom.h"
#include "phy.h"

namespace backplane::e1000 {

class Card final : public PciDevice, private NetClient {
  BACKPLANE_OBJECT(Card, PciDevice, "e1000")
 public:
  static void class_init(PciDeviceClass& k);

  std::string describe() const override;
  void realize();
  void unrealize();
  void reset() override;
  void loaded() override;

 protected:
  void command_changed() override;

 private:
  // Registers that are nothing but stored.
  static constexpr std::array<u32, 23> kStored{
      kFcal, kFcah,   kFct,  kVet,   kFcttv, kTxcw,   kTipg, kAit,   kLedctl, kPba,  kFcrtl, kFcrth,
      kRdtr, kRxdctl, kRadv, kRsrpd, kTidv,  kTxdctl, kTadv, kTspmt, kWuc,    kWufc, kManc};
  // A ring of descriptors. [8254x §3.2.6 "Receive Descriptor Queue Structure", 3.4 "Transmit
  // Descriptor Ring Structure"]
  struct Ring {
    u32 base_low = 0;
    u32 base_high = 0;
    u32 length = 0;  // bytes
    u32 head = 0;
    u32 tail = 0;

    u32 count() const { return length / 16; }
    u64 address(u32 index) const { return (u64{base_high} << 32 | base_low) + u64{index} * 16; }
    // Descriptors that the card may use.
    u32 available() const;
    void advance() { head = head + 1 >= count() ? 0 : head + 1; }
    static std::span<const StateMember> members();
  };
  // What segmentation and checksums go by, as the last context descriptor said.
  struct Context {
    u8 ipcss = 0, ipcso = 0, tucss = 0, tucso = 0, hdrlen = 0, command = 0;
    u16 ipcse = 0, tucse = 0, mss = 0;
    static std::span<const StateMember> members();
  };
  struct State {
    u32 ctrl = kCtrlFd | kCtrlSlu | kCtrlSpeed1000;
    u32 ctrl_ext = 0;
    u32 eecd = 0;
    u32 eerd = 0;
    u32 mdic = kMdicR;
    u32 icr = 0;
    u32 ims = 0;
    u32 itr = 0;
    u32 rctl = 0;
    u32 tctl = 0;
    u32 rxcsum = 0;
    u32 io_address = 0;
    Ring receive;
    Ring transmit;
    Context context;
    std::array<u32, kStored.size()> stored{};
    std::array<u32, kMtaSize> multicast{};
    std::array<u32, 2 * kReceiveAddresses> addresses{};
    std::array<u32, kVftaSize> vlans{};
    std::array<u32, (kStatisticsEnd - kStatistics) / 4> statistics{};
    static std::span<const StateMember> members();
  };

  bool plugged_in() const { return plugged_in_; }
  void set_link(bool plugged_in);
  bool has_link() const { return netdev_ && plugged_in_ && !phy_.is_down(); }
  void reset_card();
  // What registers hold after a reset, as far as it is no zero; the EEPROM says the address.
  void load_defaults();

  // Registers.
  u64 memory_read(u64 offset, unsigned size);
  void memory_write(u64 offset, u64 value, unsigned size);
  u64 io_read(u64 offset, unsigned size);
  void io_write(u64 offset, u64 value, unsigned size);
  u32 read_register(u32 offset);
  void write_register(u32 offset, u32 value);
  u32* table_entry(u32 offset);
  u32* ring_register(u32 offset);
  u32 stored(Register which) const;
  void write_ctrl(u32 value);
  void write_mdic(u32 value);

  // Interrupts.
  void interrupt(u32 causes);
  void update_interrupt();

  // Statistics.
  u32& statistic(u32 which) { return state_.statistics[(which - kStatistics) / 4]; }
  u32 read_statistic(u32 which);
  void count(u32 which, u32 more = 1);
  void count64(u32 low, u64 more);
  void count_size(u32 smallest, std::size_t size);

  // The guest sends.
  void transmit();
  void take_descriptor(TransmitDescriptor& descriptor);
  void take_context(const TransmitDescriptor& descriptor);
  void append(u64 address, u32 length);
  void finish_frame(const TransmitDescriptor& last, bool extended);
  FrameOffload prepare_segmentation();
  void insert_checksums(const TransmitDescriptor& last, bool extended);
  void insert_tag(u16 tag, FrameOffload& left);
  void send_frame(const FrameOffload& left);
  void forget_frame();

  // The guest receives.
  bool receive(std::span<const u8> frame) override;
  // The same, whether it comes by the cable or back. False: there is no buffer.
  bool take(std::span<const u8> frame);
  bool accepts(std::span<const u8> frame) const;
  bool accepts_address(std::span<const u8> frame) const;
  bool is_tagged(std::span<const u8> frame) const;
  u32 buffer_size() const;
  void store(std::span<const u8> frame, u8 status, u16 special);

  BackendLink<Netdev> netdev_;
  MacAddress mac_;
  bool plugged_in_ = true;
  i32 bootindex_ = -1;

  State state_;
  Eeprom eeprom_;
  Phy phy_;
  std::unique_ptr<Timer> throttle_;  // armed: no interrupt may begin before

  std::vector<u8> frame_;    // being gathered from descriptors
  bool frame_lost_ = false;  // it is too large, or not to be read
  u8 options_ = 0;           // of its first extended descriptor
  bool segments_ = false;    // it is to be divided
  bool in_frame_ = false;
  bool transmitting_ = false;
  Subscription run_state_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace backplane::e1000

// SPDX-License-Identifier: MIT
#include "backplane/pci/msi.h"

#include <optional>
#include <vector>

#include "backplane/accelerator.h"
#include "pci_machine.h"

namespace backplane::testing {
namespace {

using namespace pci;

constexpr u64 kMailbox = 0x2000;  // messages are stores: these go to RAM

class PciMsixTest : public PciTest {
 protected:
  PciMsixTest() : device_(add("05")), driver_(machine_, 5) {
    driver_.assign_bars(0xe000'0000, 0xc000);
    driver_.enable_msix(kMailbox, 0x100);
  }
  u32 mail(unsigned vector) { return machine_.memory().load<u32>(kMailbox + 4 * u64{vector}); }

  ProbeDevice& device_;
  PciDriver driver_;
};

TEST_F(PciMsixTest, TheCapabilitySaysHowManyVectors) {
  const unsigned at = driver_.find_capability(kCapMsix);
  EXPECT_EQ(driver_.read16(at + kMsixControl) & 0x7ff, 39);
}

TEST_F(PciMsixTest, AVectorStoresItsMessage) {
  device_.msix()->notify(7);
  EXPECT_EQ(mail(7), 0x107U);
  EXPECT_EQ(mail(6), 0U);
}

TEST_F(PciMsixTest, AMaskedVectorIsPendingUntilUnmasked) {
  driver_.mask_vector(3, true);
  device_.msix()->notify(3);
  EXPECT_EQ(mail(3), 0U);
  EXPECT_TRUE(driver_.vector_pending(3));
  driver_.mask_vector(3, false);
  EXPECT_EQ(mail(3), 0x103U);
  EXPECT_FALSE(driver_.vector_pending(3));
}

TEST_F(PciMsixTest, PendingBitsBeyondTheFirstWordAreSeen) {
  driver_.mask_vector(38, true);
  device_.msix()->notify(38);
  EXPECT_TRUE(driver_.vector_pending(38));
  EXPECT_FALSE(driver_.vector_pending(37));
}

TEST_F(PciMsixTest, TheFunctionMaskHoldsAllVectorsBack) {
  const unsigned control = driver_.find_capability(kCapMsix) + kMsixControl;
  driver_.write16(control, kMsixEnable | kMsixFunctionMask);
  device_.msix()->notify(1);
  device_.msix()->notify(2);
  EXPECT_EQ(mail(1), 0U);
  driver_.write16(control, kMsixEnable);
  EXPECT_EQ(mail(1), 0x101U);
  EXPECT_EQ(mail(2), 0x102U);
}

TEST_F(PciMsixTest, NothingIsSentWhileDisabledOrWithoutBusMastering) {
  driver_.write16(driver_.find_capability(kCapMsix) + kMsixControl, 0);
  device_.msix()->notify(1);
  driver_.write16(driver_.find_capability(kCapMsix) + kMsixControl, kMsixEnable);
  driver_.write16(kCommand, kCommandMemory);
  device_.msix()->notify(2);
  EXPECT_EQ(mail(1), 0U);
  EXPECT_EQ(mail(2), 0U);
}

TEST_F(PciMsixTest, AVectorThatDoesNotExistIsIgnored) {
  device_.msix()->notify(40);
  device_.msix()->notify(~0U);
}

TEST_F(PciMsixTest, TheTableTakesEightBytesAtOnce) {
  machine_.memory().store<u64>(driver_.bar_address(4) + 16 * 5, 0x1'2345'6780);
  EXPECT_EQ(device_.msix()->message(5).address, 0x1'2345'6780U);
  EXPECT_EQ(machine_.memory().load<u64>(driver_.bar_address(4) + 16 * 5), 0x1'2345'6780U);
}

TEST_F(PciMsixTest, ResetMasksEverythingAgain) {
  machine_.run_control().reset();
  EXPECT_FALSE(device_.msix()->enabled());
  EXPECT_TRUE(device_.msix()->masked(0));
}

class PciMsiTest : public PciTest {
 protected:
  PciMsiTest() : device_(add("05")), driver_(machine_, 5) {
    device_.add_msi(4);
    at_ = driver_.find_capability(kCapMsi);
    driver_.write16(kCommand, kCommandBusMaster);
    driver_.write32(at_ + kMsiAddress, kMailbox);
    driver_.write16(at_ + kMsiData, 0x40);
  }
  u32 mail() { return machine_.memory().load<u32>(kMailbox); }
  void enable(unsigned log2_vectors) {
    driver_.write16(at_ + kMsiControl,
                    static_cast<u16>(kMsiEnable | log2_vectors << kMsiMultipleEnableShift));
  }

  ProbeDevice& device_;
  PciDriver driver_;
  unsigned at_ = 0;
};

TEST_F(PciMsiTest, TheVectorIsInTheLowBitsOfTheData) {
  enable(2);
  device_.msi()->notify(3);
  EXPECT_EQ(mail(), 0x43U);
}

TEST_F(PciMsiTest, VectorsBeyondThoseAllocatedShareTheLast) {
  enable(1);
  EXPECT_EQ(device_.msi()->allocated(), 2U);
  device_.msi()->notify(3);
  EXPECT_EQ(mail(), 0x41U);
}

TEST_F(PciMsiTest, AMaskedVectorIsPendingUntilUnmasked) {
  enable(2);
  driver_.write32(at_ + kMsiMask, 1U << 2);
  device_.msi()->notify(2);
  EXPECT_EQ(mail(), 0U);
  EXPECT_EQ(driver_.read32(at_ + kMsiPending), 1U << 2);
  driver_.write32(at_ + kMsiMask, 0);
  EXPECT_EQ(mail(), 0x42U);
  EXPECT_EQ(driver_.read32(at_ + kMsiPending), 0U);
}

TEST_F(PciMsiTest, NothingIsSentWhileDisabled) {
  device_.msi()->notify(0);
  EXPECT_EQ(mail(), 0U);
}

// --- messages that the accelerator sends ------------------------------------------------------

// Sends what is not written to memory, and records it.
class SignallingAccelerator : public NullAccelerator {
  BACKPLANE_OBJECT(SignallingAccelerator, NullAccelerator, "pci-test-accel")
 public:
  struct Signal final : MessageSignal {
    explicit Signal(SignallingAccelerator& its_owner) : owner(its_owner) {}
    bool set_message(u64 address, u32 data) override {
      ++owner.messages_set;
      message = data;
      return address >> 20 == 0xfee;
    }
    void signal() override { owner.sent.push_back(message); }
    SignallingAccelerator& owner;
    u32 message = 0;
  };
  std::unique_ptr<MessageSignal> create_message_signal() override {
    if (room == 0) return nullptr;
    --room;
    return std::make_unique<Signal>(*this);
  }
  std::vector<u32> sent;
  unsigned messages_set = 0;
  unsigned room = 8;
};
BACKPLANE_REGISTER(SignallingAccelerator)

class PciMsixSignalTest : public ::testing::Test {
 protected:
  static constexpr u64 kMessages = 0xfee0'0000;
  PciMsixSignalTest() {
    machine_.create_device("pci-host-bridge");
    device_ =
        &dynamic_cast<ProbeDevice&>(machine_.add_device("pci-probe", "", "", {{"addr", "05"}}));
    driver_.emplace(machine_, 5);
    driver_->assign_bars(0xe000'0000, 0xc000);
    driver_->enable_msix(kMessages, 0x100);
  }
  SignallingAccelerator& accelerator() {
    return dynamic_cast<SignallingAccelerator&>(machine_.accelerator());
  }

  TestMachine machine_{TestMachine::kDefaultRamSize, std::make_unique<SignallingAccelerator>()};
  ProbeDevice* device_ = nullptr;
  std::optional<PciDriver> driver_;
};

TEST_F(PciMsixSignalTest, TheAcceleratorSendsWhatTheTableSays) {
  device_->msix()->notify(7);
  device_->msix()->notify(7);
  device_->msix()->notify(3);
  EXPECT_EQ(accelerator().sent, (std::vector<u32>{0x107, 0x107, 0x103}));
  EXPECT_EQ(accelerator().messages_set, 2U) << "once a vector";
}

TEST_F(PciMsixSignalTest, ANewMessageIsTakenOver) {
  device_->msix()->notify(7);
  driver_->enable_msix(kMessages, 0x200);
  device_->msix()->notify(7);
  EXPECT_EQ(accelerator().sent, (std::vector<u32>{0x107, 0x207}));
}

TEST_F(PciMsixSignalTest, AMaskedVectorIsSentWhenUnmasked) {
  driver_->mask_vector(3, true);
  device_->msix()->notify(3);
  EXPECT_TRUE(accelerator().sent.empty());
  driver_->mask_vector(3, false);
  EXPECT_EQ(accelerator().sent, std::vector<u32>{0x103});
}

TEST_F(PciMsixSignalTest, AMessageToMemoryIsWrittenThere) {
  driver_->enable_msix(kMailbox, 0x100);
  device_->msix()->notify(7);
  EXPECT_TRUE(accelerator().sent.empty());
  EXPECT_EQ(machine_.memory().load<u32>(kMailbox + 28), 0x107U);
}

TEST_F(PciMsixSignalTest, WithoutBusMasteringNothingIsSent) {
  driver_->write16(kCommand, kCommandMemory);
  device_->msix()->notify(7);
  EXPECT_TRUE(accelerator().sent.empty());
}

TEST_F(PciMsixSignalTest, AVectorForWhichThereIsNoRoomIsWritten) {
  accelerator().room = 1;
  driver_->enable_msix(kMailbox, 0x100);
  device_->msix()->notify(1);
  device_->msix()->notify(2);
  EXPECT_EQ(machine_.memory().load<u32>(kMailbox + 8), 0x102U);
}

}  // namespace
}  // namespace backplane::testing

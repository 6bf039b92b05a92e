// SPDX-License-Identifier: MIT
// A test machine with an IDE controller whose drives are in memory, and the software's side of it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>
#include <vector>

#include "backplane/block.h"
#include "backplane/testing/isa_test_bus.h"
#include "backplane/testing/pci_driver.h"
#include "backplane/testing/test_machine.h"
#include "drive/ata.h"

namespace backplane::testing {

// A node in memory; requests fail with `error`, if it is not 0.
class IdeMemoryNode final : public BlockNode {
  BACKPLANE_OBJECT(IdeMemoryNode, BlockNode, "block-ide-memory")
 public:
  static void class_init(ObjectClass&) {}
  u64 size() const override { return bytes.size(); }

  std::string bytes = std::string(4_MiB, '\0');
  std::atomic<int> error{0};
  std::atomic<int> flushes{0};
  std::atomic<u64> discarded{0};

 protected:
  int do_read(u64 offset, std::span<const iovec> iov) override;
  int do_write(u64 offset, std::span<const iovec> iov) override;
  int do_flush() override {
    ++flushes;
    return error;
  }
  int do_discard(u64 /*offset*/, u64 size) override {
    discarded += size;
    return error;
  }
};

using Properties = std::vector<std::pair<std::string, std::string>>;

// What software finds in the registers of a channel after a command.
struct Outcome {
  u8 status = 0;
  u8 error = 0;
  bool interrupted = false;
  bool operator==(const Outcome&) const = default;
};
void PrintTo(const Outcome& outcome, std::ostream* out);

// Of a command that is done, and of one that has data to be moved.
inline constexpr u8 kIdleStatus = ide::status::kReady | ide::status::kSeekComplete;
inline constexpr Outcome kDone{kIdleStatus, 0, true};
inline constexpr Outcome kData{kIdleStatus | ide::status::kDataRequest, 0, true};

class IdeTest : public ::testing::Test {
 protected:
  static constexpr u16 kPrimary = 0x1f0, kPrimaryControl = 0x3f6, kBusMaster = 0xc000;
  static constexpr unsigned kSlot = 4, kIrq = 14;
  static constexpr u64 kTable = 0x10'0000, kPlace = 0x20'0000;

  IdeTest();

  // A drive with a node of `sectors` sectors on the primary channel.
  IdeMemoryNode& add_drive(const std::string& type, u64 bytes, const Properties& properties = {});
  void power_on();

  void out8(u16 port, u8 value) { machine_.io().store<u8>(port, value); }
  u8 in8(u16 port) { return machine_.io().load<u8>(port); }
  u8 status() { return in8(kPrimaryControl); }
  bool interrupt() const { return isa_.irqs().level(kIrq); }

  // Registers of a command, by their names.
  struct Command {
    u8 command = 0;
    u8 features = 0;
    u16 count = 1;
    u64 lba = 0;
    u8 device = ide::device::kLba;
    bool extended = false;
  };
  void issue(const Command& command);
  // Until the drive is not busy. The outcome, as the status register has it; reading it ends the
  // interrupt.
  Outcome wait();
  std::string read_words(std::size_t bytes);
  void write_words(const std::string& bytes);
  // Descriptors for pieces of that many bytes, from kPlace on, one behind the other.
  void put_table(const std::vector<u32>& pieces);
  void start_dma(bool to_memory);
  u8 bus_master_status() { return in8(kBusMaster + 2); }
  std::string memory(u64 address, std::size_t size);

  TestMachine machine_;
  IsaTestBus isa_;
  Backends& backends_;
  PciDriver function_;
  std::vector<Device*> drives_;
};

}  // namespace backplane::testing

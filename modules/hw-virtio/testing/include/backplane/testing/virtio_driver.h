// SPDX-License-Identifier: MIT
// The driver's side of a virtio PCI device and of its queues, for tests: it does what a guest's
// driver does, through ports, MMIO and RAM. [virtio-1.2 §3.1 "Device Initialization", 4.1.5]
#pragma once

#include <optional>
#include <vector>

#include "backplane/machine.h"
#include "backplane/testing/pci_driver.h"
#include "backplane/types.h"
#include "backplane/virtio/virtio_regs.h"

namespace backplane::testing {

// A piece of guest RAM.
struct Buffer {
  u64 address = 0;
  u32 length = 0;
};

// A split virtqueue in guest RAM, with room for anything a test wants to write into it.
class DriverQueue {
 public:
  // The three rings lie at `address`, one after the other.
  DriverQueue(AddressSpace& memory, u64 address, u16 size);

  u16 size() const { return size_; }
  u64 descriptors() const { return descriptors_; }
  u64 avail() const { return avail_; }
  u64 used() const { return used_; }

  // Chains the buffers (`out`: the device reads, `in`: it writes) and makes the chain available.
  // Descriptors are taken in turn. Returns the head.
  u16 add(const std::vector<Buffer>& out, const std::vector<Buffer>& in);
  // The same by one indirect descriptor, whose table is at `table`.
  u16 add_indirect(u64 table, const std::vector<Buffer>& out, const std::vector<Buffer>& in);
  // Writes one descriptor, whatever it says.
  void set_descriptor(u16 index, const virtio::Descriptor& descriptor);
  // Makes a head available, whatever it is.
  void make_available(u16 head);
  void set_avail_index(u16 index);
  void set_avail_flags(u16 flags);
  void set_used_event(u16 index);
  u16 used_flags();
  u16 avail_event();

  struct Used {
    u32 id;
    u32 length;
  };
  // The next chain that the device gave back.
  std::optional<Used> take_used();
  u16 used_index();

 private:
  u16 write_chain(u64 table, u16 first, const std::vector<Buffer>& out,
                  const std::vector<Buffer>& in);

  AddressSpace* memory_;
  u16 size_;
  u64 descriptors_;
  u64 avail_;
  u64 used_;
  u16 next_descriptor_ = 0;
  u16 avail_index_ = 0;
  u16 seen_used_ = 0;
};

// The device by its modern interface.
class VirtioPciDriver {
 public:
  // Assigns BARs (memory from `memory`, I/O from `io`) and finds the capabilities.
  VirtioPciDriver(Machine& machine, unsigned slot, u64 memory = 0xe000'0000, u16 io = 0xc000);

  PciDriver& pci() { return pci_; }

  u8 common8(unsigned offset);
  u16 common16(unsigned offset);
  u32 common32(unsigned offset);
  void set_common8(unsigned offset, u8 value);
  void set_common16(unsigned offset, u16 value);
  void set_common32(unsigned offset, u32 value);

  u8 status() { return common8(virtio::kDeviceStatus); }
  void set_status(u8 status) { set_common8(virtio::kDeviceStatus, status); }
  u64 device_features();
  void set_driver_features(u64 features);
  // Reset, ACKNOWLEDGE, DRIVER, features, FEATURES_OK. True if the device accepts them.
  bool negotiate(u64 features);
  void set_up_queue(unsigned index, const DriverQueue& queue, u16 vector = virtio::kNoVector);
  void driver_ok();
  void kick(unsigned index);
  u8 isr();

  u8 config8(unsigned offset);
  u16 config16(unsigned offset);
  u32 config32(unsigned offset);
  u64 config64(unsigned offset);
  void set_config8(unsigned offset, u8 value);
  void set_config32(unsigned offset, u32 value);

 private:
  u64 section(u8 type);

  PciDriver pci_;
  AddressSpace& memory_;
  u64 common_ = 0;
  u64 isr_ = 0;
  u64 device_ = 0;
  u64 notify_ = 0;
  u32 notify_multiplier_ = 0;
};

}  // namespace backplane::testing

// SPDX-License-Identifier: MIT
#include "backplane/testing/virtio_driver.h"

#include "backplane/pci/pci_regs.h"

namespace backplane::testing {

using namespace virtio;

namespace {

constexpr u64 align_up(u64 value, u64 to) { return (value + to - 1) / to * to; }

}  // namespace

DriverQueue::DriverQueue(AddressSpace& memory, u64 address, u16 size)
    : memory_(&memory),
      size_(size),
      descriptors_(address),
      avail_(address + sizeof(Descriptor) * u64{size}),
      used_(align_up(avail_ + 4 + 2 * u64{size} + 2, 4)) {
  memory_->fill(address, 0, used_ + 4 + 8 * u64{size} + 2 - address);
}

void DriverQueue::set_descriptor(u16 index, const Descriptor& descriptor) {
  memory_->write(descriptors_ + sizeof descriptor * index, &descriptor, sizeof descriptor);
}

u16 DriverQueue::write_chain(u64 table, u16 first, const std::vector<Buffer>& out,
                             const std::vector<Buffer>& in) {
  const std::size_t count = out.size() + in.size();
  for (std::size_t i = 0; i < count; ++i) {
    const bool write = i >= out.size();
    const Buffer& buffer = write ? in[i - out.size()] : out[i];
    const auto at = static_cast<u16>(table == descriptors_ ? (first + i) % size_ : first + i);
    Descriptor d{buffer.address, buffer.length, static_cast<u16>(write ? kWrite : 0), 0};
    if (i + 1 != count) {
      d.flags |= kNext;
      d.next = static_cast<u16>(table == descriptors_ ? (at + 1) % size_ : at + 1);
    }
    memory_->write(table + sizeof d * at, &d, sizeof d);
  }
  return static_cast<u16>(count);
}

u16 DriverQueue::add(const std::vector<Buffer>& out, const std::vector<Buffer>& in) {
  const u16 head = next_descriptor_;
  const u16 count = write_chain(descriptors_, head, out, in);
  next_descriptor_ = static_cast<u16>((next_descriptor_ + count) % size_);
  make_available(head);
  return head;
}

u16 DriverQueue::add_indirect(u64 table, const std::vector<Buffer>& out,
                              const std::vector<Buffer>& in) {
  const u16 head = next_descriptor_;
  const u16 count = write_chain(table, 0, out, in);
  set_descriptor(head, {table, static_cast<u32>(sizeof(Descriptor) * count), kIndirect, 0});
  next_descriptor_ = static_cast<u16>((next_descriptor_ + 1) % size_);
  make_available(head);
  return head;
}

void DriverQueue::make_available(u16 head) {
  memory_->store<u16>(avail_ + 4 + 2 * u64{static_cast<u16>(avail_index_ % size_)}, head);
  set_avail_index(static_cast<u16>(avail_index_ + 1));
}

void DriverQueue::set_avail_index(u16 index) {
  avail_index_ = index;
  memory_->store<u16>(avail_ + 2, index);
}

void DriverQueue::set_avail_flags(u16 flags) { memory_->store<u16>(avail_, flags); }
void DriverQueue::set_used_event(u16 index) {
  memory_->store<u16>(avail_ + 4 + 2 * u64{size_}, index);
}
u16 DriverQueue::used_flags() { return memory_->load<u16>(used_); }
u16 DriverQueue::used_index() { return memory_->load<u16>(used_ + 2); }
u16 DriverQueue::avail_event() { return memory_->load<u16>(used_ + 4 + 8 * u64{size_}); }

std::optional<DriverQueue::Used> DriverQueue::take_used() {
  if (used_index() == seen_used_) return std::nullopt;
  const u64 entry = used_ + 4 + 8 * u64{static_cast<u16>(seen_used_ % size_)};
  ++seen_used_;
  return Used{memory_->load<u32>(entry), memory_->load<u32>(entry + 4)};
}

VirtioPciDriver::VirtioPciDriver(Machine& machine, unsigned slot, u64 memory, u16 io)
    : pci_(machine, slot), memory_(machine.memory()) {
  pci_.assign_bars(memory, io);
  common_ = section(kCapCommonCfg);
  isr_ = section(kCapIsrCfg);
  device_ = section(kCapDeviceCfg);
  notify_ = section(kCapNotifyCfg);
}

u64 VirtioPciDriver::section(u8 type) {
  for (unsigned at = pci_.find_capability(pci::kCapVendorSpecific); at != 0;
       at = pci_.find_capability(pci::kCapVendorSpecific, at)) {
    if (pci_.read8(at + 3) != type) continue;
    if (type == kCapNotifyCfg) notify_multiplier_ = pci_.read32(at + 16);
    return pci_.bar_address(pci_.read8(at + 4)) + pci_.read32(at + 8);
  }
  return 0;
}

u8 VirtioPciDriver::common8(unsigned offset) { return memory_.load<u8>(common_ + offset); }
u16 VirtioPciDriver::common16(unsigned offset) { return memory_.load<u16>(common_ + offset); }
u32 VirtioPciDriver::common32(unsigned offset) { return memory_.load<u32>(common_ + offset); }
void VirtioPciDriver::set_common8(unsigned offset, u8 value) {
  memory_.store<u8>(common_ + offset, value);
}
void VirtioPciDriver::set_common16(unsigned offset, u16 value) {
  memory_.store<u16>(common_ + offset, value);
}
void VirtioPciDriver::set_common32(unsigned offset, u32 value) {
  memory_.store<u32>(common_ + offset, value);
}

u64 VirtioPciDriver::device_features() {
  set_common32(kDeviceFeatureSelect, 0);
  const u64 low = common32(kDeviceFeature);
  set_common32(kDeviceFeatureSelect, 1);
  return low | u64{common32(kDeviceFeature)} << 32;
}

void VirtioPciDriver::set_driver_features(u64 features) {
  set_common32(kDriverFeatureSelect, 0);
  set_common32(kDriverFeature, static_cast<u32>(features));
  set_common32(kDriverFeatureSelect, 1);
  set_common32(kDriverFeature, static_cast<u32>(features >> 32));
}

bool VirtioPciDriver::negotiate(u64 features) {
  set_status(0);
  set_status(kAcknowledge);
  set_status(kAcknowledge | kDriver);
  set_driver_features(features);
  set_status(kAcknowledge | kDriver | kFeaturesOk);
  return (status() & kFeaturesOk) != 0;
}

void VirtioPciDriver::set_up_queue(unsigned index, const DriverQueue& queue, u16 vector) {
  set_common16(kQueueSelect, static_cast<u16>(index));
  set_common16(kQueueSize, queue.size());
  set_common16(kQueueMsixVector, vector);
  const u64 areas[] = {queue.descriptors(), queue.avail(), queue.used()};
  for (unsigned i = 0; i < 3; ++i) {
    set_common32(kQueueDesc + 8 * i, static_cast<u32>(areas[i]));
    set_common32(kQueueDesc + 8 * i + 4, static_cast<u32>(areas[i] >> 32));
  }
  set_common16(kQueueEnable, 1);
}

void VirtioPciDriver::driver_ok() { set_status(status() | kDriverOk); }

void VirtioPciDriver::kick(unsigned index) {
  set_common16(kQueueSelect, static_cast<u16>(index));
  const u64 offset = u64{common16(kQueueNotifyOff)} * notify_multiplier_;
  memory_.store<u16>(notify_ + offset, static_cast<u16>(index));
}

u8 VirtioPciDriver::isr() { return memory_.load<u8>(isr_); }

u8 VirtioPciDriver::config8(unsigned offset) { return memory_.load<u8>(device_ + offset); }
u16 VirtioPciDriver::config16(unsigned offset) { return memory_.load<u16>(device_ + offset); }
u32 VirtioPciDriver::config32(unsigned offset) { return memory_.load<u32>(device_ + offset); }
u64 VirtioPciDriver::config64(unsigned offset) {
  return config32(offset) | u64{config32(offset + 4)} << 32;
}
void VirtioPciDriver::set_config8(unsigned offset, u8 value) {
  memory_.store<u8>(device_ + offset, value);
}
void VirtioPciDriver::set_config32(unsigned offset, u32 value) {
  memory_.store<u32>(device_ + offset, value);
}

}  // namespace backplane::testing

// SPDX-License-Identifier: MIT
// The PCI function: realize chain, BARs, capabilities, interrupts. [virtio-1.2 §4.1]
#include "backplane/virtio/virtio_pci.h"

#include "backplane/error.h"
#include "backplane/log.h"
#include "backplane/machine.h"

namespace backplane {

using namespace virtio;

BACKPLANE_REGISTER_ABSTRACT(VirtioPci, .description = "A virtio device on PCI")

void VirtioPci::class_init(PciDeviceClass& k) {
  k.interrupt_pin = 1;
  k.property<&VirtioPci::disable_legacy_>("disable-legacy",
                                          "leave out the legacy interface (auto: keep it)");
  k.property<&VirtioPci::disable_modern_>("disable-modern", "leave out the modern interface");
  k.property<&VirtioPci::vectors_>("vectors",
                                   "MSI-X vectors (auto: one a queue and one more; 0: no MSI-X)");
  k.property<&VirtioPci::ioeventfd_>(
      "ioeventfd", "let the accelerator take notifications of queues without leaving the guest");
  k.state<&VirtioPci::state_>(1);
}

std::span<const StateMember> VirtioPci::State::members() {
  static const StateMember kMembers[] = {
      member<&State::device_feature_select>("device_feature_select"),
      member<&State::driver_feature_select>("driver_feature_select"),
      member<&State::driver_features>("driver_features"),
      member<&State::queue_select>("queue_select"),
      member<&State::config_vector>("config_vector"),
      member<&State::queue_vectors>("queue_vectors"),
      member<&State::isr>("isr"),
  };
  return kMembers;
}

VirtioPci::VirtioPci(std::string_view device_type)
    : device_(add_child("virtio-backend", create_object<VirtioDevice>(device_type))) {}

// Devices that came after the legacy interface have no transitional id.
bool VirtioPci::has_legacy_interface() const {
  return disable_legacy_ != OnOffAuto::On && pci_class().identity.device < kPciModernDeviceBase;
}

void VirtioPci::realize() {
  if (!has_legacy_interface() && disable_modern_)
    throw Error("with disable-modern=on and without the legacy interface nothing is left");
  if (!has_legacy_interface()) {
    // [virtio-1.2 §4.1.2 "PCI Device Discovery"]: a device without the legacy interface.
    config().set16(pci::kDeviceId,
                   static_cast<u16>(kPciModernDeviceBase + device_.virtio_class().virtio_id));
    config().set8(pci::kRevisionId, 1);
    config().set16(pci::kSubsystemId, 0x1100);
  }
  if (!disable_modern_) add_modern_interface();
  bus_inside_ = &add_child("virtio-bus", create_object<VirtioBus>(VirtioBus::kTypeName));
  bus_inside_->connect(*this);
  bus_inside_->attach_to(*this);
  apply_inner_compat();
}

void VirtioPci::realized_all() { device_.set_realized(machine(), bus_inside_); }

void VirtioPci::unrealize() {
  if (bus_inside_ != nullptr) remove_child(*bus_inside_);
  bus_inside_ = nullptr;
}

void VirtioPci::reset() {
  const VirtioDevice::QueueLock lock(device_);
  PciDevice::reset();  // and the device inside, through its bus
  reset_transport();   // last: what was under way has told the driver
}

void VirtioPci::loaded() {
  const VirtioDevice::QueueLock lock(device_);
  PciDevice::loaded();
  const auto check = [this](u16 vector) {
    if (vector != kNoVector && valid_vector(vector) == kNoVector)
      throw Error::of("vector {} is in use; this function has {}", vector,
                      msix() != nullptr ? msix()->vectors() : 0);
  };
  check(state_.config_vector);
  for (const u16 vector : state_.queue_vectors) check(vector);
  if (device_.driver_ok() && queue_events_.empty()) start_queue_events();
}

void VirtioPci::reset_transport() {
  const VirtioDevice::QueueLock lock(device_);
  if (device_.has_io_thread()) device_.io_context().run_kept();
  queue_events_.clear();
  state_.reset();
  set_intx(false);
}

unsigned VirtioPci::add_section_capability(u8 type, u64 offset, u64 length, unsigned extra) {
  // struct virtio_pci_cap [virtio-1.2 §4.1.4 "Virtio Structure PCI Capabilities"]
  constexpr unsigned kSize = 16;
  const unsigned at = config().add_capability(pci::kCapVendorSpecific, kSize + extra);
  config().set8(at + 2, static_cast<u8>(kSize + extra));
  config().set8(at + 3, type);
  config().set8(at + 4, kModernBar);
  config().set32(at + 8, static_cast<u32>(offset));
  config().set32(at + 12, static_cast<u32>(length));
  return at;
}

void VirtioPci::add_modern_interface() {
  add_bar(kModernBar, kModernSize,
          MmioHandler::of<&VirtioPci::modern_read, &VirtioPci::modern_write>(*this).sizes(1, 4),
          BarType::Memory64Prefetchable);
  add_section_capability(kCapCommonCfg, kCommonOffset, kSectionSize, 0);
  add_section_capability(kCapIsrCfg, kIsrOffset, kSectionSize, 0);
  add_section_capability(kCapDeviceCfg, kDeviceOffset, kSectionSize, 0);
  const unsigned notify = add_section_capability(kCapNotifyCfg, kNotifyOffset, kSectionSize, 4);
  config().set32(notify + 16, kNotifyMultiplier);
  window_capability_ = add_section_capability(kCapPciCfg, 0, 0, 4);
  config().set8(window_capability_ + 4, 0);
  config().set_writable8(window_capability_ + 4, 0xff);       // bar
  config().set_writable32(window_capability_ + 8, ~u32{0});   // offset
  config().set_writable32(window_capability_ + 12, ~u32{0});  // length
}

u64 VirtioPci::transport_features() const { return disable_modern_ ? 0 : bit(kVersion1); }

void VirtioPci::device_plugged(VirtioDevice& device) {
  state_.queue_vectors.assign(device.queue_count(), kNoVector);
  const u32 vectors = vectors_.value_or(device.queue_count() + 1);
  if (vectors != 0) add_msix(kMsixBar, vectors);
  if (has_legacy_interface())
    add_bar(kLegacyBar, kLegacyConfigMsix + device.config_size(),
            MmioHandler::of<&VirtioPci::legacy_read, &VirtioPci::legacy_write>(*this).sizes(1, 4),
            BarType::Io);
  log::print(LogCategory::Virtio, "{}: {} queues, {} vectors, features {:#x}", type_name(),
             device.queue_count(), vectors, device.host_features());
}

void VirtioPci::device_unplugged(VirtioDevice& /*device*/) {
  reset_transport();
  state_.queue_vectors.clear();
}

AddressSpace& VirtioPci::dma_space() { return machine().memory(); }

// Legacy drivers were written when nobody looked at the bus master bit.
bool VirtioPci::dma_allowed() const { return bus_master() || !device_.has_feature(kVersion1); }

void VirtioPci::command_changed() {
  if (device_.realized() && device_.driver_ok()) device_.kick_all();
}

// --- interrupts [virtio-1.2 §4.1.5.3, 4.1.5.4] ------------------------------------------------

void VirtioPci::notify_queue(unsigned queue) {
  if (msix() != nullptr && msix()->enabled()) {
    if (queue < state_.queue_vectors.size() && state_.queue_vectors[queue] != kNoVector)
      msix()->notify(state_.queue_vectors[queue]);
    return;
  }
  state_.isr |= kIsrQueue;
  set_intx(true);
}

void VirtioPci::notify_config() {
  if (msix() != nullptr && msix()->enabled()) {
    if (state_.config_vector != kNoVector) msix()->notify(state_.config_vector);
    return;
  }
  state_.isr |= kIsrConfig;
  set_intx(true);
}

u8 VirtioPci::read_isr() {
  const u8 isr = state_.isr;
  state_.isr = 0;
  set_intx(false);
  return isr;
}

u16 VirtioPci::valid_vector(u32 vector) const {
  return msix() != nullptr && vector < msix()->vectors() ? static_cast<u16>(vector) : kNoVector;
}

void VirtioPci::kick(unsigned queue) {
  if (device_.has_io_thread() && queue < queue_events_.size())
    return queue_events_[queue]->signal();
  const VirtioDevice::QueueLock lock(device_);
  if (VirtQueue* q = device_.queue(queue); q != nullptr) q->kick();
}

void VirtioPci::write_status(u8 status) {
  device_.set_status(status);
  if (status == 0) reset_transport();
  if (device_.driver_ok() && queue_events_.empty()) start_queue_events();
}

// A host that has no eventfd left costs exits, and nothing else.
void VirtioPci::start_queue_events() {
  if (!notifies_by_accelerator() && !device_.has_io_thread()) return;
  try {
    add_queue_events();
  } catch (const Error& error) {
    queue_events_.clear();
    log::print(LogCategory::Virtio, "{}: {}", type_name(), error.what());
  }
}

bool VirtioPci::notifies_by_accelerator() const {
  return ioeventfd_ && machine().memory().takes_eventfds();
}

void VirtioPci::add_queue_events() {
  const bool accelerated = notifies_by_accelerator();
  const MemoryRegion::Batch batch;
  for (unsigned queue = 0; queue < device_.queue_count(); ++queue) {
    auto event = std::make_unique<QueueEvent>(device_.io_context(),
                                              [q = device_.queue(queue)] { q->kick(); });
    if (accelerated && !disable_modern_)
      event->attach(*bar_region(kModernBar),
                    {.offset = kNotifyOffset + u64{queue} * kNotifyMultiplier});
    if (accelerated && has_legacy_interface())
      event->attach(*bar_region(kLegacyBar),
                    {.offset = kLegacyQueueNotify, .size = 2, .match = true, .value = queue});
    queue_events_.push_back(std::move(event));
  }
}

// --- the window through configuration space [virtio-1.2 §4.1.4.9 "PCI configuration access"] ---

namespace {
constexpr unsigned kWindowBar = 4;
constexpr unsigned kWindowOffset = 8;
constexpr unsigned kWindowLength = 12;
constexpr unsigned kWindowData = 16;
constexpr unsigned kWindowEnd = 20;
}  // namespace

void VirtioPci::access_through_config(bool write) {
  const unsigned at = window_capability_;
  const u32 offset = config().get32(at + kWindowOffset);
  const u32 length = config().get32(at + kWindowLength);
  if (config().get8(at + kWindowBar) != kModernBar || (length != 1 && length != 2 && length != 4) ||
      offset % length != 0 || offset >= kModernSize)
    return;
  if (write)
    modern_write(offset, config().get32(at + kWindowData), length);
  else
    config().set32(at + kWindowData, static_cast<u32>(modern_read(offset, length)));
}

u32 VirtioPci::config_read(unsigned offset, unsigned size) {
  const unsigned data = window_capability_ + kWindowData;
  if (window_capability_ != 0 && offset < window_capability_ + kWindowEnd && offset + size > data)
    access_through_config(false);
  return PciDevice::config_read(offset, size);
}

void VirtioPci::config_write(unsigned offset, u32 value, unsigned size) {
  const VirtioDevice::QueueLock lock(device_);  // of whether it may reach memory
  PciDevice::config_write(offset, value, size);
  const unsigned data = window_capability_ + kWindowData;
  if (window_capability_ == 0 || offset >= window_capability_ + kWindowEnd || offset + size <= data)
    return;
  // The data field is not writable as such, so that reads of it always go through.
  for (unsigned i = 0; i < size; ++i)
    if (offset + i >= data && offset + i < data + 4)
      config().set8(offset + i, static_cast<u8>(value >> (8 * i)));
  access_through_config(true);
}

}  // namespace backplane

// SPDX-License-Identifier: MIT
// The PCI transport: a PCI function that shows the virtio device inside it, by the modern
// interface (BAR 4), the legacy one (BAR 0), or both. [virtio-1.2 §4.1 "Virtio Over PCI Bus"]
//
// A device's PCI type is a few lines:
//
//   class VirtioRngPci final : public VirtioPci {
//    public:
//     static constexpr const char* kDevice = "virtio-rng-device";
//     static void class_init(PciDeviceClass& k) { init_class(k, kDevice, 0x00ff00); }
//     VirtioRngPci() : VirtioPci(kDevice) {}
//   };
//   BACKPLANE_TYPE(VirtioRngPci, "virtio-rng-pci", .category = "Misc", .description = "...");
//
// All under the machine lock.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "backplane/pci/pci_device.h"
#include "backplane/room.h"
#include "backplane/virtio/queue_event.h"
#include "backplane/virtio/version.h"
#include "backplane/virtio/virtio_bus.h"
#include "backplane/virtio/virtio_device.h"

namespace backplane {

struct ForwardedProperties;

// It owns the device inside, which is made and configured with it and sits on a bus of its own;
// what the driver does to registers becomes calls of the device, and what that says becomes
// interrupts.
class VirtioPci : public PciDevice, private VirtioTransport {
  BACKPLANE_OBJECT(VirtioPci, PciDevice, "virtio-pci")
 public:
  static void class_init(PciDeviceClass& k);

  // The device inside, configured through this one's properties.
  VirtioDevice& device() const { return device_; }

  // Throws Error if its properties leave neither interface.
  void realize();
  // Realizes the device inside, and throws Error as that does.
  void realized_all();
  void unrealize();
  void reset() override;
  void loaded() override;
  u32 config_read(unsigned offset, unsigned size) override;
  void config_write(unsigned offset, u32 value, unsigned size) override;

 protected:
  // Throws Error if there is no such type of virtio device.
  explicit VirtioPci(std::string_view device_type);

  // For a derived type's class_init: identity for the device inside, whose properties become the
  // function's.
  static void init_class(PciDeviceClass& k, std::string_view device_type, u32 class_code);

  void command_changed() override;

 private:
  friend struct ForwardedProperties;
  // What is where in BAR 4.
  enum ModernLayout : u64 {
    kCommonOffset = 0x0000,
    kIsrOffset = 0x1000,
    kDeviceOffset = 0x2000,
    kNotifyOffset = 0x3000,
    kModernSize = 0x4000,
    kSectionSize = 0x1000,
  };
  static constexpr unsigned kLegacyBar = 0;
  static constexpr unsigned kMsixBar = 1;
  static constexpr unsigned kModernBar = 4;
  static constexpr u32 kNotifyMultiplier = 4;

  bool has_legacy_interface() const;
  void apply_inner_compat();
  void add_modern_interface();
  unsigned add_section_capability(u8 type, u64 offset, u64 length, unsigned extra);

  // VirtioTransport
  void notify_queue(unsigned queue) override;
  void notify_config() override;
  AddressSpace& dma_space() override;
  bool dma_allowed() const override;
  u64 transport_features() const override;
  void device_plugged(VirtioDevice& device) override;
  void device_unplugged(VirtioDevice& device) override;

  // Modern interface: offsets in BAR 4, common configuration.
  u64 modern_read(u64 offset, unsigned size);
  void modern_write(u64 offset, u64 value, unsigned size);
  u32 common_read(unsigned offset, unsigned size) const;
  void common_write(unsigned offset, u32 value, unsigned size);
  void set_queue_area_half(unsigned offset, u32 value);

  // Legacy interface: offsets in BAR 0.
  u64 legacy_read(u64 offset, unsigned size);
  void legacy_write(u64 offset, u64 value, unsigned size);
  void set_legacy_queue_address(u32 page);
  unsigned legacy_config_offset() const;

  // The window into BAR 4 through configuration space.
  void access_through_config(bool write);

  VirtQueue* selected_queue() const { return device_.queue(state_.queue_select); }
  void kick(unsigned queue);
  void start_queue_events();
  // Whether the accelerator takes notifications; else kick() passes on what goes to an I/O thread.
  bool notifies_by_accelerator() const;
  void add_queue_events();
  void write_status(u8 status);
  u8 read_isr();
  u16 valid_vector(u32 vector) const;
  void reset_transport();

  VirtioDevice& device_;
  VirtioBus* bus_inside_ = nullptr;
  // What was set of the inner device through this one.
  std::vector<std::pair<std::string, Value>> inner_settings_;
  OnOffAuto disable_legacy_ = OnOffAuto::Auto;
  bool disable_modern_ = false;
  AutoNumber vectors_;
  bool ioeventfd_ = true;

  struct State {
    u32 device_feature_select = 0;
    u32 driver_feature_select = 0;
    u64 driver_features = 0;
    u16 queue_select = 0;
    u16 config_vector = virtio::kNoVector;
    std::vector<u16> queue_vectors;  // one a queue
    u8 isr = 0;
    void reset() {
      std::vector<u16> none(queue_vectors.size(), virtio::kNoVector);
      *this = State{.queue_vectors = std::move(none)};
    }
    static std::span<const StateMember> members();
  };
  State state_;
  std::vector<std::unique_ptr<QueueEvent>> queue_events_;  // while the driver operates the device
  unsigned window_capability_ = 0;  // offset of the VIRTIO_PCI_CAP_PCI_CFG capability
  [[maybe_unused]] Room<4> room_;
};

}  // namespace backplane

// SPDX-License-Identifier: MIT
// A port of virtio-serial, with a character device behind it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backplane/chardev.h"
#include "backplane/clock.h"
#include "backplane/command.h"
#include "backplane/device.h"
#include "backplane/virtio/virtqueue.h"

namespace backplane {

class VirtioSerial;

// What guest writes waits in its queue while the character device has enough to do, and what that
// receives waits there while the guest has no buffer, or has not opened the port.
class SerialPort : public Device,
                   public CommandProvider,
                   public ChardevUser,
                   private ChardevClient {
  BACKPLANE_OBJECT(SerialPort, Device, "virtio-serial-port")
 public:
  static void class_init(DeviceClass& k);

  void realize();
  void unrealize();
  void reset() override;
  std::string describe() const override;
  std::span<const Command> commands() const override { return {}; }
  std::span<const EventType* const> events() const override;

  // ChardevUser: the guest has it open, as a console has that driver which knows of one port.
  bool listens() const override;

  unsigned number() const { return number_; }
  const std::string& name() const { return name_; }
  virtual bool is_console() const = 0;

  // --- for the device --------------------------------------------------------------------------
  // Takes the number that it was given, or a free one. Throws Error: that one is taken.
  void choose_number(const VirtioSerial& device);
  // The driver has set it up, and wants to hear of it.
  void driver_found();
  void guest_opened(bool open);
  // The driver has written something.
  void transmit();
  // The driver has room again.
  void accept_input();
  void write_character(u8 character);

 private:
  static constexpr u32 kAnyNumber = ~u32{0};

  VirtioSerial& serial() const;
  bool takes_input() const;
  void tell_connection();
  void report_change();
  void tell_change();

  std::size_t can_receive() override;
  void receive(const u8* data, std::size_t size) override;
  void event(Event event) override;

  BackendLink<Chardev> chardev_;
  std::string name_;
  u32 number_ = kAnyNumber;

  struct State {
    bool guest_connected = false;
    bool host_connected = false;
  };
  State state_;
  bool connected_ = false;  // the other side, here: the guest is told when it runs
  Subscription run_state_;
  std::unique_ptr<Timer> retry_;
  std::unique_ptr<Timer> change_timer_;
  bool changed_ = false;  // whether the guest has it open, since it was told
  VirtElement element_;   // from the guest
  VirtElement input_;     // to it, perhaps while one from it is written
  std::vector<u8> bytes_;
};

}  // namespace backplane

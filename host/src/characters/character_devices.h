// SPDX-License-Identifier: MIT
// The character devices of one run: those of -chardev, and those that serial ports and monitors
// name in short form.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backplane/chardev.h"
#include "backplane/chardev_directory.h"
#include "backplane/object.h"
#include "backplane/options.h"
#include "characters/console_plan.h"

namespace backplane::host {

// Machine lock held for all calls.
class CharacterDevices : public Object, public ChardevDirectory {
 public:
  // `quit` ends the program: the key Ctrl-A x of a shared terminal.
  CharacterDevices(MainLoop& loop, std::function<void()> quit);
  ~CharacterDevices() override;
  CharacterDevices(const CharacterDevices&) = delete;
  CharacterDevices& operator=(const CharacterDevices&) = delete;

  // -chardev; the first, unnamed value is "backend". Throws Error.
  void add_named(KeyValueList values);
  // The device a serial port or monitor uses; null for "none". "mon:" also makes a front for a
  // monitor, see monitor_fronts(). Throws Error.
  Chardev* open(const Console& console, const std::string& id);

  // The device that -chardev made with this id, or a front of it if several share it.
  Chardev& use(const std::string& name, const std::string& user) override;

  // Fronts made by "mon:", each waiting for a monitor.
  const std::vector<Chardev*>& monitor_fronts() const { return monitor_fronts_; }
  // Backends and multiplexers, in the order made.
  std::vector<const Chardev*> all() const;

 private:
  struct Named {
    std::string id;
    Chardev* device;
    MuxChardev* mux;  // null: one user only
    std::string user;
  };

  Chardev& keep(std::unique_ptr<Chardev> device);
  MuxChardev& keep_mux(const std::string& id, std::unique_ptr<Chardev> backend);
  std::unique_ptr<Chardev> make(const std::string& text, const std::string& id, bool shared);
  void claim_terminal();

  MainLoop& loop_;
  std::function<void()> quit_;
  std::vector<std::unique_ptr<Chardev>> devices_;
  std::vector<Named> named_;
  std::vector<Chardev*> monitor_fronts_;
  bool terminal_used_ = false;
};

}  // namespace backplane::host

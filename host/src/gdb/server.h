// SPDX-License-Identifier: MIT
// A server for gdb on a character device. docs/gdb.md says how it is used.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "backplane/chardev.h"
#include "gdb/commands.h"
#include "gdb/debugger.h"
#include "gdb/framing.h"

namespace backplane::host::gdb {

// One client at a time. Main loop's thread, machine lock held.
class Server final : public Object, public ChardevClient {
  BACKPLANE_OBJECT(Server, Object, "gdb-server")
 public:
  static void class_init(ObjectClass&) {}

  // `monitor`: see Session.
  Server(Machine& machine, std::function<std::string(std::string_view)> monitor = {});
  ~Server() override;
  // Waits there for a client. Throws Error if somebody else uses the device. The server has its
  // place in the tree.
  void open(Chardev& device);

  std::size_t can_receive() override { return kLongestPacket; }
  void receive(const u8* data, std::size_t size) override;
  void event(Event event) override;

 private:
  void begin();
  void take(PacketReader::Event event);
  void send(std::string_view text);
  void write(std::string_view bytes);

  std::function<std::string(std::string_view)> monitor_;
  BackendLink<Chardev> device_;
  Debugger debugger_;
  std::optional<Session> session_;
  PacketReader reader_;
  std::string sent_;  // for a client that has not got it
};

}  // namespace backplane::host::gdb

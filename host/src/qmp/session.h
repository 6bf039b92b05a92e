// SPDX-License-Identifier: MIT
// QMP: the commands and events of the machine as JSON on a character device, for programs.
// [QEMU docs/interop/qmp-spec.rst]
#pragma once

#include <span>
#include <string>

#include "backplane/chardev.h"
#include "backplane/clock.h"
#include "backplane/command.h"
#include "backplane/json.h"

namespace backplane::host {

// One client at a time: each begins anew, with a greeting. Main loop's thread, machine lock; events
// are sent from any thread, under the machine lock.
class QmpSession final : public Object, public ChardevClient {
  BACKPLANE_OBJECT(QmpSession, Object, "qmp-session")
 public:
  static void class_init(ObjectClass&) {}

  explicit QmpSession(CommandContext context);
  ~QmpSession() override;
  // Speaks there. Throws Error if somebody else does.
  void open(Chardev& chardev);

  std::size_t can_receive() override;
  void receive(const u8* data, std::size_t size) override;
  void event(Event event) override;

 private:
  // The longest text that a client may send, in bytes.
  static constexpr std::size_t kLongest = 1_MiB;
  // What is taken at once, and how much a client may leave unread before nothing more is taken from
  // it and events are dropped.
  static constexpr std::size_t kPortion = 1024;
  static constexpr std::size_t kMostUnread = 1_MiB;

  void answer(const std::string& text);
  // What the request asks for. Throws Error.
  Value carry_out(const Value& request);
  void tell(const EventType& type, const Value& data);
  void send(const Value& message);
  bool is_behind() const;

  CommandContext context_;
  BackendLink<Chardev> chardev_;
  JsonSplitter splitter_{kLongest};
  Subscription events_;
  Timer drained_;            // looks whether the client has read
  bool negotiated_ = false;  // capabilities, which is what a client does first
};

// The command that only a session knows what to do with: qmp_capabilities.
std::span<const Command> session_commands();

}  // namespace backplane::host

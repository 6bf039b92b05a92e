// SPDX-License-Identifier: MIT
// QMP: the commands and events of the machine as JSON on a character device, for programs.
// [QEMU docs/interop/qmp-spec.rst]
#pragma once

#include <deque>
#include <optional>
#include <span>
#include <string>

#include "backplane/chardev.h"
#include "backplane/clock.h"
#include "backplane/command.h"
#include "backplane/json.h"

namespace backplane::host {

// One client at a time: each begins anew, with a greeting. Its requests are carried out as they
// come; where it has enabled the capability "oob", the main loop carries out one at a time, and
// what is to be carried out of band goes before those that wait. Main loop's thread, machine lock;
// events are sent from any thread, under the machine lock.
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

  // Requests that wait, of a client that sends more of them than are answered.
  static constexpr std::size_t kMostWaiting = 8;

  // What has come, with what is wrong with it if it is no request.
  struct Request {
    Value value;
    std::optional<Error> failure;
    int descriptor = -1;  // that came along
    bool is_out_of_band() const { return value.find(kOutOfBand) != nullptr && !failure; }
  };
  static constexpr std::string_view kOutOfBand = "exec-oob";

  Request read(const std::string& text);
  void take(Request request);
  void answer(const Request& request);
  void answer_next();
  void forget_requests();
  // What the request asks for. Throws Error.
  Value carry_out(const Value& request);
  void negotiate(const Value* wanted);
  void tell(const EventType& type, const Value& data);
  void send(const Value& message);
  bool is_behind() const;

  CommandContext context_;
  BackendLink<Chardev> chardev_;
  JsonSplitter splitter_{kLongest};
  Subscription events_;
  Timer drained_;            // looks whether the client has read
  Timer next_;               // answers the first request that waits
  bool negotiated_ = false;  // capabilities, which is what a client does first
  bool out_of_band_ = false;
  std::deque<Request> waiting_;
  int descriptor_ = -1;  // that came last, for the request that it came along with
};

// The command that only a session knows what to do with: qmp_capabilities.
std::span<const Command> session_commands();

}  // namespace backplane::host

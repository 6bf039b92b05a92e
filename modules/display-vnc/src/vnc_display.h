// SPDX-License-Identifier: MIT
// "display-vnc": the first screen of a machine for VNC viewers, several at once.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backplane/clock.h"
#include "backplane/display.h"
#include "backplane/enumeration.h"
#include "backplane/input.h"
#include "backplane/machine.h"
#include "backplane/main_loop.h"
#include "listening.h"
#include "rfb_session.h"
#include "websocket.h"

namespace backplane::vnc {

// What becomes of the others when a client wants the screen for itself.
enum class Sharing { AllowExclusive, ForceShared, Ignore };

}  // namespace backplane::vnc

template <>
struct backplane::EnumNames<backplane::vnc::Sharing> {
  static constexpr EnumName<vnc::Sharing> kNames[] = {
      {vnc::Sharing::AllowExclusive, "allow-exclusive"},
      {vnc::Sharing::ForceShared, "force-shared"},
      {vnc::Sharing::Ignore, "ignore"}};
};

namespace backplane::vnc {

class VncDisplay final : public Display, public RfbHost, public ScreenViewer {
 public:
  static void class_init(ObjectClass& k);
  ~VncDisplay() override;

  std::string describe() const override;
  Value status() const override;
  void set_password(const std::string& password) override;

  Screen* screen() override { return screen_; }
  Inputs* inputs() override { return machine().service<Inputs>(); }
  Layout layout() const override { return layout_; }
  std::string desktop_name() const override;
  bool asks_password() const override { return password_; }
  Challenge new_challenge() override;
  bool accepts(const Challenge& challenge, const Challenge& answer) override;
  bool entered(RfbSession& session, bool shared) override;
  void wants_update() override;

  void changed(const Rectangle& what) override;
  void resized() override;
  void gone() override { screen_ = nullptr; }

 protected:
  void open() override;

 private:
  // A connection, and what waits to be sent through it.
  struct Client {
    Client(RfbHost& host, Socket connected, bool by_websocket, i64 deadline);
    void take_output();

    Socket socket;
    RfbSession session;
    std::optional<WebSocket> websocket;
    i64 deadline;  // of its handshake
    std::vector<u8> waiting;
    std::size_t sent = 0;     // of what waits
    std::size_t answers = 0;  // bytes of it that only answer pings
    bool ends = false;        // when all was sent
    bool ended = false;
    MainLoop::WatchHandle watch{nullptr, nullptr};
  };

  bool has_websocket_of_its_own() const;
  bool listen_as(u32 number, bool may_be_in_use);
  std::vector<Socket> listen_for_websockets(u32 port, bool may_be_in_use) const;
  void listen_to(std::vector<Socket> sockets, bool for_websockets);
  void accept(const Socket& listener, bool for_websocket);
  void ready(Client& client, unsigned conditions);
  void read(Client& client);
  void flush(Client& client);
  void watch(Client& client);
  void drop_ended();
  // Lets go of those who have not said in time who they are: others may want their places.
  void end_late();
  void look_for_screen();
  // Shows what has changed to those who wait for it.
  void tick();

  std::string address_text_;
  bool password_ = false;
  std::string websocket_text_ = "off";
  u32 to_ = 0;
  u32 patience_ = 60;  // s
  Layout layout_ = Layout::EnUs;
  Sharing sharing_ = Sharing::AllowExclusive;

  Address address_;
  u32 port_ = 0;
  std::optional<std::string> secret_;
  struct Listener {
    Socket socket;
    MainLoop::WatchHandle watch;
  };
  std::vector<Listener> listeners_;
  std::list<Client> clients_;
  Screen* screen_ = nullptr;
  std::unique_ptr<Timer> timer_;
  std::unique_ptr<Timer> handshakes_;
  i64 last_tick_ = 0;
  i64 interval_ = 0;
  bool seen_change_ = false;
};

}  // namespace backplane::vnc

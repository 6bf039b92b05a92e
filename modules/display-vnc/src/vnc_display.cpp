// SPDX-License-Identifier: MIT
#include "vnc_display.h"

#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "backplane/command.h"
#include "backplane/error.h"
#include "des.h"

namespace backplane::vnc {

namespace {

constexpr u32 kFirstPort = 5900, kFirstWebsocketPort = 5700;
constexpr std::size_t kMostClients = 32;
constexpr std::size_t kPasswordLength = 8;  // what of it counts
constexpr i64 kMillisecond = 1'000'000, kSecond = 1'000 * kMillisecond;
// Between two looks at the screen: while it changes, and once it has not for a while.
constexpr i64 kShortest = 33 * kMillisecond, kLongest = 250 * kMillisecond;

}  // namespace

BACKPLANE_TYPE(VncDisplay, "display-vnc",
               .description = "For VNC viewers, at a TCP port or a socket")

void VncDisplay::class_init(ObjectClass& k) {
  k.property<&VncDisplay::address_text_>(
      "address", "[HOST]:NUMBER, which is TCP port 5900 + NUMBER, or unix:PATH");
  k.property<&VncDisplay::password_>("password", "ask for the one that set_password gives");
  k.property<&VncDisplay::websocket_text_>(
      "websocket", "a port for browsers, too: on (5700 + NUMBER), off, or its number");
  k.property<&VncDisplay::to_>("to", "highest NUMBER that is tried while ports are in use");
  k.property<&VncDisplay::patience_>("handshake-timeout",
                                     "seconds that one has to shake hands, password included");
  k.property<&VncDisplay::layout_>("layout", "of the keyboards of viewers that send letters");
  k.property<&VncDisplay::sharing_>("share", "what becomes of others when one wants it for itself");
}

VncDisplay::~VncDisplay() {
  if (screen_ != nullptr) screen_->remove_viewer(*this);
  if (is_open() && address_.is_unix()) unlink(address_.path.c_str());
}

void VncDisplay::open() {
  if (address_text_.empty()) throw Error("the address is missing: expects [HOST]:NUMBER");
  if (patience_ == 0) throw Error("handshake-timeout=0: expects 1 second or more");
  address_ = parse_address(address_text_);
  timer_ = std::make_unique<Timer>(machine().realtime_clock(), [this] { tick(); });
  handshakes_ = std::make_unique<Timer>(machine().realtime_clock(), [this] { end_late(); });
  if (address_.is_unix()) {
    std::vector<Socket> sockets;
    sockets.push_back(listen_unix(address_.path));
    listen_to(std::move(sockets), false);
  } else {
    const u32 last = std::max(address_.number, std::min<u32>(to_, 0xffff - kFirstPort));
    u32 number = address_.number;
    while (!listen_as(number, number < last)) ++number;
  }
  if (has_websocket_of_its_own())
    listen_to(listen_for_websockets(
                  websocket_text_ == "on" ? kFirstWebsocketPort : from_value<u16>(websocket_text_),
                  false),
              true);
}

// The port for browsers does not follow from the display's number.
bool VncDisplay::has_websocket_of_its_own() const {
  return websocket_text_ != "off" && (websocket_text_ != "on" || address_.is_unix());
}

// At both ports of that number, where there are two. False: one is in use, which may be.
bool VncDisplay::listen_as(u32 number, bool may_be_in_use) {
  std::vector<Socket> for_viewers = listen_tcp(address_.host, kFirstPort + number, may_be_in_use);
  if (for_viewers.empty()) return false;
  if (websocket_text_ == "on") {
    std::vector<Socket> for_browsers =
        listen_for_websockets(kFirstWebsocketPort + number, may_be_in_use);
    if (for_browsers.empty()) return false;
    listen_to(std::move(for_browsers), true);
  }
  port_ = kFirstPort + number;
  listen_to(std::move(for_viewers), false);
  return true;
}

std::vector<Socket> VncDisplay::listen_for_websockets(u32 port, bool may_be_in_use) const {
  try {
    return listen_tcp(address_.host, port, may_be_in_use);
  } catch (const Error& error) {
    throw error.in("websocket");
  }
}

void VncDisplay::listen_to(std::vector<Socket> sockets, bool for_websockets) {
  for (Socket& socket : sockets) {
    const int fd = socket.get();
    listeners_.push_back({std::move(socket), {nullptr, nullptr}});
    listeners_.back().watch =
        machine().main_loop().watch(fd, MainLoop::kReadable, [this, fd, for_websockets](unsigned) {
          for (const Listener& listener : listeners_)
            if (listener.socket.get() == fd) accept(listener.socket, for_websockets);
        });
  }
}

std::string VncDisplay::describe() const {
  return fmt::format("VNC at {}, {} clients", address_text_, clients_.size());
}

std::string VncDisplay::desktop_name() const {
  const std::string& name = machine().config().name;
  return name.empty() ? "Backplane" : fmt::format("Backplane ({})", name);
}

Value VncDisplay::status() const {
  const std::string family = address_.is_unix() ? "unix" : "ipv4";
  Value::List clients;
  for (const Client& client : clients_) {
    if (!client.session.running()) continue;
    const auto& [host, service] = peer_of(client.socket);
    clients.push_back(Value::Record{
        {"host", host},
        {"service", service},
        {"family", host.find(':') != std::string::npos ? std::string("ipv6") : family},
        {"websocket", client.websocket.has_value()}});
  }
  const std::string host = address_.host.empty() ? "localhost" : address_.host;
  return Value::Record{{"enabled", true},
                       {"host", address_.is_unix() ? address_.path : host},
                       {"family", family},
                       {"service", address_.is_unix() ? std::string() : std::to_string(port_)},
                       {"auth", password_ ? "vnc" : "none"},
                       {"clients", clients}};
}

// --- who is let in ------------------------------------------------------------------------------

void VncDisplay::set_password(const std::string& password) {
  if (!password_) throw Error::of("{} asks nobody for a password: password=on does", id());
  secret_ = password;
}

Challenge VncDisplay::new_challenge() {
  Challenge challenge{};
  if (getrandom(challenge.data(), challenge.size(), 0) != static_cast<ssize_t>(challenge.size()))
    throw Error::system("cannot get random numbers", errno);
  return challenge;
}

// [RFC 6143 §7.2.2 "VNC Authentication"]; the bits of each byte of the key are the other way round.
bool VncDisplay::accepts(const Challenge& challenge, const Challenge& answer) {
  if (!secret_ || secret_->empty()) return false;
  std::array<u8, 8> key{};
  for (std::size_t n = 0; n < std::min(secret_->size(), kPasswordLength); ++n)
    for (unsigned bit = 0; bit < 8; ++bit)
      if ((static_cast<u8>((*secret_)[n]) >> bit & 1) != 0) key[n] |= static_cast<u8>(0x80 >> bit);
  u8 differs = 0;
  for (std::size_t half = 0; half < challenge.size(); half += 8) {
    std::array<u8, 8> block;
    std::copy_n(challenge.begin() + static_cast<std::ptrdiff_t>(half), 8, block.begin());
    block = des_encrypt(key, block);
    for (std::size_t n = 0; n < 8; ++n) differs |= block[n] ^ answer[half + n];
  }
  return differs == 0;
}

bool VncDisplay::entered(RfbSession& session, bool shared) {
  if (!shared && sharing_ == Sharing::ForceShared) return false;
  if (!shared && sharing_ == Sharing::AllowExclusive)
    for (Client& client : clients_)
      if (&client.session != &session && client.session.running()) client.ended = true;
  look_for_screen();
  return true;
}

void VncDisplay::look_for_screen() {
  if (screen_ != nullptr) return;
  const std::vector<DisplayDevice*> devices = objects_offering<DisplayDevice>(machine());
  if (devices.empty()) return;
  screen_ = &devices.front()->screen();
  screen_->add_viewer(*this);
  screen_->refresh();
}

// --- connections --------------------------------------------------------------------------------

VncDisplay::Client::Client(RfbHost& host, Socket connected, bool by_websocket, i64 its_deadline)
    : socket(std::move(connected)), session(host), deadline(its_deadline) {
  if (by_websocket) websocket.emplace();
}

// A browser's frames begin when its handshake has ended.
void VncDisplay::Client::take_output() {
  std::vector<u8>& output = session.output();
  if (output.empty() || (websocket && !websocket->open())) return;
  if (websocket)
    WebSocket::frame(output, waiting);
  else if (waiting.empty())
    waiting.swap(output);
  else
    waiting.insert(waiting.end(), output.begin(), output.end());
  output.clear();
}

void VncDisplay::accept(const Socket& listener, bool for_websocket) {
  Socket connection = accept_from(listener);
  if (!connection || clients_.size() >= kMostClients) return;
  const i64 deadline = machine().realtime_clock().now() + patience_ * kSecond;
  clients_.emplace_back(*this, std::move(connection), for_websocket, deadline);
  if (!handshakes_->armed()) handshakes_->arm_at(deadline);
  flush(clients_.back());
  drop_ended();
}

void VncDisplay::watch(Client& client) {
  unsigned conditions = MainLoop::kHangup | MainLoop::kReadable;
  if (!client.waiting.empty()) conditions |= MainLoop::kWritable;
  client.watch =
      machine().main_loop().watch(client.socket.get(), conditions,
                                  [this, &client](unsigned happened) { ready(client, happened); });
}

void VncDisplay::ready(Client& client, unsigned conditions) {
  if ((conditions & (MainLoop::kReadable | MainLoop::kHangup)) != 0) read(client);
  if (!client.ended) flush(client);
  if (client.session.asks()) wants_update();
  drop_ended();
}

void VncDisplay::read(Client& client) {
  std::array<u8, 4096> bytes;
  const ssize_t size = recv(client.socket.get(), bytes.data(), bytes.size(), 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) {
    client.ended = true;
    return;
  }
  std::span<const u8> arrived(bytes.data(), static_cast<std::size_t>(size));
  std::vector<u8> carried;
  bool goes_on = true;
  if (client.websocket) {
    // Who asks for answers and does not take them is let go of: screens wait until they are taken.
    constexpr std::size_t kMostAnswers = 64_KiB;
    const std::size_t before = client.waiting.size();
    goes_on = client.websocket->receive(arrived, carried, client.waiting);
    client.answers += client.waiting.size() - before;
    goes_on = goes_on && client.answers <= kMostAnswers;
    arrived = carried;
  }
  goes_on = client.session.receive(arrived) && goes_on;
  if (!goes_on) client.ends = true;
}

void VncDisplay::flush(Client& client) {
  client.take_output();
  while (client.sent < client.waiting.size()) {
    const ssize_t size = send(client.socket.get(), client.waiting.data() + client.sent,
                              client.waiting.size() - client.sent, MSG_NOSIGNAL);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno != EAGAIN) client.ended = true;
    if (size < 0) break;
    client.sent += static_cast<std::size_t>(size);
  }
  if (client.sent == client.waiting.size()) {
    client.waiting.clear();
    client.sent = 0;
    client.answers = 0;
    if (client.ends) client.ended = true;
  }
  if (!client.ended) watch(client);
}

void VncDisplay::drop_ended() {
  const bool any = std::any_of(clients_.begin(), clients_.end(),
                               [](const Client& client) { return client.ended; });
  if (!any) return;
  for (Client& client : clients_)
    if (client.ended) client.session.release_all();
  clients_.remove_if([](const Client& client) { return client.ended; });
  if (clients_.empty()) timer_->cancel();
  const bool watched = std::any_of(clients_.begin(), clients_.end(),
                                   [](const Client& client) { return client.session.running(); });
  if (watched || screen_ == nullptr) return;
  screen_->remove_viewer(*this);
  screen_ = nullptr;
}

void VncDisplay::end_late() {
  const i64 now = machine().realtime_clock().now();
  for (Client& client : clients_)
    if (!client.session.running() && client.deadline <= now) client.ended = true;
  drop_ended();
  // In the order that they came, and so of their deadlines.
  const auto next = std::find_if(clients_.begin(), clients_.end(),
                                 [](const Client& client) { return !client.session.running(); });
  if (next != clients_.end()) handshakes_->arm_at(next->deadline);
}

// --- updates ------------------------------------------------------------------------------------

void VncDisplay::changed(const Rectangle& what) {
  seen_change_ = true;
  for (Client& client : clients_) client.session.changed(what);
}

void VncDisplay::resized() {
  seen_change_ = true;
  for (Client& client : clients_)
    if (client.session.running()) client.session.resized();
}

void VncDisplay::wants_update() {
  interval_ = kShortest;
  const i64 now = machine().realtime_clock().now();
  const i64 next = std::max(now, last_tick_ + kShortest);
  if (!timer_->armed() || timer_->deadline() > next) timer_->arm_at(next);
}

void VncDisplay::tick() {
  last_tick_ = machine().realtime_clock().now();
  const auto waits = [](const Client& client) {
    return client.session.asks() && client.waiting.empty() && !client.ends;
  };
  // Those who have not taken the last one are served when they have.
  if (std::none_of(clients_.begin(), clients_.end(), waits)) return;
  look_for_screen();
  seen_change_ = false;
  if (screen_ != nullptr) screen_->refresh();
  for (Client& client : clients_) {
    if (!waits(client)) continue;
    client.session.update();
    flush(client);
  }
  drop_ended();
  interval_ = seen_change_ ? kShortest : std::min(interval_ * 2, kLongest);
  if (std::any_of(clients_.begin(), clients_.end(), waits)) timer_->arm_in(interval_);
}

}  // namespace backplane::vnc

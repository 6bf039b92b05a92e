// SPDX-License-Identifier: MIT
#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <utility>

#include "backplane/chardev.h"
#include "backplane/error.h"
#include "backplane/log.h"
#include "backplane/machine.h"

namespace backplane {

namespace {

constexpr u8 kEscape = 0x01;  // Ctrl-A

// What a front holds for a client that is slower than the keyboard. Read ahead, so that the keys
// after the escape work even if the guest has stopped listening.
constexpr std::size_t kReadAhead = 64_KiB;

constexpr std::string_view kHelp =
    "\r\n"
    "Ctrl-A h       this help\r\n"
    "Ctrl-A x       quit\r\n"
    "Ctrl-A c       switch between serial port and monitor\r\n"
    "Ctrl-A b       send a break\r\n"
    "Ctrl-A Ctrl-A  send Ctrl-A\r\n";

void write_text(Chardev& device, std::string_view text) {
  device.write(reinterpret_cast<const u8*>(text.data()), text.size());
}

// One of the users' ends of a multiplexer, which owns it.
class Front final : public Chardev {
  BACKPLANE_OBJECT(Front, Chardev, "chardev-mux-front")
 public:
  static void class_init(ObjectClass&) {}

  Front(Chardev& backend, std::function<void(Front&)> listens, std::function<void(Front&)> released)
      : backend_(backend), now_listens_(std::move(listens)), released_(std::move(released)) {}

  void write(const u8* data, std::size_t size) override { backend_.write(data, size); }
  std::size_t pending() const override { return backend_.pending(); }
  void set_client(ChardevClient* client) override {
    Chardev::set_client(client);
    if (listens()) now_listens_(*this);
    backend_.accept_input();
  }
  void accept_input() override {
    deliver();
    backend_.accept_input();
  }
  std::string describe() const override { return "one of several users of " + label(); }
  void release() override { released_(*this); }

  // Somebody reads what is typed.
  bool listens() const { return client() != nullptr; }
  void tell(ChardevClient::Event event) {
    if (client() != nullptr) client()->event(event);
  }
  std::size_t room() const { return kReadAhead - std::min(kReadAhead, waiting_.size()); }
  void queue(u8 byte) { waiting_.push_back(byte); }
  // Hands over as much as the client has room for.
  void deliver() {
    while (client() != nullptr && !waiting_.empty()) {
      u8 buffer[256];
      const std::size_t size = std::min({client()->can_receive(), sizeof buffer, waiting_.size()});
      if (size == 0) return;
      const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(size);
      std::copy(waiting_.begin(), end, buffer);
      waiting_.erase(waiting_.begin(), end);
      client()->receive(buffer, size);
    }
  }

 private:
  Chardev& backend_;
  std::function<void(Front&)> now_listens_;
  std::function<void(Front&)> released_;
  std::deque<u8> waiting_;
};

// In front of one character device: several users, one with the focus. Ctrl-A is the escape: x ends
// the program, c next user, h help, b break, Ctrl-A itself. A user is told Opened when it gets the
// focus and Closed when it loses it; what the others write is shown all the same. The first user
// that reads what is typed has the focus, and those that only write never get it.
class MuxChardev final : public Chardev, private ChardevClient {
 public:
  static void class_init(ObjectClass& k) {
    k.property<&MuxChardev::backend_>("chardev", "what is shared");
  }
  ~MuxChardev() override {
    if (backend_) backend_->set_client(nullptr);
  }

  void write(const u8* data, std::size_t size) override { backend_->write(data, size); }
  std::size_t pending() const override { return backend_->pending(); }
  std::string describe() const override { return backend_->describe() + ", shared"; }

  Backend& claim(const Object& user) override {
    Front& front = add_child("front[*]", std::make_unique<Front>(
                                             *backend_, [this](Front& f) { offer_focus(f); },
                                             [this](Front& gone) { remove(gone); }));
    fronts_.push_back(&front);
    return front.claim(user);
  }
  const Object* user() const override {
    return fronts_.empty() ? nullptr : fronts_.front()->user();
  }

 private:
  void open() override {
    if (!backend_) throw Error("chardev is missing: expects the id of what is to be shared");
    backend_->set_client(this);
  }

  Front* focused() { return fronts_.empty() ? nullptr : fronts_[focus_]; }

  void remove(Front& gone) {
    const auto at = std::find(fronts_.begin(), fronts_.end(), &gone);
    const auto index = static_cast<std::size_t>(at - fronts_.begin());
    fronts_.erase(at);
    const bool had_focus = focus_ == index;
    if (focus_ > index) --focus_;
    if (focus_ == fronts_.size()) focus_ = 0;
    if (had_focus && open_ && focused() != nullptr) focused()->tell(Event::Opened);
    remove_child(gone);
  }

  void offer_focus(Front& front) {
    if (focused()->listens()) return;
    focus_ = static_cast<std::size_t>(std::find(fronts_.begin(), fronts_.end(), &front) -
                                      fronts_.begin());
  }

  void give_focus_to_next() {
    std::size_t next = focus_;
    do next = (next + 1) % fronts_.size();
    while (next != focus_ && !fronts_[next]->listens());
    if (next == focus_) return;
    focused()->tell(Event::Closed);
    focus_ = next;
    if (open_) focused()->tell(Event::Opened);
    focused()->deliver();
  }

  void command(u8 key) {
    // What was typed before comes first.
    focused()->deliver();
    switch (key) {
      case kEscape:
        focused()->queue(kEscape);
        break;
      case 'b':
        focused()->tell(Event::Break);
        break;
      case 'c':
        give_focus_to_next();
        break;
      case 'h':
      case '?':
        write_text(*backend_, kHelp);
        break;
      case 'x':
        write_text(*backend_, "\r\n" + log::program_name() + ": terminated\r\n");
        machine().run_control().request_shutdown(ShutdownCause::HostRequest);
        break;
      default:
        break;
    }
  }

  std::size_t can_receive() override { return focused() != nullptr ? focused()->room() : 0; }

  void receive(const u8* data, std::size_t size) override {
    if (size == 0) return;  // nobody may be there
    for (std::size_t i = 0; i < size; ++i) {
      if (std::exchange(escaped_, false))
        command(data[i]);
      else if (data[i] == kEscape)
        escaped_ = true;
      else
        focused()->queue(data[i]);
    }
    focused()->deliver();
  }

  // Only the front in focus sees the terminal come and go: it owns the screen.
  void event(Event event) override {
    if (event == Event::Opened) open_ = true;
    if (event == Event::Closed) open_ = false;
    if (focused() != nullptr) focused()->tell(event);
  }

  BackendLink<Chardev> backend_;
  std::vector<Front*> fronts_;
  std::size_t focus_ = 0;
  bool open_ = false;
  bool escaped_ = false;
};

BACKPLANE_REGISTER_ABSTRACT(Front)
BACKPLANE_TYPE(MuxChardev, "chardev-mux", .description = "Shares another one between several users")

}  // namespace

}  // namespace backplane

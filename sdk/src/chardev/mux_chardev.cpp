// SPDX-License-Identifier: MIT
#include <deque>
#include <utility>

#include "backplane/chardev.h"
#include "backplane/log.h"

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

// One of the users' ends of a multiplexer.
class Front final : public Chardev {
 public:
  Front(std::string id, Chardev& backend) : Chardev(std::move(id)), backend_(backend) {}

  void write(const u8* data, std::size_t size) override { backend_.write(data, size); }
  std::size_t pending() const override { return backend_.pending(); }
  void set_client(ChardevClient* client) override {
    Chardev::set_client(client);
    if (on_client_changed) on_client_changed();
  }
  void accept_input() override {
    deliver();
    backend_.accept_input();
  }
  std::string describe() const override { return "one of several users of " + backend_.id(); }

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

  std::function<void()> on_client_changed;

 private:
  Chardev& backend_;
  std::deque<u8> waiting_;
};

}  // namespace

struct MuxChardev::Impl final : ChardevClient {
  explicit Impl(std::unique_ptr<Chardev> device) : backend(std::move(device)) {
    backend->set_client(this);
  }
  ~Impl() { backend->set_client(nullptr); }

  Front& add_front(const std::string& id) {
    fronts.push_back(std::make_unique<Front>(id, *backend));
    Front& front = *fronts.back();
    front.on_client_changed = [this] { backend->accept_input(); };
    return front;
  }

  Front* focused() { return fronts.empty() ? nullptr : fronts[focus].get(); }

  void give_focus_to_next() {
    if (fronts.size() < 2) return;
    focused()->tell(Event::Closed);
    focus = (focus + 1) % fronts.size();
    if (open) focused()->tell(Event::Opened);
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
        write_text(*backend, kHelp);
        break;
      case 'x':
        write_text(*backend, "\r\n" + log::program_name() + ": terminated\r\n");
        if (quit) quit();
        break;
      default:
        break;
    }
  }

  std::size_t can_receive() override { return focused() != nullptr ? focused()->room() : 0; }

  void receive(const u8* data, std::size_t size) override {
    for (std::size_t i = 0; i < size; ++i) {
      if (std::exchange(escaped, false))
        command(data[i]);
      else if (data[i] == kEscape)
        escaped = true;
      else
        focused()->queue(data[i]);
    }
    focused()->deliver();
  }

  // Only the front in focus sees the terminal come and go: it owns the screen.
  void event(Event event) override {
    if (event == Event::Opened) open = true;
    if (event == Event::Closed) open = false;
    if (focused() != nullptr) focused()->tell(event);
  }

  std::unique_ptr<Chardev> backend;
  std::vector<std::unique_ptr<Front>> fronts;
  Front* own = nullptr;  // the multiplexer used as a device itself
  std::size_t focus = 0;
  std::function<void()> quit;
  bool open = false;
  bool escaped = false;
};

MuxChardev::MuxChardev(std::string id, std::unique_ptr<Chardev> backend)
    : Chardev(std::move(id)), impl_(std::make_unique<Impl>(std::move(backend))) {}

MuxChardev::~MuxChardev() = default;

Chardev& MuxChardev::add_front(const std::string& id) { return impl_->add_front(id); }

void MuxChardev::on_quit(std::function<void()> fn) { impl_->quit = std::move(fn); }

void MuxChardev::write(const u8* data, std::size_t size) { impl_->backend->write(data, size); }

std::size_t MuxChardev::pending() const { return impl_->backend->pending(); }

void MuxChardev::set_client(ChardevClient* client) {
  if (impl_->own == nullptr) impl_->own = &impl_->add_front(id());
  impl_->own->set_client(client);
}

void MuxChardev::accept_input() {
  if (impl_->own != nullptr) impl_->own->accept_input();
}

std::string MuxChardev::describe() const { return impl_->backend->describe() + ", shared"; }

}  // namespace backplane

// SPDX-License-Identifier: MIT
#include "gdb/server.h"

#include <fmt/format.h>

namespace backplane::host::gdb {

Server::Server(Machine& machine, std::function<std::string(std::string_view)> monitor)
    : monitor_(std::move(monitor)), debugger_(machine, [this](const Debugger::Stop& stop) {
        if (session_) send(stop_reply(*session_, stop));
      }) {}

Server::~Server() {
  if (!device_) return;
  // The machine ends while somebody waits for it to stop.
  if (session_ && debugger_.expecting()) send("W00");
  device_->set_client(nullptr);
}

void Server::open(Chardev& device) {
  device_.connect(device, *this);
  device_->set_client(this);
}

void Server::event(Event event) {
  switch (event) {
    case Event::Opened:
      begin();
      break;
    case Event::Closed:
      // The guest goes on if it ran. If not, it waits, for 'cont' or for another client.
      if (debugger_.attached()) debugger_.detach(false);
      session_.reset();
      break;
    case Event::Break:
      break;
  }
}

void Server::begin() {
  if (debugger_.attached()) debugger_.detach(false);
  reader_.reset();
  sent_.clear();
  session_.emplace(Session{.debugger = debugger_,
                           .send = [this](std::string_view text) { send(text); },
                           .monitor = monitor_});
  debugger_.attach();
}

void Server::receive(const u8* data, std::size_t size) {
  for (std::size_t n = 0; n < size; ++n) {
    // One that has detached acknowledges it, and may begin anew without having left.
    if (!session_ && data[n] == '$') begin();
    if (!session_) continue;
    if (const auto event = reader_.take(data[n])) take(*event);
  }
}

void Server::take(PacketReader::Event event) {
  using Event = PacketReader::Event;
  const bool acknowledges = session_->wants_acknowledgements;
  switch (event) {
    case Event::Accepted:
      break;
    case Event::Rejected:
      if (acknowledges) write(sent_);
      break;
    case Event::Interrupt:
      debugger_.interrupt();
      break;
    case Event::Damaged:
      if (acknowledges) write("-");
      break;
    case Event::TooLong:
      if (acknowledges) write("+");
      send("E07");
      break;
    case Event::Packet:
      if (acknowledges) write("+");
      if (const auto reply = answer(*session_, reader_.text())) send(*reply);
      if (session_->ended) session_.reset();
      break;
  }
}

void Server::send(std::string_view text) {
  sent_ = framed(text);
  write(sent_);
}

void Server::write(std::string_view bytes) {
  device_->write(reinterpret_cast<const u8*>(bytes.data()), bytes.size());
}

BACKPLANE_REGISTER_ABSTRACT(Server)

}  // namespace backplane::host::gdb

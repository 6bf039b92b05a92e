// SPDX-License-Identifier: MIT
#include "monitor/monitor.h"

#include <fmt/format.h>

#include "version.h"

namespace backplane::host {

namespace {
constexpr std::string_view kPrompt = "(backplane) ";
}

void Monitor::open(Chardev& terminal) {
  terminal_.connect(terminal, *this);
  terminal_->set_client(this);
}

Monitor::~Monitor() {
  if (terminal_) terminal_->set_client(nullptr);
}

void Monitor::send(std::string_view bytes) {
  if (!bytes.empty()) terminal_->write(reinterpret_cast<const u8*>(bytes.data()), bytes.size());
}

void Monitor::print(std::string_view text) {
  std::string bytes;
  for (const char c : text) {
    if (c == '\n') bytes += '\r';
    bytes += c;
  }
  send(bytes);
}

void Monitor::prompt() { send(kPrompt); }

// Sent for each new connection, and whenever a shared terminal turns to the monitor: then what the
// guest wrote may have left an unfinished line.
void Monitor::event(Event event) {
  if (event != Event::Opened) return;
  editor_.clear();
  print("\n");
  if (!greeted_) print(fmt::format("Backplane {} monitor; 'help' lists the commands\n", kVersion));
  greeted_ = true;
  prompt();
}

void Monitor::receive(const u8* data, std::size_t size) {
  std::string echo;
  for (std::size_t i = 0; i < size && !context_.quit; ++i) {
    const auto line = editor_.type(data[i], echo);
    if (!line) continue;
    send(echo);
    echo.clear();
    print(run_monitor_line(context_, *line));
    if (!context_.quit) prompt();
  }
  send(echo);
}

BACKPLANE_REGISTER_ABSTRACT(Monitor)

}  // namespace backplane::host

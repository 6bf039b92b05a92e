// SPDX-License-Identifier: MIT
#include "monitor/monitor.h"

#include <fmt/format.h>

#include <utility>

#include "monitor/human.h"
#include "report.h"
#include "version.h"

namespace backplane::host {

Monitor::Monitor(CommandContext context) : context_(std::move(context)) {
  context_.finished = [self = std::weak_ptr<Monitor*>(self_)](const std::optional<Error>& failure) {
    const auto monitor = self.lock();
    if (monitor != nullptr) (*monitor)->go_on(failure);
  };
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
  if (!context_.goes_on) prompt();
}

void Monitor::receive(const u8* data, std::size_t size) {
  std::string echo;
  for (std::size_t i = 0; i < size && !context_.quit; ++i) {
    if (context_.goes_on) {
      typed_.append(data + i, data + size);
      break;
    }
    const auto line = editor_.type(data[i], echo);
    if (!line) continue;
    send(echo);
    echo.clear();
    name_ = line->substr(0, line->find(' '));
    print(run_monitor_line(context_, *line));
    if (!context_.quit && !context_.goes_on) prompt();
  }
  send(echo);
}

// The command may end, and another one begin, before what was typed is all read.
void Monitor::go_on(const std::optional<Error>& failure) {
  context_.goes_on = false;
  if (failure) print(fmt::format("{}: {}\n", name_, failure->line()));
  prompt();
  const std::string typed = std::exchange(typed_, {});
  receive(reinterpret_cast<const u8*>(typed.data()), typed.size());
  if (!context_.goes_on) terminal_->accept_input();
}

BACKPLANE_REGISTER_ABSTRACT(Monitor)

}  // namespace backplane::host

// SPDX-License-Identifier: MIT
// The monitor: a prompt on a character device.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "backplane/chardev.h"
#include "backplane/command.h"
#include "monitor/completion.h"
#include "monitor/line_editor.h"

namespace backplane::host {

// One prompt. Main loop's thread, machine lock held.
class Monitor final : public Object, public ChardevClient {
  BACKPLANE_OBJECT(Monitor, Object, "monitor")
 public:
  static void class_init(ObjectClass&) {}

  explicit Monitor(CommandContext context);
  ~Monitor() override;
  // Prompts there. Throws Error if somebody else does. The monitor has its place in the tree.
  void open(Chardev& terminal);

  // Nothing while a command goes on.
  std::size_t can_receive() override { return context_.goes_on ? 0 : LineEditor::kMaxLine; }
  void receive(const u8* data, std::size_t size) override;
  void event(Event event) override;

 private:
  static constexpr const char* kPrompt = "(backplane) ";

  // The command that went on has ended: with nothing, or with what has gone wrong.
  void go_on(const std::optional<Error>& failure);
  void print(std::string_view text);  // "\n" becomes "\r\n"
  void send(std::string_view bytes);
  void prompt();

  CommandContext context_;
  BackendLink<Chardev> terminal_;
  LineEditor editor_{kPrompt, [this](const std::string& text) {
                       return complete_monitor_line(context_.machine, text);
                     }};
  std::string name_;   // of that command
  std::string typed_;  // what came together with the line of a command that goes on
  // What this object is known by to a command that goes on.
  std::shared_ptr<Monitor*> self_ = std::make_shared<Monitor*>(this);
  bool greeted_ = false;
};

}  // namespace backplane::host

// SPDX-License-Identifier: MIT
// The monitor: a prompt on a character device.
#pragma once

#include <string>

#include "backplane/chardev.h"
#include "monitor/command.h"
#include "monitor/line_editor.h"

namespace backplane::host {

// One prompt. Main loop's thread, machine lock held.
class Monitor final : public Object, public ChardevClient {
  BACKPLANE_OBJECT(Monitor, Object, "monitor")
 public:
  static void class_init(ObjectClass&) {}

  explicit Monitor(const MonitorContext& context) : context_(context) {}
  ~Monitor() override;
  // Prompts there. Throws Error if somebody else does. The monitor has its place in the tree.
  void open(Chardev& terminal);

  std::size_t can_receive() override { return LineEditor::kMaxLine; }
  void receive(const u8* data, std::size_t size) override;
  void event(Event event) override;

 private:
  void print(std::string_view text);  // "\n" becomes "\r\n"
  void send(std::string_view bytes);
  void prompt();

  MonitorContext context_;
  BackendLink<Chardev> terminal_;
  LineEditor editor_;
  bool greeted_ = false;
};

}  // namespace backplane::host

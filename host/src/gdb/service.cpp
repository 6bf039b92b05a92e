// SPDX-License-Identifier: MIT
#include "gdb/service.h"

#include <algorithm>

#include "monitor/human.h"

namespace backplane::host::gdb {

namespace {

constexpr const char* kDeviceId = "gdb";

// What a socket is where the user does not say: whoever reaches it has the guest, and more.
void complete(ChardevParts& parts) {
  if (parts.name != "socket") return;
  const auto find = [&](std::string_view key) {
    return std::ranges::find(parts.properties, key, [](const auto& p) { return p.first; });
  };
  if (find("server") == parts.properties.end()) parts.properties.emplace_back("server", "on");
  if (find("server")->second == "on" && find("wait") == parts.properties.end())
    parts.properties.emplace_back("wait", "off");
  if (const auto host = find("host"); host != parts.properties.end() && host->second.empty())
    host->second = "127.0.0.1";
}

}  // namespace

std::string Service::run_for_client(std::string_view line) {
  in_client_ = true;
  std::string printed = run_monitor_line(context_, line);
  in_client_ = false;
  return printed;
}

void Service::serve(const std::string& device) {
  if (in_client_) throw Error("gdb is served by what would end: say it in a monitor of its own");
  stop();
  if (device == "none") return;
  constexpr std::string_view kNamed = "chardev:";
  std::string id = kDeviceId;
  if (device.starts_with(kNamed)) {
    id = device.substr(kNamed.size());
  } else {
    ChardevParts parts = parse_chardev_short_form(device);
    complete(parts);
    backends_.add(kChardevKind, parts.name, id, parts.properties);
    owns_device_ = true;
  }
  auto* const chardev = dynamic_cast<Chardev*>(backends_.find(id));
  if (chardev == nullptr) throw Error::of("no -chardev has id={}", id);
  server_ = &root_.add_child(
      "gdb", std::make_unique<Server>(
                 context_.machine, [this](std::string_view line) { return run_for_client(line); }));
  try {
    server_->open(*chardev);
  } catch (const Error&) {
    stop();
    throw;
  }
}

void Service::stop() {
  if (server_ != nullptr) root_.remove_child(*server_);
  server_ = nullptr;
  if (std::exchange(owns_device_, false)) backends_.remove(kDeviceId);
}

}  // namespace backplane::host::gdb

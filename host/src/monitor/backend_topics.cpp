// SPDX-License-Identifier: MIT
// What the monitor tells about the host side of devices: character devices and images.
#include <fmt/format.h>

#include "backplane/block.h"
#include "backplane/block_queue.h"
#include "backplane/chardev.h"
#include "backplane/machine.h"
#include "backplane/monitor.h"
#include "backplane/netdev.h"
#include "monitor/command.h"

namespace backplane::host {

namespace {

std::string chardev(MonitorContext& context) {
  std::string text;
  if (Object* const backends = context.machine.find(Backends::kPath))
    for (const auto& backend : backends->children())
      if (const auto* const device = dynamic_cast<const Chardev*>(backend.get()))
        text += fmt::format("{}: {}\n", device->id(), device->describe());
  return text.empty() ? "no character devices\n" : text;
}

std::string block(MonitorContext& context) {
  std::string text;
  if (Object* const backends = context.machine.find(Backends::kPath))
    for (const BlockNode* node : objects_offering<BlockNode>(*backends)) {
      if (dynamic_cast<const Backend*>(node->user()) != nullptr) continue;  // that one tells
      text += fmt::format("{}: {}", node->id(), node->describe());
      if (node->queue() != nullptr) text += ", " + node->queue()->describe();
      text += '\n';
    }
  return text.empty() ? "no disk images\n" : text;
}

std::string network(MonitorContext& context) {
  std::string text;
  if (Object* const backends = context.machine.find(Backends::kPath))
    for (const Netdev* netdev : objects_offering<Netdev>(*backends))
      text +=
          fmt::format("{}: {}; {}\n", netdev->id(), netdev->describe(), netdev->describe_user());
  return text.empty() ? "no networks\n" : text;
}

constexpr InfoTopic kTopics[] = {
    {"chardev", "character devices and where they lead", chardev},
    {"block", "disk images", block},
    {"network", "networks and the devices on them", network},
};

}  // namespace

std::span<const InfoTopic> backend_topics() { return kTopics; }

}  // namespace backplane::host

// SPDX-License-Identifier: MIT
// What the monitor tells about the host side of devices: character devices and images.
#include <fmt/format.h>

#include "backplane/block.h"
#include "backplane/chardev.h"
#include "characters/character_devices.h"
#include "monitor/command.h"

namespace backplane::host {

namespace {

std::string chardev(MonitorContext& context) {
  std::string text;
  for (const Chardev* device : context.characters.all())
    text += fmt::format("{}: {}\n", device->id(), device->describe());
  return text.empty() ? "no character devices\n" : text;
}

std::string block(MonitorContext&) {
  std::string text;
  for (const BlockBackend* backend : BlockRegistry::instance().all())
    text += fmt::format("{}: {}\n", backend->id(), backend->describe());
  return text.empty() ? "no disk images\n" : text;
}

constexpr InfoTopic kTopics[] = {
    {"chardev", "character devices and where they lead", chardev},
    {"block", "disk images", block},
};

}  // namespace

std::span<const InfoTopic> backend_topics() { return kTopics; }

}  // namespace backplane::host

// SPDX-License-Identifier: MIT
// `info TOPIC`: the host's own topics, and those that objects of the machine offer.
#include <fmt/ranges.h>

#include <set>

#include "backplane/error.h"
#include "backplane/machine.h"
#include "backplane/monitor.h"
#include "monitor/command.h"

namespace backplane::host {

namespace {

template <class Visitor>
void for_each_topic(Visitor visit) {
  for (const auto group : {program_topics(), machine_topics(), backend_topics()})
    for (const InfoTopic& topic : group) visit(topic);
}

std::string list_topics(MonitorContext& context) {
  std::string text;
  for_each_topic([&](const InfoTopic& topic) {
    text += fmt::format("info {:<12} {}\n", topic.name, topic.help);
  });
  std::set<std::string_view> offered;
  for (const InfoProvider* provider : objects_offering<InfoProvider>(context.machine))
    offered.insert(provider->info_topic());
  for (const std::string_view topic : offered)
    text += fmt::format("info {:<12} from the machine's devices\n", topic);
  return text;
}

std::string info(MonitorContext& context, const MonitorArguments& arguments) {
  if (arguments.empty()) return list_topics(context);
  const std::string& name = arguments.front();
  std::string text;
  bool known = false;
  for_each_topic([&](const InfoTopic& topic) {
    if (topic.name != name) return;
    known = true;
    text += topic.text(context);
  });
  for (const InfoProvider* provider : objects_offering<InfoProvider>(context.machine)) {
    if (provider->info_topic() != name) continue;
    known = true;
    text += provider->info();
  }
  if (!known) throw unknown_word(name, "no such topic; 'info' lists them").in(shown(name));
  return text;
}

constexpr MonitorCommand kCommands[] = {
    {"info", "[TOPIC]", "show the state of something; without a topic, list them", info},
};

}  // namespace

std::span<const MonitorCommand> info_commands() { return kCommands; }

}  // namespace backplane::host

// SPDX-License-Identifier: MIT
// info usernet, hostfwd_add and hostfwd_remove.
#include <slirp/libslirp.h>

#include <cstdlib>

#include "backplane/error.h"
#include "backplane/machine.h"
#include "user_network.h"

namespace backplane {

namespace {

constexpr TypeMember kMembers[] = {{"id", &kText}, {"connections", &kText}};
constexpr ValueType kNetwork = record_of(kMembers);

constexpr CommandArgument kForward[] = {
    {.name = "rule", .type = &kText, .help = "a network's id, if a rule follows; or the rule"},
    {.name = "of",
     .type = &kText,
     .optional = true,
     .help = "tcp|udp:[HOSTADDRESS]:HOSTPORT[-[GUESTADDRESS]:GUESTPORT]"}};

Value query(CommandContext& context, const Arguments&) {
  const auto& network = dynamic_cast<const UserNetwork&>(*context.offering);
  return Value::Record{{"id", network.id()}, {"connections", network.connections()}};
}

std::string print(const Value& network) {
  return fmt::format("{}:\n{}", network.find("id")->as_string(),
                     network.find("connections")->as_string());
}

// The network that is named, or the first one.
UserNetwork& network_of(const CommandContext& context, const Arguments& arguments) {
  if (!arguments.has("of")) return dynamic_cast<UserNetwork&>(*context.offering);
  const std::string& id = arguments.text("rule");
  auto* const network =
      dynamic_cast<UserNetwork*>(context.machine.find(fmt::format("{}/{}", Backends::kPath, id)));
  if (network == nullptr) throw Error::of("'{}': there is no such user network", id);
  return *network;
}

std::string rule_of(const Arguments& arguments) {
  return arguments.text_or("of", arguments.text("rule"));
}

Value add(CommandContext& context, const Arguments& arguments) {
  network_of(context, arguments).add_forward(parse_port_forward(rule_of(arguments)));
  return {};
}

Value remove(CommandContext& context, const Arguments& arguments) {
  network_of(context, arguments).remove_forward(parse_host_side(rule_of(arguments)));
  return {};
}

constexpr Command kCommands[] = {
    {.name = "query-usernet",
     .help = "connections of user networks, and ports that are forwarded",
     .returns = &kNetwork,
     .run = query,
     .print = print},
    {.name = "hostfwd_add",
     .help = "forward a port of the host to the guest",
     .arguments = kForward,
     .run = add},
    {.name = "hostfwd_remove",
     .help = "forward a port no longer",
     .arguments = kForward,
     .run = remove},
};

}  // namespace

std::span<const Command> UserNetwork::commands() const { return kCommands; }

std::string UserNetwork::connections() const {
  const Entered entered(*this);
  const std::unique_ptr<char, decltype(&std::free)> text(slirp_connection_info(slirp_), &std::free);
  return text.get();
}

BACKPLANE_MONITOR_WORD("usernet", "net-user")
BACKPLANE_MONITOR_WORD("hostfwd_add", "net-user")
BACKPLANE_MONITOR_WORD("hostfwd_remove", "net-user")

}  // namespace backplane

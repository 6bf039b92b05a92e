// SPDX-License-Identifier: MIT
#include "devices/networks.h"

#include <algorithm>

#include "backplane/catalogue.h"
#include "backplane/device.h"
#include "backplane/firmware_config.h"
#include "backplane/netdev.h"
#include "report.h"

namespace backplane::host {

namespace {

constexpr const char* kUsualNetwork = "user";
constexpr std::string_view kNone = "none";

std::string nic_id(unsigned number) { return fmt::format("nic{}", number); }

std::string take_type(KeyValueList& values) {
  const std::string type = values.take("type").value_or("");
  if (type.empty()) throw Error("the type is missing: -netdev help lists those there are");
  return type;
}

void open_netdev(Backends& backends, KeyValueList values) {
  const std::string type = take_type(values);
  const auto id = values.take("id");
  if (!id) throw Error("id is missing: expects a name for netdev= of a -device");
  backends.add(kNetdevKind, type, *id, values.pairs());
}

// What goes to the device; the rest is the backend's.
ImpliedDevice take_card(const Machine& machine, KeyValueList& values, const std::string& given) {
  const MachineClass& k = machine.machine_class();
  ImpliedDevice card{given, values.take("model").value_or(k.default_nic), {}};
  if (card.driver == "virtio") card.driver = k.virtio_nic;
  if (card.driver.empty())
    throw Error::of("machine {} has no network card of its own: name one with model=",
                    machine.type_name());
  if (const auto address = values.take("mac")) card.properties.emplace_back("mac", *address);
  return card;
}

bool is_installed(const Kind& kind, const std::string& name) {
  const std::vector<CatalogueEntry> entries = catalogue(kind);
  return std::any_of(entries.begin(), entries.end(), [&](const CatalogueEntry& entry) {
    return entry.name == name && entry.type.unavailable.empty();
  });
}

// A machine that starts from its own disks is on a network, unless something was said of networks;
// one that counts instructions is not, whose runs are to be the same.
bool has_usual_card(const Machine& machine, const Configuration& asked) {
  if (asked.consoles.no_defaults || !asked.nics.empty() || !asked.netdevs.empty() || asked.icount)
    return false;
  const auto* const firmware = machine.service<FirmwareConfiguration>();
  const std::string& model = machine.machine_class().default_nic;
  return firmware != nullptr && firmware->runs_option_roms() && !model.empty() &&
         is_installed(kDeviceKind, model) && is_installed(kNetdevKind, kUsualNetwork);
}

}  // namespace

void set_no_network(Configuration& configuration, const GivenOption& option) {
  if (option.value != kNone)
    throw option.error("networks are given otherwise: use -nic TYPE, or -netdev with a -device");
  configuration.nics.push_back(&option);
}

std::vector<ImpliedDevice> open_networks(Backends& backends, const Machine& machine,
                                         const Configuration& asked) {
  for (const GivenOption* option : asked.netdevs)
    with_values(*option, [&](KeyValueList values) { open_netdev(backends, std::move(values)); });
  std::vector<ImpliedDevice> cards;
  if (has_usual_card(machine, asked)) {
    // Another one where the user has called something so.
    unsigned n = 0;
    while (backends.find(nic_id(n)) != nullptr) ++n;
    const std::string id = nic_id(n);
    backends.add(kNetdevKind, kUsualNetwork, id, {});
    cards.push_back({"-nic user", machine.machine_class().default_nic, {{"netdev", id}}});
  }
  unsigned number = 0;
  for (const GivenOption* option : asked.nics)
    with_values(*option, [&](KeyValueList values) {
      const std::string type = take_type(values);
      if (type == kNone) return values.expect_empty("nothing else with none");
      ImpliedDevice card = take_card(machine, values, option->text);
      const std::string id = values.take("id").value_or(nic_id(number));
      ++number;
      backends.add(kNetdevKind, type, id, values.pairs());
      card.properties.emplace_back("netdev", id);
      cards.push_back(std::move(card));
    });
  return cards;
}

}  // namespace backplane::host

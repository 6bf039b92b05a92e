// SPDX-License-Identifier: MIT
#include "devices/networks.h"

#include "backplane/netdev.h"
#include "report.h"

namespace backplane::host {

namespace {

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

}  // namespace

std::vector<ImpliedDevice> open_networks(Backends& backends, const Machine& machine,
                                         const Configuration& asked) {
  for (const GivenOption* option : asked.netdevs)
    with_values(*option, [&](KeyValueList values) { open_netdev(backends, std::move(values)); });
  std::vector<ImpliedDevice> cards;
  unsigned number = 0;
  for (const GivenOption* option : asked.nics)
    with_values(*option, [&](KeyValueList values) {
      const std::string type = take_type(values);
      if (type == "none") return values.expect_empty("nothing else with none");
      ImpliedDevice card = take_card(machine, values, option->text);
      const std::string id = values.take("id").value_or(fmt::format("nic{}", number));
      ++number;
      backends.add(kNetdevKind, type, id, values.pairs());
      card.properties.emplace_back("netdev", id);
      cards.push_back(std::move(card));
    });
  return cards;
}

}  // namespace backplane::host

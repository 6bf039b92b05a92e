// SPDX-License-Identifier: MIT
#include "acpi/described.h"

namespace backplane::pc {

namespace {

aml::Bytes terms_of(const Object& object) {
  const auto* const described = dynamic_cast<const AcpiDescribed*>(&object);
  return described == nullptr ? aml::Bytes() : described->acpi_terms();
}

}  // namespace

aml::Bytes acpi_terms_on(const Bus& bus) {
  std::vector<aml::Bytes> terms;
  for (const Device* const device : bus.devices()) terms.push_back(terms_of(*device));
  return aml::join(terms);
}

aml::Bytes acpi_terms_of_board(Machine& machine) {
  std::vector<aml::Bytes> terms;
  for (const auto& child : machine.find("unattached")->children()) {
    const auto* const device = dynamic_cast<const Device*>(child.get());
    if (device != nullptr && device->bus() == nullptr) terms.push_back(terms_of(*device));
  }
  return aml::join(terms);
}

}  // namespace backplane::pc

// SPDX-License-Identifier: MIT
#include "interrupts/describe.h"

#include <fmt/format.h>

namespace backplane::pc {

namespace {

u64 number(const Value& record, std::string_view name) { return record.find(name)->as_unsigned(); }

std::string print_pics(const Value& pics) {
  std::string text, counts;
  unsigned chip = 0;
  for (const Value& pic : pics.as_list()) {
    text += fmt::format(
        "8259 {}: requests={:02x} masked={:02x} in-service={:02x} level={:02x} vectors={:02x}\n",
        chip, number(pic, "requests"), number(pic, "masked"), number(pic, "in-service"),
        number(pic, "level"), number(pic, "vectors"));
    unsigned input = 8 * chip++;
    if (const Value* const list = pic.find("counts"))
      for (const Value& count : list->as_list()) {
        if (count.as_unsigned() != 0)
          counts += fmt::format("  irq {:2}: count={}\n", input, count.as_unsigned());
        ++input;
      }
  }
  return text + counts;
}

std::string print_pin(const Value& pin, u64 inputs) {
  const auto is = [&](std::string_view name) { return pin.find(name)->as_bool(); };
  const u64 input = number(pin, "pin");
  std::string text =
      fmt::format("  pin {:2}: vector={:02x} {} {} {}={:02x}{}{}", input, number(pin, "vector"),
                  is("level-triggered") ? "level" : "edge", is("masked") ? "masked" : "enabled",
                  is("logical") ? "logical" : "physical", number(pin, "destination"),
                  is("remote-irr") ? " remote-irr" : "", (inputs >> input & 1) != 0 ? " high" : "");
  if (const Value* const count = pin.find("count"))
    text += fmt::format(" count={}", count->as_unsigned());
  return text + "\n";
}

}  // namespace

std::string print_controllers(const Value& controllers) {
  std::string text =
      controllers.find("in-kernel")->as_bool() ? "interrupt controllers of the kernel\n" : "";
  text += print_pics(*controllers.find("pics"));
  const Value& ioapic = *controllers.find("ioapic");
  const u64 inputs = number(ioapic, "inputs");
  text += fmt::format("IOAPIC: id={} inputs={:06x}\n", number(ioapic, "id"), inputs);
  for (const Value& pin : ioapic.find("pins")->as_list()) text += print_pin(pin, inputs);
  return text;
}

}  // namespace backplane::pc

// SPDX-License-Identifier: MIT
#include "describe.h"

#include <fmt/format.h>

#include "backplane/x86/apic.h"

namespace backplane::x86 {

namespace {

std::string vectors_text(const Value& vectors) {
  std::string text;
  for (const Value& vector : vectors.as_list())
    text += fmt::format(" {:02x}", vector.as_unsigned());
  return text.empty() ? " none" : text;
}

}  // namespace

Value LocalApic::describe() const {
  const auto vectors = [](const VectorSet& set) {
    Value::List list;
    for (unsigned v = 0; v < 256; ++v)
      if (set.test(static_cast<u8>(v))) list.emplace_back(v);
    return list;
  };
  const Value lvt = Value::Record{{"timer", state_.lvt[kTimer]},
                                  {"lint0", state_.lvt[kLint0]},
                                  {"lint1", state_.lvt[kLint1]},
                                  {"error", state_.lvt[kError]}};
  const Value timer = Value::Record{{"initial", state_.timer_initial},
                                    {"current", timer_current()},
                                    {"divide", state_.timer_divide},
                                    {"tsc-deadline", state_.tsc_deadline}};
  return Value::Record{{"apic-id", id_},
                       {"mode", !enabled() ? "off"
                                : x2apic() ? "x2APIC"
                                           : "xAPIC"},
                       {"boot-processor", is_bsp()},
                       {"software-enabled", software_enabled()},
                       {"tpr", state_.tpr},
                       {"ppr", processor_priority()},
                       {"svr", state_.svr},
                       {"ldr", state_.ldr},
                       {"dfr", state_.dfr},
                       {"icr", state_.icr},
                       {"lvt", lvt},
                       {"timer", timer},
                       {"requested", vectors(state_.irr)},
                       {"in-service", vectors(state_.isr)}};
}

std::string print_apics(const Value& apics) {
  std::string text;
  for (const Value& apic : apics.as_list()) {
    const auto number = [](const Value& record, std::string_view name) {
      return record.find(name)->as_unsigned();
    };
    const Value& lvt = *apic.find("lvt");
    const Value& timer = *apic.find("timer");
    text += fmt::format(
        "APIC {}: {}{}{}, TPR {:02x}, PPR {:02x}, SVR {:03x}, LDR {:08x}, DFR {:08x}, ICR "
        "{:016x}\n",
        number(apic, "apic-id"), apic.find("mode")->as_string(),
        apic.find("boot-processor")->as_bool() ? ", boot processor" : "",
        apic.find("software-enabled")->as_bool() ? "" : ", software-disabled", number(apic, "tpr"),
        number(apic, "ppr"), number(apic, "svr"), number(apic, "ldr"), number(apic, "dfr"),
        number(apic, "icr"));
    text += fmt::format("  LVT: timer {:05x}, LINT0 {:05x}, LINT1 {:05x}, error {:05x}\n",
                        number(lvt, "timer"), number(lvt, "lint0"), number(lvt, "lint1"),
                        number(lvt, "error"));
    text += fmt::format("  timer: initial {}, current {}, divide {:x}, TSC deadline {}\n",
                        number(timer, "initial"), number(timer, "current"), number(timer, "divide"),
                        number(timer, "tsc-deadline"));
    text += fmt::format("  requested:{}; in service:{}\n", vectors_text(*apic.find("requested")),
                        vectors_text(*apic.find("in-service")));
  }
  return text;
}

}  // namespace backplane::x86

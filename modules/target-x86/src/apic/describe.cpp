// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include "backplane/x86/apic.h"

namespace backplane::x86 {

std::string LocalApic::describe() const {
  const auto vectors = [](const VectorSet& set) {
    std::string text;
    for (unsigned v = 0; v < 256; ++v)
      if (set.test(static_cast<u8>(v))) text += fmt::format(" {:02x}", v);
    return text.empty() ? std::string(" none") : text;
  };
  const char* mode = !enabled() ? "off" : x2apic() ? "x2APIC" : "xAPIC";
  std::string text = fmt::format(
      "APIC {}: {}{}{}, TPR {:02x}, PPR {:02x}, SVR {:03x}, LDR {:08x}, DFR {:08x}, ICR {:016x}\n",
      id_, mode, is_bsp() ? ", boot processor" : "",
      software_enabled() ? "" : ", software-disabled", state_.tpr, processor_priority(), state_.svr,
      state_.ldr, state_.dfr, state_.icr);
  text +=
      fmt::format("  LVT: timer {:05x}, LINT0 {:05x}, LINT1 {:05x}, error {:05x}\n",
                  state_.lvt[kTimer], state_.lvt[kLint0], state_.lvt[kLint1], state_.lvt[kError]);
  text +=
      fmt::format("  timer: initial {}, current {}, divide {:x}, TSC deadline {}\n",
                  state_.timer_initial, timer_current(), state_.timer_divide, state_.tsc_deadline);
  text += fmt::format("  requested:{}; in service:{}\n", vectors(state_.irr), vectors(state_.isr));
  return text;
}

}  // namespace backplane::x86

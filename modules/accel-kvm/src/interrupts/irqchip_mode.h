// SPDX-License-Identifier: MIT
// Which interrupt controllers are the kernel's: the property "kernel-irqchip".
#pragma once

#include "backplane/error.h"
#include "backplane/property.h"

namespace backplane::kvm {

enum class IrqchipMode {
  On,     // local APICs, 8259 pair, I/O APIC and 8254
  Split,  // local APICs
  Off,    // none
};

}  // namespace backplane::kvm

namespace backplane {

template <>
struct PropertyTraits<kvm::IrqchipMode> {
  static constexpr std::string_view kTypeName = "OnOffSplit";
  static kvm::IrqchipMode parse(std::string_view text) {
    if (text == "split") return kvm::IrqchipMode::Split;
    try {
      return PropertyTraits<bool>::parse(text) ? kvm::IrqchipMode::On : kvm::IrqchipMode::Off;
    } catch (const Error&) {
      throw Error("expects on, off or split");
    }
  }
  static std::string print(kvm::IrqchipMode value) {
    switch (value) {
      case kvm::IrqchipMode::On:
        return "on";
      case kvm::IrqchipMode::Split:
        return "split";
      case kvm::IrqchipMode::Off:
        break;
    }
    return "off";
  }
};

}  // namespace backplane

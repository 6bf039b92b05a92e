// SPDX-License-Identifier: MIT
// Which interrupt controllers are the kernel's: the property "kernel-irqchip".
#pragma once

#include "backplane/enumeration.h"

namespace backplane::kvm {

enum class IrqchipMode {
  On,     // local APICs, 8259 pair, I/O APIC and 8254
  Split,  // local APICs
  Off,    // none
};

}  // namespace backplane::kvm

namespace backplane {

template <>
struct EnumNames<kvm::IrqchipMode> {
  using enum kvm::IrqchipMode;
  static constexpr EnumName<kvm::IrqchipMode> kNames[] = {
      {On, "on"},        {Off, "off"},         {Split, "split"},
      {On, "yes", true}, {On, "true", true},   {On, "y", true},
      {Off, "no", true}, {Off, "false", true}, {Off, "n", true}};
};

}  // namespace backplane

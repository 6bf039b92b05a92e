// SPDX-License-Identifier: MIT
// The CPU models: one type each.
#include "../cpu/impl.h"
#include "backplane/x86/cpu.h"
#include "features.h"

namespace backplane::x86 {

namespace {

constexpr std::string_view kSuffix = "-x86-cpu";

template <Level kLevel>
class ModelCpu : public X86Cpu {
 public:
  static void class_init(X86CpuClass& k) {
    k.level = static_cast<unsigned>(kLevel);
    k.stateless();
  }
};

class HostCpu : public X86Cpu {
 public:
  static void class_init(X86CpuClass& k) {
    k.level = static_cast<unsigned>(Level::Max);
    k.is_host = true;
    k.stateless();
  }
};

using V1Cpu = ModelCpu<Level::V1>;
using V2Cpu = ModelCpu<Level::V2>;
using V3Cpu = ModelCpu<Level::V3>;
using MaxCpu = ModelCpu<Level::Max>;

BACKPLANE_TYPE(V1Cpu, "x86-64-v1-x86-cpu", .description = "x86-64 microarchitecture level 1");
BACKPLANE_TYPE(V2Cpu, "x86-64-v2-x86-cpu", .description = "x86-64 microarchitecture level 2");
BACKPLANE_TYPE(V3Cpu, "x86-64-v3-x86-cpu", .description = "x86-64 microarchitecture level 3");
BACKPLANE_TYPE(MaxCpu, "max-x86-cpu",
               .description = "every feature that the host and the emulator provide");
BACKPLANE_TYPE(HostCpu, "host-x86-cpu", .description = "the host processor itself (kvm)");

}  // namespace

std::string X86Cpu::model_name() const {
  return std::string(type_name().substr(0, type_name().size() - kSuffix.size()));
}

bool X86Cpu::is_host() const { return static_cast<const X86CpuClass&>(object_class()).is_host; }

Vendor X86Cpu::vendor() const { return is_host() ? host_vendor() : vendor_named(impl_->vendor); }

}  // namespace backplane::x86

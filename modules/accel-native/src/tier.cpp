// SPDX-License-Identifier: MIT
// "stub-native-tier": ring 3 in confined processes.
#include <sys/auxv.h>

#include "backplane/error.h"
#include "backplane/machine.h"
#include "backplane/modinfo.h"
#include "backplane/x86/host_features.h"
#include "vcpu.h"

namespace backplane::native {
namespace {

// What ring 3 finds out by trying, and no filter keeps from it.
using Flag = bool X86Cpu::Features::*;
constexpr std::pair<Flag, std::string_view> kSeenByUsers[] = {
    {&X86Cpu::Features::sse3, "sse3"},
    {&X86Cpu::Features::pclmul, "pclmulqdq"},
    {&X86Cpu::Features::ssse3, "ssse3"},
    {&X86Cpu::Features::fma, "fma"},
    {&X86Cpu::Features::cx16, "cx16"},
    {&X86Cpu::Features::sse41, "sse4.1"},
    {&X86Cpu::Features::sse42, "sse4.2"},
    {&X86Cpu::Features::movbe, "movbe"},
    {&X86Cpu::Features::popcnt, "popcnt"},
    {&X86Cpu::Features::aes, "aes"},
    {&X86Cpu::Features::xsave, "xsave"},
    {&X86Cpu::Features::avx, "avx"},
    {&X86Cpu::Features::f16c, "f16c"},
    {&X86Cpu::Features::rdrand, "rdrand"},
    {&X86Cpu::Features::fsgsbase, "fsgsbase"},
    {&X86Cpu::Features::bmi1, "bmi1"},
    {&X86Cpu::Features::bmi2, "bmi2"},
    {&X86Cpu::Features::avx2, "avx2"},
    {&X86Cpu::Features::rdseed, "rdseed"},
    {&X86Cpu::Features::adx, "adx"},
    {&X86Cpu::Features::clflushopt, "clflushopt"},
    {&X86Cpu::Features::clwb, "clwb"},
    {&X86Cpu::Features::sha, "sha-ni"},
    {&X86Cpu::Features::vaes, "vaes"},
    {&X86Cpu::Features::vpclmulqdq, "vpclmulqdq"},
    {&X86Cpu::Features::gfni, "gfni"},
    {&X86Cpu::Features::lzcnt, "lzcnt"},
    {&X86Cpu::Features::movdiri, "movdiri"},
    {&X86Cpu::Features::movdir64b, "movdir64b"},
    {&X86Cpu::Features::serialize, "serialize"}};

// What can be said of the host at once.
std::optional<std::string> host_lacks() {
#ifdef __SANITIZE_ADDRESS__
  // A stub shares this program's memory until it is another one.
  return "this program was built with AddressSanitizer";
#endif
  constexpr unsigned long kFsGsBase = 2;  // [Linux arch/x86/include/uapi/asm/hwcap2.h]
  if ((getauxval(AT_HWCAP2) & kFsGsBase) == 0)
    return "the host does not let programs set FS and GS bases (Linux 5.9 or later on a "
           "processor with FSGSBASE does)";
  return std::nullopt;
}

std::optional<std::string> try_a_stub() {
  constexpr u64 kAnywhere = u64{0x10} << 39;
  try {
    const RamBlock ram("native-probe", kPageSize);
    const StubProcess stub(kAnywhere, ram.fd(), true);
    if (SignalFrame().learn(stub, stub.first())) return std::nullopt;
    return "the host's kernel makes signal frames of an unknown kind";
  } catch (const Error& error) {
    return error.what();
  }
}

class StubTier final : public tcg::NativeTier {
 public:
  static void class_init(ObjectClass& k) { k.stateless(); }

  std::optional<std::string> unusable_reason() const override {
    const auto lack = host_lacks();
    return lack ? lack : try_a_stub();
  }

  std::optional<std::string> unusable_reason(const X86Cpu& cpu) const override {
    if (const auto lack = host_lacks()) return lack;
    const X86Cpu::Features host = x86::host_cpu_features();
    for (const auto& [flag, name] : kSeenByUsers)
      if (host.*flag && !(cpu.features().*flag))
        return fmt::format("the CPU model lacks {}, which the processor has", name);
    if (!cpu.features().avx) return "the CPU model has no AVX";
    constexpr unsigned kMostCpus = 64;
    if (const unsigned cpus = cpu.machine().config().topology.cpus(); cpus > kMostCpus)
      return fmt::format("the machine has {} CPUs, and {} may have stubs at most", cpus, kMostCpus);
    return std::nullopt;
  }

  std::unique_ptr<tcg::NativeVcpu> create_vcpu(X86Cpu& cpu, AddressSpace& memory,
                                               const Options& options) override {
    const FlatRange* largest = nullptr;
    const std::shared_ptr<const FlatView> view = memory.view();
    for (const FlatRange& range : view->ranges())
      if (range.is_ram() && !range.readonly && (largest == nullptr || range.size > largest->size))
        largest = &range;
    if (largest == nullptr) throw Error("the machine has no RAM");
    return std::make_unique<StubVcpu>(cpu, memory, *largest->block, options);
  }
};

}  // namespace
}  // namespace backplane::native

using backplane::native::StubTier;
BACKPLANE_TYPE(StubTier, "stub-native-tier",
               .description = "runs ring 3 by the processor itself, in confined processes")
BACKPLANE_MODULE("accel-native", "0.1", "Native tier of accel-tcg: ring 3 by the processor itself")

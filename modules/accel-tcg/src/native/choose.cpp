// SPDX-License-Identifier: MIT
#include "native/choose.h"

#include "backplane/catalogue.h"
#include "backplane/error.h"

namespace backplane::tcg {
namespace {

// What it is called.
constexpr std::string_view kName = "stub";

[[noreturn]] void refuse(const std::string& reason) {
  throw Error("native=on: " + reason, "use native=auto or native=off");
}

}  // namespace

NativeChoice choose_native_tier(OnOffAuto wanted, const std::optional<std::string>& unfit) {
  if (wanted == OnOffAuto::Off) return {.tier = nullptr, .reason = "switched off (native=off)"};
  if (unfit) {
    if (wanted == OnOffAuto::On) refuse(*unfit);
    return {.tier = nullptr, .reason = *unfit};
  }
  NativeChoice choice;
  try {
    choice.tier = create_object<NativeTier>(class_of_kind(kNativeTierKind, kName).name);
    if (const auto reason = choice.tier->unusable_reason()) {
      if (wanted == OnOffAuto::On) refuse(*reason);
      return {.tier = nullptr, .reason = *reason};
    }
  } catch (const Error& error) {
    // Not installed, or it cannot be loaded.
    if (wanted == OnOffAuto::On) throw;
    return {.tier = nullptr, .reason = error.what()};
  }
  return choice;
}

std::string describe_native_tier() {
  const NativeChoice choice = choose_native_tier(OnOffAuto::Auto, std::nullopt);
  return choice.tier != nullptr ? "native tier usable" : "native tier not usable: " + choice.reason;
}

std::unique_ptr<NativeVcpu> create_native_vcpu(OnOffAuto wanted, NativeChoice& choice, X86Cpu& cpu,
                                               AddressSpace& memory,
                                               const NativeTier::Options& options) {
  if (choice.tier == nullptr) return nullptr;
  if (const auto reason = choice.tier->unusable_reason(cpu)) {
    if (wanted == OnOffAuto::On) refuse(*reason);
    choice = {.tier = nullptr, .reason = *reason};
    return nullptr;
  }
  return choice.tier->create_vcpu(cpu, memory, options);
}

}  // namespace backplane::tcg

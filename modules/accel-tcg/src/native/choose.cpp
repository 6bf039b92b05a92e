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
  NativeChoice choice;
  if (wanted == OnOffAuto::Off) choice.reason = "switched off (native=off)";
  if (wanted == OnOffAuto::On && unfit) refuse(*unfit);
  if (choice.reason.empty() && unfit) choice.reason = *unfit;
  if (!choice.reason.empty()) return choice;
  try {
    choice.tier = create_object<NativeTier>(class_of_kind(kNativeTierKind, kName).name);
    if (wanted == OnOffAuto::On)
      if (const auto reason = choice.unusable_reason()) refuse(*reason);
  } catch (const Error& error) {
    // Not installed, or it cannot be loaded.
    if (wanted == OnOffAuto::On) throw;
    choice.reason = error.what();
  }
  return choice;
}

std::optional<std::string> NativeChoice::unusable_reason() const {
  if (tier == nullptr) return reason;
  if (!tried_) tried_ = tier->unusable_reason();
  return *tried_;
}

std::string describe_native_tier() {
  const NativeChoice choice = choose_native_tier(OnOffAuto::Auto, std::nullopt);
  const auto reason = choice.unusable_reason();
  return reason ? "native tier not usable: " + *reason : "native tier usable";
}

std::unique_ptr<NativeVcpu> create_native_vcpu(OnOffAuto wanted, NativeChoice& choice, X86Cpu& cpu,
                                               AddressSpace& memory,
                                               const NativeTier::Options& options) {
  if (choice.tier == nullptr) return nullptr;
  if (const auto reason = choice.tier->unusable_reason(cpu)) {
    if (wanted == OnOffAuto::On) refuse(*reason);
    choice.tier = nullptr;
    choice.reason = *reason;
    return nullptr;
  }
  return choice.tier->create_vcpu(cpu, memory, options);
}

}  // namespace backplane::tcg

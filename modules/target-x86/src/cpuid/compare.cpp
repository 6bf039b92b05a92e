// SPDX-License-Identifier: MIT
// The CPU model's features beside what an accelerator shows the guest, and what the user took away.
#include "../cpu/impl.h"

namespace backplane::x86 {

namespace {

// Where CPUID has a word of features.
struct Place {
  u32 leaf, subleaf;
  u32 CpuidResult::*reg;
};

Place place_of(FeatureWord word) {
  using W = FeatureWord;
  using R = CpuidResult;
  switch (word) {
    case W::Leaf1Ecx:
      return {0x1, 0, &R::ecx};
    case W::Leaf1Edx:
      return {0x1, 0, &R::edx};
    case W::Leaf6Eax:
      return {0x6, 0, &R::eax};
    case W::Leaf7Ebx:
      return {0x7, 0, &R::ebx};
    case W::Leaf7Ecx:
      return {0x7, 0, &R::ecx};
    case W::Leaf7Edx:
      return {0x7, 0, &R::edx};
    case W::Leaf7Sub1Eax:
      return {0x7, 1, &R::eax};
    case W::LeafDSub1Eax:
      return {0xd, 1, &R::eax};
    case W::Leaf80000001Ecx:
      return {0x80000001, 0, &R::ecx};
    case W::Leaf80000001Edx:
      return {0x80000001, 0, &R::edx};
    case W::Leaf80000007Edx:
    case W::Count:
      break;
  }
  return {0x80000007, 0, &R::edx};
}

}  // namespace

std::vector<CpuidDifference> X86Cpu::compare_features(
    const std::function<CpuidResult(u32 leaf, u32 subleaf)>& shown) const {
  const bool model_promises =
      static_cast<const X86CpuClass&>(object_class()).level < static_cast<unsigned>(Level::Max);
  std::vector<CpuidDifference> differences;
  const auto table = all_features();
  for (std::size_t i = 0; i < table.size(); ++i) {
    const Place place = place_of(table[i].word);
    const bool is_shown = (shown(place.leaf, place.subleaf).*place.reg >> table[i].bit & 1) != 0;
    if (impl_->enabled[i] == is_shown) continue;
    const bool asked = impl_->asked_on[i] || impl_->asked_off[i];
    differences.push_back({std::string(table[i].name), is_shown, model_promises || asked});
  }
  return differences;
}

void X86Cpu::note_shown(const std::vector<CpuidDifference>& differences) {
  for (const CpuidDifference& d : differences)
    impl_->shown[static_cast<std::size_t>(find_feature(d.name))] = d.shown;
}

CpuidResult X86Cpu::switched_off(u32 leaf, u32 subleaf) const {
  CpuidResult bits;
  const auto table = all_features();
  for (std::size_t i = 0; i < table.size(); ++i) {
    const Place place = place_of(table[i].word);
    if (impl_->asked_off[i] && place.leaf == leaf && place.subleaf == subleaf)
      bits.*place.reg |= 1u << table[i].bit;
  }
  return bits;
}

}  // namespace backplane::x86

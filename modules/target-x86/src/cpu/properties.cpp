// SPDX-License-Identifier: MIT
// Properties of a CPU: its identity, and one boolean for each feature.
#include <cpuid.h>

#include <algorithm>
#include <utility>

#include "backplane/x86/apic.h"
#include "backplane/x86/cpu.h"
#include "impl.h"

namespace backplane::x86 {

namespace {

unsigned level_of(const X86Cpu& cpu) {
  return static_cast<const X86CpuClass&>(cpu.object_class()).level;
}

template <std::size_t Index>
Property feature_property() {
  Property row;
  row.name = std::string(all_features()[Index].name);
  row.type_name = "bool";
  row.description = "CPU feature";
  row.get = [](const Object& object) {
    const auto& cpu = static_cast<const X86Cpu&>(object);
    const FeatureSet set = X86Cpu::Impl::of(cpu).effective_features(level_of(cpu));
    return PropertyTraits<bool>::print(set[Index]);
  };
  row.set = [](Object& object, std::string_view text) {
    const bool on = PropertyTraits<bool>::parse(text);
    X86Cpu::Impl& impl = X86Cpu::Impl::of(static_cast<X86Cpu&>(object));
    impl.asked_on[Index] = on;
    impl.asked_off[Index] = !on;
  };
  return row;
}

template <std::size_t... Index>
void add_feature_properties(X86CpuClass& k, std::index_sequence<Index...>) {
  (k.property(feature_property<Index>()), ...);
}

template <auto Member, u32 Max>
Property number_property(std::string name, std::string description) {
  Property row;
  row.name = std::move(name);
  row.type_name = "uint32";
  row.description = std::move(description);
  row.get = [](const Object& object) {
    return std::to_string(X86Cpu::Impl::of(static_cast<const X86Cpu&>(object)).*Member);
  };
  row.set = [](Object& object, std::string_view text) {
    X86Cpu::Impl::of(static_cast<X86Cpu&>(object)).*Member =
        static_cast<u32>(parse_unsigned(text, 0, Max));
  };
  return row;
}

Property vendor_property() {
  Property row;
  row.name = "vendor";
  row.type_name = "str";
  row.description = "12 characters that CPUID leaf 0 gives";
  row.get = [](const Object& object) {
    return X86Cpu::Impl::of(static_cast<const X86Cpu&>(object)).vendor;
  };
  row.set = [](Object& object, std::string_view text) {
    if (text.size() != 12) throw Error("expects 12 characters");
    X86Cpu::Impl::of(static_cast<X86Cpu&>(object)).vendor = text;
  };
  return row;
}

Property model_id_property() {
  Property row;
  row.name = "model-id";
  row.type_name = "str";
  row.description = "processor name, at most 47 characters";
  row.get = [](const Object& object) {
    return X86Cpu::Impl::of(static_cast<const X86Cpu&>(object)).model_id;
  };
  row.set = [](Object& object, std::string_view text) {
    if (text.size() > 47) throw Error("expects at most 47 characters");
    X86Cpu::Impl::of(static_cast<X86Cpu&>(object)).model_id = text;
  };
  return row;
}

Property physical_bits_property() {
  Property row = number_property<&X86Cpu::Impl::physical_bits, 52>(
      "phys-bits", "bits of a physical address, 36 to 52");
  row.set = [](Object& object, std::string_view text) {
    X86Cpu::Impl::of(static_cast<X86Cpu&>(object)).physical_bits =
        static_cast<u32>(parse_unsigned(text, 36, 52));
  };
  return row;
}

}  // namespace

void X86Cpu::class_init(X86CpuClass& k) {
  k.state<&X86Cpu::state_>(1, "registers");
  k.state<&X86Cpu::apic_>(1, "apic");
  k.state<&X86Cpu::saved_>(
      1, {member<&Saved::sipi_vector>("sipi_vector"),
          member<&Saved::nmis>("nmis", within(0, kMostNmis)), member<&Saved::ferr>("ferr"),
          member<&Saved::ignne>("ignne"), member<&Saved::tsc_adjustment>("tsc_adjustment"),
          member<&Saved::tsc_frequency>("tsc_frequency"),
          member<&Saved::apic_timer_frequency>("apic_timer_frequency"),
          member<&Saved::features>("features", up_to(64)),
          member<&Saved::stored_msrs>("stored_msrs", up_to(512)),
          member<&Saved::accelerator_msrs>("accelerator_msrs", up_to(4096))});
  k.property(vendor_property());
  k.property(model_id_property());
  k.property(number_property<&Impl::family, 270>("family", "processor family"));
  k.property(number_property<&Impl::model, 255>("model", "processor model"));
  k.property(number_property<&Impl::stepping, 15>("stepping", "processor stepping"));
  k.property(physical_bits_property());
  add_feature_properties(k, std::make_index_sequence<kFeatureCount>());
}

BACKPLANE_REGISTER_ABSTRACT(X86Cpu, .description = "x86-64 CPU");

void X86Cpu::set_property(std::string_view name, std::string_view value) {
  const int feature = find_feature(name);
  Cpu::set_property(feature < 0 ? name : all_features()[static_cast<std::size_t>(feature)].name,
                    value);
}

u32 X86Cpu::Impl::signature() const {
  const u32 base_family = std::min(family, 15u);
  const u32 extended_family = family - base_family;
  return (extended_family << 20) | ((model >> 4) << 16) | (base_family << 8) | ((model & 15) << 4) |
         stepping;
}

// [SDM 2A "CPUID-CPU Identification": leaves 0 and 1]
void X86Cpu::take_host_identity() {
  u32 eax = 0, ebx = 0, ecx = 0, edx = 0;
  __get_cpuid(0, &eax, &ebx, &ecx, &edx);
  Impl& m = *impl_;
  m.vendor.clear();
  for (const u32 word : {ebx, edx, ecx})
    m.vendor.append(reinterpret_cast<const char*>(&word), sizeof word);
  __get_cpuid(1, &eax, &ebx, &ecx, &edx);
  const u32 base_family = eax >> 8 & 15, base_model = eax >> 4 & 15;
  const bool extended = base_family == 15;
  m.family = base_family + (extended ? eax >> 20 & 0xff : 0);
  m.model = base_model | (extended || base_family == 6 ? eax >> 12 & 0xf0 : 0);
  m.stepping = eax & 15;
}

FeatureSet X86Cpu::Impl::effective_features(unsigned level) const {
  const FeatureSet& host = host_features();
  const auto table = all_features();
  FeatureSet set;
  for (std::size_t i = 0; i < table.size(); ++i)
    set[i] = static_cast<unsigned>(table[i].level) <= level && (!table[i].needs_host || host[i]);
  if (!host_x87) {
    // FCS and FDS read as zero; FDP follows every operand.
    set.set(static_cast<std::size_t>(find_feature("zero-fcs-fds")));
    set.reset(static_cast<std::size_t>(find_feature("fdp-excptn-only")));
  }
  set = (set | asked_on) & ~asked_off;
  drop_unsupported_dependents(set);
  return set;
}

void X86Cpu::Impl::check_host(unsigned level, const std::string& type) const {
  const FeatureSet& host = host_features();
  const auto table = all_features();
  std::string missing;
  for (std::size_t i = 0; i < table.size(); ++i) {
    const Feature& f = table[i];
    if (!f.needs_host || host[i] || asked_off[i]) continue;
    const bool part_of_model =
        static_cast<unsigned>(f.level) <= level && f.level != Level::Max && f.member != nullptr;
    if (!asked_on[i] && !part_of_model) continue;
    if (!missing.empty()) missing += ", ";
    missing += f.name;
  }
  if (!missing.empty())
    throw Error(fmt::format("{}: the host processor does not have {}", type, missing),
                "choose a lesser CPU model, or switch these features off (-cpu MODEL,-FEATURE)");
}

}  // namespace backplane::x86

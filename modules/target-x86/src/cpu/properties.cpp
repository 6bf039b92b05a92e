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

const X86Cpu::Impl& impl_of(const Object& object) {
  return X86Cpu::Impl::of(static_cast<const X86Cpu&>(object));
}
X86Cpu::Impl& impl_of(Object& object) { return X86Cpu::Impl::of(static_cast<X86Cpu&>(object)); }

Value get_feature(const Object& object, const Property& row) {
  const auto& cpu = static_cast<const X86Cpu&>(object);
  return bool{impl_of(cpu).effective_features(
      level_of(cpu))[static_cast<std::size_t>(find_feature(row.name))]};
}

void set_feature(Object& object, const Property& row, const Value& value) {
  const bool on = from_value<bool>(value);
  const auto index = static_cast<std::size_t>(find_feature(row.name));
  impl_of(object).asked_on[index] = on;
  impl_of(object).asked_off[index] = !on;
}

void add_feature_properties(X86CpuClass& k) {
  for (const Feature& feature : all_features()) {
    Property row = property_row<bool>(std::string(feature.name), "CPU feature");
    row.get = get_feature;
    row.set = set_feature;
    k.property(std::move(row));
  }
}

template <auto Member, u32 Min, u32 Max>
Property number_property(std::string name, std::string description) {
  Property row = property_row<u32>(std::move(name), std::move(description));
  row.get = [](const Object& object, const Property&) -> Value { return impl_of(object).*Member; };
  row.set = [](Object& object, const Property&, const Value& value) {
    impl_of(object).*Member = static_cast<u32>(parse_unsigned(scalar_text(value), Min, Max));
  };
  return row;
}

Property vendor_property() {
  Property row = property_row<std::string>("vendor", "12 characters that CPUID leaf 0 gives");
  row.get = [](const Object& object, const Property&) -> Value { return impl_of(object).vendor; };
  row.set = [](Object& object, const Property&, const Value& value) {
    std::string text = scalar_text(value);
    if (text.size() != 12) throw Error("expects 12 characters");
    impl_of(object).vendor = std::move(text);
  };
  return row;
}

Property model_id_property() {
  Property row = property_row<std::string>("model-id", "processor name, at most 47 characters");
  row.get = [](const Object& object, const Property&) -> Value { return impl_of(object).model_id; };
  row.set = [](Object& object, const Property&, const Value& value) {
    std::string text = scalar_text(value);
    if (text.size() > 47) throw Error("expects at most 47 characters");
    impl_of(object).model_id = std::move(text);
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
  k.property(number_property<&Impl::family, 0, 270>("family", "processor family"));
  k.property(number_property<&Impl::model, 0, 255>("model", "processor model"));
  k.property(number_property<&Impl::stepping, 0, 15>("stepping", "processor stepping"));
  k.property(number_property<&Impl::physical_bits, 36, 52>("phys-bits",
                                                           "bits of a physical address, 36 to 52"));
  add_feature_properties(k);
}

BACKPLANE_REGISTER_ABSTRACT(X86Cpu, .description = "x86-64 CPU");

void X86Cpu::set_value(std::string_view name, const Value& value) {
  const int feature = find_feature(name);
  Cpu::set_value(feature < 0 ? name : all_features()[static_cast<std::size_t>(feature)].name,
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
  __cpuid(0, eax, ebx, ecx, edx);
  Impl& m = *impl_;
  m.vendor.clear();
  for (const u32 word : {ebx, edx, ecx})
    m.vendor.append(reinterpret_cast<const char*>(&word), sizeof word);
  __cpuid(1, eax, ebx, ecx, edx);
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

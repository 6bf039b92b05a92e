// SPDX-License-Identifier: MIT
#include "interrupts/interrupt_controllers.h"

#include <utility>

#include "backplane/machine.h"
#include "backplane/x86/cpu.h"
#include "interrupts/describe.h"

namespace backplane::pc {

InterruptControllers::~InterruptControllers() = default;

void InterruptControllers::class_init(DeviceClass& k) {
  using Self = InterruptControllers;
  k.state<&Self::pics_>(1, "8259");
  k.state<&Self::ioapic_>(1, "ioapic");
  k.state<&Self::wires_>(1, "wires");
}

std::span<const StateMember> InterruptControllers::Source::members() {
  static const StateMember kMembers[] = {member<&Source::level>("level"),
                                         member<&Source::passed>("passed")};
  return kMembers;
}

std::span<const StateMember> InterruptControllers::Wires::members() {
  static const StateMember kMembers[] = {member<&Wires::sources>("sources"),
                                         member<&Wires::legacy_replacement>("legacy_replacement")};
  return kMembers;
}

void InterruptControllers::realize() {
  platform_ = x86::PlatformInterrupts::of(machine());
  if (platform_ != nullptr) chipset_ = platform_->chipset();
  pics_ = std::make_unique<PicPair>(x86::ApicBus::of(machine()).pic_interrupt_line());
  if (chipset_ != nullptr) {
    ioapic_ = std::make_unique<IoApic>(IoApic::Deliver());
    pic_inputs_ = &chipset_->pic();
    ioapic_inputs_ = &chipset_->ioapic();
  } else {
    make_controllers();
  }
  machine().provide(*this);
}

std::vector<IrqPins::Inputs> InterruptControllers::irq_inputs() {
  return {{"ioapic", ioapic_inputs_, IoApic::kInputs}, {"pic", pic_inputs_, kPicInputs}};
}

std::vector<IrqPins::Output> InterruptControllers::irq_outputs() {
  return {{"pic", x86::ApicBus::of(machine()).pic_interrupt_line()}};
}

void InterruptControllers::make_controllers() {
  x86::ApicBus& apics = x86::ApicBus::of(machine());
  ioapic_ = std::make_unique<IoApic>(
      [this](const IoApic::Message& message) {
        x86::deliver_msi(machine(), message.address, message.data);
      },
      [this] { ioapic_changed(); });
  pic_inputs_ = pics_.get();
  ioapic_inputs_ = ioapic_.get();
  apics.add_eoi_listener(*this);
  // Where the local APICs were the kernel's, which it told of an end only when the processor went
  // on, it was not told of those before the machine was saved.
  run_state_ = machine().run_control().on_change([this](bool running) {
    if (running && std::exchange(was_loaded_, false))
      ioapic_->end_of_interrupts_but([this](u8 vector) { return has_interrupt(vector); });
  });

  using Self = InterruptControllers;
  map_ports("pic", 0x20, MmioHandler::of<&Self::read_pic<0>, &Self::write_pic<0>>(*this));
  map_ports("pic2", 0xa0, MmioHandler::of<&Self::read_pic<1>, &Self::write_pic<1>>(*this));
  map_ports("elcr", 0x4d0, MmioHandler::of<&Self::read_elcr, &Self::write_elcr>(*this));
  regions_.push_back(
      MemoryRegion::mmio("ioapic", IoApic::kWindowSize,
                         MmioHandler::of<&IoApic::read, &IoApic::write>(*ioapic_).sizes(4, 4)));
  machine().memory_root().add_subregion(IoApic::kDefaultAddress, *regions_.back());
}

// The accelerator has to know what to report the end of.
void InterruptControllers::ioapic_changed() {
  if (platform_ == nullptr || chipset_ != nullptr || ioapic_ == nullptr) return;
  std::vector<x86::PlatformInterrupts::IoApicMessage> messages;
  for (unsigned input = 0; input < IoApic::kInputs; ++input)
    if (const auto message = ioapic_->message(input))
      messages.push_back({input, message->address, message->data});
  platform_->ioapic_changed(messages);
}

void InterruptControllers::unrealize() {
  run_state_.end();
  if (ioapic_ && chipset_ == nullptr) x86::ApicBus::of(machine()).remove_eoi_listener(*this);
  regions_.clear();
  ioapic_.reset();
  pics_.reset();
}

void InterruptControllers::reset() {
  Device::reset();
  if (chipset_ != nullptr) chipset_->reset_controllers();
}

void InterruptControllers::saving() {
  Device::saving();
  if (chipset_ == nullptr) return;
  x86::ControllerRegisters registers = chipset_->controllers();
  registers.ioapic.levels = 0;
  for (unsigned input = 0; input < IoApic::kInputs; ++input)
    if (ioapic_asserted_[input] != 0) registers.ioapic.levels |= u32{1} << input;
  pics_->set_registers(registers.pics);
  ioapic_->set_registers(registers.ioapic);
}

// How many lines assert an input follows from the lines; whoever drives one drives it as it is.
void InterruptControllers::loaded() {
  Device::loaded();
  pic_asserted_ = {};
  ioapic_asserted_ = {};
  for (const Source& source : wires_.sources) {
    if (!source.passed) continue;
    if (source.pic >= 0) ++pic_asserted_[static_cast<unsigned>(source.pic)];
    if (source.ioapic >= 0) ++ioapic_asserted_[static_cast<unsigned>(source.ioapic)];
  }
  if (chipset_ == nullptr) {
    pics_->loaded();
    was_loaded_ = true;
    return ioapic_changed();
  }
  chipset_->set_controllers({pics_->registers(), ioapic_->registers()});
  chipset_->set_timer_cut_off(wires_.legacy_replacement);
  pics_->let_go();
}

bool InterruptControllers::has_interrupt(u8 vector) const {
  for (Cpu* const cpu : machine().cpus()) {
    x86::LocalApic& apic = dynamic_cast<x86::X86Cpu&>(*cpu).apic();
    for (const unsigned first : {unsigned{x86::LocalApic::kIrr}, unsigned{x86::LocalApic::kIsr}})
      if ((apic.read_page(first + vector / 32u) >> vector % 32 & 1) != 0) return true;
  }
  return false;
}

void InterruptControllers::set_level_triggered(unsigned irq) {
  if (chipset_ != nullptr) return chipset_->set_level_triggered(irq);
  const u8 old = pics_->read_elcr(irq / 8);
  pics_->write_elcr(irq / 8, static_cast<u8>(old | 1u << irq % 8));
}

void InterruptControllers::map_ports(const char* name, u64 base, const MmioHandler& handler) {
  regions_.push_back(MemoryRegion::mmio(name, 2, handler.sizes(1, 1)));
  machine().io_root().add_subregion(base, *regions_.back());
}

void InterruptControllers::connect_cpu(x86::X86Cpu& boot_processor) {
  boot_processor.set_pic_acknowledge([this] { return static_cast<int>(pics_->acknowledge()); });
}

// --- wires ------------------------------------------------------------------------------------

IrqLine InterruptControllers::new_line(int pic, int ioapic, bool replaceable) {
  wires_.sources.push_back({pic, ioapic, replaceable, false, false});
  return IrqLine(*this, static_cast<unsigned>(wires_.sources.size() - 1));
}

IrqLine InterruptControllers::isa_irq(unsigned number) {
  const int input = static_cast<int>(number);
  return new_line(input, number == 0 ? kTimerPin : input, number == 0 || number == 8);
}

IrqLine InterruptControllers::legacy_timer_line(unsigned irq) {
  const int input = static_cast<int>(irq);
  return new_line(input, irq == 0 ? kTimerPin : input, false);
}

void InterruptControllers::set_legacy_replacement(bool on) {
  wires_.legacy_replacement = on;
  if (chipset_ != nullptr) chipset_->set_timer_cut_off(on);
  for (Source& source : wires_.sources)
    if (source.replaceable) pass(source);
}

void InterruptControllers::set_irq(unsigned source, bool level) {
  wires_.sources[source].level = level;
  pass(wires_.sources[source]);
}

void InterruptControllers::pass(Source& source) {
  const bool level = source.level && !(source.replaceable && wires_.legacy_replacement);
  if (level == source.passed) return;
  source.passed = level;
  trace_("8259 input {}, I/O APIC pin {}: {}", source.pic, source.ioapic, level ? "up" : "down");
  // Only the first line to rise and the last one to fall change the input.
  const auto changes = [level](unsigned& asserted) {
    return level ? asserted++ == 0 : --asserted == 0;
  };
  if (source.pic >= 0 && changes(pic_asserted_[static_cast<unsigned>(source.pic)]))
    pic_inputs_->drive(static_cast<unsigned>(source.pic), level);
  if (source.ioapic >= 0 && changes(ioapic_asserted_[static_cast<unsigned>(source.ioapic)]))
    ioapic_inputs_->drive(static_cast<unsigned>(source.ioapic), level);
}

bool InterruptControllers::edge_pending(unsigned pin) const {
  if (chipset_ != nullptr) return false;
  // Who stands in front of a controller takes everything at once.
  if (pic_inputs_->observer() != nullptr || ioapic_inputs_->observer() != nullptr) return false;
  if (const std::optional<u8> vector = ioapic_->edge_vector(pin); vector && platform_ == nullptr)
    for (Cpu* const cpu : machine().cpus()) {
      x86::LocalApic& apic = dynamic_cast<x86::X86Cpu&>(*cpu).apic();
      const u32 requests = apic.read_page(x86::LocalApic::kIrr + *vector / 32u);
      if ((requests >> *vector % 32 & 1) != 0) return true;
    }
  return pin < 16 && pics_->edge_pending(pin == kTimerPin ? 0 : pin);
}

// --- ports ------------------------------------------------------------------------------------

template <unsigned Chip>
u64 InterruptControllers::read_pic(u64 offset, unsigned /*size*/) {
  return pics_->read(Chip, static_cast<unsigned>(offset));
}
template <unsigned Chip>
void InterruptControllers::write_pic(u64 offset, u64 value, unsigned /*size*/) {
  pics_->write(Chip, static_cast<unsigned>(offset), static_cast<u8>(value));
}
u64 InterruptControllers::read_elcr(u64 offset, unsigned /*size*/) {
  return pics_->read_elcr(static_cast<unsigned>(offset));
}
void InterruptControllers::write_elcr(u64 offset, u64 value, unsigned /*size*/) {
  pics_->write_elcr(static_cast<unsigned>(offset), static_cast<u8>(value));
}

Value InterruptControllers::describe_controllers() const {
  Value::Record record{{"in-kernel", chipset_ != nullptr}};
  const Value chips = chipset_ != nullptr ? chipset_->describe_chips()
                                          : Value::Record{{"pics", pics_->describe()},
                                                          {"ioapic", ioapic_->describe()}};
  for (const Value::Field& field : chips.as_record()) record.push_back(field);
  return record;
}

std::span<const Command> InterruptControllers::commands() const {
  static constexpr Command kCommands[] = {
      {.name = "query-irq",
       .help = "the interrupt controllers of the board",
       .returns = &kControllers,
       .run = [](CommandContext& context, const Arguments&) -> Value {
         return dynamic_cast<InterruptControllers&>(*context.offering).describe_controllers();
       },
       .print = print_controllers}};
  return kCommands;
}

BACKPLANE_REGISTER(InterruptControllers, .board_only = true, .description = "8259 pair and IOAPIC")

}  // namespace backplane::pc

// SPDX-License-Identifier: MIT
// Local APICs and the bus between them, IOAPICs and message-signalled interrupts.
// [SDM 3A "Advanced Programmable Interrupt Controller (APIC)"]
//
// Everything here is called with the machine lock held unless it says otherwise.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <vector>

#include "backplane/clock.h"
#include "backplane/command.h"
#include "backplane/device.h"
#include "backplane/irq.h"
#include "backplane/memory.h"
#include "backplane/types.h"
#include "backplane/x86/platform_interrupts.h"
#include "backplane/x86/version.h"

namespace backplane {
class Machine;
}

namespace backplane::x86 {

class X86Cpu;
class ApicBus;
class GuestTsc;

// Delivery modes of IOAPIC entries, MSI data and the ICR. [SDM 3A "Message Data Register Format"]
enum class DeliveryMode : u8 {
  Fixed = 0,
  LowestPriority = 1,
  Smi = 2,
  Nmi = 4,
  Init = 5,
  Startup = 6,
  ExtInt = 7,
};

// One interrupt message on its way to local APICs.
struct InterruptMessage {
  u32 destination = 0;   // APIC id, or a logical destination
  bool logical = false;  // destination mode
  DeliveryMode mode = DeliveryMode::Fixed;
  u8 vector = 0;
  bool level_triggered = false;  // its EOI is reported to IOAPICs
};

// Whether a device's write to an address is an interrupt message.
constexpr bool is_msi_address(u64 address) { return address >> 20 == 0xfee; }
// What a write of `data` to `address` (0xfee00000 to 0xfeefffff) by a device means.
// [SDM 3A "Message Signalled Interrupts"]
InterruptMessage decode_msi(u64 address, u32 data);
// The write that means this message, whose destination has 8 bits.
struct MsiWrite {
  u64 address;
  u32 data;
};
MsiWrite encode_msi(const InterruptMessage& message);

// Delivers a message to the CPUs of a machine. A message that addresses nobody is dropped.
void deliver_interrupt(Machine& machine, const InterruptMessage& message);
// The same for a message-signalled interrupt: what a PCI function's MSI or MSI-X does.
void deliver_msi(Machine& machine, u64 address, u32 data);

// An interrupt controller that sends level-triggered messages and wants to know when a CPU is
// done with one.
class IoApicEoi {
 public:
  virtual void end_of_interrupt(u8 vector) = 0;

 protected:
  ~IoApicEoi() = default;
};

// The local APIC of one CPU: xAPIC page and x2APIC registers.
class LocalApic {
 public:
  // Register numbers: xAPIC offset / 16, x2APIC MSR - 0x800. [SDM 3A "Local APIC Register Address
  // Map"]
  enum Register : u8 {
    kId = 0x02,
    kVersion = 0x03,
    kTpr = 0x08,
    kApr = 0x09,
    kPpr = 0x0a,
    kEoi = 0x0b,
    kRrd = 0x0c,
    kLdr = 0x0d,
    kDfr = 0x0e,
    kSvr = 0x0f,
    kIsr = 0x10,
    kTmr = 0x18,
    kIrr = 0x20,
    kEsr = 0x28,
    kLvtCmci = 0x2f,
    kIcrLow = 0x30,
    kIcrHigh = 0x31,
    kLvtTimer = 0x32,
    kLvtThermal = 0x33,
    kLvtPerformance = 0x34,
    kLvtLint0 = 0x35,
    kLvtLint1 = 0x36,
    kLvtError = 0x37,
    kTimerInitial = 0x38,
    kTimerCurrent = 0x39,
    kTimerDivide = 0x3e,
    kSelfIpi = 0x3f
  };
  // IA32_APIC_BASE. [SDM 3A "Local APIC Status and Location"]
  static constexpr u64 kBaseAddress = 0xfee00000, kBaseBsp = 1u << 8, kBaseX2apic = 1u << 10,
                       kBaseEnable = 1u << 11;
  // Input clock of our timer (before the divider), in Hz: the crystal of CPUID leaf 15h. Firmware
  // that does not measure it (OVMF) counts on the rate that KVM's has.
  static constexpr u64 kTimerFrequency = 1'000'000'000;

  LocalApic(X86Cpu& cpu, ApicBus& bus, u32 id);
  ~LocalApic();
  LocalApic(const LocalApic&) = delete;
  LocalApic& operator=(const LocalApic&) = delete;

  u32 id() const { return id_; }
  // Of its timer, whosever it is.
  u64 timer_frequency() const;
  bool is_bsp() const { return (state_.base & kBaseBsp) != 0; }

  // Power-on state; the boot processor's LINT0 is left in virtual-wire mode, as firmware would
  // leave it. [MP 1.4 "Virtual Wire Mode"]
  void reset();
  // INIT: everything but the APIC id and IA32_APIC_BASE.
  void init_reset();
  static std::span<const StateMember> members();
  // To be called when its state was loaded; throws Error at what no APIC can be. `tsc`: what the
  // guest's time-stamp counter goes on from.
  void loaded(u64 tsc);

  // A 4-byte access to the xAPIC page; `number` is offset / 16.
  u32 read_page(unsigned number);
  void write_page(unsigned number, u32 value);

  // x2APIC MSRs (index - 0x800). False: #GP.
  bool read_msr(unsigned number, u64& value);
  bool write_msr(unsigned number, u64 value);

  u64 base() const { return state_.base; }
  // False: #GP (reserved bits, invalid transition).
  bool set_base(u64 value);
  bool enabled() const { return (state_.base & kBaseEnable) != 0; }
  bool x2apic() const { return (state_.base & kBaseX2apic) != 0; }
  // Whether its registers are a page of memory, and where that is.
  bool has_page() const { return enabled() && !x2apic(); }
  u64 page_address() const;

  // CR8: bits 7:4 of the task priority.
  u8 task_priority_class() const { return static_cast<u8>(state_.tpr >> 4); }
  void set_task_priority_class(u8 value);

  u64 tsc_deadline() const;
  void set_tsc_deadline(u64 value);

  // True if the APIC is what a message addresses.
  bool matches(const InterruptMessage& message) const;
  void accept(const InterruptMessage& message);
  // Lower is better: arbitration of lowest-priority delivery.
  unsigned arbitration_priority() const;

  // Level of the local interrupt pins.
  void set_lint(unsigned pin, bool level);

  // The vector to deliver now, moved from IRR to ISR; kPicInterrupt: the 8259 is to be asked;
  // kNone: nothing.
  static constexpr int kNone = -1, kPicInterrupt = -2;
  int acknowledge();
  // Whether acknowledge() would give something.
  bool has_interrupt() const;

  // --- where the accelerator runs the local APICs: a mirror of its state ------------------------
  // The registers, as they are (after reset: those of power-on).
  ApicPage page() const;
  // Takes over IA32_APIC_BASE and the registers from the accelerator.
  void load_page(u64 base, const ApicPage& page, u64 tsc_deadline = 0);
  // Whether the NMI pin gets through. [SDM 3A "Local Vector Table": LINT1]
  bool lint1_delivers_nmi() const;

  // Its registers, for query-lapic.
  Value describe() const;

 private:
  friend class ApicBus;
  class VectorSet {
   public:
    bool test(u8 v) const { return ((words_[v >> 5] >> (v & 31)) & 1u) != 0; }
    void set(u8 v) { words_[v >> 5] |= 1u << (v & 31); }
    void clear(u8 v) { words_[v >> 5] &= ~(1u << (v & 31)); }
    void clear_all() { words_.fill(0); }
    u32 word(unsigned i) const { return words_[i]; }
    void set_word(unsigned i, u32 word) { words_[i] = word; }
    int highest() const;
    static std::span<const StateMember> members();

   private:
    std::array<u32, 8> words_{};
  };
  // The first of them in the order of their registers.
  enum Lvt : u8 { kTimer, kThermal, kPerformance, kLint0, kLint1, kError, kCmci, kLvtCount };
  struct State {
    u64 base = 0;
    u32 tpr = 0, ldr = 0, dfr = ~0u, svr = 0xff;
    u32 esr = 0, pending_errors = 0;
    u64 icr = 0;
    std::array<u32, kLvtCount> lvt = all_masked();
    std::array<bool, 2> lint{};
    VectorSet irr, isr, tmr;
    u32 timer_initial = 0, timer_divide = 0;
    bool timer_counts = false;  // no one-shot count has ended since the initial count was written
    i64 timer_start = 0;        // virtual time at which the count was the initial count
    u64 tsc_deadline = 0;
    bool external_pending = false;  // an ExtINT message: the 8259 is to be asked
    bool requested = false;         // kRequestHard is set because of this APIC
    static std::span<const StateMember> members();
  };
  static constexpr std::array<u32, kLvtCount> all_masked() {
    std::array<u32, kLvtCount> entries;
    entries.fill(1u << 16);
    return entries;
  }
  static constexpr unsigned kLvtTableLength = kError + 1;
  static constexpr u32 kVersionValue = 0x14 | (5u << 16);  // integrated APIC, six LVT entries

  bool software_enabled() const { return (state_.svr & 0x100) != 0; }
  bool pic_deliverable() const;
  u8 processor_priority() const;
  bool read_register(unsigned number, u32& value);
  bool write_register(unsigned number, u32 value);
  void write_lvt(Lvt which, u32 value);
  void write_icr(u64 value);
  void raise_vector(u8 vector, bool level);
  void end_of_interrupt();
  void report_error(u32 bits);
  void deliver_local(Lvt which);
  void update();
  void clear_registers();

  static constexpr unsigned kTimerModeShift = 17;
  unsigned timer_mode() const { return (state_.lvt[kTimer] >> kTimerModeShift) & 3; }
  u64 timer_hertz() const;
  i64 timer_tick_ns(u64 ticks) const;
  u32 timer_count(i64 now) const;
  u32 timer_current() const;
  void start_timer(u32 count);
  void continue_timer(u32 count, i64 now);
  void arm_timer(i64 now);
  void stop_timer();
  void load_timer(u64 tsc);
  void wait_for_tsc(u64 ticks);
  void set_timer_mode(u32 entry);
  void set_timer_divide(u32 value);
  void timer_expired();

  X86Cpu& cpu_;
  ApicBus* bus_;  // null once the machine is taken apart
  // The accelerator runs the local APICs: only the 8259's line and the NMI pin are left to us.
  bool mirror_;
  u32 id_;
  State state_;
  Timer timer_;
};

// What connects the local APICs of a machine. One per machine, made with its first CPU: a device
// that answers at 0xfee00000, and wherever else a CPU has its local APIC, and routes messages.
// Each CPU sees its own page only; for a CPU that has its page elsewhere, nothing answers at those
// of the others.
class ApicBus final : public Device, public CommandProvider, private IrqSink {
  BACKPLANE_OBJECT(ApicBus, Device, "x86-apic-bus")
 public:
  static void class_init(DeviceClass& k);
  ~ApicBus() override;

  // The machine's bus; made on first use.
  static ApicBus& of(Machine& machine);

  void realize();
  void unrealize();
  void saving() override;
  void loaded() override;

  // The 8259's INTR output goes here: the boot processor's LINT0.
  IrqLine pic_interrupt_line() { return IrqLine(*this, 0); }
  // The NMI line: LINT1 of every CPU.
  IrqLine nmi_line() { return IrqLine(*this, 1); }

  void add_eoi_listener(IoApicEoi& listener);
  void remove_eoi_listener(IoApicEoi& listener);
  // A CPU is done with a level-triggered interrupt.
  void broadcast_eoi(u8 vector);

  void deliver(const InterruptMessage& message);

  // Host TSC at which the guests' counters were 0, where an accelerator reads them.
  u64 tsc_base() const { return tsc_base_; }
  // The counter that the CPUs have in common elsewhere.
  const std::shared_ptr<GuestTsc>& tsc() const { return tsc_; }
  // Its value in the state that was loaded, or is to be saved.
  u64 saved_tsc() const { return state_.tsc; }

  std::span<const Command> commands() const override;

 private:
  friend class LocalApic;
  void set_irq(unsigned input, bool level) override;
  struct MovedPage;
  u64 read_page(u64 offset, unsigned size);
  void write_page(u64 offset, u64 value, unsigned size);
  // Makes the pages of the local APICs that are not at 0xfee00000 those that there are now.
  void place_pages();
  Value describe_apics() const;
  // The local APIC of the CPU that makes this access, if it is at that page.
  LocalApic* accessed_apic(u64 page) const;

  std::vector<LocalApic*> apics_;
  std::vector<IoApicEoi*> eoi_listeners_;
  PlatformInterrupts* platform_ = nullptr;  // null: the local APICs are ours
  std::unique_ptr<MemoryRegion> region_;
  std::vector<std::unique_ptr<MovedPage>> moved_pages_;
  struct State {
    u64 tsc = 0;  // the counter's value, as it was saved
  };
  State state_;
  u64 tsc_base_ = 0;
  std::shared_ptr<GuestTsc> tsc_;
};

}  // namespace backplane::x86

// SPDX-License-Identifier: MIT
// X86Cpu: a guest CPU with its architectural state, CPUID model and local APIC.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backplane/cpu.h"
#include "backplane/room.h"
#include "backplane/x86/mmu.h"
#include "backplane/x86/state.h"
#include "backplane/x86/vendor.h"
#include "backplane/x86/version.h"

namespace backplane {
class Accelerator;
}

namespace backplane::x86 {

class LocalApic;

// Bits of Cpu::raise() for x86.
enum InterruptRequest : u32 {
  kRequestHard = 1,  // the local APIC or the 8259 may have a vector: ask acknowledge_interrupt()
  kRequestNmi = 2,   // by raise_nmi()
  kRequestInit = 4,
  kRequestSipi = 8,   // vector in sipi_vector
  kRequestPoll = 16,  // accelerator's own: look at state that another thread changed
};

struct CpuidResult {
  u32 eax = 0, ebx = 0, ecx = 0, edx = 0;
};

// A feature that the model has and the guest is not shown, or the other way round.
struct CpuidDifference {
  std::string name;
  bool shown = false;
  // The model stands for its features whatever the host, or the user asked for this one.
  bool promised = false;
  bool operator==(const CpuidDifference&) const = default;
};

struct X86CpuClass : CpuClass {
  X86CpuClass() = default;
  explicit X86CpuClass(const CpuClass& parent) : CpuClass(parent) {}

  // Which features the model has: those of an x86-64 microarchitecture level 1 to 3, or (4)
  // everything that the host and the emulator provide. [x86-64 psABI "Micro-Architecture Levels"]
  unsigned level = 0;
  // The guest sees the host processor itself, which takes an accelerator that runs on it.
  bool is_host = false;
  Room<4> room;
};

// What an accelerator wants to know about changes made by instructions that target-x86 executes
// for it. All on the CPU's thread.
class CpuObserver {
 public:
  // Translations may have changed, those of every PCID. `globals`: global pages too. (MOV CR3
  // without PCIDs; CR0, CR4 and EFER writes; INVPCID of everything.)
  virtual void flush_tlb(bool globals) = 0;
  // MOV CR3 with PCIDs enabled. `keep`: bit 63 was set, what is cached for the new PCID is good;
  // else it is not. The default flushes non-global pages.
  virtual void address_space_switched(u64 /*old_cr3*/, u64 /*new_cr3*/, bool /*keep*/) {
    flush_tlb(false);
  }
  // INVPCID: non-global translations of one PCID, all of them or that of one page. The defaults
  // flush more.
  virtual void invalidate_address_space(u64 /*pcid*/) { flush_tlb(false); }
  virtual void invalidate_page_of(u64 pcid, u64 /*linear*/) { invalidate_address_space(pcid); }
  // INVLPG: of the current PCID, and global ones.
  virtual void invalidate_page(u64 linear) = 0;

 protected:
  ~CpuObserver() = default;
};

// Type "x86-cpu" and its models ("max-x86-cpu", "x86-64-v2-x86-cpu", ...).
class X86Cpu : public Cpu {
  BACKPLANE_OBJECT(X86Cpu, Cpu, "x86-cpu")
 public:
  using Class = X86CpuClass;
  static void class_init(X86CpuClass& k);
  X86Cpu();
  ~X86Cpu() override;

  // What the accelerator was given to run. Throws Error if it is a CPU of another architecture.
  static X86Cpu& of(const Accelerator& accelerator, Cpu& cpu);

  // The state lives in its own mapping: below it kStackBelow bytes that an accelerator may use as
  // a host stack, above it kScratchAbove bytes for what it wants to reach relative to the state.
  // Both are zero-filled and cost nothing until touched.
  static constexpr std::size_t kStackBelow = 256 << 10;
  static constexpr std::size_t kScratchAbove = 2 << 20;
  X86State& state() { return *state_; }
  const X86State& state() const { return *state_; }
  void* scratch() { return reinterpret_cast<u8*>(state_) + kScratchOffset; }
  static constexpr std::size_t kScratchOffset = (sizeof(X86State) + 4095) & ~std::size_t{4095};

  void realize();
  // Decides, from model, properties and host, which features there are, as realize() does: for
  // those who want cpuid() of a CPU that is in no machine. Throws Error.
  void resolve_features();
  // Power-on or (init_only) INIT state. [SDM 3A "Processor State After Reset"]
  void reset() override;
  void init_reset();
  void saving() override;
  // Throws Error if the CPU that was saved has other features, or registers that none can have.
  void loaded() override;

  // CPUID as the guest sees it (dynamic bits such as OSXSAVE and the APIC id included).
  CpuidResult cpuid(u32 leaf, u32 subleaf) const;
  // The model's features beside the CPUID that the guest is shown by an accelerator.
  std::vector<CpuidDifference> compare_features(
      const std::function<CpuidResult(u32 leaf, u32 subleaf)>& shown) const;
  // The guest is shown the model with these differences.
  void note_shown(const std::vector<CpuidDifference>& differences);
  // The feature bits of a leaf that the user took away (-cpu MODEL,-FEATURE).
  CpuidResult switched_off(u32 leaf, u32 subleaf) const;
  // "x86-64-v2": as after -cpu.
  std::string model_name() const;
  bool is_host() const;
  // Whose processor the guest sees.
  Vendor vendor() const;
  // For an accelerator that shows the guest the host processor's vendor, family, model and stepping
  // whatever the model is: they become the CPU's own, with the leaves and MSRs of that vendor.
  void take_host_identity();
  // Feature test by bit, for #UD decisions: leaf 1 ecx and so on, precomputed.
  struct Features {
    bool sse3, pclmul, ssse3, fma, cx16, sse41, sse42, movbe, popcnt, aes, xsave, avx, f16c, rdrand,
        tsc_deadline, x2apic, pcid, fsgsbase, bmi1, bmi2, avx2, smep, smap, erms, invpcid, rdseed,
        adx, clflushopt, clwb, sha, umip, vaes, vpclmulqdq, gfni, rdpid, lahf, lzcnt, prefetchw,
        syscall, nx, gbpages, rdtscp, lm, fsrm, xsaveopt, xsavec, xgetbv1, serialize, movdiri,
        movdir64b, la57;
  };
  const Features& features() const { return features_; }
  unsigned physical_address_bits() const { return physical_bits_; }

  LocalApic& apic() { return *apic_; }
  CpuObserver* observer() const { return observer_; }
  void set_observer(CpuObserver* observer) { observer_ = observer; }

  // The guest's time-stamp counter, now. CPU thread (or while it is outside guest code).
  u64 tsc() const;
  // The same for the guest: translated code may go on to read it from X86State. CPU thread.
  u64 read_tsc();
  // Its rate in Hz: the host's, or 1 GHz under instruction counting.
  u64 tsc_frequency() const;

  // Machine lock held: the vector to deliver now (acknowledged), or -1. Asks the local APIC, then
  // (ExtINT) the 8259 through pic_acknowledge.
  int acknowledge_interrupt();
  // Set by the board: returns the 8259's vector.
  void set_pic_acknowledge(std::function<int()> fn) { pic_acknowledge_ = std::move(fn); }

  // FERR#: an unmasked x87 exception that CR0.NE leaves to the board. The board sets what is to
  // happen when it changes, which is called with the machine lock held.
  void set_ferr_line(std::function<void(bool)> line) { ferr_line_ = std::move(line); }
  bool ferr() const { return saved_.ferr; }
  // CPU thread, machine lock not held.
  void set_ferr(bool level);
  // IGNNE#: the exception is not to stop the CPU. Machine lock held.
  void set_ignne(bool level) { ignne_.store(level, std::memory_order_relaxed); }
  bool ignne() const { return ignne_.load(std::memory_order_relaxed); }

  u8 sipi_vector() const { return saved_.sipi_vector; }
  void set_sipi_vector(u8 vector) { saved_.sipi_vector = vector; }

  // NMIs; machine lock held. One waits while another is handled; before one is handled, two do.
  // [SDM 3A "Handling Multiple NMIs"]
  void raise_nmi();
  // True if one waits, which then counts as taken.
  bool take_nmi();
  // One is being handled: of those that wait only one stays.
  void merge_nmis();

  bool has_work() const override;
  // Its registers as they are in state(), and the same for people. Machine lock; the CPU is outside
  // guest code.
  Value registers() const;
  std::string describe_registers() const;
  std::unique_ptr<DebugTarget> debug_target() override;
  void set_value(std::string_view name, const Value& value) override;

  // --- for accelerators of which the kernel or a hypervisor keeps part of the CPU
  // -----------------
  struct SavedMsr {
    u32 index = 0;
    u64 value = 0;
    static std::span<const StateMember> members();
  };
  // Registers that X86State does not have: set by Vcpu::settle(), and there for put_state() after
  // they were loaded; another accelerator has no use for them.
  std::vector<SavedMsr>& accelerator_msrs() { return saved_.accelerator_msrs; }
  // What the time-stamp counter is to go on from in a machine that was loaded; nothing after that.
  std::optional<u64> take_loaded_tsc() { return std::exchange(loaded_tsc_, std::nullopt); }

  struct Impl;

 private:
  static constexpr u8 kMostNmis = 2;
  // What is saved beside the architectural state.
  struct Saved {
    u8 sipi_vector = 0;
    u8 nmis = 0;  // that wait
    bool ferr = false;
    bool ignne = false;
    i64 tsc_adjustment = 0;        // of the guest's counter from the machine's
    u64 tsc_frequency = 0;         // in Hz, as that of
    u64 apic_timer_frequency = 0;  // the local APIC's timer
    std::vector<u32> features;     // CPUID's words
    std::vector<u64> stored_msrs;  // those that keep what is written
    std::vector<SavedMsr> accelerator_msrs;
  };
  void check_model() const;
  void check_registers() const;

  X86State* state_ = nullptr;
  Saved saved_;
  std::optional<u64> loaded_tsc_;
  std::unique_ptr<LocalApic> apic_;
  CpuObserver* observer_ = nullptr;
  Features features_{};
  unsigned physical_bits_ = 40;
  std::function<int()> pic_acknowledge_;
  std::function<void(bool)> ferr_line_;
  std::atomic<bool> ignne_{false};
  std::unique_ptr<Impl> impl_;
  [[maybe_unused]] Room<4> room_;
};

// The models that -cpu chooses from.
inline constexpr Kind kCpuKind{
    .base = "x86-cpu", .prefix = "", .suffix = "-x86-cpu", .noun = "CPU model", .option = "-cpu"};

// Creates the CPU that `-cpu MODEL,+feat,-feat,feat=on|off` describes ("max", "max-x86-cpu" and
// "max,+avx2,-bmi1" all work), with its properties set, not yet realized. Throws Error.
std::unique_ptr<X86Cpu> create_cpu(Machine& machine, std::string_view description);

}  // namespace backplane::x86

// SPDX-License-Identifier: MIT
// "tcg-accel": the accelerator that needs nothing of the host but its processor.
#include "backplane/accelerator.h"

#include <fmt/format.h>

#include <optional>
#include <set>

#include "backplane/enumeration.h"
#include "backplane/machine.h"
#include "backplane/modinfo.h"
#include "backplane/x86/host_features.h"
#include "engine.h"
#include "instruction_clock.h"
#include "jit_report.h"
#include "native/choose.h"
#include "native/commands.h"
#include "profile/jit_dump.h"
#include "profile/perf_map.h"
#include "progress.h"
#include "trace/trace.h"
#include "vcpu/vcpu.h"

namespace backplane {

// How vCPUs are spread over host threads.
enum class TcgThreads { Auto, Single, Multi };

template <>
struct EnumNames<TcgThreads> {
  static constexpr EnumName<TcgThreads> kNames[] = {
      {TcgThreads::Single, "single"}, {TcgThreads::Multi, "multi"}, {TcgThreads::Auto, "auto"}};
};

namespace tcg {
namespace {

// Instructions of one vCPU before the next gets its turn, where several share a thread.
constexpr i32 kSlice = 1 << 20;

// How late a timer may be until the guest's time stands still, in nanoseconds: less than guests
// wait for a handful of ticks (Linux: some 15 ms at 1000 Hz), more than a vCPU reads the time-stamp
// counter by itself.
constexpr i64 kTimeSlack = 5'000'000;

class TcgAccel final : public Accelerator,
                       public CommandProvider,
                       public NativeReporter,
                       private MemoryListener {
 public:
  static void class_init(AccelClass& k) {
    k.remark = describe_native_tier;
    k.state<&TcgAccel::counting_>(1, "counting");
    k.property<&TcgAccel::threads_>("thread",
                                    "single: one host thread for all vCPUs; multi: one each");
    k.property<&TcgAccel::tb_size_>("tb-size", "size of the code buffer in MiB (8 to 1024)");
    k.property<&TcgAccel::one_insn_per_tb_>("one-insn-per-tb",
                                            "translate each instruction into a block of its own");
    k.property<&TcgAccel::split_wx_>("split-wx",
                                     "map code for writing and for running at different addresses");
    k.property<&TcgAccel::perf_map_>("perf-map", "write /tmp/perf-PID.map for perf report");
    k.property<&TcgAccel::jit_dump_>("jit-dump", "write jit-PID.dump here for perf inject --jit");
    k.property<&TcgAccel::symbols_>("symbols",
                                    "file with the guest's names (nm, System.map) for these");
    k.property<&TcgAccel::native_>(
        "native", "run ring 3 of 64-bit guests by the processor itself, in confined processes");
    k.property<&TcgAccel::native_eager_>("native-eager",
                                         "run all of it so, whether that pays or not (for tests)");
    k.property<&TcgAccel::native_check_>(
        "native-check", "compare what those have mapped with the page tables at each entry (slow)");
  }
  ~TcgAccel() override { shutdown(); }

  void count_instructions(const IcountOptions& options) override { icount_ = options; }

  void init_machine(Machine& machine) override {
    if (icount_ && threads_ == TcgThreads::Multi)
      throw Error(
          "thread=multi cannot be used with -icount: instructions of several vCPUs have an "
          "order only on one thread",
          "leave thread out, or use thread=single");
    if (tb_size_ < 8 || tb_size_ > 1024)
      throw Error::of("tb-size={}: expects a number of MiB from 8 to 1024", tb_size_);
    if (!split_wx_)
      throw Error("split-wx=off: code is never writable and executable at one address",
                  "leave split-wx out");
    native_choice_ = choose_native_tier(native_, no_native_here());
    machine_ = &machine;
    single_ = icount_ || threads_ == TcgThreads::Single;
    TranslatorOptions options;
    if (one_insn_per_tb_) options.limits.instructions = 1;
    options.count_instructions = single_;
    // Where a slice ends, an interrupt may come, and no instruction more is to be executed.
    // What is told of it at its end is to be good, too.
    options.limits.look_ahead = !single_ && !entries_are_traced();
    options.several_vcpus = machine.config().topology.cpus() > 1;
    options.features = FeatureMask(x86::host_cpu_features());
    options.bmi2 = options.features.has(Feature::Bmi2);
    engine_ = std::make_unique<Engine>(machine.memory(), tb_size_ * 1_MiB, options);
    if (perf_map_ || jit_dump_) engine_->set_profile(make_profile());
    machine.memory().add_listener(*this);
    if (icount_) {
      clock_ = std::make_unique<InstructionClock>(machine, *icount_);
      counting_.emplace();
      machine.main_loop().detach_clock(machine.virtual_clock());
    } else {
      hold_time();
    }
  }

  void create_vcpu(Cpu& cpu) override {
    X86Cpu& x86_cpu = X86Cpu::of(*this, cpu);
    auto vcpu = std::make_unique<TcgVcpu>(*engine_, x86_cpu);
    if (auto native = create_native_vcpu(
            native_, native_choice_, x86_cpu, machine_->memory(),
            {.check = native_check_,
             .eager = native_eager_,
             .forget_code =
                 [this](const u8* page) { engine_->cache.invalidate_locked(page, kPageSize); },
             .pages_in_use = [mmu = &vcpu->mmu()] { return mmu->pages_of_users(); }}))
      vcpu->set_native(std::move(native));
    if (clock_ != nullptr) clock_->add(*vcpu);
    cpu.set_vcpu(std::move(vcpu));
    hook_code_writes();
    if (single_ && !threads_running_.empty()) {
      threads_running_.front()->add(cpu);
      return;
    }
    auto thread = std::make_unique<VcpuThread>(*machine_,
                                               single_ ? "tcg" : fmt::format("tcg{}", cpu.index()));
    thread->add(cpu);
    if (clock_ != nullptr) {
      thread->set_round_hook([this] { clock_->begin_round(); });
      thread->set_idle_hook([this] { return clock_->idle(); });
    } else if (single_) {
      thread->set_round_hook([this] {
        for (TcgVcpu* v : engine_->vcpus) v->set_budget(kSlice);
      });
    }
    thread->start();
    threads_running_.push_back(std::move(thread));
  }

  void shutdown() override {
    if (progress_ != nullptr) machine_->virtual_clock().set_ready_check({});
    for (auto& thread : threads_running_) thread->stop();
    threads_running_.clear();
    if (machine_ != nullptr && engine_ != nullptr && listening_) {
      machine_->memory().remove_listener(*this);
      listening_ = false;
    }
  }

  void expect_saves_state() const override {}

  DebugSupport debug_support() const override {
    return {.step = true, .code = true, .data = true, .missing = {}};
  }
  void set_debug_points(const DebugPoints& points) override { engine_->set_debug_points(points); }

  Value describe() const override {
    Value::Record record{{"threads", single_ ? "single" : "multi"}};
    if (clock_ != nullptr) record.push_back({"instructions", clock_->instructions()});
    return record;
  }

  Value describe_jit() const override {
    Value::List cpus;
    for (const TcgVcpu* vcpu : engine_->vcpus) cpus.push_back(work_of(*vcpu));
    return code_made(*engine_, std::move(cpus));
  }

  std::span<const Command> commands() const override { return native_commands(); }
  std::optional<std::string> no_native_reason() const override {
    return native_choice_.unusable_reason();
  }
  NativeVcpu::Counters native_counters() const override {
    NativeVcpu::Counters sum;
    for (const TcgVcpu* vcpu : engine_->vcpus)
      if (vcpu->native() != nullptr) sum += vcpu->native()->counters();
    return sum;
  }

  void saving() override {
    Accelerator::saving();
    if (counting_) *counting_ = clock_->state();
  }
  void loaded() override {
    Accelerator::loaded();
    if (counting_) clock_->go_on_from(*counting_);
  }

 private:
  std::unique_ptr<Profile> make_profile() const {
    std::vector<std::unique_ptr<CodeListener>> listeners;
    if (perf_map_) listeners.push_back(std::make_unique<PerfMap>());
    if (jit_dump_) listeners.push_back(std::make_unique<JitDump>());
    return std::make_unique<Profile>(symbols_.empty() ? GuestSymbols() : GuestSymbols(symbols_),
                                     std::move(listeners));
  }

  // Why ring 3 is translated whatever the host can.
  std::optional<std::string> no_native_here() const {
    if (icount_) return "instructions are counted (-icount)";
    if (threads_ == TcgThreads::Single) return "vCPUs take turns (thread=single)";
    if (one_insn_per_tb_) return "each instruction is translated by itself (one-insn-per-tb)";
    if (entries_are_traced()) return "what is executed is traced (-d exec)";
    return std::nullopt;
  }

  // Time waits for its timers to fire, and for the guest to see it.
  void hold_time() {
    Clock& clock = machine_->virtual_clock();
    clock.hold_at_deadlines(kTimeSlack);
    progress_ = std::make_unique<GuestProgress<TcgVcpu>>(engine_->vcpus);
    clock.set_ready_check([this] { return progress_->may_fire(machine_->realtime_clock().now()); });
  }

  // MemoryListener: translations refer to host addresses of the view that was.
  void commit() override {
    if (engine_ == nullptr) return;
    flush_translations();
    hook_code_writes();
  }
  // The first write to each page goes through the slow path, which marks it (soft_mmu.h).
  bool keeps_dirty_log() const override { return true; }
  void dirty_log_started(const FlatRange&) override { flush_translations(); }
  void collect_dirty(const FlatRange&) override { flush_translations(); }
  void flush_translations() {
    for (TcgVcpu* vcpu : engine_->vcpus) vcpu->memory_changed();
  }
  // Devices that write to RAM tell us about pages with code: also from I/O threads, which may be
  // looking at a hook that is there.
  void hook_code_writes() {
    for (const FlatRange& range : machine_->memory().view()->ranges()) {
      if (range.block == nullptr) continue;
      if (!hooked_.insert(range.block).second && range.block->has_code_write_hook()) continue;
      range.block->set_code_write_hook([this](RamBlock& ram, u64 offset, u64 size) {
        CodeCache& cache = engine_->cache;
        const std::lock_guard guard(cache.lock());
        for (u64 at = offset; at < offset + size;) {
          const u64 page = at & kPageMask;
          const u64 end = std::min(page + kPageSize, offset + size);
          cache.invalidate(ram.host() + page, at - page, end - at);
          at = end;
        }
      });
    }
  }

  TcgThreads threads_ = TcgThreads::Auto;
  u32 tb_size_ = 64;
  bool one_insn_per_tb_ = false;
  bool split_wx_ = true;
  bool perf_map_ = false;
  bool jit_dump_ = false;
  std::string symbols_;
  OnOffAuto native_ = OnOffAuto::Auto;
  bool native_check_ = false;
  bool native_eager_ = false;

  std::optional<IcountOptions> icount_;
  Machine* machine_ = nullptr;
  std::set<const RamBlock*> hooked_;  // once; another may be where one was
  bool single_ = false;
  bool listening_ = true;
  NativeChoice native_choice_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<InstructionClock> clock_;
  std::optional<InstructionClock::State> counting_;  // as it was saved, under -icount
  std::unique_ptr<GuestProgress<TcgVcpu>> progress_;
  std::vector<std::unique_ptr<VcpuThread>> threads_running_;
};

}  // namespace
}  // namespace tcg
}  // namespace backplane

using backplane::tcg::TcgAccel;
BACKPLANE_TYPE(TcgAccel, "tcg-accel",
               .description = "dynamic translation of x86-64 to x86-64; needs nothing of the host")
BACKPLANE_MONITOR_WORD("native", "tcg-accel")
BACKPLANE_MODULE("accel-tcg", "0.1", "Software accelerator: translates x86-64 to x86-64")

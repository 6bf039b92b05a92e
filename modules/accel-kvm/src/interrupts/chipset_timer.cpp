// SPDX-License-Identifier: MIT
// The kernel's 8254, which begins each count anew whenever it is set.
#include <algorithm>
#include <cstring>
#include <ctime>

#include "interrupts/chipset.h"

namespace backplane::kvm {
namespace {

constexpr i64 kNanoseconds = 1'000'000'000;
constexpr i64 kTicks = 1'193'182;  // a second's

// Whether a count is made once, and not again when the gate opens.
bool counts_once(std::size_t channel, u8 mode) {
  return mode == 0 || mode == 4 || (mode == 1 && channel == 0);
}

// Whether channel 0 does, with such a count.
bool interrupts_once(const kvm_pit_state2& state) {
  return counts_once(0, state.channels[0].mode) && (state.flags & KVM_PIT_FLAGS_HPET_LEGACY) == 0;
}

i64 period_of(const kvm_pit_channel_state& channel) {
  return i64{channel.count} * kNanoseconds / kTicks;
}

// Has a count that is made once go on where it was at that time. False if it is over: what is left
// of it then ends at once.
bool go_on(kvm_pit_channel_state& channel, i64 time) {
  const i64 left = channel.count_load_time + period_of(channel) - time;
  const i64 ticks = std::min<i64>(left * kTicks / kNanoseconds, channel.count);
  channel.count = static_cast<u32>(std::max<i64>(ticks, 1));
  return left > 0;
}

}  // namespace

i64 KernelChipset::host_time() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return i64{now.tv_sec} * kNanoseconds + now.tv_nsec;
}

kvm_pit_state2 KernelChipset::timer() const {
  kvm_pit_state2 state{};
  vm_.call("cannot read the 8254", KVM_GET_PIT2, &state);
  return state;
}

void KernelChipset::set_timer(const kvm_pit_state2& state) const {
  kvm_pit_state2 copy = state;
  vm_.call("cannot set the 8254", KVM_SET_PIT2, &copy);
}

void KernelChipset::reset_timer() {
  kvm_pit_state2 state{};
  for (unsigned n = 0; n < 3; ++n) {
    state.channels[n].mode = kNoMode;
    state.channels[n].gate = n != 2;
  }
  set_timer(state);
  paused_timer_.reset();
}

void KernelChipset::set_timer_cut_off(bool cut_off) {
  const auto set_flag = [cut_off](u32& flags) {
    flags &= ~KVM_PIT_FLAGS_HPET_LEGACY;
    if (cut_off) flags |= KVM_PIT_FLAGS_HPET_LEGACY;
  };
  if (paused_timer_) return set_flag(paused_timer_->state.flags);
  kvm_pit_state2 state = timer();
  if (((state.flags & KVM_PIT_FLAGS_HPET_LEGACY) != 0) == cut_off) return;
  set_flag(state.flags);
  set_timer(state);
}

void KernelChipset::set_late_ticks(bool delivered) {
  kvm_reinject_control control{};
  control.pit_reinject = delivered ? 1 : 0;
  vm_.call("cannot set what happens to late ticks", KVM_REINJECT_CONTROL, &control);
}

// Makes the chips that channel 0 interrupts blind to it, and watches for the end of its count,
// which the kernel does not tell. What ends while this is made is seen by both, so that an
// interrupt may come twice, but is never lost. No vCPU runs.
class KernelChipset::TimerWatch {
 public:
  explicit TimerWatch(const KernelChipset& chips)
      : chips_(chips), pic_(chips.chip(KVM_IRQCHIP_PIC_MASTER)) {
    kvm_irqchip pic = pic_;
    pic.chip.pic.elcr &= ~kInput;
    pic.chip.pic.irr &= ~kInput;
    if (std::memcmp(&pic, &pic_, sizeof pic) != 0) chips_.set_chip(pic);
    ioapic_ = chips_.chip(KVM_IRQCHIP_IOAPIC);
    kvm_irqchip ioapic = ioapic_;
    ioapic.chip.ioapic.redirtbl[kTimerIoApicInput].fields.mask = 1;
    chips_.set_chip(ioapic);
  }

  bool has_pulsed() const {
    const kvm_pic_state now = chips_.chip(KVM_IRQCHIP_PIC_MASTER).chip.pic;
    return (now.irr & kInput) != 0 && (now.last_irr & kInput) == 0;
  }

  // False if it does not in that many nanoseconds.
  bool await_pulse(i64 patience) const {
    constexpr timespec kPause{0, 20'000};
    for (const i64 end = host_time() + patience; !has_pulsed();) {
      if (host_time() >= end) return false;
      nanosleep(&kPause, nullptr);
    }
    return true;
  }

  // The chips are as they were.
  void end() const {
    chips_.set_chip(pic_);
    chips_.set_chip(ioapic_);
  }

 private:
  static constexpr u8 kInput = 1u << kTimerPicInput;
  const KernelChipset& chips_;
  kvm_irqchip pic_, ioapic_;
};

void KernelChipset::set_timer_running(bool running) {
  if (!running) {
    stop_timer();
  } else if (paused_timer_) {
    start_timer();
  }
}

// The kernel would count on, and interrupt. A periodic count begins anew when it is set; of one
// that is made once the end is awaited: if it does not come, it has been.
void KernelChipset::stop_timer() {
  constexpr i64 kLate = kNanoseconds / 1000;
  kvm_pit_state2 state = timer();
  kvm_pit_state2 stopped = state;
  stopped.channels[0].mode = kNoMode;
  kvm_pit_channel_state& channel = state.channels[0];
  const i64 period = period_of(channel);
  i64 elapsed = 0;
  if (interrupts_once(state)) {
    const TimerWatch watch(*this);
    const i64 begin = host_time();
    bool ends = watch.await_pulse(period + kLate);
    const i64 left = std::min(host_time() - begin, period);
    // What has been on its way to the chips is there when this is done.
    set_timer(stopped);
    ends = ends || watch.has_pulsed();
    watch.end();
    elapsed = ends ? period - left : period + kLate;
  } else {
    set_timer(stopped);
  }
  const i64 now = host_time();
  channel.count_load_time = now - elapsed;
  paused_timer_ = PausedTimer{state, now};
}

void KernelChipset::start_timer() {
  kvm_pit_state2& state = paused_timer_->state;
  bool over = false;  // a count that would interrupt, and has
  for (std::size_t n = 0; n < std::size(state.channels); ++n) {
    kvm_pit_channel_state& channel = state.channels[n];
    if (!counts_once(n, channel.mode) || go_on(channel, paused_timer_->time)) continue;
    if (n == 0) over = interrupts_once(state);
  }
  if (over) {
    constexpr i64 kPatience = kNanoseconds / 20;
    const TimerWatch watch(*this);
    set_timer(state);
    watch.await_pulse(kPatience);
    watch.end();
  } else {
    set_timer(state);
  }
  paused_timer_.reset();
}

}  // namespace backplane::kvm

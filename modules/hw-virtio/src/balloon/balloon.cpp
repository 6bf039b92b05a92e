// SPDX-License-Identifier: MIT
#include "balloon/balloon.h"

#include <algorithm>
#include <utility>

#include "backplane/error.h"
#include "backplane/machine.h"

namespace backplane {

using namespace virtio_balloon;

BACKPLANE_REGISTER(VirtioBalloon, .description = "Memory balloon: gives guest memory back")

void VirtioBalloon::class_init(VirtioDeviceClass& k) {
  k.virtio_id = virtio::kIdBalloon;
  k.property<&VirtioBalloon::deflate_on_oom_>(
      "deflate-on-oom", "let the guest take memory back when it runs out of it");
  k.property<&VirtioBalloon::free_page_reporting_>(
      "free-page-reporting", "let the guest report pages that it does not use");
  k.state<&VirtioBalloon::state_>(
      1, {member<&State::num_pages>("num_pages"), member<&State::actual>("actual"),
          member<&State::statistics>("statistics"), member<&State::held>("held")});
  k.state_timer<&VirtioBalloon::statistics_timer_>("statistics");
  k.property<&VirtioBalloon::polling_interval, &VirtioBalloon::set_polling_interval>(
       "guest-stats-polling-interval",
       "seconds between two requests for the guest's statistics (0: none)")
      .dynamic = true;
  k.property<&VirtioBalloon::statistics_for_programs>("guest-stats", "the guest's last statistics");
}

void VirtioBalloon::realize() {
  for (const VirtioBalloon* other : objects_offering<VirtioBalloon>(machine()))
    if (other != this && other->realized())
      throw Error("the machine has a balloon already; it takes one");
  constexpr u16 kQueueSize = 128;
  add_queue(kQueueSize, [this](VirtQueue& queue) { inflate(queue); });
  add_queue(kQueueSize, [this](VirtQueue& queue) { deflate(queue); });
  statistics_queue_ =
      &add_queue(kQueueSize, [this](VirtQueue& queue) { statistics_arrived(queue); });
  if (free_page_reporting_) add_queue(kQueueSize, [this](VirtQueue& queue) { report(queue); });
  change_timer_ = std::make_unique<Timer>(machine().realtime_clock(), [this] {
    if (std::exchange(changed_, false)) tell_change();
  });
  statistics_timer_ =
      std::make_unique<Timer>(machine().virtual_clock(), [this] { ask_for_statistics(); });
}

void VirtioBalloon::unrealize() {
  change_timer_.reset();
  statistics_timer_.reset();
  statistics_queue_ = nullptr;
  statistics_held_ = false;
}

void VirtioBalloon::reset() {
  statistics_held_ = false;
  const u32 asked = state_.num_pages;  // by the host, which still does
  VirtioDevice::reset();
  state_.num_pages = asked;
}

void VirtioBalloon::saving() {
  VirtioDevice::saving();
  state_.held.reset();
  if (statistics_held_) state_.held = statistics_request_.head;
}

void VirtioBalloon::loaded() {
  VirtioDevice::loaded();
  statistics_held_ =
      state_.held && statistics_queue_->take_again(*state_.held, statistics_request_);
}

u64 VirtioBalloon::device_features() const {
  u64 features = virtio::bit(kStatsVq);
  if (deflate_on_oom_) features |= virtio::bit(kDeflateOnOom);
  if (free_page_reporting_) features |= virtio::bit(kPageReporting);
  return features;
}

void VirtioBalloon::fill_config(std::span<u8> image) const {
  put_config<u32>(image, kNumPages, state_.num_pages);
  put_config<u32>(image, kActual, state_.actual);
}

// Only `actual` is the driver's to write; it does so in one piece.
void VirtioBalloon::config_written(unsigned offset, u32 value, unsigned size) {
  if (offset != kActual || size != 4 || value == state_.actual) return;
  state_.actual = value;
  report_change();
}

void VirtioBalloon::driver_started() {
  if (polling_interval_ != 0) statistics_timer_->arm_in(0);
}

u64 VirtioBalloon::ram_size() const {
  const u64 configured = machine().config().ram_size;
  return configured != 0 ? configured : machine().machine_class().default_ram_size;
}

u64 VirtioBalloon::actual() const {
  const u64 held = u64{state_.actual} << kPageShift;
  return ram_size() - std::min(ram_size(), held);
}

void VirtioBalloon::set_target(u64 bytes) {
  const u64 target = std::min(bytes, ram_size());
  state_.num_pages = static_cast<u32>((ram_size() - target) >> kPageShift);
  notify_config();
}

}  // namespace backplane

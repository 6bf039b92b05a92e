// SPDX-License-Identifier: MIT
// What the guest says of its memory. The driver leaves one buffer with the device; giving it back
// asks for the next statistics. [virtio-1.2 §5.5.6.3 "Memory Statistics"]
#include <algorithm>
#include <cstring>

#include "backplane/machine.h"
#include "backplane/virtio/scatter_gather.h"
#include "balloon/balloon.h"

namespace backplane {

using namespace virtio_balloon;

namespace {

constexpr std::array<std::string_view, kStatCount> kNames{
    "swap-in",      "swap-out",         "major-faults", "minor-faults",        "free-memory",
    "total-memory", "available-memory", "disk-caches",  "hugetlb-allocations", "hugetlb-failures"};
// The same in QEMU's words.
constexpr std::array<std::string_view, kStatCount> kProgramNames{
    "stat-swap-in",      "stat-swap-out",     "stat-major-faults",     "stat-minor-faults",
    "stat-free-memory",  "stat-total-memory", "stat-available-memory", "stat-disk-caches",
    "stat-htlb-pgalloc", "stat-htlb-pgfail"};
constexpr i64 kSecond = 1'000'000'000;

}  // namespace

void VirtioBalloon::set_polling_interval(u32 seconds) {
  polling_interval_ = seconds;
  if (!statistics_timer_) return;
  if (seconds == 0)
    statistics_timer_->cancel();
  else if (driver_ok())
    statistics_timer_->arm_in(0);
}

void VirtioBalloon::ask_for_statistics() {
  if (statistics_held_) {
    statistics_held_ = false;
    statistics_queue_->push(statistics_request_, 0);
    statistics_queue_->notify();
  }
  if (polling_interval_ != 0) statistics_timer_->arm_in(i64{polling_interval_} * kSecond);
}

void VirtioBalloon::statistics_arrived(VirtQueue& queue) {
  queue.for_each(element_, [this, &queue](VirtElement& element) {
    // A driver has one buffer; one that adds more gets them back at once.
    if (statistics_held_) queue.push(statistics_request_, 0);
    read_statistics(element);
    std::swap(statistics_request_, element);
    statistics_held_ = true;
    return true;
  });
  queue.notify();
}

void VirtioBalloon::read_statistics(const VirtElement& element) {
  state_.statistics = {};
  statistics_time_ = machine().host_clock().now();
  constexpr u64 kMost = 64;  // more than there are tags
  for (u64 i = 0; i < std::min(kMost, element.out_size / kStatSize); ++i) {
    std::array<u8, kStatSize> bytes;
    gather(element.out, i * kStatSize, bytes.data(), bytes.size());
    u16 tag = 0;
    u64 value = 0;
    std::memcpy(&tag, bytes.data(), sizeof tag);
    std::memcpy(&value, bytes.data() + sizeof tag, sizeof value);
    if (tag < kStatCount) state_.statistics[tag] = value;
  }
}

Value::Record VirtioBalloon::statistics() const {
  Value::Record known;
  for (unsigned tag = 0; tag < kStatCount; ++tag)
    if (state_.statistics[tag])
      known.push_back({std::string(kNames[tag]), *state_.statistics[tag]});
  return known;
}

Value VirtioBalloon::statistics_for_programs() const {
  constexpr u64 kUnknown = ~u64{0};
  Value::Record all;
  for (unsigned tag = 0; tag < kStatCount; ++tag)
    all.push_back({std::string(kProgramNames[tag]), state_.statistics[tag].value_or(kUnknown)});
  return Value::Record{{"stats", std::move(all)}, {"last-update", statistics_time_ / kSecond}};
}

}  // namespace backplane

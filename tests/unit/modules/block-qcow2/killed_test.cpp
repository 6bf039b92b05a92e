// SPDX-License-Identifier: MIT
// A program that is killed at any moment leaves a sound image with all that was flushed.
// BACKPLANE_KILLS: how often, for each kind of image (5).
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <set>
#include <thread>

#include "backplane/image.h"
#include "qcow2_fixture.h"

namespace backplane::testing {
namespace {

constexpr u64 kSize = 4_MiB;
constexpr u64 kSectors = kSize / 512;
constexpr u32 kFlushEvery = 7;
// Steps behind the last flush that may have been reached.
constexpr u32 kAhead = kFlushEvery + 1;

// What is done in one step: a number in each sector of a range, zero for zeroes.
struct Step {
  u64 first;
  u64 sectors;
  u64 stamp;
  bool unmap;
  bool packed;  // whole clusters
};

class KilledTest : public Qcow2Test, public ::testing::WithParamInterface<const char*> {
 protected:
  Step step_of(u32 number, u64 cluster_sectors) const {
    std::mt19937 random(number * 7919 + 1);
    Step step{};
    step.sectors = 1 + random() % (random() % 5 == 0 ? 600 : 30);
    step.first = random() % (kSectors - step.sectors);
    const u32 kind = random() % 8;
    step.packed = kind == 0;
    if (step.packed) {
      step.first -= step.first % cluster_sectors;
      step.sectors = cluster_sectors;
    }
    step.unmap = random() % 2 == 0;
    step.stamp = kind == 1 || kind == 2 ? 0 : number;
    return step;
  }

  // Writes until it is killed, and says on `said` which steps are on the disk.
  [[noreturn]] void write_for_ever(u32 from, int said) {
    BlockNode& disk = open();
    auto& image = dynamic_cast<DiskImage&>(disk);
    const u64 cluster_sectors = image.cluster_size() / 512;
    for (u32 number = from;; ++number) {
      const Step step = step_of(number, cluster_sectors);
      std::vector<u8> bytes(step.sectors * 512);
      for (u64 i = 0; i < step.sectors; ++i) std::memcpy(&bytes[i * 512], &step.stamp, 8);
      int error = 0;
      if (step.stamp == 0)
        error = disk.write_zeroes(step.first * 512, bytes.size(), step.unmap);
      else if (step.packed)
        error = image.write_compressed(step.first * 512, bytes);
      else
        error = disk.write(step.first * 512, bytes.data(), bytes.size());
      if (error == 0 && number % kFlushEvery == 0) error = disk.flush();
      if (error != 0) _exit(1);
      if (number % kFlushEvery == 0 && ::write(said, &number, sizeof number) != sizeof number)
        _exit(1);
    }
  }

  // The last step that was on the disk when it was killed.
  u32 write_until_killed(u32 from, std::chrono::microseconds lifetime) {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      ::close(ends[0]);
      write_for_ever(from, ends[1]);
    }
    ::close(ends[1]);
    u32 flushed = from - 1;
    // Not before it has begun.
    EXPECT_EQ(::read(ends[0], &flushed, sizeof flushed), ssize_t{sizeof flushed});
    std::this_thread::sleep_for(lifetime);
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << "it failed by itself";
    while (::read(ends[0], &flushed, sizeof flushed) == ssize_t{sizeof flushed}) {
    }
    ::close(ends[0]);
    return flushed;
  }
};

INSTANTIATE_TEST_SUITE_P(Options, KilledTest,
                         ::testing::Values("cluster_size=64k", "cluster_size=4k,compat=0.10",
                                           "cluster_size=512",
                                           "cluster_size=4k,lazy_refcounts=on"));

TEST_P(KilledTest, WhatWasFlushedIsThere) {
  const char* const asked = std::getenv("BACKPLANE_KILLS");
  const unsigned kills = asked == nullptr ? 5 : static_cast<unsigned>(std::atoi(asked));
  const bool is_lazy = std::string(GetParam()).find("lazy") != std::string::npos;
  create(GetParam(), "4M");
  BlockNode& fresh = open();
  const u64 cluster_sectors = dynamic_cast<DiskImage&>(fresh).cluster_size() / 512;
  close();
  std::mt19937 random(11);
  std::vector<u64> model(kSectors);
  u32 next = 1;
  for (unsigned i = 0; i < kills; ++i) {
    const u32 flushed = write_until_killed(next, std::chrono::microseconds(random() % 30'000));
    for (; next <= flushed; ++next) {
      const Step step = step_of(next, cluster_sectors);
      std::fill_n(model.begin() + static_cast<std::ptrdiff_t>(step.first), step.sectors,
                  step.stamp);
    }
    // What came later is there or not.
    std::map<u64, std::set<u64>> later;
    for (; next <= flushed + kAhead; ++next) {
      const Step step = step_of(next, cluster_sectors);
      for (u64 n = 0; n < step.sectors; ++n) later[step.first + n].insert(step.stamp);
    }
    if (!is_lazy) {
      const int status = qemu_img("check a.qcow2");
      ASSERT_TRUE(status == 0 || status == 3) << status << ": " << printed;
    }
    BlockNode& disk = open();
    const std::vector<u8> bytes = content_of(disk);
    for (u64 sector = 0; sector < kSectors; ++sector) {
      u64 stamp = 0;
      std::memcpy(&stamp, &bytes[sector * 512], sizeof stamp);
      const auto maybe = later.find(sector);
      const bool is_later = maybe != later.end() && maybe->second.contains(stamp);
      ASSERT_TRUE(stamp == model[sector] || is_later)
          << "sector " << sector << " has " << stamp << " in place of " << model[sector];
      model[sector] = stamp;
    }
    close();
    if (is_lazy) expect_sound();
  }
}

}  // namespace
}  // namespace backplane::testing

// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "backplane/compressor.h"
#include "backplane/dirty_log.h"
#include "backplane/error.h"
#include "backplane/migration.h"
#include "migration/link.h"
#include "migration/main_calls.h"
#include "state/ram_chunks.h"

namespace backplane {

// One machine on its way. A thread of its own sends; what concerns the machine it has the main loop
// do, and waits for that. The thread takes no lock that others hold while they wait for it.
//
// The main loop's thread, with the machine lock, but for what says otherwise.
class Outgoing final : public std::enable_shared_from_this<Outgoing> {
 public:
  // The last may be null. `in_tree` is in the tree of the machine's block nodes.
  Outgoing(Machine& machine, const Object& in_tree, std::unique_ptr<MigrationLink> link,
           std::unique_ptr<Compressor> packer, std::string compressor,
           const MigrationParameters& parameters);

  void start(Migration::Ended ended);
  void cancel();
  void set_parameters(const MigrationParameters& parameters);
  // Ends the thread; ended() is not called any more.
  void abandon();

  // Where the machine is. Unsure: it was given up, and the other program did not say that it runs;
  // or its images could not be taken back.
  enum class Where { Here, Gone, Unsure };
  Where where() const { return where_; }
  // It stands still since it has to be sent as it is now.
  bool held() const { return held_; }
  void take_back();

  MigrationStatus status() const { return status_; }
  const std::string& place() const { return link_->place(); }
  Value progress() const;

 private:
  void set_status(MigrationStatus status);
  using Pages = std::map<std::string, RamRuns>;  // of each block

  // --- the thread ---
  void run();
  void send();
  // To where nobody answers.
  void send_stopped();
  void send_pages(const Pages& pages, RamWriter::Zeroes zeroes);
  // Waits until so much has been sent since the round began that the bandwidth is kept to.
  void keep_pace(std::chrono::steady_clock::time_point began, u64 sent);
  // The answer that is waited for. Throws Error if it is a refusal, or something else.
  void expect(StateChunk answer);
  void expect_no_refusal();
  template <class Fn>
  void on_main(Fn fn) {
    calls_->run(std::move(fn));
  }
  Error reason_of(const Error& failure);
  Error refusal(const ChunkReader::Chunk& chunk) const;
  // Lets the machine go on here, if it is; else says so in addition.
  void recover(Error& failure);

  // --- the main loop ---
  void begin_logging(Pages& in_use);
  // What was written since. If that is little enough, or it was asked for often, holds the machine.
  void collect(Pages& written);
  void hold();
  void prepare_last(Pages& written, std::vector<u8>& objects);
  void give_up();
  void go_on_here();
  void finish(const std::optional<Error>& failure);

  Machine& machine_;
  const Object& in_tree_;
  std::unique_ptr<MigrationLink> link_;
  std::unique_ptr<Compressor> packer_;
  const std::string compressor_;
  RamBlocks blocks_;
  std::vector<u8> header_;
  std::thread thread_;
  std::atomic<bool> cancelled_{false};
  std::shared_ptr<MainCalls> calls_;

  // Machine lock.
  std::vector<std::pair<std::string, std::unique_ptr<DirtyLog>>> logs_;
  Migration::Ended ended_;
  MigrationStatus status_ = MigrationStatus::Setup;
  Where where_ = Where::Here;
  bool held_ = false;
  bool ran_ = false;  // when it was held
  std::string problem_;
  i64 started_ = 0, held_at_ = 0, total_time_ = 0, downtime_ = 0;  // ns of the realtime clock
  unsigned rounds_ = 0;

  // Any thread.
  std::atomic<u64> max_bandwidth_{0};  // bytes a second; 0: no limit
  std::atomic<u64> downtime_limit_ms_{0};
  std::atomic<bool> is_last_{false};  // the round under way
  std::atomic<u64> transferred_{0};   // bytes of RAM, zeroes included
  std::atomic<u64> remaining_{0};
  std::atomic<u64> per_second_{0};  // bytes, in the last round
};

}  // namespace backplane

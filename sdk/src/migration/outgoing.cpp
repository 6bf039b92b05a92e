// SPDX-License-Identifier: MIT
#include "migration/outgoing.h"

#include <chrono>
#include <utility>

#include "backplane/machine.h"
#include "migration/images.h"
#include "state/machine_parts.h"
#include "thread/host_thread.h"

namespace backplane {

namespace {

// A guest that writes faster than can be sent is held after so many rounds.
constexpr unsigned kMostRounds = 10;
// How long the other program may take to say that the machine runs.
constexpr int kConfirmationMs = 10'000;
// How often, and after how long again, images are asked for that it may still be closing.
constexpr int kTakeBackTries = 50;
constexpr auto kTakeBackPause = std::chrono::milliseconds(100);

constexpr u64 kMsPerSecond = 1000;
constexpr i64 kNsPerMs = 1'000'000;

u64 bytes_of(const std::map<std::string, RamRuns>& pages) {
  u64 bytes = 0;
  for (const auto& [name, runs] : pages) bytes += bytes_of(runs);
  return bytes;
}

}  // namespace

Outgoing::Outgoing(Machine& machine, const Object& in_tree, std::unique_ptr<MigrationLink> link,
                   std::unique_ptr<Compressor> packer, std::string compressor,
                   const MigrationParameters& parameters)
    : machine_(machine),
      in_tree_(in_tree),
      link_(std::move(link)),
      packer_(std::move(packer)),
      compressor_(std::move(compressor)),
      blocks_(ram_of(machine)),
      header_(write_header(machine).bytes()),
      calls_(std::make_shared<MainCalls>(machine.main_loop())) {
  set_parameters(parameters);
}

void Outgoing::set_parameters(const MigrationParameters& parameters) {
  max_bandwidth_ = parameters.max_bandwidth;
  downtime_limit_ms_ = parameters.downtime_limit_ms;
}

void Outgoing::start(Migration::Ended ended) {
  ended_ = std::move(ended);
  started_ = machine_.realtime_clock().now();
  set_status(MigrationStatus::Setup);
  thread_ = start_thread("migration", [self = shared_from_this()] { self->run(); });
}

void Outgoing::cancel() {
  if (where_ != Where::Here) return;
  cancelled_ = true;
  link_->cancel();
}

void Outgoing::abandon() {
  calls_->abandon();
  link_->cancel();
  if (thread_.joinable()) thread_.join();
  logs_.clear();
}

void Outgoing::run() {
  std::optional<Error> failure;
  try {
    send();
  } catch (const Error& error) {
    failure = reason_of(error);
  } catch (const std::exception& error) {
    failure = Error(error.what());
  }
  // The other program may wait, and have the images.
  link_->close();
  try {
    if (failure) recover(*failure);
    on_main([&] { finish(failure); });
  } catch (const Error&) {
    // Abandoned.
  }
}

// Why the other program does not take what is sent may be what it has said last.
Error Outgoing::reason_of(const Error& failure) {
  try {
    if (cancelled_ || !link_->is_connected() || !link_->has_answer()) return failure;
    ChunkReader in(*link_, place());
    const ChunkReader::Chunk chunk = in.next();
    if (chunk.kind == StateChunk::Refused) return refusal(chunk);
  } catch (const Error&) {
    // It has said nothing.
  }
  return failure;
}

Error Outgoing::refusal(const ChunkReader::Chunk& chunk) const {
  return Error::of("{}: refused by the other program: {}", place(),
                   std::string(chunk.bytes.begin(), chunk.bytes.end()));
}

void Outgoing::send() {
  link_->connect();
  if (link_->is_one_way()) return send_stopped();
  ChunkWriter out(*link_);
  out.begin();
  out.write(StateChunk::Header, header_);
  expect(StateChunk::Accepted);

  Pages pages;
  on_main([&] { begin_logging(pages); });
  out.write(StateChunk::Contents,
            write_contents({.compressor = compressor_, .ram = bytes_of(pages)}).bytes());
  send_pages(pages, RamWriter::Zeroes::LeaveOut);
  bool last = false;
  while (!last) {
    on_main([&] {
      collect(pages);
      last = held_;
    });
    if (!last) send_pages(pages, RamWriter::Zeroes::Tell);
  }
  // What was asked of the machine before it was held is done by now.
  std::vector<u8> objects;
  on_main([&] { prepare_last(pages, objects); });
  send_pages(pages, RamWriter::Zeroes::Tell);
  out.write(StateChunk::Objects, objects);
  out.write(StateChunk::End);
  expect(StateChunk::Ready);

  on_main([&] { give_up(); });
  const u8 runs = ran_ ? 1 : 0;
  try {
    out.write(StateChunk::Go, {&runs, 1});
  } catch (const Error&) {
    on_main([&] { where_ = Where::Here; });
    throw;
  }
  link_->set_limit(kConfirmationMs);
  try {
    expect(StateChunk::Running);
  } catch (const Error& error) {
    on_main([&] { where_ = Where::Unsure; });
    throw Error(std::string(error.what()) + ", after the machine was given up: it may run there",
                "where it does not, cont goes on here");
  }
}

// As save_machine() does, but for the thread. Whether anybody makes use of it is not said: the
// machine may go on here as well.
void Outgoing::send_stopped() {
  Pages pages;
  std::vector<u8> objects;
  on_main([&] {
    set_status(MigrationStatus::Active);
    ran_ = machine_.run_control().state() == RunState::Running;
    machine_.run_control().hold();
    hold();
  });
  on_main([&] {
    Pages none;
    prepare_last(none, objects);
    for (const auto& [name, block] : blocks_) pages[name] = runs_in_use(*block);
  });
  ChunkWriter out(*link_);
  out.begin();
  out.write(StateChunk::Header, header_);
  out.write(StateChunk::Contents,
            write_contents({.compressor = compressor_, .ram = bytes_of(pages)}).bytes());
  out.write(StateChunk::Objects, objects);
  send_pages(pages, RamWriter::Zeroes::LeaveOut);
  out.write(StateChunk::End);
  on_main([&] {
    give_up();
    where_ = Where::Unsure;
  });
}

void Outgoing::send_pages(const Pages& pages, RamWriter::Zeroes zeroes) {
  ChunkWriter out(*link_);
  RamWriter ram(out, packer_.get());
  const u64 bytes = bytes_of(pages);
  remaining_ = bytes;
  u64 sent = 0;
  const auto began = std::chrono::steady_clock::now();
  for (const auto& [name, runs] : pages)
    for_each_piece(runs, [&, block = blocks_.at(name).get()](const RamBlock::Run& piece) {
      if (cancelled_ || calls_->abandoned()) throw Error::of("{}: was cancelled", place());
      ram.write(*block, piece, zeroes);
      transferred_ += piece.end - piece.start;
      remaining_ -= piece.end - piece.start;
      if (link_->has_answer()) expect_no_refusal();
      keep_pace(began, sent += piece.end - piece.start);
    });
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - began);
  per_second_ = bytes * kMsPerSecond / (static_cast<u64>(took.count()) + 1);
}

void Outgoing::keep_pace(std::chrono::steady_clock::time_point began, u64 sent) {
  using Seconds = std::chrono::duration<double>;
  constexpr Seconds kNap{0.05};  // after which the limit may be another one
  for (;;) {
    const u64 limit = max_bandwidth_;
    if (limit == 0 || is_last_ || cancelled_ || calls_->abandoned()) return;
    const Seconds due(static_cast<double>(sent) / static_cast<double>(limit));
    const Seconds early = due - (std::chrono::steady_clock::now() - began);
    if (early <= Seconds::zero()) return;
    std::this_thread::sleep_for(std::min(early, kNap));
  }
}

void Outgoing::expect(StateChunk answer) {
  ChunkReader in(*link_, place());
  const ChunkReader::Chunk chunk = in.next();
  if (chunk.kind == StateChunk::Refused) throw refusal(chunk);
  if (chunk.kind != answer) throw Error::of("{}: is no program that takes this machine", place());
}

// It has nothing else to say meanwhile.
void Outgoing::expect_no_refusal() { expect(StateChunk::Refused); }

void Outgoing::recover(Error& failure) {
  std::optional<Error> failed;
  for (int n = 0; n < kTakeBackTries; ++n) {
    on_main([&] {
      failed.reset();
      if (where_ != Where::Here) return;
      try {
        go_on_here();
      } catch (const Error& error) {
        failed = error;
      }
    });
    if (!failed) return;
    std::this_thread::sleep_for(kTakeBackPause);
  }
  on_main([&] { where_ = Where::Unsure; });
  failure = Error(fmt::format("{}; and {}", failure.what(), failed->what()), "cont tries again");
}

void Outgoing::begin_logging(Pages& in_use) {
  const Pause pause(machine_);
  for (const auto& [name, block] : blocks_) {
    logs_.emplace_back(name, std::make_unique<DirtyLog>(machine_.memory(), block));
    in_use[name] = runs_in_use(*block);
  }
  set_status(MigrationStatus::Active);
}

void Outgoing::collect(Pages& written) {
  ran_ = machine_.run_control().state() == RunState::Running;
  machine_.run_control().hold();
  for (auto& [name, log] : logs_) written[name] = runs_of_pages(log->take());
  ++rounds_;
  const u64 left = bytes_of(written);
  remaining_ = left;
  if (left * kMsPerSecond > per_second_ * downtime_limit_ms_ && rounds_ < kMostRounds) {
    if (ran_) machine_.run_control().let_go();
    return;
  }
  hold();
}

// The machine stands still: for the last round.
void Outgoing::hold() {
  held_ = true;
  is_last_ = true;
  if (ran_) machine_.events().send(kStopEvent);
  held_at_ = machine_.realtime_clock().now();
  set_status(MigrationStatus::Device);
}

void Outgoing::prepare_last(Pages& written, std::vector<u8>& objects) {
  if (machine_.run_control().shutdown_cause()) throw Error("the machine was shut down meanwhile");
  settle_machine(machine_);
  for (auto& [name, log] : logs_) {
    RamRuns& runs = written[name];
    for (const RamBlock::Run& run : runs_of_pages(log->take())) runs.push_back(run);
  }
  logs_.clear();
  objects = write_objects(machine_).bytes();
  hand_images_over(in_tree_);
}

void Outgoing::give_up() {
  if (cancelled_) throw Error::of("{}: was cancelled", place());
  where_ = Where::Gone;
}

void Outgoing::go_on_here() {
  take_images_over(in_tree_);
  logs_.clear();
  if (std::exchange(held_, false) && ran_) machine_.run_control().start();
}

void Outgoing::take_back() {
  go_on_here();
  where_ = Where::Here;
}

void Outgoing::finish(const std::optional<Error>& failure) {
  const i64 now = machine_.realtime_clock().now();
  total_time_ = now - started_;
  if (held_) downtime_ = now - held_at_;
  if (failure) problem_ = failure->what();
  if (where_ != Where::Here) machine_.run_control().request_stop(StopCause::Migrated);
  // When that is done: whoever sees that it has ended sees why the machine stands still.
  machine_.main_loop().post([self = shared_from_this(), failure] {
    if (self->calls_->abandoned()) return;
    if (!failure)
      self->set_status(MigrationStatus::Completed);
    else
      self->set_status(self->cancelled_ ? MigrationStatus::Cancelled : MigrationStatus::Failed);
    if (const auto ended = std::exchange(self->ended_, nullptr)) ended(failure);
  });
}

void Outgoing::set_status(MigrationStatus status) {
  status_ = status;
  machine_.events().send(kMigrationEvent, Value::Record{{"status", to_string(status)}});
}

Value Outgoing::progress() const {
  u64 total = 0;
  for (const auto& [name, block] : blocks_) total += block->size();
  const bool ended = total_time_ != 0;
  const i64 time = ended ? total_time_ : machine_.realtime_clock().now() - started_;
  Value::Record progress{{"status", to_string(status_)}, {"total-time", time / kNsPerMs}};
  if (downtime_ != 0) progress.push_back({"downtime", downtime_ / kNsPerMs});
  const u64 per_second = per_second_;
  if (!ended && per_second != 0)
    progress.push_back({"expected-downtime", remaining_ * kMsPerSecond / per_second});
  constexpr double kBitsPerByte = 8, kMega = 1e6;
  progress.push_back(
      {"ram", Value::Record{{"transferred", u64{transferred_}},
                            {"remaining", u64{remaining_}},
                            {"total", total},
                            {"page-size", kPageSize},
                            {"mbps", static_cast<double>(per_second) * kBitsPerByte / kMega},
                            {"dirty-sync-count", rounds_}}});
  if (!problem_.empty()) progress.push_back({"error-desc", problem_});
  return progress;
}

}  // namespace backplane

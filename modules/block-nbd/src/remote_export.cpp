// SPDX-License-Identifier: MIT
#include "remote_export.h"

#include <algorithm>
#include <cerrno>
#include <thread>
#include <utility>

#include "backplane/error.h"
#include "backplane/log.h"

namespace backplane::nbd {

namespace {

using Clock = std::chrono::steady_clock;

constexpr u32 kMostToConnect = 10;                // seconds for one attempt
constexpr std::chrono::milliseconds kPause{500};  // between attempts

}  // namespace

RemoteExport::RemoteExport(ExportName name, const Patience& patience)
    : name_(std::move(name)), patience_(patience) {
  const Deadline end = in_seconds(patience_.open);
  for (;;) {
    try {
      connection_ = connect();
      info_ = connection_->info();
      return;
    } catch (const Error&) {
      if (Clock::now() + kPause >= *end) throw;
    }
    std::this_thread::sleep_for(kPause);
  }
}

std::shared_ptr<Connection> RemoteExport::connect() const {
  const u32 most = patience_.request == 0 ? kMostToConnect : patience_.request;
  const Deadline deadline = in_seconds(std::min(kMostToConnect, most));
  Socket socket = connect_to(name_.place, deadline);
  try {
    return std::make_shared<Connection>(std::move(socket), name_.name, deadline, patience_.request);
  } catch (const Error& error) {
    throw error.in(name_.place.text());
  }
}

void RemoteExport::connect_again() {
  try {
    auto again = connect();
    if (again->info().size != info_.size || again->info().flags != info_.flags ||
        again->info().minimum_block != info_.minimum_block ||
        again->info().maximum_block != info_.maximum_block ||
        again->info().base_allocation.has_value() != info_.base_allocation.has_value())
      throw Error(name_.uri() + " is not what it was before");
    connection_ = std::move(again);
    failure_.clear();
    log::warn(name_.uri() + ": the server is there again");
  } catch (const Error& error) {
    failure_ = error.what();
    next_attempt_ = Clock::now() + kPause;
  }
}

std::shared_ptr<Connection> RemoteExport::connection(Deadline deadline) {
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (connection_ != nullptr && connection_->is_lost()) {
        failure_ = connection_->reason();
        log::warn(fmt::format("{}: {}", name_.uri(), failure_));
        connection_.reset();
      }
      if (connection_ == nullptr && (!next_attempt_ || Clock::now() >= *next_attempt_))
        connect_again();
      if (connection_ != nullptr) return connection_;
    }
    if (Clock::now() + kPause >= *deadline) return nullptr;
    std::this_thread::sleep_for(kPause);
  }
}

int RemoteExport::carry_out(Request request, u32* part_size, u32* part_state) {
  // A server may take each request for a reason to go.
  constexpr unsigned kAttempts = 8;
  Deadline deadline = in_seconds(patience_.reconnect);
  unsigned silences = 0;
  for (unsigned attempt = 0; attempt < kAttempts; ++attempt) {
    const std::shared_ptr<Connection> used = connection(deadline);
    if (used == nullptr) return -EIO;
    if (request.command == kCmdBlockStatus) request.part_size = 0;
    if (const std::optional<int> result = used->carry_out(request)) {
      if (part_size != nullptr) *part_size = request.part_size;
      if (part_state != nullptr) *part_state = request.part_state;
      return *result;
    }
    if (used->was_silent() && ++silences == 2) return -EIO;
    // It was there until now.
    if (attempt == 0) deadline = in_seconds(patience_.reconnect);
  }
  return -EIO;
}

std::string RemoteExport::failure() {
  const std::lock_guard lock(mutex_);
  // One that nobody has tried to make anew says it best.
  return connection_ != nullptr && connection_->is_lost() ? connection_->reason() : failure_;
}

}  // namespace backplane::nbd

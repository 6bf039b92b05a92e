// SPDX-License-Identifier: MIT
// A disk's side of a block node: requests that wait for nobody, and what is done if they fail.
//
// Threads: a queue is used in a loop, the main loop or an IoThread, whose lock is held in all calls
// that do not say otherwise. submit() never waits for the disk; requests run on the queue's own
// threads, or by an engine of the host's (aio.h); the completion runs on the loop's thread with its
// lock, or, where instructions are counted, on the vCPU's thread at a virtual time that follows
// from when the request was submitted and from what it asks, in the order submitted. Else requests
// may complete in any order; a flush completes after every write that completed before it was
// submitted is on stable storage.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backplane/block.h"
#include "backplane/enumeration.h"
#include "backplane/io_context.h"
#include "backplane/io_vector.h"
#include "backplane/types.h"

namespace backplane {

class Machine;

enum class BlockOp { Read, Write, Flush, Discard, WriteZeroes };

struct BlockRequest {
  BlockOp op = BlockOp::Read;
  u64 offset = 0;          // bytes, sector (512) aligned
  u64 size = 0;            // bytes; for Read and Write the sum of iov
  std::vector<iovec> iov;  // guest RAM or buffers, valid until completion
  bool may_unmap = false;  // WriteZeroes: holes are welcome
  // 0 or a negative errno.
  std::function<void(int result)> done;
};

// What is done about a request that the host fails to carry out. Stop: the machine stops, and what
// failed is tried again when it goes on; Enospc: that if the host's disk is full, else Report.
// Ignore: the guest takes it for done. Auto: what is usual, Report for reads, else Enospc.
enum class ErrorAction { Report, Ignore, Stop, Enospc, Auto };
template <>
struct EnumNames<ErrorAction> {
  static constexpr EnumName<ErrorAction> kNames[] = {{ErrorAction::Report, "report"},
                                                     {ErrorAction::Ignore, "ignore"},
                                                     {ErrorAction::Stop, "stop"},
                                                     {ErrorAction::Enospc, "enospc"},
                                                     {ErrorAction::Auto, "auto"}};
};
struct ErrorActions {
  ErrorAction read = ErrorAction::Auto;
  ErrorAction write = ErrorAction::Auto;  // of everything else
};

struct BlockQueueSettings {
  ErrorActions on_error;
  bool write_through = false;  // what is written is on the disk when it completes
};

// What a queue has carried out for its device.
struct BlockStatistics {
  struct Counters {
    u64 operations = 0;
    u64 bytes = 0;
    u64 time_ns = 0;  // from submission to completion, summed up
    u64 failed = 0;
  };
  Counters read, write, flush, discard;  // write: zeroes too
};

// Failures of the host are told on standard error: each time the machine stops, and what does not
// stop it once for each reason.
class BlockQueue {
 public:
  // Throws Error if the node's size is no whole number of sectors, or if an engine that the node
  // wants is not to be had. Machine, node and loop must outlive it. Machine lock, as its
  // destruction.
  BlockQueue(Machine& machine, BlockNode& node, const BlockQueueSettings& settings);
  // One that is used in that loop, and not in the main loop.
  BlockQueue(Machine& machine, BlockNode& node, const BlockQueueSettings& settings,
             IoContext& loop);
  // What was submitted is carried out; its completions do not run any more (see drain()).
  ~BlockQueue();
  BlockQueue(const BlockQueue&) = delete;
  BlockQueue& operator=(const BlockQueue&) = delete;

  // Out-of-range and misaligned requests complete with -EINVAL, writes to a read-only node with
  // -EACCES: nothing is touched.
  void submit(BlockRequest request);
  // Like submit(), but when the machine goes on: as one that failed, and is to be tried again then.
  void hold(BlockRequest request);
  // Waits until nothing is in flight but what waits for the machine to go on; completions run.
  // Machine lock.
  void settle();
  // Waits until nothing is in flight; completions run, and what waited for the machine to go on has
  // failed. Machine lock.
  void drain();
  // What is done about failures, and those there were: for `info`. Machine lock.
  std::string describe() const;
  BlockStatistics statistics() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace backplane

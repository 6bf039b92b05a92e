// SPDX-License-Identifier: MIT
// Block backends: a disk image as a device sees it.
//
// Threads: submit() is called under the machine lock and never waits for the disk; requests run
// on the backend's own threads; the completion runs on the main loop's thread with the machine
// lock held. Requests may complete in any order; a flush completes after every write that
// completed before it was submitted is on stable storage.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backplane/io_vector.h"
#include "backplane/property.h"
#include "backplane/types.h"

namespace backplane {

class Clock;
class MainLoop;

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

// What a file must be to be the image.
enum class ImageKind { Any, File, Device };
// What becomes of a write of nothing but zeroes: nothing else, zeroes that keep their place on the
// disk but are not written one by one, or a hole.
enum class DetectZeroes { Off, On, Unmap };

// What is done about a request that the host fails to carry out. Stop: the machine stops, and what
// failed is tried again when it goes on; Enospc: that if the host's disk is full, else Report.
// Ignore: the guest takes it for done. Auto: as whoever else has a say wants it.
enum class ErrorAction { Auto, Report, Ignore, Stop, Enospc };

template <>
struct PropertyTraits<ErrorAction> {
  static constexpr std::string_view kTypeName = "ErrorAction";
  static ErrorAction parse(std::string_view text);  // Throws Error.
  static std::string print(ErrorAction value);
};

struct ErrorActions {
  ErrorAction read = ErrorAction::Auto;   // in the end: Report
  ErrorAction write = ErrorAction::Auto;  // of everything else; in the end: Enospc
};

// Auto: a file system without locks gets a warning; On: it is refused.
enum class ImageLocking { Auto, On, Off };

// What of an image's options helps against what can be wrong with it, as the option that names the
// image spells it, for messages.
struct ImageCures {
  std::string read_only = "read-only=on";
  std::string unlocked = "locking=off";
  std::string cached = "cache=writeback";
  std::string driver = "driver";  // the key alone
};

struct BlockOptions {
  std::string file;  // path
  ImageKind kind = ImageKind::Any;
  std::string format = "raw";
  bool read_only = false;
  bool auto_read_only = false;
  std::string cache = "writeback";  // writeback, none, writethrough, directsync, unsafe
  bool discard = true;              // pass discards down ("unmap"); false: "ignore"
  DetectZeroes detect_zeroes = DetectZeroes::Off;
  ImageLocking locking = ImageLocking::Auto;
  std::string id;         // drive id or node name
  std::string serial;     // of the disk, where the device has none of its own
  ErrorActions on_error;  // where the device has none of its own
  ImageCures cures;
};

class BlockBackend {
 public:
  virtual ~BlockBackend() = default;
  const std::string& id() const { return id_; }
  const std::string& serial() const { return serial_; }
  virtual u64 size() const = 0;  // bytes
  virtual bool read_only() const = 0;
  virtual unsigned logical_block_size() const { return 512; }
  virtual bool write_cache() const = 0;
  // Out-of-range and misaligned requests complete with -EINVAL, writes to a read-only image with
  // -EACCES: nothing is touched.
  virtual void submit(BlockRequest request) = 0;
  // Waits until nothing is in flight. Machine lock held; completions run.
  virtual void drain() = 0;
  virtual std::string describe() const = 0;
  // What a result that is not 0 came from: the system's text, or more.
  virtual std::string explain(int result) const;
  // Tries again what waits since the machine stopped for it. Called when the machine is about to go
  // on, machine lock held.
  virtual void retry() {}
  // What is done about failures of the host, by a backend of make_error_policy(): what was said
  // last counts, but for Auto.
  const ErrorActions& error_actions() const { return error_actions_; }
  void set_error_actions(ErrorActions actions);

  // One device at a time uses a backend; throws Error naming both.
  void claim(const std::string& user);
  void release();

 protected:
  explicit BlockBackend(std::string id, std::string serial = {})
      : id_(std::move(id)), serial_(std::move(serial)) {}

  // -EINVAL or -EACCES for a request that submit() refuses, else 0.
  int check(const BlockRequest& request) const;

 private:
  std::string id_;
  std::string serial_;
  ErrorActions error_actions_{ErrorAction::Report, ErrorAction::Enospc};
  std::string user_;
};

// Opens an image. Throws Error with one line: missing, not permitted, a directory, locked by
// another process, not a multiple of 512 bytes, ...
std::unique_ptr<BlockBackend> open_block_backend(MainLoop& loop, const BlockOptions& options);

// The same backend for a machine that counts instructions: each request completes at a virtual time
// that follows from when it was submitted and from what it asks, not from how fast the host is, and
// requests complete in order. Where the host is late, the vCPU waits for it, with the machine lock.
// Completions run where virtual timers fire: on the vCPU's thread, machine lock held. `drain()`
// completes everything at once. The clock must outlive it, or everything be drained before.
std::unique_ptr<BlockBackend> make_reproducible(Clock& virtual_clock,
                                                std::unique_ptr<BlockBackend> backend);

// The same backend for a machine that can wait for its user to do something about failures of the
// host. They are told on standard error: each time the machine stops, and what does not stop it
// once for each reason. `stop` stops it, soon; retry() must be called before it goes on. What waits
// when the backend is drained completes with its failure.
std::unique_ptr<BlockBackend> make_error_policy(std::function<void()> stop, ErrorActions actions,
                                                std::unique_ptr<BlockBackend> backend);

// The program's backends by id (from -drive and -blockdev), so that drive=ID finds them.
class BlockRegistry {
 public:
  static BlockRegistry& instance();
  void add(std::unique_ptr<BlockBackend> backend);  // throws Error on a duplicate id
  BlockBackend* find(const std::string& id) const;
  std::vector<BlockBackend*> all() const;
  void clear();  // drains and closes

 private:
  std::vector<std::unique_ptr<BlockBackend>> backends_;
};

}  // namespace backplane

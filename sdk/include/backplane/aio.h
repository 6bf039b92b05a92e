// SPDX-License-Identifier: MIT
// Engines: ways of the host to have transfers of files carried out while nobody waits for them.
// Each is a type that is found and loaded by its name, so that a library that a system may lack is
// a module of its own. Without one, threads do it.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "backplane/catalogue.h"
#include "backplane/io_context.h"
#include "backplane/io_vector.h"
#include "backplane/object.h"
#include "backplane/room.h"
#include "backplane/types.h"

namespace backplane {

inline constexpr Kind kAioKind{.base = "aio-engine",
                               .prefix = "aio-",
                               .suffix = "",
                               .noun = "I/O engine",
                               .option = "-blockdev driver=file,aio"};

// A type of its own derives from it, and is registered as "aio-NAME". All calls with the lock of
// the loop that it was started in.
class AioEngine : public Object {
  BACKPLANE_OBJECT(AioEngine, Object, "aio-engine")
 public:
  static void class_init(ObjectClass&) {}

  struct Transfer {
    bool write = false;
    int fd = -1;
    u64 offset = 0;              // bytes
    std::span<const iovec> iov;  // valid until it has completed, the list and what it names
  };
  // The bytes that were moved, which may be too few, or a negative errno.
  using Done = std::function<void(i64 result)>;

  // Before anything else, once. Throws Error if the host has no such thing.
  virtual void start(IoContext& loop) = 0;
  virtual bool has_room() const = 0;
  // Begins a transfer, soon: those of one moment go together. While there is room. `done` runs on
  // the loop's thread, or in wait().
  virtual void submit(const Transfer& transfer, Done done) = 0;
  // Waits until one transfer has completed at least, if any is under way, and runs what has.
  virtual void wait() = 0;

 private:
  [[maybe_unused]] Room<4> room_;
};

// The engine that users call `name`, started; its module is loaded if needed. Throws Error as
// class_of_kind() and start() do. Machine lock, and the loop's.
std::unique_ptr<AioEngine> create_aio_engine(std::string_view name, IoContext& loop);

}  // namespace backplane

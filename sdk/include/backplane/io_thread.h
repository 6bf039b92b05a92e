// SPDX-License-Identifier: MIT
// -object iothread: a thread that serves the queues of devices which name it, so that their data
// moves without the machine lock.
#pragma once

#include <memory>
#include <string>

#include "backplane/backend.h"
#include "backplane/io_context.h"
#include "backplane/room.h"
#include "backplane/types.h"

namespace backplane {

class IoThread final : public Backend, public IoContext {
  BACKPLANE_OBJECT(IoThread, Backend, "iothread")
 public:
  static void class_init(ObjectClass& k);

  IoThread();
  ~IoThread() override;

  // IoContext
  void post(std::function<void()> fn) override;
  WatchHandle watch(Waitable waitable, unsigned conditions,
                    std::function<void(unsigned)> fn) override;
  void lock() override;
  void unlock() override;
  bool held_by_me() const override;
  void with_machine(std::function<void()> fn) override;
  void run_kept() override;

  // Several devices may have it, for which it stands itself as the user.
  Backend& claim(const Object& user) override;
  void release() override;
  const Object* user() const override;
  std::string describe() const override;
  // The system's id of its thread.
  u64 thread_id() const;

 protected:
  void open() override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  [[maybe_unused]] Room<4> room_;
};

}  // namespace backplane

// SPDX-License-Identifier: MIT
// Linux's TUN/TAP driver: descriptors through which a program is one end of a network interface.
// [TUN/TAP]
#pragma once

#include <string>
#include <utility>

namespace backplane {

// Owns one such descriptor.
class TapQueue {
 public:
  explicit TapQueue(int fd) : fd_(fd) {}
  ~TapQueue();
  TapQueue(TapQueue&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  TapQueue& operator=(TapQueue&&) = delete;

  int fd() const { return fd_; }

 private:
  int fd_;
};

struct TapInterface {
  std::string name;  // may be a pattern of the kernel's, "tap%d"
  bool several_queues = false;
  bool offload_header = false;  // ask for one before each frame
};

// Whether the host's kernel can put a header before each frame that says what is left to be done.
bool kernel_has_offload_header();
// A queue of the interface, which is made if there is none of that name; its name is set to the one
// it has. Throws Error with what to do.
TapQueue open_tap(TapInterface& interface);
// What was opened elsewhere: not blocking from now on. Throws Error if it is no TAP queue. Sets
// whether it has such a header.
TapQueue adopt_tap(int fd, bool& offload_header);

// The header is as long as a FrameOffload. Throws Error.
void set_header_size(const TapQueue& queue);
// What the kernel may leave to be done in frames that it gives: a set of OffloadKind. False if it
// knows nothing of such.
bool set_receive_offloads(const TapQueue& queue, unsigned kinds);

// Runs a program with one argument and waits for it. Throws Error: it cannot be run, or it failed.
void run_script(const std::string& property, const std::string& path, const std::string& argument);

}  // namespace backplane

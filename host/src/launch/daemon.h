// SPDX-License-Identifier: MIT
// -daemonize and -pidfile. Linux only; elsewhere they are refused with an Error.
#pragma once

#include <memory>
#include <string>

namespace backplane::host {

// The program in the background: whoever started it goes on when the machine is ready, and is told
// by the exit status if it does not get ready.
class Daemon {
 public:
  Daemon();
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // Returns in the background, with no terminal of its own; in the foreground waits, and ends the
  // program. Before there are other threads. Throws Error.
  void begin();
  // Lets whoever waits go on, and leaves the streams and the directory that this was started with.
  // Does nothing if it did not begin.
  void ready();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A file with the number of this process, locked while this lives and removed with it.
class PidFile {
 public:
  // Throws Error: it cannot be written, or another program has it locked.
  explicit PidFile(const std::string& path);
  ~PidFile();
  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace backplane::host

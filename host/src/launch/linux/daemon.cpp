// SPDX-License-Identifier: MIT
#include "launch/daemon.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "backplane/error.h"

namespace backplane::host {

// --- into the background ------------------------------------------------------------------------

struct Daemon::Impl {
  int told = -1;     // where whoever waits is told
  int nowhere = -1;  // /dev/null, which may be out of reach later
};

Daemon::Daemon() : impl_(std::make_unique<Impl>()) {}

Daemon::~Daemon() {
  for (const int fd : {impl_->told, impl_->nowhere})
    if (fd >= 0) close(fd);
}

void Daemon::begin() {
  impl_->nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (impl_->nowhere < 0) throw Error::system("/dev/null", errno);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw Error::system("cannot make a pipe", errno);
  const pid_t child = fork();
  if (child < 0) throw Error::system("cannot make a process", errno);
  if (child == 0) {
    close(ends[0]);
    impl_->told = ends[1];
    setsid();
    return;
  }
  close(ends[1]);
  char ready = 0;
  ssize_t got;
  do {
    got = read(ends[0], &ready, 1);
  } while (got < 0 && errno == EINTR);
  if (got == 1) _exit(0);
  // It has said why.
  int status = 0;
  waitpid(child, &status, 0);
  _exit(WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : 1);
}

void Daemon::ready() {
  if (impl_->told < 0) return;
  if (chdir("/") != 0) throw Error::system("cannot go into the background", errno);
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    dup2(impl_->nowhere, stream);
  const char word = 1;
  [[maybe_unused]] const ssize_t written = write(impl_->told, &word, 1);
  close(impl_->told);
  impl_->told = -1;
}

// --- the file with the number -------------------------------------------------------------------

struct PidFile::Impl {
  std::string path;
  int fd = -1;
};

PidFile::PidFile(const std::string& path) : impl_(std::make_unique<Impl>()) {
  impl_->path = path;
  // Not emptied before it is known to be ours.
  impl_->fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (impl_->fd < 0) throw Error::system(path, errno);
  const std::string number = fmt::format("{}\n", getpid());
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  int error = 0;
  if (fcntl(impl_->fd, F_SETLK, &lock) != 0)
    error = errno;
  else if (ftruncate(impl_->fd, 0) != 0 ||
           write(impl_->fd, number.data(), number.size()) != static_cast<ssize_t>(number.size()))
    error = errno;
  if (error == 0) return;
  close(impl_->fd);
  if (error == EACCES || error == EAGAIN)
    throw Error::of("{}: another program that runs has this file", path)
        .with_hint("give each its own");
  throw Error::system(path, error);
}

PidFile::~PidFile() {
  unlink(impl_->path.c_str());
  close(impl_->fd);
}

}  // namespace backplane::host

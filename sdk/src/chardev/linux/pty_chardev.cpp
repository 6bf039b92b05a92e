// SPDX-License-Identifier: MIT
#include "chardev/linux/pty_chardev.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <termios.h>

#include <cerrno>

#include "backplane/error.h"
#include "backplane/log.h"
#include "chardev/linux/terminal_mode.h"

namespace backplane {

namespace {

UniqueFd duplicate(const UniqueFd& fd) {
  UniqueFd copy(fcntl(fd.get(), F_DUPFD_CLOEXEC, 3));
  if (!copy) throw Error::system("cannot duplicate a pseudo-terminal", errno);
  return copy;
}

}  // namespace

void PtyChardev::class_init(ObjectClass& k) {
  k.property<&PtyChardev::link_>("path", "a symbolic link that is to lead to the terminal");
}

void PtyChardev::open() {
  master_.reset(posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  char name[64];
  if (!master_ || grantpt(master_.get()) != 0 || unlockpt(master_.get()) != 0 ||
      ptsname_r(master_.get(), name, sizeof name) != 0)
    throw Error::system("cannot make a pseudo-terminal", errno);
  device_ = name;
  {
    // The first opening also is what makes the master see that nobody is there.
    const UniqueFd slave(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
    termios mode{};
    if (!slave || tcgetattr(slave.get(), &mode) != 0)
      throw Error::system("cannot set up " + device_, errno);
    mode = RawTerminal::raw_settings(mode, false);
    mode.c_oflag &= ~static_cast<tcflag_t>(OPOST);
    if (tcsetattr(slave.get(), TCSANOW, &mode) != 0)
      throw Error::system("cannot set up " + device_, errno);
  }
  watch_device();
  if (!link_.empty()) make_link();
  // The words that scripts look for.
  log::report(fmt::format("char device redirected to {} (label {})", device_, label()));
}

PtyChardev::~PtyChardev() {
  if (linked_) unlink(link_.c_str());
}

void PtyChardev::make_link() {
  if (symlink(device_.c_str(), link_.c_str()) != 0)
    throw Error::system(fmt::format("cannot make {} a link to {}", link_, device_), errno);
  linked_ = true;
}

void PtyChardev::watch_device() {
  changes_.reset(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!changes_ || inotify_add_watch(changes_.get(), device_.c_str(), IN_OPEN | IN_CLOSE) < 0)
    throw Error::system("cannot watch " + device_, errno);
  watch_ = loop().watch(changes_.get(), MainLoop::kReadable, [this](unsigned) {
    alignas(inotify_event) char events[4096];
    while (read(changes_.get(), events, sizeof events) > 0) {
    }
    device_changed();
  });
}

bool PtyChardev::somebody_there() const {
  pollfd state{.fd = master_.get(), .events = 0, .revents = 0};
  return poll(&state, 1, 0) >= 0 && (state.revents & POLLHUP) == 0;
}

void PtyChardev::device_changed() {
  there_ = somebody_there();
  if (!there_)
    discard_output();  // what was typed before is still there to be read
  else if (!connected())
    connect(duplicate(master_), duplicate(master_));
}

void PtyChardev::end_of_input() {
  disconnect();
  device_changed();
}

void PtyChardev::write(const u8* data, std::size_t size) {
  if (there_) StreamChardev::write(data, size);
}

BACKPLANE_TYPE(PtyChardev, "chardev-pty", .description = "A pseudo-terminal")

}  // namespace backplane

// SPDX-License-Identifier: MIT
#include "tun.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "backplane/error.h"
#include "backplane/frame_offload.h"

extern char** environ;  // NOLINT: POSIX names it so

namespace backplane {

namespace {

constexpr const char* kDevice = "/dev/net/tun";

int open_device() {
  const int fd = open(kDevice, O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    throw Error::system(fmt::format("cannot open {}", kDevice), errno)
        .with_hint("user networks need no rights: -netdev user");
  return fd;
}

}  // namespace

TapQueue::~TapQueue() {
  if (fd_ >= 0) close(fd_);
}

bool kernel_has_offload_header() {
  const TapQueue queue(open_device());
  unsigned features = 0;
  return ioctl(queue.fd(), TUNGETFEATURES, &features) == 0 && (features & IFF_VNET_HDR) != 0;
}

TapQueue open_tap(TapInterface& interface) {
  if (interface.name.size() >= IFNAMSIZ)
    throw Error::of("ifname={}: expects at most {} characters", interface.name, IFNAMSIZ - 1);
  TapQueue queue(open_device());
  ifreq request{};
  std::memcpy(request.ifr_name, interface.name.data(), interface.name.size());
  unsigned flags = IFF_TAP | IFF_NO_PI;
  if (interface.several_queues) flags |= IFF_MULTI_QUEUE;
  if (interface.offload_header) flags |= IFF_VNET_HDR;
  request.ifr_flags = static_cast<short>(flags);
  if (ioctl(queue.fd(), TUNSETIFF, &request) != 0) {
    const int reason = errno;
    const Error error =
        Error::system(fmt::format("cannot use the interface '{}'", interface.name), reason);
    if (reason == EPERM)
      throw Error(error).with_hint("its owner can: ip tuntap add mode tap user NAME");
    if (reason == EBUSY) throw Error(error).with_hint("another program has it");
    throw error;
  }
  interface.name.assign(request.ifr_name, strnlen(request.ifr_name, IFNAMSIZ));
  return queue;
}

TapQueue adopt_tap(int fd, bool& offload_header) {
  TapQueue queue(fd);
  ifreq request{};
  if (ioctl(fd, TUNGETIFF, &request) != 0)
    throw Error::system(fmt::format("descriptor {} is no TAP interface", fd), errno);
  if ((request.ifr_flags & IFF_TAP) == 0)
    throw Error::of("descriptor {} is an interface for IP packets: expects one for frames (tap)",
                    fd);
  offload_header = (request.ifr_flags & IFF_VNET_HDR) != 0;
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
    throw Error::system(fmt::format("descriptor {} cannot be used", fd), errno);
  return queue;
}

void set_header_size(const TapQueue& queue) {
  int size = sizeof(FrameOffload);
  if (ioctl(queue.fd(), TUNSETVNETHDRSZ, &size) != 0)
    throw Error::system("cannot set the size of the interface's headers", errno);
}

bool set_receive_offloads(const TapQueue& queue, unsigned kinds) {
  unsigned long offloads = 0;
  if ((kinds & kChecksumOffload) != 0) {
    offloads |= TUN_F_CSUM;
    if ((kinds & kTcp4Offload) != 0) offloads |= TUN_F_TSO4;
    if ((kinds & kTcp6Offload) != 0) offloads |= TUN_F_TSO6;
    const bool segments = (kinds & (kTcp4Offload | kTcp6Offload)) != 0;
    if (segments && (kinds & kEcnOffload) != 0) offloads |= TUN_F_TSO_ECN;
  }
  return ioctl(queue.fd(), TUNSETOFFLOAD, offloads) == 0;
}

void run_script(const std::string& property, const std::string& path, const std::string& argument) {
  std::string program = path;
  std::string name = argument;
  char* const arguments[] = {program.data(), name.data(), nullptr};
  pid_t child = 0;
  if (const int error = posix_spawn(&child, path.c_str(), nullptr, nullptr, arguments, environ))
    throw Error::system(fmt::format("{}={}: cannot be run", property, path), error);
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) throw Error::system(fmt::format("{}={}", property, path), errno);
  if (WIFSIGNALED(status))
    throw Error::of("{}={}: was ended by signal {}", property, path, WTERMSIG(status));
  if (WEXITSTATUS(status) != 0)
    throw Error::of("{}={}: exited with status {}", property, path, WEXITSTATUS(status));
}

}  // namespace backplane

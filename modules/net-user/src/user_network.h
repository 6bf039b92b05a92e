// SPDX-License-Identifier: MIT
// "net-user": a network of the guest's own, behind an address translation that needs no rights on
// the host: libslirp is its router, DHCP and name server.
//
// All under the machine lock. What the guest sends is looked at on the vCPU's thread; everything
// else runs on the main loop's.
#pragma once

#include <poll.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "backplane/clock.h"
#include "backplane/log.h"
#include "backplane/main_loop.h"
#include "backplane/netdev.h"
#include "settings.h"

struct Slirp;

namespace backplane {

class UserNetwork final : public Netdev {
 public:
  static void class_init(ObjectClass& k);
  UserNetwork() = default;
  ~UserNetwork() override;

  std::string describe() const override;
  void send(std::span<const iovec> frame) override;

 protected:
  void open() override;

 private:
  struct Callbacks;  // what libslirp calls

  void check_addresses();
  void start();
  void forward(const PortForward& rule);

  // libslirp's sockets have changed, or may have: looks at them soon, on the main loop's thread.
  void look_again();
  void wait_for_sockets();
  void sockets_ready();

  // Properties.
  Ipv4Network network_;
  Ipv4Address host_;
  Ipv4Address dns_;
  Ipv4Address dhcp_start_;
  std::string hostname_ = "backplane";
  std::string domain_name_;
  std::string tftp_directory_;
  std::string boot_file_;
  bool restrict_ = false;
  std::vector<PortForward> forwards_;

  Slirp* slirp_ = nullptr;
  std::vector<pollfd> sockets_;  // as libslirp last named them
  struct Watched {
    unsigned conditions = 0;
    MainLoop::WatchHandle handle{nullptr, nullptr};
  };
  std::map<int, Watched> watches_;
  std::unique_ptr<Timer> timeout_;
  bool looking_ = false;  // look_again() is under way
  std::vector<u8> frame_;
  GuestErrors guest_errors_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace backplane

// SPDX-License-Identifier: MIT
// "net-user": a network of the guest's own, behind an address translation that needs no rights on
// the host: libslirp is its router, DHCP and name server.
//
// With the lock of the loop that its frames move in, and inside the machine lock where it is made,
// moved, asked and destroyed. In the main loop, what the guest sends is looked at on the vCPU's
// thread; everything else runs on the loop's own.
#pragma once

#include <poll.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "backplane/chardev.h"
#include "backplane/clock.h"
#include "backplane/command.h"
#include "backplane/log.h"
#include "backplane/netdev.h"
#include "loop_timer.h"
#include "settings.h"

struct Slirp;

namespace backplane {

class UserNetwork final : public Netdev,
                          public OffloadNetdev,
                          public MovableNetdev,
                          public CommandProvider {
 public:
  static void class_init(ObjectClass& k);
  UserNetwork();
  ~UserNetwork() override;

  std::string describe() const override;
  void send(std::span<const iovec> frame) override { send_offloaded({}, frame); }
  // The router takes large segments as they are.
  void send_offloaded(const FrameOffload& left, std::span<const iovec> frame) override;
  unsigned receive_offloads() const override { return 0; }
  void accept_offloads(unsigned /*kinds*/) override {}
  void moved() override;

  std::span<const Command> commands() const override;
  // Its connections and forwarded ports, as libslirp lists them.
  std::string connections() const;
  // Throw Error: the port is taken, or is not forwarded.
  void add_forward(const PortForward& rule);
  void remove_forward(const PortForward& host_side);

 protected:
  void open() override;

 private:
  // Held while libslirp runs: the lock of the network's loop, and one for what libslirp has that is
  // all its networks' (the time, the host's name servers), as those may be in several loops. The
  // second is inside the first; what libslirp calls may need it again.
  class Entered {
   public:
    explicit Entered(const UserNetwork& network) : loop_(network.loop()), all_(mutex_) {}

   private:
    static inline std::recursive_mutex mutex_;
    IoContext::Guard loop_;
    std::lock_guard<std::recursive_mutex> all_;
  };
  struct Callbacks;  // what libslirp calls
  // A character device that a connection of the guest's reaches.
  class Correspondent;

  static void add_rules(ObjectClass& k);
  void check_addresses();
  void check_addresses_by_ipv6();
  void start();
  void forward(const PortForward& rule);
  void forward(const GuestForward& rule);

  // libslirp's sockets have changed, or may have: looks at them soon, on the loop's thread.
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
  std::string tftp_name_;
  bool ipv4_ = true;
  bool ipv6_ = false;
  Ipv6Network network6_;
  Ipv6Address host6_;
  Ipv6Address dns6_;
  bool restrict_ = false;
  bool loopback_ = true;
  std::vector<std::string> search_domains_;
  std::vector<PortForward> forwards_;
  std::vector<GuestForward> guest_forwards_;

  Slirp* slirp_ = nullptr;
  std::vector<std::unique_ptr<Correspondent>> correspondents_;
  std::vector<pollfd> sockets_;  // as libslirp last named them
  struct Watched {
    unsigned conditions = 0;
    IoContext::WatchHandle handle{nullptr, nullptr};
  };
  std::map<int, Watched> watches_;
  LoopTimer timeout_{[this] { sockets_ready(); }};
  bool looking_ = false;  // look_again() is under way
  std::vector<u8> frame_;
  GuestErrors guest_errors_;
  // What is posted to a loop is for as long as the network is in it.
  std::shared_ptr<bool> here_ = std::make_shared<bool>(true);
};

}  // namespace backplane

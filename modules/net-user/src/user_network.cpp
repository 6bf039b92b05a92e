// SPDX-License-Identifier: MIT
#include "user_network.h"

#include <slirp/libslirp.h>

#include <algorithm>
#include <filesystem>

#include "backplane/error.h"
#include "backplane/machine.h"
#include "correspondent.h"

namespace backplane {

namespace {

constexpr i64 kMillisecond = 1'000'000;

// Which addresses of its network the router, the name server and the first guest have, unless the
// user says otherwise.
constexpr u32 kRouter = 2;
constexpr u32 kNameServer = 3;
constexpr u32 kFirstGuest = 15;

struct Translation {
  short poll;
  int slirp;
};
constexpr Translation kEvents[] = {{POLLIN, SLIRP_POLL_IN},
                                   {POLLOUT, SLIRP_POLL_OUT},
                                   {POLLPRI, SLIRP_POLL_PRI},
                                   {POLLERR, SLIRP_POLL_ERR},
                                   {POLLHUP, SLIRP_POLL_HUP}};

short to_poll(int events) {
  short result = 0;
  for (const Translation& event : kEvents)
    if ((events & event.slirp) != 0) result = static_cast<short>(result | event.poll);
  return result;
}

int to_slirp(short events) {
  int result = 0;
  for (const Translation& event : kEvents)
    if ((events & event.poll) != 0) result |= event.slirp;
  return result;
}

unsigned conditions_of(short events) {
  unsigned conditions = IoContext::kHangup;
  if ((events & (POLLIN | POLLPRI)) != 0) conditions |= IoContext::kReadable;
  if ((events & POLLOUT) != 0) conditions |= IoContext::kWritable;
  return conditions;
}

// Whether it is for an address that would lead to the host itself, and is on no network: this host
// (0.0.0.0/8, ::), its loopback, or IPv4 as IPv6 writes it. [RFC 1122 "Addressing", RFC 4291
// "Special Addresses"]
bool leads_astray(std::span<const u8> frame) {
  constexpr std::size_t kType = 12;
  constexpr std::size_t kIpv4To = 30;
  constexpr std::size_t kIpv6To = 38;
  constexpr std::size_t kIpv6Size = 16;
  if (frame.size() <= kIpv4To) return false;
  if (frame[kType] == 0x08 && frame[kType + 1] == 0x00)
    return frame[kIpv4To] == 0 || frame[kIpv4To] == 127;
  if (frame[kType] != 0x86 || frame[kType + 1] != 0xdd || frame.size() < kIpv6To + kIpv6Size)
    return false;
  const auto to = frame.subspan(kIpv6To, kIpv6Size);
  return std::all_of(to.begin(), to.begin() + 10, [](u8 byte) { return byte == 0; });
}

const char* text_or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

}  // namespace

struct UserNetwork::Callbacks {
  static UserNetwork& of(void* self) { return *static_cast<UserNetwork*>(self); }

  static ssize_t send_packet(const void* data, size_t size, void* self) {
    of(self).deliver({static_cast<const u8*>(data), size});
    return static_cast<ssize_t>(size);
  }
  static void guest_error(const char* message, void* self) {
    of(self).guest_errors_.of_kind(message, "{}: {}", of(self).id(), message);
  }
  static int64_t clock(void* self) { return of(self).machine().realtime_clock().now(); }
  static void* new_timer(SlirpTimerCb callback, void* argument, void* self) {
    return new Timer(of(self).machine().realtime_clock(), [callback, argument, self] {
      const Entered entered(of(self));
      callback(argument);
    });
  }
  static void free_timer(void* timer, void*) { delete static_cast<Timer*>(timer); }
  static void set_timer(void* timer, int64_t milliseconds, void* self) {
    of(self).loop().with_machine(
        [timer, milliseconds] { static_cast<Timer*>(timer)->arm_at(milliseconds * kMillisecond); });
  }
  // libslirp names its sockets each time it is asked.
  static void register_socket(int, void*) {}
  static void unregister_socket(int fd, void* self) { of(self).watches_.erase(fd); }
  static void notify(void* self) { of(self).look_again(); }

  static int add_socket(int fd, int events, void* self) {
    std::vector<pollfd>& sockets = of(self).sockets_;
    sockets.push_back({fd, to_poll(events), 0});
    return static_cast<int>(sockets.size()) - 1;
  }
  static int seen(int index, void* self) {
    return to_slirp(of(self).sockets_[static_cast<std::size_t>(index)].revents);
  }

  static constexpr SlirpCb kTable = {.send_packet = send_packet,
                                     .guest_error = guest_error,
                                     .clock_get_ns = clock,
                                     .timer_new = new_timer,
                                     .timer_free = free_timer,
                                     .timer_mod = set_timer,
                                     .register_poll_fd = register_socket,
                                     .unregister_poll_fd = unregister_socket,
                                     .notify = notify,
                                     .init_completed = nullptr,
                                     .timer_new_opaque = nullptr};
};

void UserNetwork::class_init(ObjectClass& k) {
  k.property<&UserNetwork::network_>("net", "the guest's network");
  k.property<&UserNetwork::host_>("host", "the router's address, which leads to this host");
  k.property<&UserNetwork::dns_>("dns", "the name server's address");
  k.property<&UserNetwork::dhcp_start_>("dhcpstart", "the first address given out by DHCP");
  k.property<&UserNetwork::hostname_>("hostname", "what DHCP calls the guest");
  k.property<&UserNetwork::domain_name_>("domainname", "the domain that DHCP says");
  k.property<&UserNetwork::restrict_>("restrict",
                                      "let the guest reach nothing outside, but forwarded ports");
  k.property<&UserNetwork::tftp_directory_>("tftp", "a directory that the guest reads by TFTP");
  k.property<&UserNetwork::boot_file_>("bootfile", "the file that DHCP names to boot from");
  k.property<&UserNetwork::tftp_name_>("tftp-server-name", "what DHCP calls the TFTP server");
  k.property<&UserNetwork::ipv4_>("ipv4", "the guest's network is one of IPv4");
  k.property<&UserNetwork::ipv6_>("ipv6", "and one of IPv6");
  k.property<&UserNetwork::network6_>("ipv6-net", "the guest's network by IPv6");
  k.property<&UserNetwork::host6_>("ipv6-host", "the router's address by IPv6");
  k.property<&UserNetwork::dns6_>("ipv6-dns", "the name server's address by IPv6");
  k.property<&UserNetwork::loopback_>(
      "loopback", "the router's address leads to what listens on this host's loopback");
  add_rules(k);
}

UserNetwork::UserNetwork() = default;
UserNetwork::~UserNetwork() {
  if (slirp_ == nullptr) return;
  const Entered entered(*this);
  correspondents_.clear();
  // It says goodbye to its sockets and timers on the way.
  slirp_cleanup(slirp_);
}

std::string UserNetwork::describe() const {
  std::string text = "user network";
  if (ipv4_) text += " " + PropertyTraits<Ipv4Network>::print(network_);
  if (ipv6_) text += " " + PropertyTraits<Ipv6Network>::print(network6_);
  if (restrict_) text += ", restricted";
  for (const PortForward& rule : forwards_) text += ", " + rule.text();
  for (const GuestForward& rule : guest_forwards_) text += ", " + rule.text();
  return text;
}

void UserNetwork::check_addresses() {
  struct Wanted {
    const char* property;
    Ipv4Address* address;
    u32 number;  // unless the user says otherwise
  };
  for (const Wanted& wanted : {Wanted{"host", &host_, kRouter}, Wanted{"dns", &dns_, kNameServer},
                               Wanted{"dhcpstart", &dhcp_start_, kFirstGuest}}) {
    if (!wanted.address->is_set())
      *wanted.address = network_.at(std::min(wanted.number, ~network_.mask - 1));
    if (!network_.contains(*wanted.address))
      throw Error::of("{}={} is not in the network net={}", wanted.property,
                      PropertyTraits<Ipv4Address>::print(*wanted.address),
                      PropertyTraits<Ipv4Network>::print(network_));
  }
  if (host_.value == dns_.value || host_.value == dhcp_start_.value ||
      dns_.value == dhcp_start_.value)
    throw Error("host, dns and dhcpstart are to be three addresses that differ");
  check_addresses_by_ipv6();
  if (!ipv4_ && !ipv6_) throw Error("with ipv4=off and ipv6=off nothing is left");
  if (!tftp_directory_.empty() && !std::filesystem::is_directory(tftp_directory_))
    throw Error::of("tftp={}: there is no such directory", tftp_directory_);
}

void UserNetwork::check_addresses_by_ipv6() {
  struct Wanted {
    const char* property;
    Ipv6Address* address;
    u32 number;
  };
  for (const Wanted& wanted :
       {Wanted{"ipv6-host", &host6_, kRouter}, Wanted{"ipv6-dns", &dns6_, kNameServer}}) {
    if (!wanted.address->is_set()) *wanted.address = network6_.at(static_cast<u8>(wanted.number));
    if (!network6_.contains(*wanted.address))
      throw Error::of("{}={} is not in the network ipv6-net={}", wanted.property,
                      PropertyTraits<Ipv6Address>::print(*wanted.address),
                      PropertyTraits<Ipv6Network>::print(network6_));
  }
}

void UserNetwork::start() {
  std::vector<const char*> domains;
  for (const std::string& domain : search_domains_) domains.push_back(domain.c_str());
  domains.push_back(nullptr);
  SlirpConfig config{};
  config.version = 4;
  config.restricted = restrict_ ? 1 : 0;
  config.in_enabled = ipv4_;
  config.vnetwork = Ipv4Address{network_.address}.raw();
  config.vnetmask = Ipv4Address{network_.mask}.raw();
  config.vhost = host_.raw();
  config.vnameserver = dns_.raw();
  config.vdhcp_start = dhcp_start_.raw();
  config.in6_enabled = ipv6_;
  config.vprefix_addr6 = network6_.prefix.raw;
  config.vprefix_len = network6_.length;
  config.vhost6 = host6_.raw;
  config.vnameserver6 = dns6_.raw;
  config.vhostname = text_or_null(hostname_);
  config.vdomainname = text_or_null(domain_name_);
  config.vdnssearch = search_domains_.empty() ? nullptr : domains.data();
  config.tftp_server_name = text_or_null(tftp_name_);
  config.tftp_path = text_or_null(tftp_directory_);
  config.bootfile = text_or_null(boot_file_);
  config.disable_host_loopback = !loopback_;
  slirp_ = slirp_new(&config, &Callbacks::kTable, this);
  if (slirp_ == nullptr) throw Error("libslirp refuses to start a network with these settings");
}

void UserNetwork::open() {
  check_addresses();
  const Entered entered(*this);
  start();
  timeout_.move_to(loop());
  for (const PortForward& rule : forwards_) forward(rule);
  for (const GuestForward& rule : guest_forwards_) forward(rule);
  wait_for_sockets();
}

void UserNetwork::send_offloaded(const FrameOffload& left, std::span<const iovec> frame) {
  frame_.clear();
  for (const iovec& piece : frame) {
    const auto* const bytes = static_cast<const u8*>(piece.iov_base);
    if (frame_.size() + piece.iov_len > kMaxFrame) return;
    frame_.insert(frame_.end(), bytes, bytes + piece.iov_len);
  }
  if (leads_astray(frame_) || !complete_checksum(left, frame_)) return;
  const Entered entered(*this);
  slirp_input(slirp_, frame_.data(), static_cast<int>(frame_.size()));
  look_again();
}

void UserNetwork::look_again() {
  if (looking_) return;
  looking_ = true;
  loop().post([this, here = std::weak_ptr<bool>(here_)] {
    if (!here.expired()) wait_for_sockets();
  });
}

void UserNetwork::moved() {
  here_ = std::make_shared<bool>(true);
  looking_ = false;
  watches_.clear();
  timeout_.move_to(loop());
  look_again();
}

void UserNetwork::wait_for_sockets() {
  looking_ = false;
  if (!correspondents_.empty())
    loop().with_machine([this] {
      for (const auto& correspondent : correspondents_) correspondent->accept_input();
    });
  const Entered entered(*this);
  sockets_.clear();
  u32 milliseconds = ~u32{0};
  slirp_pollfds_fill(slirp_, &milliseconds, Callbacks::add_socket, this);
  // Those that are as they were keep their watch.
  std::map<int, Watched> watches;
  for (const pollfd& socket : sockets_) {
    const unsigned conditions = conditions_of(socket.events);
    auto known = watches_.extract(socket.fd);
    if (!known.empty() && known.mapped().conditions == conditions) {
      watches.insert(std::move(known));
    } else {
      watches.insert_or_assign(
          socket.fd, Watched{conditions, loop().watch(socket.fd, conditions,
                                                      [this](unsigned) { sockets_ready(); })});
    }
  }
  watches_ = std::move(watches);
  if (milliseconds != ~u32{0}) timeout_.arm_in(i64{milliseconds} * kMillisecond);
}

void UserNetwork::sockets_ready() {
  const Entered entered(*this);
  const int ready = poll(sockets_.data(), sockets_.size(), 0);
  slirp_pollfds_poll(slirp_, ready < 0 ? 1 : 0, Callbacks::seen, this);
  look_again();
}

BACKPLANE_TYPE(UserNetwork, "net-user",
               .description = "A network behind this host's, without any rights")

}  // namespace backplane

BACKPLANE_MODULE("net-user", "0.1", "The user network (libslirp)");

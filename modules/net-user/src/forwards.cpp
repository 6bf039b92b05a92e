// SPDX-License-Identifier: MIT
// Rules by which the host reaches the guest, and the guest something of the host's.
#include <slirp/libslirp.h>

#include <algorithm>
#include <cerrno>

#include "backplane/error.h"
#include "backplane/machine.h"
#include "backplane/machine_lock.h"
#include "correspondent.h"
#include "user_network.h"

namespace backplane {

namespace {

constexpr ValueType kTexts = list_of(kText);

// A row for a list to which each value adds: one text, or several.
template <auto Member, auto Parse, auto Print>
Property rules_row(std::string name, std::string description) {
  Property row{.name = std::move(name),
               .type_name = "list",
               .description = std::move(description),
               .shape = &kTexts};
  row.get = [](const Object& o, const Property&) -> Value {
    Value::List texts;
    for (const auto& rule : static_cast<const UserNetwork&>(o).*Member)
      texts.emplace_back(Print(rule));
    return texts;
  };
  row.set = [](Object& o, const Property&, const Value& value) {
    auto& present = static_cast<UserNetwork&>(o).*Member;
    auto rules = present;
    const bool is_list = value.kind() == Value::Kind::List;
    for (const Value& rule : is_list ? value.as_list() : Value::List{value})
      rules.push_back(Parse(scalar_text(rule)));
    present = std::move(rules);
  };
  return row;
}

std::string same_text(const std::string& text) { return text; }

in_addr listening_address(const PortForward& rule) {
  return {rule.host_address.is_set() ? rule.host_address.raw().s_addr : INADDR_ANY};
}

}  // namespace

void UserNetwork::add_rules(ObjectClass& k) {
  constexpr auto text_of_port = [](const PortForward& rule) { return rule.text(); };
  constexpr auto text_of_guest = [](const GuestForward& rule) { return rule.text(); };
  k.property(rules_row<&UserNetwork::forwards_, parse_port_forward, text_of_port>(
      "hostfwd", "tcp|udp:[HOSTADDRESS]:HOSTPORT-[GUESTADDRESS]:GUESTPORT, may be repeated"));
  k.property(rules_row<&UserNetwork::guest_forwards_, parse_guest_forward, text_of_guest>(
      "guestfwd", "tcp:ADDRESS:PORT-cmd:COMMAND, -unix:PATH or -chardev:ID, may be repeated"));
  k.property(rules_row<&UserNetwork::search_domains_, same_text, same_text>(
      "dnssearch", "a domain that DHCP has names looked up in, may be repeated"));
}

void UserNetwork::forward(const PortForward& rule) {
  const Ipv4Address guest = rule.guest_address.is_set() ? rule.guest_address : dhcp_start_;
  if (slirp_add_hostfwd(slirp_, rule.udp ? 1 : 0, listening_address(rule), rule.host_port,
                        guest.raw(), rule.guest_port) != 0)
    throw Error::system("hostfwd=" + rule.text() + ": cannot listen on this port", errno);
}

void UserNetwork::add_forward(const PortForward& rule) {
  const Entered entered(*this);
  forward(rule);
  forwards_.push_back(rule);
  look_again();
}

void UserNetwork::remove_forward(const PortForward& host_side) {
  const Entered entered(*this);
  const auto found = std::find_if(forwards_.begin(), forwards_.end(), [&](const PortForward& rule) {
    return rule.udp == host_side.udp && rule.host_port == host_side.host_port &&
           rule.host_address.value == host_side.host_address.value;
  });
  if (found == forwards_.end())
    throw Error::of("port {} is not forwarded like that: info network lists what is",
                    host_side.host_port);
  slirp_remove_hostfwd(slirp_, found->udp ? 1 : 0, listening_address(*found), found->host_port);
  forwards_.erase(found);
  look_again();
}

void UserNetwork::forward(const GuestForward& rule) {
  if (!network_.contains(rule.address))
    throw Error::of("guestfwd={}: that address is not in the network net={}", rule.text(),
                    PropertyTraits<Ipv4Network>::print(network_));
  const auto same = [&rule](const GuestForward& other) {
    return other.address.value == rule.address.value && other.port == rule.port;
  };
  if (std::count_if(guest_forwards_.begin(), guest_forwards_.end(), same) != 1)
    throw Error::of("guestfwd={}: that address is taken", rule.text());
  in_addr address = rule.address.raw();
  int failed = 0;
  switch (rule.target) {
    case GuestForward::Target::Command:
      failed = slirp_add_exec(slirp_, rule.what.c_str(), &address, rule.port);
      break;
    case GuestForward::Target::Unix:
      failed = slirp_add_unix(slirp_, rule.what.c_str(), &address, rule.port);
      break;
    case GuestForward::Target::Chardev:
      correspondents_.push_back(std::make_unique<Correspondent>(*this, rule));
      return;
  }
  if (failed != 0) throw Error::of("guestfwd={}: that address is taken", rule.text());
}

UserNetwork::Correspondent::Correspondent(UserNetwork& network, const GuestForward& rule)
    : network_(network), rule_(rule) {
  device_.assign(network, rule.what);
  in_addr address = rule_.address.raw();
  const auto write = [](const void* data, size_t size, void* self) -> ssize_t {
    static_cast<Correspondent*>(self)->write(static_cast<const u8*>(data), size);
    return static_cast<ssize_t>(size);
  };
  if (slirp_add_guestfwd(network_.slirp_, write, this, &address, rule_.port) != 0)
    throw Error::of("guestfwd={}: that address is taken", rule.text());
  device_->set_client(this);
}

UserNetwork::Correspondent::~Correspondent() {
  device_->set_client(nullptr);
  slirp_remove_guestfwd(network_.slirp_, rule_.address.raw(), rule_.port);
}

void UserNetwork::Correspondent::write(const u8* data, std::size_t size) {
  sent_.insert(sent_.end(), data, data + size);
  network_.loop().with_machine([this] { pass_on(); });
}

void UserNetwork::Correspondent::pass_on() {
  std::vector<u8> bytes;
  {
    const IoContext::Guard lock(network_.loop());
    bytes.swap(sent_);
  }
  if (!bytes.empty()) device_->write(bytes.data(), bytes.size());
}

std::size_t UserNetwork::Correspondent::can_receive() {
  const Entered entered(network_);
  return slirp_socket_can_recv(network_.slirp_, rule_.address.raw(), rule_.port);
}

void UserNetwork::Correspondent::receive(const u8* data, std::size_t size) {
  const Entered entered(network_);
  slirp_socket_recv(network_.slirp_, rule_.address.raw(), rule_.port, data, static_cast<int>(size));
  network_.look_again();
}

}  // namespace backplane

// SPDX-License-Identifier: MIT
#include "launch/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>

#include "backplane/error.h"
#include "backplane/property.h"

namespace backplane::host {

namespace {

// Above all numbers that a user may have: (uid_t)-1 means none.
constexpr u64 kLargestNumber = 0xffff'fffe;

unsigned parse_id(std::string_view text) {
  return static_cast<unsigned>(parse_unsigned(text, 0, kLargestNumber));
}

[[noreturn]] void refuse(const std::string& what) {
  const int error = errno;
  Error refusal = Error::system(what, error);
  if (error != EPERM) throw refusal;
  throw std::move(refusal).with_hint("only root may do that");
}

}  // namespace

RunAs parse_run_as(const std::string& text) {
  if (const std::size_t colon = text.find(':'); colon != std::string::npos)
    return {.name = {},
            .user = parse_id(std::string_view(text).substr(0, colon)),
            .group = parse_id(std::string_view(text).substr(colon + 1))};
  const passwd* const found = getpwnam(text.c_str());
  if (found == nullptr) throw Error::of("there is no user '{}'; expects USER or UID:GID", text);
  return {.name = text, .user = found->pw_uid, .group = found->pw_gid};
}

void change_root(const std::string& directory) {
  if (chroot(directory.c_str()) != 0) refuse("cannot make it the root of files");
  if (chdir("/") != 0) refuse("cannot enter it");
}

void become(const RunAs& who) {
  const bool has_groups =
      who.name.empty() ? setgroups(0, nullptr) == 0 : initgroups(who.name.c_str(), who.group) == 0;
  if (!has_groups || setgid(who.group) != 0 || setuid(who.user) != 0)
    refuse("cannot become that user");
  if (who.user != 0 && setuid(0) == 0) throw Error("the rights of root could be taken back");
}

}  // namespace backplane::host

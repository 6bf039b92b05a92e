// SPDX-License-Identifier: MIT
// What the monitor asks a balloon, and tells of it.
#include "balloon/balloon.h"

namespace backplane {

namespace {

u64 parse_mebibytes(const std::string& text) try {
  return parse_unsigned(text, 1, u64{1} << 40) * 1_MiB;
} catch (const Error& error) {
  throw error.in(fmt::format("'{}'", shown(text)));
}

std::string balloon(Object& offering, const std::vector<std::string>& arguments) {
  if (arguments.size() != 1) throw Error("expects one number, the MiB that the guest may use");
  dynamic_cast<VirtioBalloon&>(offering).set_target(parse_mebibytes(arguments.front()));
  return {};
}

constexpr ObjectCommand kCommands[] = {
    {"balloon", "MIB", "ask the guest to make do with this much memory", balloon},
};

}  // namespace

std::span<const ObjectCommand> VirtioBalloon::commands() const { return kCommands; }

std::string VirtioBalloon::info() const {
  return fmt::format("balloon: actual={}\n", actual() >> 20) + statistics();
}

}  // namespace backplane

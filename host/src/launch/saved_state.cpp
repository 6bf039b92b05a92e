// SPDX-License-Identifier: MIT
#include "launch/saved_state.h"

#include "backplane/error.h"
#include "backplane/machine.h"
#include "options/configuration.h"
#include "report.h"

namespace backplane::host {

StatePlace state_place(std::string_view place) {
  constexpr std::string_view kFile = "file:";
  for (const std::string_view socket : {"tcp:", "unix:", "fd:"})
    if (place.starts_with(socket)) return {.file = {}, .socket = std::string(place)};
  for (const std::string_view other : {"exec:", "rdma:", "vsock:"})
    if (place.starts_with(other))
      throw Error::of("'{}': expects file:PATH, unix:PATH, tcp:HOST:PORT or fd:NAME", place);
  if (place.starts_with(kFile)) place.remove_prefix(kFile.size());
  if (place.empty()) throw Error("the name of a file is missing");
  return {.file = place, .socket = {}};
}

void set_loaded_state(Configuration& configuration, const GivenOption& option) {
  configuration.loaded = {with_option(option.text, [&] { return state_place(option.value); }),
                          option.text};
}

void set_incoming_state(Configuration& configuration, const GivenOption& option) {
  constexpr std::string_view kLater = "defer";
  const auto place = [&]() -> StatePlace {
    if (option.value == kLater) return {.deferred = true};
    return state_place(option.value);
  };
  configuration.incoming = {with_option(option.text, place), option.text};
}

std::function<void(const std::optional<Error>& failure)> end_if_failed(Machine& machine,
                                                                       std::string given) {
  return [&machine, given = std::move(given)](const std::optional<Error>& failure) {
    if (!failure) return;
    report(given, *failure);
    machine.main_loop().quit(1);
  };
}

}  // namespace backplane::host

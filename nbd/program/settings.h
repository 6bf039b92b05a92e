// SPDX-License-Identifier: MIT
// What the command line asks for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "images.h"
#include "server/server.h"
#include "wire/place.h"

namespace backplane::nbd {

struct Settings {
  std::string image;
  img::Opening opening;
  bool snapshot = false;  // what is written is forgotten at the end
  std::string name;       // of the export
  std::string description;
  Place place;
  ServerSettings server;
  bool fork = false;
  std::optional<std::string> pid_file;
  bool list = false;  // what another server has
};

// Throws Error.
Settings parse_settings(const std::vector<std::string>& words);

}  // namespace backplane::nbd

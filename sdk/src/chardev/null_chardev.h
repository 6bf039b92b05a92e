// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include "backplane/chardev.h"

namespace backplane {

// Takes everything, gives nothing.
class NullChardev final : public Chardev {
 public:
  explicit NullChardev(std::string id) : Chardev(std::move(id)) {}
  void write(const u8*, std::size_t) override {}
  std::string describe() const override { return "null"; }
};

}  // namespace backplane

// SPDX-License-Identifier: MIT
#include <algorithm>

#include "backplane/block.h"
#include "backplane/error.h"

namespace backplane {

BlockRegistry& BlockRegistry::instance() {
  static BlockRegistry registry;
  return registry;
}

void BlockRegistry::add(std::unique_ptr<BlockBackend> backend) {
  if (find(backend->id()) != nullptr)
    throw Error::of("a drive called {} is there already: ids must differ", backend->id());
  backends_.push_back(std::move(backend));
}

BlockBackend* BlockRegistry::find(const std::string& id) const {
  const auto found = std::find_if(backends_.begin(), backends_.end(),
                                  [&](const auto& backend) { return backend->id() == id; });
  return found == backends_.end() ? nullptr : found->get();
}

std::vector<BlockBackend*> BlockRegistry::all() const {
  std::vector<BlockBackend*> all;
  for (const auto& backend : backends_) all.push_back(backend.get());
  return all;
}

void BlockRegistry::clear() {
  for (const auto& backend : backends_) backend->drain();
  backends_.clear();
}

}  // namespace backplane

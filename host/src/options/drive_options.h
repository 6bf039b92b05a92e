// SPDX-License-Identifier: MIT
// -drive and -blockdev: what they ask for, without opening anything.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "backplane/block.h"
#include "backplane/options.h"

namespace backplane::host {

// One -drive.
struct DriveOptions {
  BlockOptions block;
  bool makes_device = false;      // if=virtio: a virtio-blk-pci that uses it comes with it
  std::optional<unsigned> index;  // its place among these; none: the first that is free
};

// The first, unnamed value is "file". Throws Error. An id that is not given stays empty.
DriveOptions parse_drive(KeyValueList values);

// The -blockdev options in order: nodes that name a file, and formats on top of such a node.
class BlockNodes {
 public:
  // The first, unnamed value is "driver". Throws Error: unknown driver or key, no or duplicate
  // node-name, unknown node.
  void add(KeyValueList values);
  // A node to be opened: one that no other has taken as its file.
  struct Root {
    std::size_t option;  // which call of add() made it, from 0
    BlockOptions block;
  };
  std::vector<Root> roots() const;

 private:
  BlockOptions take_file(KeyValueList& values);

  std::vector<BlockOptions> nodes_;
  std::vector<std::string> taken_;
};

}  // namespace backplane::host

// SPDX-License-Identifier: MIT
#include "devices/temporary_overlay.h"

#include "backplane/error.h"
#include "backplane/image.h"
#include "devices/temporary_file.h"

namespace backplane::host {

std::string temporary_overlay_file(const std::string& id) { return id + ".overlay"; }

void add_temporary_overlay(Backends& backends, const std::string& id, const BlockNode& below) {
  constexpr const char* kFormat = "qcow2";
  const TemporaryFile file;
  const std::string file_id = temporary_overlay_file(id);
  // Nobody will miss it.
  auto& node = dynamic_cast<BlockNode&>(
      backends.add(kBlockKind, "file", file_id,
                   {{"filename", file.path()}, {"locking", "off"}, {"cache.no-flush", "on"}}));
  create_image_format(kFormat)->make(node, {.size = below.size()});
  dynamic_cast<BlockNode&>(
      backends.add(kBlockKind, kFormat, id,
                   {{"file", file_id}, {"backing", below.id()}, {"cache.no-flush", "on"}}))
      .set_temporary();
}

}  // namespace backplane::host

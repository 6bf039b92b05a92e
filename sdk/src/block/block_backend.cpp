// SPDX-License-Identifier: MIT
#include "backplane/block.h"
#include "backplane/error.h"
#include "block/file_backend.h"

namespace backplane {

void BlockBackend::claim(const std::string& user) {
  if (!user_.empty())
    throw Error::of("drive {} is used by {} already: {} needs one of its own", id_, user_, user);
  user_ = user;
}

void BlockBackend::release() { user_.clear(); }

std::unique_ptr<BlockBackend> open_block_backend(MainLoop& loop, const BlockOptions& options) {
  if (options.format != "raw")
    throw Error::of("format={}: there is no such image format: expects raw", options.format);
  return std::make_unique<FileBackend>(loop, options);
}

}  // namespace backplane

// SPDX-License-Identifier: MIT
#include <cerrno>
#include <system_error>

#include "backplane/block.h"
#include "backplane/error.h"
#include "block/buffers.h"
#include "block/file_backend.h"

namespace backplane {

namespace {

constexpr u64 kSectorSize = 512;

}  // namespace

void BlockBackend::claim(const std::string& user) {
  if (!user_.empty())
    throw Error::of("drive {} is used by {} already: {} needs one of its own", id_, user_, user);
  user_ = user;
}

void BlockBackend::release() { user_.clear(); }

int BlockBackend::check(const BlockRequest& request) const {
  if (request.op == BlockOp::Flush) return 0;
  const u64 size = this->size();
  if (request.offset % kSectorSize != 0 || request.size % kSectorSize != 0 ||
      request.offset > size || request.size > size - request.offset)
    return -EINVAL;
  if (request.op == BlockOp::Read || request.op == BlockOp::Write) {
    u64 buffers = 0;
    if (!total_size(request.iov, buffers) || buffers != request.size) return -EINVAL;
  }
  if (request.op != BlockOp::Read && read_only()) return -EACCES;
  return 0;
}

std::string BlockBackend::explain(int result) const {
  return std::generic_category().message(-result);
}

void BlockBackend::set_error_actions(ErrorActions actions) {
  if (actions.read != ErrorAction::Auto) error_actions_.read = actions.read;
  if (actions.write != ErrorAction::Auto) error_actions_.write = actions.write;
}

std::unique_ptr<BlockBackend> open_block_backend(MainLoop& loop, const BlockOptions& options) {
  if (options.format != "raw")
    throw Error::of("format={}: there is no such image format: expects raw", options.format);
  return std::make_unique<FileBackend>(loop, options);
}

}  // namespace backplane

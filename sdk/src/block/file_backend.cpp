// SPDX-License-Identifier: MIT
#include "block/file_backend.h"

#include <cerrno>
#include <utility>

namespace backplane {

namespace {

// More of them keep a disk busier, but no guest finds out above this.
constexpr std::size_t kThreads = 4;

}  // namespace

FileBackend::FileBackend(MainLoop& loop, const BlockOptions& options)
    : BlockBackend(options.id, options.serial),
      image_(options),
      completions_(std::make_shared<CompletionQueue>(loop)),
      workers_(kThreads, "disk " + options.id) {}

FileBackend::~FileBackend() { completions_->close(); }

int FileBackend::carry_out(const BlockRequest& request) {
  switch (request.op) {
    case BlockOp::Read:
      return image_.read(request.offset, request.iov);
    case BlockOp::Write:
      return image_.write(request.offset, request.iov);
    case BlockOp::Flush:
      return image_.flush();
    case BlockOp::Discard:
      return image_.discard(request.offset, request.size);
    case BlockOp::WriteZeroes:
      return image_.write_zeroes(request.offset, request.size, request.may_unmap);
  }
  return -EINVAL;
}

void FileBackend::submit(BlockRequest request) {
  completions_->expect();
  if (const int error = check(request); error != 0) {
    completions_->finish(std::move(request.done), error);
    return;
  }
  // Shared, because a function that can be copied must hold it.
  auto shared = std::make_shared<BlockRequest>(std::move(request));
  workers_.submit([this, shared = std::move(shared)] {
    const int result = carry_out(*shared);
    completions_->finish(std::move(shared->done), result);
  });
}

}  // namespace backplane

// SPDX-License-Identifier: MIT
// The file's format: [pcap "PCAP Capture File Format"].
#include "frame_dump.h"

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "backplane/error.h"
#include "backplane/log.h"

namespace backplane {

namespace {

struct FileHeader {
  u32 magic = 0xa1b2'c3d4;  // times in microseconds
  u16 major = 2;
  u16 minor = 4;
  u32 reserved[2] = {};
  u32 longest;
  u32 link_type = 1;  // Ethernet
};
static_assert(sizeof(FileHeader) == 24);

struct FrameHeader {
  u32 seconds;
  u32 microseconds;
  u32 kept;    // bytes that follow
  u32 length;  // of the frame
};
static_assert(sizeof(FrameHeader) == 16);

}  // namespace

void FrameDump::class_init(ObjectClass& k) {
  k.property<&FrameDump::netdev_>("netdev", "id of the -netdev to look at");
  k.property<&FrameDump::path_>("file", "the file, in the format pcap, which is replaced");
  k.property<&FrameDump::longest_>("maxlen", "how much of each frame is kept: bytes");
  k.property<&FrameDump::queue_>("queue", "all, rx (from the device) or tx (to the device)");
}

std::string FrameDump::describe() const { return fmt::format("{} into {}", netdev_.id, path_); }

void FrameDump::open() {
  if (netdev_.id.empty()) throw Error("netdev is missing: expects the id of a -netdev");
  if (path_.empty()) throw Error("file is missing: expects the name of a file to write");
  if (queue_ != "all" && queue_ != "rx" && queue_ != "tx")
    throw Error::of("queue={}: expects all, rx or tx", queue_);
  wanted_ = queue_ == "rx" ? Queue::Rx : queue_ == "tx" ? Queue::Tx : Queue::All;
  auto* const netdev = dynamic_cast<Netdev*>(&detail::find_backend(*this, netdev_.id));
  if (netdev == nullptr) throw Error::of("netdev={}: that is no network", netdev_.id);
  file_.reset(std::fopen(path_.c_str(), "wbe"));
  if (!file_) throw Error::system(fmt::format("file={}: cannot be written", path_), errno);
  const FileHeader header{.longest = longest_};
  std::fwrite(&header, sizeof header, 1, file_.get());
  std::fflush(file_.get());
  netdev->attach_observer(*this);
}

void FrameDump::frame_passed(Direction direction, const FrameOffload& /*left*/,
                             std::span<const iovec> frame) {
  if (!file_) return;
  if (wanted_ == Queue::Rx && direction != Direction::FromDevice) return;
  if (wanted_ == Queue::Tx && direction != Direction::ToDevice) return;
  using std::chrono::microseconds;
  const auto now =
      std::chrono::duration_cast<microseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  std::size_t length = 0;
  for (const iovec& piece : frame) length += piece.iov_len;
  const FrameHeader header{.seconds = static_cast<u32>(now / 1'000'000),
                           .microseconds = static_cast<u32>(now % 1'000'000),
                           .kept = static_cast<u32>(std::min<std::size_t>(length, longest_)),
                           .length = static_cast<u32>(length)};
  std::fwrite(&header, sizeof header, 1, file_.get());
  std::size_t left = header.kept;
  for (const iovec& piece : frame) {
    const std::size_t part = std::min(left, piece.iov_len);
    std::fwrite(piece.iov_base, 1, part, file_.get());
    left -= part;
  }
  // Whole frames, for who looks at it meanwhile.
  if (std::fflush(file_.get()) == 0) return;
  log::warn(fmt::format("{}: {}: cannot be written: no more is", id(), path_));
  file_.reset();
}

BACKPLANE_REGISTER(FrameDump, .description = "Frames of a network into a file (pcap)")

}  // namespace backplane

BACKPLANE_MODULE("net-dump", "0.1", "Frames of a network into a file")

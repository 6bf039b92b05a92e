// SPDX-License-Identifier: MIT
// block-nbd: a disk that a server has, by the NBD protocol. [NBD]
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <system_error>
#include <vector>

#include "backplane/block.h"
#include "backplane/error.h"
#include "backplane/image.h"
#include "remote_export.h"

namespace backplane::nbd {

namespace {

enum class PlaceType { None, Inet, Unix };

}  // namespace

}  // namespace backplane::nbd

namespace backplane {
template <>
struct EnumNames<nbd::PlaceType> {
  static constexpr EnumName<nbd::PlaceType> kNames[] = {
      {nbd::PlaceType::None, ""}, {nbd::PlaceType::Inet, "inet"}, {nbd::PlaceType::Unix, "unix"}};
};
}  // namespace backplane

namespace backplane::nbd {

namespace {

// What has no data goes in parts of this size.
constexpr u64 kMaxRange = 1_GiB;

class BlockNbd final : public BlockNode, public MappedNode {
 public:
  static void class_init(ObjectClass& k) {
    k.property<&BlockNbd::filename_>(
        "filename", "nbd://HOST[:PORT][/EXPORT] or nbd+unix:///[EXPORT]?socket=PATH");
    k.property<&BlockNbd::type_>("server.type", "inet or unix");
    k.property<&BlockNbd::host_>("server.host", "name or address of the server (inet)");
    k.property<&BlockNbd::port_>("server.port", "its port (inet; default: 10809)");
    k.property<&BlockNbd::path_>("server.path", "of the server's socket (unix)");
    k.property<&BlockNbd::short_host_>("host", "the same as server.host with server.type=inet");
    k.property<&BlockNbd::short_port_>("port", "the same as server.port");
    k.property<&BlockNbd::short_path_>("path", "the same as server.path with server.type=unix");
    k.property<&BlockNbd::export_>("export", "name of the export");
    k.property<&BlockNbd::reconnect_delay_>(
        "reconnect-delay", "seconds that requests wait for a server that has gone");
    k.property<&BlockNbd::request_timeout_>(
        "request-timeout", "seconds without an answer after which a server is taken for gone");
    k.property<&BlockNbd::open_timeout_>("open-timeout",
                                         "seconds for a server to come when it is opened");
  }

  u64 size() const override { return remote_->info().size; }
  int extent(u64 offset, u64 size, Extent& extent) override;
  std::string where() const override { return remote_ ? remote_->name().uri() : id(); }
  std::string explain(int result) const override;

 protected:
  void open_node() override;
  int do_read(u64 offset, std::span<const iovec> iov) override {
    return transfer_bytes(kCmdRead, offset, iov);
  }
  int do_write(u64 offset, std::span<const iovec> iov) override {
    return transfer_bytes(kCmdWrite, offset, iov);
  }
  int do_flush() override {
    if (!has(kFlagSendFlush)) return 0;
    return remote_->carry_out({.command = kCmdFlush, .iov = {}});
  }
  int do_discard(u64 offset, u64 size) override {
    // Whole blocks of the server's; what is left of others stays.
    const u64 block = remote_->info().minimum_block;
    const u64 from = (offset + block - 1) / block * block, end = (offset + size) / block * block;
    return has(kFlagSendTrim) && from < end ? ask_of_range(kCmdTrim, 0, from, end - from) : 0;
  }
  int do_write_zeroes(u64 offset, u64 size, bool may_unmap) override {
    if (!has(kFlagSendWriteZeroes) || (offset | size) % remote_->info().minimum_block != 0)
      return BlockNode::do_write_zeroes(offset, size, may_unmap);
    return ask_of_range(kCmdWriteZeroes, may_unmap ? u16{0} : u16{kCmdFlagNoHole}, offset, size);
  }

 private:
  ExportName wanted() const;
  bool has(TransmissionFlag flag) const { return remote_->info().has(flag); }
  // Of any bytes; and of whole blocks of the server's.
  int transfer_bytes(Command command, u64 offset, std::span<const iovec> iov);
  int transfer(Command command, u64 offset, std::span<const iovec> iov);
  int ask_of_range(Command command, u16 flags, u64 offset, u64 size);

  std::string filename_;
  PlaceType type_ = PlaceType::None;
  std::string host_, port_, path_;
  std::string short_host_, short_port_, short_path_;
  std::string export_;
  u32 reconnect_delay_ = 0;
  u32 open_timeout_ = 0;
  u32 request_timeout_ = 120;
  std::unique_ptr<RemoteExport> remote_;
  std::shared_mutex partial_;  // nothing is written while a block is read to be changed in part
};

ExportName BlockNbd::wanted() const {
  const bool is_unix = type_ == PlaceType::Unix || !short_path_.empty();
  const bool is_inet = type_ == PlaceType::Inet || !short_host_.empty();
  const std::string& path = path_.empty() ? short_path_ : path_;
  const std::string& host = host_.empty() ? short_host_ : host_;
  const std::string& port = port_.empty() ? short_port_ : port_;
  if (!filename_.empty()) {
    if (is_unix || is_inet || !path.empty() || !host.empty() || !port.empty())
      throw Error::of("{} and {} both say where the server is: expects one of them",
                      OwnText{spelled("filename")}, OwnText{spelled("server.type")});
    ExportName named = ExportName::parse(filename_);
    if (!export_.empty()) named.name = export_;
    return named;
  }
  if (is_unix == is_inet || (is_unix ? !host.empty() || !port.empty() : !path.empty()))
    throw Error::of("expects {}=inet with {} and {}, or =unix with {}",
                    OwnText{spelled("server.type")}, OwnText{spelled("server.host")},
                    OwnText{spelled("server.port")}, OwnText{spelled("server.path")});
  if (is_unix && path.empty()) throw Error(spelled("server.path") + " is missing");
  if (is_inet && host.empty()) throw Error(spelled("server.host") + " is missing");
  ExportName named{.place = {.path = path, .host = host, .port = port}, .name = export_};
  if (is_inet && port.empty()) named.place.port = kDefaultPort;
  return named;
}

void BlockNbd::open_node() {
  remote_ =
      std::make_unique<RemoteExport>(wanted(), RemoteExport::Patience{.open = open_timeout_,
                                                                      .reconnect = reconnect_delay_,
                                                                      .request = request_timeout_});
  const ExportInfo& info = remote_->info();
  if (info.minimum_block > kSectorSize)
    throw Error::of("{} wants requests of {} bytes and more: expects {}", where(),
                    info.minimum_block, kSectorSize);
  if (info.has(kFlagReadOnly)) {
    if (wants_read_only() == OnOffAuto::Off && !may_be_read_only())
      throw Error(where() + " is read-only", spelled("read-only") + "=on opens it");
    set_read_only(true);
  }
}

int BlockNbd::transfer_bytes(Command command, u64 offset, std::span<const iovec> iov) {
  const u64 block = remote_->info().minimum_block;
  u64 size = 0;
  for (const iovec& piece : iov) size += piece.iov_len;
  const u64 from = offset / block * block;
  const u64 end = (offset + size + block - 1) / block * block;
  if (from == offset && end == offset + size) {
    const std::shared_lock lock(partial_);
    return transfer(command, offset, iov);
  }
  if (end > this->size()) return -EINVAL;
  std::vector<u8> buffer(end - from);
  const iovec whole{buffer.data(), buffer.size()};
  const std::unique_lock lock(partial_);
  if (const int error = transfer(kCmdRead, from, {&whole, 1}); error != 0) return error;
  u8* at = buffer.data() + (offset - from);
  for (const iovec& piece : iov) {
    void* const to = command == kCmdRead ? piece.iov_base : at;
    std::memcpy(to, command == kCmdRead ? at : piece.iov_base, piece.iov_len);
    at += piece.iov_len;
  }
  return command == kCmdRead ? 0 : transfer(kCmdWrite, from, {&whole, 1});
}

int BlockNbd::transfer(Command command, u64 offset, std::span<const iovec> iov) {
  const u64 block = remote_->info().minimum_block;
  const u64 most = std::min<u64>(remote_->info().maximum_block, kMaxPayload) / block * block;
  std::vector<iovec> part;
  u64 size = 0;
  const auto carry_out = [&] {
    const int error = remote_->carry_out(
        {.command = command, .offset = offset, .size = static_cast<u32>(size), .iov = part});
    offset += size;
    size = 0;
    part.clear();
    return error;
  };
  for (iovec piece : iov)
    while (piece.iov_len != 0) {
      const u64 step = std::min<u64>(piece.iov_len, most - size);
      part.push_back({piece.iov_base, step});
      piece.iov_base = static_cast<u8*>(piece.iov_base) + step;
      piece.iov_len -= step;
      size += step;
      if (size != most) continue;
      if (const int error = carry_out(); error != 0) return error;
    }
  return size == 0 ? 0 : carry_out();
}

int BlockNbd::ask_of_range(Command command, u16 flags, u64 offset, u64 size) {
  while (size != 0) {
    const u64 step = std::min(size, kMaxRange);
    const int error = remote_->carry_out({.command = command,
                                          .flags = flags,
                                          .offset = offset,
                                          .size = static_cast<u32>(step),
                                          .iov = {}});
    if (error != 0) return error;
    offset += step;
    size -= step;
  }
  return 0;
}

int BlockNbd::extent(u64 offset, u64 size, Extent& extent) {
  extent = {.size = size, .host = offset};
  if (!remote_->info().base_allocation) return 0;
  const u64 block = remote_->info().minimum_block, before = offset % block;
  const u64 whole = (before + size + block - 1) / block * block;
  const u32 asked = static_cast<u32>(std::min(whole, kMaxRange));
  u32 part = 0, state = 0;
  const int error = remote_->carry_out({.command = kCmdBlockStatus,
                                        .flags = kCmdFlagReqOne,
                                        .offset = offset - before,
                                        .size = asked,
                                        .iov = {}},
                                       &part, &state);
  if (error != 0) return error;
  if (part <= before) return -EIO;
  extent.size = std::min(std::min(part, asked) - before, size);
  extent.data = (state & kStateHole) == 0;
  extent.zero = (state & kStateZero) != 0;
  return 0;
}

std::string BlockNbd::explain(int result) const {
  const std::string failure = remote_ && result == -EIO ? remote_->failure() : std::string();
  if (failure.empty()) return BlockNode::explain(result);
  return failure.starts_with(where()) ? failure : where() + ": " + failure;
}

BACKPLANE_TYPE(BlockNbd, "block-nbd", .description = "A disk that an NBD server has")

}  // namespace

}  // namespace backplane::nbd

BACKPLANE_MODULE("block-nbd", "0.1", "Disks that servers have, by the NBD protocol");

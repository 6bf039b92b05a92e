// SPDX-License-Identifier: MIT
// Files of the host, to be read: a kernel, a module, a compressed image.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "backplane/types.h"

namespace backplane {

class RamBlock;

// One file, open for reading. What fails is told as an errno, for Error::system() under the name
// that the user knows the file by. Any thread may read; a file that others change or shorten
// meanwhile is no danger.
class HostFile {
 public:
  enum class Kind { Regular, Directory, Other };
  // What opening a named pipe does as long as nobody writes to it.
  enum class OnPipe { Wait, Proceed };

  HostFile() = default;
  ~HostFile() { close(); }
  HostFile(HostFile&& other) noexcept { *this = std::move(other); }
  HostFile& operator=(HostFile&& other) noexcept;

  // Opens a file; what was open before is closed. 0 or an errno.
  int open(const std::filesystem::path& path, OnPipe on_pipe = OnPipe::Wait);
  void close();

  // As the file was when it was opened.
  Kind kind() const { return kind_; }
  u64 size() const { return size_; }  // bytes; 0 unless it is regular
  // Permission bits as in st_mode; on Windows, which has none, as if only the owner could write.
  unsigned mode() const { return mode_; }
  // The file descriptor, or the HANDLE of Windows; this object's, which closes it.
  std::intptr_t handle() const { return handle_; }

  // Copies [offset, offset + size) of a regular file. Returns how many bytes there were, fewer only
  // at the end of the file, or a negative errno.
  i64 read_at(u64 offset, void* data, u64 size) const;
  // Copies the next bytes, as many as there are; waits if there are none. Returns how many, 0 at
  // the end, or a negative errno.
  i64 read_next(void* data, u64 size) const;
  // Reads what is left, of a file just opened all of it, of a pipe or a device until it ends. 0 or
  // an errno: EFBIG if it is more than `maximum` bytes, of which a device may have no end.
  int read_to_end(std::vector<u8>& data, u64 maximum) const;
  // The same into guest memory of its own, called `name`, which is as many whole pages; none if
  // there are no bytes. `size` becomes how many there were. Throws Error without memory.
  int read_to_ram(const std::string& name, u64 maximum, std::shared_ptr<RamBlock>& ram,
                  u64& size) const;

 private:
  static constexpr std::intptr_t kNone = -1;

  std::intptr_t handle_ = kNone;  // a file descriptor, or a HANDLE of Windows
  Kind kind_ = Kind::Other;
  u64 size_ = 0;
  unsigned mode_ = 0;
};

}  // namespace backplane

// SPDX-License-Identifier: MIT
// The file of a saved machine, as chunks of bytes: what is in them is others' business.
#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backplane/host_file.h"
#include "backplane/types.h"

namespace backplane {

enum class StateChunk : u32 { Header = 1, Objects = 2, Ram = 3, End = 4 };

// Writes beside the file, which it replaces in finish(); without that nothing stays. What is no
// regular file (a pipe, a device) it writes to. Everything throws Error that begins with the file's
// name.
class StateFileWriter {
 public:
  explicit StateFileWriter(std::filesystem::path file);
  ~StateFileWriter();
  StateFileWriter(const StateFileWriter&) = delete;
  StateFileWriter& operator=(const StateFileWriter&) = delete;

  // A chunk's bytes are those of both parts.
  void write(StateChunk kind, std::span<const u8> first, std::span<const u8> second = {});
  void finish();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  void put(std::span<const u8> bytes);
  [[noreturn]] void fail(int error) const;
  void remove_unfinished() const;

  std::filesystem::path file_;
  std::filesystem::path unfinished_;  // empty: there is none
  std::unique_ptr<std::FILE, Close> out_;
};

class StateFileReader {
 public:
  // Reads the beginning. Throws Error if it cannot be opened or is no saved machine.
  explicit StateFileReader(const std::filesystem::path& file);

  struct Chunk {
    StateChunk kind;
    std::span<const u8> bytes;  // until the next call
  };
  // The next chunk, whole and undamaged. Throws Error if it is not.
  Chunk next();
  // Throws Error if something follows.
  void expect_end();

 private:
  void read(void* data, u64 size);

  HostFile file_;
  std::string name_;
  std::vector<u8> buffer_;
};

}  // namespace backplane

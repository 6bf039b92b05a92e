// SPDX-License-Identifier: MIT
// The file of a saved machine.
#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "backplane/host_file.h"
#include "state/chunks.h"

namespace backplane {

// Writes beside the file, which it replaces in finish(); without that nothing stays. What is no
// regular file (a pipe, a device) it writes to. Everything throws Error that begins with the file's
// name.
class StateFileWriter final : public ByteSink {
 public:
  explicit StateFileWriter(std::filesystem::path file);
  ~StateFileWriter();
  StateFileWriter(const StateFileWriter&) = delete;
  StateFileWriter& operator=(const StateFileWriter&) = delete;

  void put(std::span<const u8> bytes) override;
  void finish();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  [[noreturn]] void fail(int error) const;
  void remove_unfinished() const;

  std::filesystem::path file_;
  std::filesystem::path unfinished_;  // empty: there is none
  std::unique_ptr<std::FILE, Close> out_;
};

class StateFileReader final : public ByteSource {
 public:
  // Throws Error if it cannot be opened.
  explicit StateFileReader(const std::filesystem::path& file);

  void get(std::span<u8> bytes) override;
  // Throws Error if something follows.
  void expect_end();

 private:
  HostFile file_;
  std::string name_;
};

}  // namespace backplane

// SPDX-License-Identifier: MIT
// A saved machine as chunks of bytes, on their way into a file or through a connection: what is in
// them is others' business.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "backplane/types.h"

namespace backplane {

// Where bytes go. Throws Error.
class ByteSink {
 public:
  virtual void put(std::span<const u8> bytes) = 0;

 protected:
  ~ByteSink() = default;
};

// Where they come from. Throws Error, also at its end.
class ByteSource {
 public:
  virtual void get(std::span<u8> bytes) = 0;

 protected:
  ~ByteSource() = default;
};

enum class StateChunk : u32 {
  Header = 1,
  Objects = 2,
  Ram = 3,
  End = 4,
  // Since version 2 of the format:
  Contents = 5,  // which compressor RAM needs, and how much of it there is
  PackedRam = 6,
  ZeroRam = 7,
  // Only between two programs (migration.h):
  Accepted = 16,
  Refused = 17,
  Ready = 18,
  Go = 19,
  Running = 20,
};

// What was made before the Contents chunk is still read.
inline constexpr u32 kStateFormat = 2, kOldestStateFormat = 1;

class ChunkWriter {
 public:
  explicit ChunkWriter(ByteSink& out) : out_(out) {}

  // What the sequence begins with: magic and version.
  void begin();
  // A chunk's bytes are those of both parts.
  void write(StateChunk kind, std::span<const u8> first = {}, std::span<const u8> second = {});

 private:
  ByteSink& out_;
};

class ChunkReader {
 public:
  // `name` is what messages call the source, and begin with.
  ChunkReader(ByteSource& in, std::string name) : in_(in), name_(std::move(name)) {}

  // Throws Error if it is no saved machine, or of a version that is not read here.
  void begin();

  struct Chunk {
    StateChunk kind;
    std::span<const u8> bytes;  // until the next call
  };
  // The next chunk, whole and undamaged. Throws Error if it is not.
  Chunk next();

  const std::string& name() const { return name_; }

 private:
  ByteSource& in_;
  std::string name_;
  std::vector<u8> buffer_;
};

}  // namespace backplane

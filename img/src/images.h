// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backplane/backend.h"
#include "backplane/block.h"
#include "backplane/image.h"
#include "backplane/machine.h"
#include "backplane/machine_lock.h"

namespace backplane::img {

// How an image is opened.
struct Opening {
  std::optional<std::string> format;  // none: what it begins like
  bool for_writing = false;
  bool alone = false;   // without what it stands on
  bool shared = false;  // though another program may write it
  std::string cache = "writeback";
  // Properties besides.
  std::vector<std::pair<std::string, std::string>> more = {};
};

// A file that is open as what it is; closed at the end.
class OpenImage {
 public:
  OpenImage(Backends& backends, std::string id, std::string format);
  ~OpenImage();
  OpenImage(const OpenImage&) = delete;
  OpenImage& operator=(const OpenImage&) = delete;

  BlockNode& node() const { return *node_; }
  // Null: its format can do nothing more.
  DiskImage* image() const { return dynamic_cast<DiskImage*>(node_); }
  const std::string& format() const { return format_; }
  // Closes it before, as one that must be sound. Throws Error.
  void finish();

 private:
  friend class Images;
  void close();

  Backends& backends_;
  std::string id_;
  std::string format_;
  std::unique_ptr<OpenImage> file_;  // what it stands on, if that was opened before
  BlockNode* node_ = nullptr;
};

// What the program works on: images that are open. One instance; one thread.
class Images {
 public:
  Images();
  ~Images();

  // Throws Error.
  std::unique_ptr<OpenImage> open(const std::string& path, const Opening& how);
  // The file alone.
  std::unique_ptr<OpenImage> open_file(const std::string& path, const Opening& how);
  // The format of a file by what it begins like. Throws Error if it cannot be read.
  std::string probe(const std::string& path, bool shared = false);
  static std::string probe(const OpenImage& file);
  // Makes an empty file, whatever there was, and opens it. Throws Error.
  std::unique_ptr<OpenImage> make_file(const std::string& path);

 private:
  std::unique_ptr<OpenImage> add(
      const std::string& driver, std::string format,
      const std::vector<std::pair<std::string, std::string>>& properties);

  MachineLock::Guard lock_;
  std::unique_ptr<Machine> machine_;
  Backends* backends_;
  unsigned opened_ = 0;
};

// Throws Error, with where it came from, unless the result is 0.
void expect_done(const BlockNode& node, int result);
// The image's own part of what the command does; throws Error if its format has none.
DiskImage& expect_image(const OpenImage& image, std::string_view what);

// What the disk has at `offset`, wherever in the chain it is: the layer that has it, counted from
// the top, or the last one if none has.
struct Layer {
  BlockNode* node = nullptr;
  unsigned depth = 0;
  Extent extent;
};
Layer layer_at(BlockNode& top, u64 offset, u64 size);

}  // namespace backplane::img

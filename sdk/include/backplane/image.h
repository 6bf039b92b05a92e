// SPDX-License-Identifier: MIT
// Formats of disk images: how an image is made and recognised, and what one can do besides being a
// disk. The node of a format (block.h) derives from the interfaces here that it can offer, and who
// wants one asks the node for it by dynamic_cast.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backplane/block.h"
#include "backplane/catalogue.h"
#include "backplane/enumeration.h"
#include "backplane/object.h"
#include "backplane/room.h"
#include "backplane/types.h"
#include "backplane/value.h"

namespace backplane {

// --- where the bytes of a disk are
// ----------------------------------------------------------------

// A part of a disk that is stored in one way.
struct Extent {
  u64 size = 0;         // bytes, from the offset asked for
  bool present = true;  // the node has it itself; else it is as what the node stands on has it
  bool zero = false;    // it reads as zeroes
  bool data = true;     // it has room of its own
  bool compressed = false;
  std::optional<u64> host;  // where it begins in what is below, if it is there as it is
};

// A node that knows which parts of it are stored.
class MappedNode {
 public:
  // What the `size` bytes from `offset` begin with; both lie within the node, and size is not 0.
  // 0 or a negative errno. Any thread.
  virtual int extent(u64 offset, u64 size, Extent& extent) = 0;

 protected:
  ~MappedNode() = default;
};

// The same of any node: one that does not know it is data throughout.
int extent_of(BlockNode& node, u64 offset, u64 size, Extent& extent);

// --- what an image can do
// -------------------------------------------------------------------------

// A state of a disk that its image keeps.
struct Snapshot {
  std::string id;
  std::string name;
  u64 vm_state_size = 0;  // bytes
  u32 seconds = 0;        // since 1970, when it was made
  u32 nanoseconds = 0;
  u64 vm_clock = 0;  // nanoseconds for which the machine had run
  u64 disk_size = 0;
  std::optional<u64> instructions;  // that the machine had run
};

// As QEMU's programs have them: a list of records (SnapshotInfo), and of that, for people, a line
// that says what the columns are and a line for each.
Value describe_snapshots(const std::vector<Snapshot>& snapshots);
std::string print_snapshots(const Value& snapshots);
// A size for people, in the same way: "1.5 GiB".
std::string human_bytes(u64 bytes);

enum class Repair { Nothing, Leaks, All };

// What a check of an image found.
struct CheckReport {
  u64 corruptions = 0;  // that are there (still)
  u64 leaks = 0;        // clusters that nothing uses, but count as used
  u64 corruptions_fixed = 0;
  u64 leaks_fixed = 0;
  u64 end = 0;  // bytes of the file up to the last one used
  u64 clusters = 0;
  u64 allocated = 0;
  u64 compressed = 0;
  u64 fragmented = 0;
  std::vector<std::string> findings;  // a line each, the first of them
};

// An image in a file. Everything here is called while no request is in flight, and throws Error,
// unless it says otherwise. Machine lock.
class DiskImage {
 public:
  // What the image says that it stands on, and of which format that is; empty: nothing, nothing.
  virtual std::string backing_file() const = 0;
  virtual std::string backing_format() const = 0;
  // The same as a path, found from where the image is.
  virtual std::string backing_path() const = 0;
  // What it stands on, if that is open.
  virtual BlockNode* backing() const = 0;
  // Changes what it says alone, not what it has.
  virtual void set_backing(const std::string& file, const std::string& format) = 0;

  virtual u64 cluster_size() const = 0;  // bytes that are stored together
  // Whether it was not closed by who wrote it last.
  virtual bool is_dirty() const = 0;
  // What is to be said of this format alone, for `info`.
  virtual Value details() const = 0;

  // Makes the disk shorter; what was beyond is lost.
  virtual void shrink(u64 size) = 0;
  // What it has is forgotten, so that it is as what it stands on.
  virtual void make_empty() = 0;
  // Stores one cluster packed: `data` is as long, or ends with the disk. 0 or a negative errno. Any
  // thread, several at a time.
  virtual int write_compressed(u64 offset, std::span<const u8> data) = 0;

  virtual std::vector<Snapshot> snapshots() const = 0;
  virtual void create_snapshot(const std::string& name) = 0;
  // By their id, or else their name.
  virtual void apply_snapshot(const std::string& name) = 0;
  virtual void delete_snapshot(const std::string& name) = 0;

 protected:
  ~DiskImage() = default;

 private:
  [[maybe_unused]] Room<4> room_;
};

// An image whose snapshots keep the state of a machine together with its disk. Like DiskImage, and
// a node that offers one offers the other. Machine lock.
class VmStateImage {
 public:
  // The next bytes, or the first: of the snapshot that is added next. What was written before
  // drop_vm_state() or add_snapshot() is not part of it. Throws Error.
  virtual void write_vm_state(u64 offset, std::span<const u8> bytes) = 0;
  // Gives back what was written and is in no snapshot. Throws Error.
  virtual void drop_vm_state() = 0;
  // Keeps the disk as it is now, and `vm_state_size` bytes that were written. Its id and the size
  // of its disk are the image's to say. Throws Error.
  virtual void add_snapshot(const Snapshot& described) = 0;
  // Of the snapshot with that id; the range lies within its vm_state_size. Throws Error.
  virtual void read_vm_state(const std::string& id, u64 offset, std::span<u8> bytes) = 0;

 protected:
  ~VmStateImage() = default;

 private:
  [[maybe_unused]] Room<4> room_;
};

// --- how an image is made
// -------------------------------------------------------------------------

inline constexpr Kind kImageFormatKind{.base = "image-format",
                                       .prefix = "image-",
                                       .suffix = "",
                                       .noun = "image format",
                                       .option = "backplane-img -f"};

// What room is set aside for an image when it is made: none; what leads to the disk's bytes; that,
// and the room for these, which the host provides, or which is written.
enum class Preallocation { Off, Metadata, Falloc, Full };
template <>
struct EnumNames<Preallocation> {
  static constexpr EnumName<Preallocation> kNames[] = {{Preallocation::Off, "off"},
                                                       {Preallocation::Metadata, "metadata"},
                                                       {Preallocation::Falloc, "falloc"},
                                                       {Preallocation::Full, "full"}};
};

// Has the host keep room for a part of a file, which reads as zeroes afterwards: Falloc by what the
// file system has for that, Full by writing. 0 or a negative errno. Any thread.
int set_aside(BlockNode& file, u64 offset, u64 size, Preallocation how);

struct NewImage {
  u64 size = 0;              // bytes of the disk
  std::string backing_file;  // as the image will say it; empty: none
  std::string backing_format;
};

// Bytes that an image takes in a file.
struct ImageMeasure {
  u64 required = 0;         // if the parts counted are stored
  u64 fully_allocated = 0;  // if all of it is
};

// A type of its own derives from it, and is registered as "image-NAME" beside the node
// "block-NAME". What can be chosen when an image is made is its properties. Machine lock.
class ImageFormat : public Object {
  BACKPLANE_OBJECT(ImageFormat, Object, "image-format")
 public:
  static void class_init(ObjectClass&) {}

  // Whether a file that begins like that is one. (What no format knows is raw.)
  virtual bool begins_like_one(std::span<const u8> start) const = 0;
  // Makes an image in a file that is empty. Throws Error.
  virtual void make(BlockNode& file, const NewImage& image) = 0;
  // Looks whether the image in a file is sound, and repairs what it is asked to. Nothing if the
  // format has nothing to be checked. Throws Error.
  virtual std::optional<CheckReport> check(BlockNode& file, Repair repair) = 0;
  // Bytes that are stored together. Throws Error at properties that do not go together.
  virtual u64 cluster_size() const = 0;
  // What an image of `size` bytes would take, of which `clusters` are stored. Throws Error.
  virtual ImageMeasure measure(u64 size, u64 clusters) const = 0;

 private:
  [[maybe_unused]] Room<4> room_;
};

// The format that users call `name`; its module is loaded if needed. Throws Error as
// class_of_kind() does.
std::unique_ptr<ImageFormat> create_image_format(std::string_view name);
// What users call the format of a file that begins like that; "raw" if it is none that is
// installed. Modules are loaded to know it.
std::string format_of_start(std::span<const u8> start);

}  // namespace backplane

// SPDX-License-Identifier: MIT
#include "pflash/pflash.h"

#include <algorithm>
#include <cstring>

#include "backplane/error.h"
#include "backplane/machine.h"

namespace backplane::pc {

namespace {

constexpr u64 kLargest = 8_MiB;

}  // namespace

void Pflash::class_init(DeviceClass& k) {
  k.category = "Storage";
  k.user_creatable = false;
  k.property<&Pflash::drive_>("drive", "id of the -drive or -blockdev that has its contents");
  k.property<&Pflash::end_>("end", "address of the first byte behind it");
  k.state<&Pflash::chip_>(1);
}

void Pflash::check_size(const BlockNode& contents) {
  const u64 size = contents.size();
  if (size == 0 || size % CfiFlash::kBlockSize != 0 || size > kLargest)
    throw Error::of("{}: has {} bytes; flash memory of a PC has blocks of {} bytes, {} MiB at most",
                    contents.where(), size, CfiFlash::kBlockSize, kLargest >> 20);
}

void Pflash::realize() {
  if (!drive_) throw Error("drive is not set; name the id of a -drive or -blockdev with drive=ID");
  check_size(*drive_);
  const u64 size = drive_->size();
  if (size > end_) throw Error::of("{} bytes do not fit below {:#x}", size, end_);
  contents_ = std::make_shared<RamBlock>(fmt::format("pflash.{:x}", end_), size);
  // What another program still writes comes with the machine.
  if (drive_->is_here())
    if (const int error = drive_->read(0, contents_->host(), size); error != 0)
      throw Error::of("{}", drive_->explain(error));
  disk_ =
      std::make_unique<BlockQueue>(machine(), *drive_, BlockQueueSettings{.write_through = true});
  chip_ = std::make_unique<CfiFlash>(
      std::span(contents_->host(), size), drive_->read_only(),
      [this](bool reads_contents) { mode_changed(reads_contents); },
      [this](u64 offset, u64 bytes) { changed(offset, bytes); });
  const MmioHandler handler = MmioHandler::of<&Pflash::read, &Pflash::write>(*this).sizes(1, 1);
  const MemoryRegion::Batch batch;
  registers_ = MemoryRegion::mmio("pflash registers", size, handler);
  array_ = MemoryRegion::rom_device("pflash", contents_, 0, size, handler);
  machine().memory_root().add_subregion(end_ - size, *registers_);
  machine().memory_root().add_subregion(end_ - size, *array_);
}

void Pflash::unrealize() {
  if (disk_ != nullptr) {
    write_everything_back();
    disk_->drain();
  }
  array_.reset();
  registers_.reset();
  chip_.reset();
  disk_.reset();
}

void Pflash::reset() {
  Device::reset();
  if (chip_ != nullptr) chip_->reset();
}

void Pflash::settle() {
  if (disk_ != nullptr) write_everything_back();
}

// What fails is not tried for ever.
void Pflash::write_everything_back() {
  for (unsigned tries = 0; tries < 2 && dirty_end_ != 0; ++tries) {
    disk_->settle();
    write_back();
  }
  disk_->settle();
}

void Pflash::loaded() {
  Device::loaded();
  mode_changed(chip_->reads_contents());
}

std::string Pflash::describe() const {
  return fmt::format("{:#x}-{:#x}, {}", end_ - contents_->size(), end_ - 1, drive_->describe());
}

u64 Pflash::read(u64 offset, unsigned /*size*/) { return chip_->read(offset); }
void Pflash::write(u64 offset, u64 value, unsigned /*size*/) {
  chip_->write(offset, static_cast<u8>(value));
}

// Software shows the contents again when it has written what it wanted to.
void Pflash::mode_changed(bool reads_contents) {
  array_->set_enabled(reads_contents);
  if (reads_contents) write_back();
}

void Pflash::changed(u64 offset, u64 size) {
  contents_->about_to_write(offset, size);
  const u64 start = offset - offset % kSectorSize;
  const u64 end = (offset + size + kSectorSize - 1) / kSectorSize * kSectorSize;
  mark_dirty(start, end);
}

void Pflash::mark_dirty(u64 start, u64 end) {
  if (dirty_end_ == 0) dirty_start_ = start;
  dirty_start_ = std::min(dirty_start_, start);
  dirty_end_ = std::max(dirty_end_, end);
}

void Pflash::write_back() {
  if (dirty_end_ == 0 || writing_) return;
  writing_ = true;
  const u64 size = dirty_end_ - dirty_start_;
  const auto copy = std::make_shared<std::vector<u8>>(contents_->host() + dirty_start_,
                                                      contents_->host() + dirty_end_);
  BlockRequest request{.op = BlockOp::Write, .offset = dirty_start_, .size = size};
  request.iov = {{copy->data(), size}};
  request.done = [this, copy, start = dirty_start_, end = dirty_end_](int result) {
    writing_ = false;
    // The queue has said what failed; it goes with what is written next.
    if (result != 0) return mark_dirty(start, end);
    if (chip_->reads_contents()) write_back();
  };
  dirty_start_ = dirty_end_ = 0;
  disk_->submit(std::move(request));
}

BACKPLANE_REGISTER(Pflash, .category = "Storage", .board_only = true,
                   .description = "Flash memory for firmware")

}  // namespace backplane::pc

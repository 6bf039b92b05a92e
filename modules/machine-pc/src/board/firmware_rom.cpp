// SPDX-License-Identifier: MIT
#include "board/firmware_rom.h"

#include <cerrno>

#include "backplane/error.h"
#include "backplane/host_file.h"
#include "board/memory_map.h"

namespace backplane::pc {
namespace {

constexpr u64 kBlock = 64_KiB, kLargest = 8_MiB;
// What of the image is seen below 1 MiB.
constexpr u64 kShadowed = 128_KiB;
constexpr u64 kAreasStart = 0xc0000, kBiosArea = 0xf0000, kAreaSize = 16_KiB;
constexpr int kOverRam = 1;

}  // namespace

std::shared_ptr<RamBlock> read_firmware(const std::string& file) {
  HostFile opened;
  std::shared_ptr<RamBlock> image;
  u64 size = 0;
  int error = opened.open(file);
  if (error == 0 && opened.kind() == HostFile::Kind::Directory)
    throw Error::of("-bios {}: is a directory, not an image", file);
  if (error == 0) error = opened.read_to_ram("bios", kLargest, image, size);
  if (error == EFBIG)
    throw Error::of(
        "-bios {}: has more than {} bytes, which is the most that a firmware image of a PC has",
        file, kLargest);
  if (error != 0) throw Error::system("-bios " + file, error);
  if (size == 0 || size % kBlock != 0)
    throw Error(fmt::format("-bios {}: has {} bytes, and is no firmware image: those have whole "
                            "blocks of 64 KiB, {} MiB at most",
                            file, size, kLargest >> 20),
                "give a file such as SeaBIOS's bios-256k.bin");
  return image;
}

FirmwareRom::FirmwareRom(MemoryRegion& root, const std::shared_ptr<RamBlock>& ram,
                         std::shared_ptr<RamBlock> image, Top top, I440fxHostBridge& bridge)
    : image_(std::move(image)) {
  const MemoryRegion::Batch batch;
  if (top == Top::Here) {
    top_ = MemoryRegion::rom("bios", image_, 0, image_->size());
    root.add_subregion(4_GiB - image_->size(), *top_);
  }
  for (u64 address = kAreasStart; address < kBiosArea; address += kAreaSize)
    add_shadow(root, ram, address, kAreaSize);
  add_shadow(root, ram, kBiosArea, kFirmwareEnd - kBiosArea);
  bridge.set_legacy_area_handler([this](const I440fxHostBridge::LegacyArea& a) { apply(a); });
}

void FirmwareRom::add_shadow(MemoryRegion& root, const std::shared_ptr<RamBlock>& ram, u64 address,
                             u64 size) {
  Shadow s;
  s.address = address;
  const u64 from_end = kFirmwareEnd - address;
  if (from_end <= std::min(kShadowed, image_->size())) {
    s.rom = MemoryRegion::rom("bios shadow", image_, image_->size() - from_end, size);
    root.add_subregion(address, *s.rom, kOverRam);
  }
  s.readonly = MemoryRegion::rom("ram write-protected", ram, address, size);
  s.readonly->set_enabled(false);
  root.add_subregion(address, *s.readonly, kOverRam);
  shadows_.push_back(std::move(s));
}

// Where only writes go to RAM, the image is seen and writes are lost.
void FirmwareRom::apply(const I440fxHostBridge::LegacyArea& area) {
  for (Shadow& s : shadows_) {
    if (s.address != area.address) continue;
    const MemoryRegion::Batch batch;
    if (s.rom != nullptr) s.rom->set_enabled(!area.reads_ram);
    s.readonly->set_enabled(area.reads_ram && !area.writes_ram);
  }
}

}  // namespace backplane::pc

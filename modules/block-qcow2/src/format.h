// SPDX-License-Identifier: MIT
// [qcow2 "Header", "Header extensions", "Host cluster management", "Cluster mapping", "Snapshots"]
#pragma once

#include "backplane/types.h"

namespace backplane::qcow2 {

constexpr u32 kMagic = 0x514649fb;  // "QFI\xfb"

// Where the header has its fields.
enum HeaderField : unsigned {
  kMagicField = 0,
  kVersion = 4,
  kBackingFileOffset = 8,
  kBackingFileSize = 16,
  kClusterBits = 20,
  kSize = 24,
  kCryptMethod = 32,
  kL1Size = 36,
  kL1TableOffset = 40,
  kRefcountTableOffset = 48,
  kRefcountTableClusters = 56,
  kNbSnapshots = 60,
  kSnapshotsOffset = 64,
  kHeaderSizeV2 = 72,
  // Version 3 alone:
  kIncompatibleFeatures = 72,
  kCompatibleFeatures = 80,
  kAutoclearFeatures = 88,
  kRefcountOrder = 96,
  kHeaderLength = 100,
  kHeaderSizeV3 = 104,
  kCompressionTypeField = 104,
  kHeaderSizeWithCompression = 112,
};

// What may follow the header, each with its length before it.
enum Extension : u32 {
  kEndOfExtensions = 0,
  kBackingFormat = 0xe2792aca,
  kFeatureNames = 0x6803f857,
  kBitmaps = 0x23852875,
  kFullDiskEncryption = 0x0537be77,
  kDataFileName = 0x44415441,
};

enum IncompatibleFeature : u64 {
  kDirty = 1 << 0,
  kCorrupt = 1 << 1,
  kExternalDataFile = 1 << 2,
  kCompressionType = 1 << 3,
  kExtendedL2 = 1 << 4,
};

enum CompatibleFeature : u64 { kLazyRefcounts = 1 << 0 };
enum AutoclearFeature : u64 { kBitmapsAreValid = 1 << 0 };

enum class Compression : u8 { Zlib = 0, Zstd = 1 };

// Where an entry of the snapshot table has its fields; extra data, id and name follow.
enum SnapshotField : unsigned {
  kSnapshotL1Offset = 0,
  kSnapshotL1Size = 8,
  kSnapshotIdSize = 12,
  kSnapshotNameSize = 14,
  kSnapshotSeconds = 16,
  kSnapshotNanoseconds = 20,
  kSnapshotVmClock = 24,
  kSnapshotVmStateSize = 32,
  kSnapshotExtraSize = 36,
  kSnapshotEntrySize = 40,
  // In the extra data:
  kExtraVmStateSize = 0,
  kExtraDiskSize = 8,
  kExtraInstructions = 16,
  kExtraDataSize = 24,
};

// An entry of the L1 table, and a standard one of an L2 table.
constexpr u64 kOffsetMask = 0x00ff'ffff'ffff'fe00;
constexpr u64 kCopied = u64{1} << 63;  // the refcount is one
constexpr u64 kCompressed = u64{1} << 62;
constexpr u64 kReadsAsZeroes = 1;  // version 3
constexpr u64 kL1Reserved = ~(kOffsetMask | kCopied);

// An entry of the refcount table.
constexpr u64 kRefcountOffsetMask = ~u64{0x1ff};

// A compressed cluster lies anywhere; its length is counted in sectors that it touches.
constexpr u64 kCompressedSector = 512;

constexpr unsigned kMinClusterBits = 9;
constexpr unsigned kMaxClusterBits = 21;
constexpr unsigned kMaxRefcountOrder = 6;

}  // namespace backplane::qcow2

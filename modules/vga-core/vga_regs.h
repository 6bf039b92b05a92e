// SPDX-License-Identifier: MIT
// Registers of the VGA and their bits, by the names of IBM's reference.
// [VGA "Registers"]
#pragma once

#include "backplane/types.h"

namespace backplane::vga {

// Ports, of which those at 3Bxh and 3Dxh answer in monochrome and colour modes.
enum Port : u16 {
  kFirstPort = 0x3b0,
  kCrtcIndexMono = 0x3b4,
  kCrtcDataMono = 0x3b5,
  kStatus1Mono = 0x3ba,  // written: feature control
  kAttributeIndex = 0x3c0,
  kAttributeData = 0x3c1,
  kMiscWrite = 0x3c2,  // read: input status 0
  kSequencerIndex = 0x3c4,
  kSequencerData = 0x3c5,
  kDacMask = 0x3c6,
  kDacReadIndex = 0x3c7,  // read: DAC state
  kDacWriteIndex = 0x3c8,
  kDacData = 0x3c9,
  kFeatureRead = 0x3ca,
  kMiscRead = 0x3cc,
  kGraphicsIndex = 0x3ce,
  kGraphicsData = 0x3cf,
  kCrtcIndex = 0x3d4,
  kCrtcData = 0x3d5,
  kStatus1 = 0x3da,
  kPortsEnd = 0x3e0,
};

enum MiscBit : u8 { kMiscColour = 0x01 };
enum Status1Bit : u8 { kDisplayDisabled = 0x01, kVerticalRetrace = 0x08 };

enum SequencerRegister : u8 {
  kSequencerReset = 0,
  kClockingMode = 1,
  kMapMask = 2,
  kCharacterMap = 3,
  kMemoryMode = 4,
  kSequencerCount = 5,
};
enum ClockingModeBit : u8 { kEightDots = 0x01, kHalfDotClock = 0x08, kScreenOff = 0x20 };
enum MemoryModeBit : u8 { kChain4 = 0x08 };

enum GraphicsRegister : u8 {
  kSetReset = 0,
  kEnableSetReset = 1,
  kColourCompare = 2,
  kDataRotate = 3,
  kReadMap = 4,
  kGraphicsMode = 5,
  kMiscellaneous = 6,
  kColourDontCare = 7,
  kBitMask = 8,
  kGraphicsCount = 9,
};
enum GraphicsModeBit : u8 {
  kReadMode1 = 0x08,
  kOddEven = 0x10,
  kShiftInterleave = 0x20,
  kShift256 = 0x40,
};
enum MiscellaneousBit : u8 { kGraphics = 0x01 };

enum CrtcRegister : u8 {
  kHorizontalDisplayEnd = 0x01,
  kOverflow = 0x07,
  kPresetRowScan = 0x08,
  kMaximumScanLine = 0x09,
  kCursorStart = 0x0a,
  kCursorEnd = 0x0b,
  kStartHigh = 0x0c,
  kStartLow = 0x0d,
  kCursorHigh = 0x0e,
  kCursorLow = 0x0f,
  kVerticalRetraceEnd = 0x11,
  kVerticalDisplayEnd = 0x12,
  kOffset = 0x13,
  kUnderline = 0x14,
  kModeControl = 0x17,
  kLineCompare = 0x18,
  kCrtcCount = 0x19,
};
enum OverflowBit : u8 { kOverflowLineCompare = 0x10 };
enum MaximumScanLineBit : u8 { kScanLineMask = 0x1f, kDoubleScan = 0x80 };
enum CursorStartBit : u8 { kCursorOff = 0x20 };
enum ProtectBit : u8 { kProtect = 0x80 };  // of the vertical retrace end: CR0 to CR7
enum ModeControlBit : u8 { kA13 = 0x01, kA14 = 0x02, kByteMode = 0x40 };

enum AttributeRegister : u8 {
  kAttributeMode = 0x10,
  kOverscan = 0x11,
  kColourPlaneEnable = 0x12,
  kPixelPanning = 0x13,
  kColourSelect = 0x14,
  kAttributeCount = 0x15,
};
enum AttributeIndexBit : u8 { kPaletteSource = 0x20 };
enum AttributeModeBit : u8 {
  kLineGraphics = 0x04,
  kBlink = 0x08,
  kPaletteBits54 = 0x80,
};

// Bochs VBE extensions: an index at 1CEh, data at 1CFh. [bochs-vbe]
constexpr u16 kDispiIndexPort = 0x1ce;
constexpr u16 kDispiPorts = 4;
enum DispiRegister : u8 {
  kDispiId = 0x0,
  kDispiXres = 0x1,
  kDispiYres = 0x2,
  kDispiBpp = 0x3,
  kDispiEnable = 0x4,
  kDispiBank = 0x5,
  kDispiVirtWidth = 0x6,
  kDispiVirtHeight = 0x7,
  kDispiXOffset = 0x8,
  kDispiYOffset = 0x9,
  kDispiCount = 0xa,
  kDispiVideoMemory64K = 0xa,
};
constexpr u16 kDispiId0 = 0xb0c0, kDispiId5 = 0xb0c5;
enum DispiEnableBit : u16 {
  kDispiEnabled = 0x01,
  kDispiGetCaps = 0x02,
  kDispi8BitDac = 0x20,
  kDispiLfb = 0x40,
  kDispiNoClear = 0x80,
};

}  // namespace backplane::vga

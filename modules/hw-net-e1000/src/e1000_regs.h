// SPDX-License-Identifier: MIT
// Registers and descriptors of the 82540EM, with the manual's names. [8254x §13 "Register
// Descriptions", 3.2.3 "Receive Descriptor Format", 3.3.3 "Transmit Descriptor"]
#pragma once

#include <cstddef>

#include "backplane/types.h"

namespace backplane::e1000 {

constexpr u16 kVendor = 0x8086;
constexpr u16 kDevice = 0x100e;
constexpr u64 kMemorySize = 128_KiB;
constexpr u64 kIoSize = 64;
enum IoOffset : u64 { kIoAddr = 0x00, kIoData = 0x04 };

enum Register : u32 {
  kCtrl = 0x0000,
  kCtrlDup = 0x0004,
  kStatus = 0x0008,
  kEecd = 0x0010,
  kEerd = 0x0014,
  kCtrlExt = 0x0018,
  kMdic = 0x0020,
  kFcal = 0x0028,
  kFcah = 0x002c,
  kFct = 0x0030,
  kVet = 0x0038,
  kIcr = 0x00c0,
  kItr = 0x00c4,
  kIcs = 0x00c8,
  kIms = 0x00d0,
  kImc = 0x00d8,
  kRctl = 0x0100,
  kFcttv = 0x0170,
  kTxcw = 0x0178,
  kRxcw = 0x0180,
  kTctl = 0x0400,
  kTipg = 0x0410,
  kAit = 0x0458,
  kLedctl = 0x0e00,
  kPba = 0x1000,
  kFcrtl = 0x2160,
  kFcrth = 0x2168,
  kRdbal = 0x2800,
  kRdbah = 0x2804,
  kRdlen = 0x2808,
  kRdh = 0x2810,
  kRdt = 0x2818,
  kRdtr = 0x2820,
  kRxdctl = 0x2828,
  kRadv = 0x282c,
  kRsrpd = 0x2c00,
  kTdbal = 0x3800,
  kTdbah = 0x3804,
  kTdlen = 0x3808,
  kTdh = 0x3810,
  kTdt = 0x3818,
  kTidv = 0x3820,
  kTxdctl = 0x3828,
  kTadv = 0x382c,
  kTspmt = 0x3830,
  kStatistics = 0x4000,
  kStatisticsEnd = 0x4128,
  kRxcsum = 0x5000,
  kMta = 0x5200,
  kRal = 0x5400,
  kVfta = 0x5600,
  kWuc = 0x5800,
  kWufc = 0x5808,
  kWus = 0x5810,
  kManc = 0x5820,
  kIpav = 0x5838,
};
constexpr unsigned kMtaSize = 128;
constexpr unsigned kReceiveAddresses = 16;
constexpr unsigned kVftaSize = 128;

// Statistics [8254x §13.7 "Statistics Registers"]; each is cleared as it is read.
enum Statistic : u32 {
  kMpc = 0x4010,
  kPrc64 = 0x405c,  // and five for larger frames
  kGprc = 0x4074,
  kBprc = 0x4078,
  kMprc = 0x407c,
  kGptc = 0x4080,
  kGorcl = 0x4088,
  kGotcl = 0x4090,
  kRuc = 0x40a4,
  kRoc = 0x40ac,
  kTorl = 0x40c0,
  kTotl = 0x40c8,
  kTpr = 0x40d0,
  kTpt = 0x40d4,
  kPtc64 = 0x40d8,  // and five for larger frames
  kMptc = 0x40f0,
  kBptc = 0x40f4,
  kTsctc = 0x40f8,
};

enum Ctrl : u32 {
  kCtrlFd = 1U << 0,
  kCtrlSlu = 1U << 6,
  kCtrlSpeed1000 = 2U << 8,
  kCtrlRst = 1U << 26,
  kCtrlVme = 1U << 30,
  kCtrlPhyRst = 1U << 31,
};
enum StatusBit : u32 { kStatusFd = 1U << 0, kStatusLu = 1U << 1, kStatusSpeed1000 = 2U << 6 };
constexpr u32 kCtrlExtEeRst = 1U << 13;

enum Eecd : u32 {
  kEecdSk = 1U << 0,
  kEecdCs = 1U << 1,
  kEecdDi = 1U << 2,
  kEecdDo = 1U << 3,
  kEecdFweDisabled = 1U << 4,
  kEecdReq = 1U << 6,
  kEecdGnt = 1U << 7,
  kEecdPres = 1U << 8,
};
enum Eerd : u32 { kEerdStart = 1U << 0, kEerdDone = 1U << 4 };

enum Mdic : u32 {
  kMdicOpWrite = 1U << 26,
  kMdicOpRead = 2U << 26,
  kMdicR = 1U << 28,
  kMdicI = 1U << 29,
  kMdicE = 1U << 30,
};

enum Interrupt : u32 {
  kTxdw = 1U << 0,
  kTxqe = 1U << 1,
  kLsc = 1U << 2,
  kRxdmt0 = 1U << 4,
  kRxo = 1U << 6,
  kRxt0 = 1U << 7,
  kMdac = 1U << 9,
  kInterrupts = 0x1'ffff,
};

enum Rctl : u32 {
  kRctlEn = 1U << 1,
  kRctlUpe = 1U << 3,
  kRctlMpe = 1U << 4,
  kRctlLpe = 1U << 5,
  kRctlLbm = 3U << 6,
  kRctlBam = 1U << 15,
  kRctlVfe = 1U << 18,
  kRctlBsex = 1U << 25,
  kRctlSecrc = 1U << 26,
};
constexpr u32 kTctlEn = 1U << 1;
constexpr u32 kRahAv = 1U << 31;

// Bytes that a VLAN's tag adds to a frame. [IEEE 802.1Q "VLAN tag"]
constexpr std::size_t kTagSize = 4;

// [8254x §3.2.3]
struct ReceiveDescriptor {
  u64 address;
  u16 length;
  u16 checksum;
  u8 status;
  u8 errors;
  u16 special;
};
static_assert(sizeof(ReceiveDescriptor) == 16);
enum ReceiveStatus : u8 { kRxDd = 1U << 0, kRxEop = 1U << 1, kRxIxsm = 1U << 2, kRxVp = 1U << 3 };

// [8254x §3.3.3 "Legacy Transmit Descriptor Format", 3.3.7 "TCP/IP Data Descriptor Format"]
struct TransmitDescriptor {
  u64 address;
  u16 length;  // of an extended one, 20 bits with the next field
  u8 cso;      // the same, and its type
  u8 command;
  u8 status;
  u8 css;  // of an extended one, POPTS
  u16 special;
};
static_assert(sizeof(TransmitDescriptor) == 16);
// [8254x §3.3.6 "TCP/IP Context Descriptor Layout"]
struct ContextDescriptor {
  u8 ipcss;
  u8 ipcso;
  u16 ipcse;
  u8 tucss;
  u8 tucso;
  u16 tucse;
  u32 paylen_type_tucmd;  // 20, 4 and 8 bits
  u8 status;
  u8 hdrlen;
  u16 mss;
};
static_assert(sizeof(ContextDescriptor) == 16);
enum TransmitCommand : u8 {
  kTxEop = 1U << 0,
  kTxIc = 1U << 2,   // legacy: insert a checksum
  kTxTse = 1U << 2,  // extended: segmentation
  kTxRs = 1U << 3,
  kTxDext = 1U << 5,
  kTxVle = 1U << 6,
};
constexpr u8 kTxDd = 1U << 0;
enum TransmitType : unsigned { kContext = 0, kData = 1 };
enum ContextCommand : u8 { kTuTcp = 1U << 0, kTuIp = 1U << 1 };
enum TransmitOption : u8 { kIxsm = 1U << 0, kTxsm = 1U << 1 };

}  // namespace backplane::e1000

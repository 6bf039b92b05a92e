// SPDX-License-Identifier: MIT
// The numbers of the NBD protocol, by its names and in its order. [NBD]
#pragma once

#include "backplane/types.h"

namespace backplane::nbd {

inline constexpr u64 kNbdMagic = 0x4e42'444d'4147'4943;       // "NBDMAGIC"
inline constexpr u64 kIHaveOpt = 0x4948'4156'454f'5054;       // "IHAVEOPT"
inline constexpr u64 kOldStyleMagic = 0x0000'4202'8186'1253;  // where kIHaveOpt would be
inline constexpr u64 kOptionReplyMagic = 0x0003'e889'0455'65a9;
inline constexpr u32 kRequestMagic = 0x2560'9513;
inline constexpr u32 kSimpleReplyMagic = 0x6744'6698;
inline constexpr u32 kStructuredReplyMagic = 0x668e'33ef;

inline constexpr const char* kDefaultPort = "10809";

// --- handshake
// ----------------------------------------------------------------

enum HandshakeFlag : u16 { kFlagFixedNewstyle = 1 << 0, kFlagNoZeroes = 1 << 1 };
enum ClientFlag : u32 { kFlagCFixedNewstyle = 1 << 0, kFlagCNoZeroes = 1 << 1 };

enum Option : u32 {
  kOptExportName = 1,
  kOptAbort = 2,
  kOptList = 3,
  kOptStartTls = 5,
  kOptInfo = 6,
  kOptGo = 7,
  kOptStructuredReply = 8,
  kOptListMetaContext = 9,
  kOptSetMetaContext = 10,
};

inline constexpr u32 kRepFlagError = u32{1} << 31;
enum OptionReply : u32 {
  kRepAck = 1,
  kRepServer = 2,
  kRepInfo = 3,
  kRepMetaContext = 4,
  kRepErrUnsup = kRepFlagError + 1,
  kRepErrPolicy = kRepFlagError + 2,
  kRepErrInvalid = kRepFlagError + 3,
  kRepErrPlatform = kRepFlagError + 4,
  kRepErrTlsReqd = kRepFlagError + 5,
  kRepErrUnknown = kRepFlagError + 6,
  kRepErrShutdown = kRepFlagError + 7,
  kRepErrBlockSizeReqd = kRepFlagError + 8,
  kRepErrTooBig = kRepFlagError + 9,
};

enum Info : u16 { kInfoExport = 0, kInfoName = 1, kInfoDescription = 2, kInfoBlockSize = 3 };

inline constexpr u32 kMaxString = 4096;  // bytes

// --- transmission
// -------------------------------------------------------------

enum TransmissionFlag : u16 {
  kFlagHasFlags = 1 << 0,
  kFlagReadOnly = 1 << 1,
  kFlagSendFlush = 1 << 2,
  kFlagSendFua = 1 << 3,
  kFlagRotational = 1 << 4,
  kFlagSendTrim = 1 << 5,
  kFlagSendWriteZeroes = 1 << 6,
  kFlagSendDf = 1 << 7,
  kFlagCanMultiConn = 1 << 8,
  kFlagSendResize = 1 << 9,
  kFlagSendCache = 1 << 10,
  kFlagSendFastZero = 1 << 11,
};

enum Command : u16 {
  kCmdRead = 0,
  kCmdWrite = 1,
  kCmdDisc = 2,
  kCmdFlush = 3,
  kCmdTrim = 4,
  kCmdCache = 5,
  kCmdWriteZeroes = 6,
  kCmdBlockStatus = 7,
};

enum CommandFlag : u16 {
  kCmdFlagFua = 1 << 0,
  kCmdFlagNoHole = 1 << 1,
  kCmdFlagDf = 1 << 2,
  kCmdFlagReqOne = 1 << 3,
  kCmdFlagFastZero = 1 << 4,
};

enum ReplyFlag : u16 { kReplyFlagDone = 1 << 0 };
inline constexpr u16 kReplyTypeError = 1 << 15;
enum ReplyType : u16 {
  kReplyNone = 0,
  kReplyOffsetData = 1,
  kReplyOffsetHole = 2,
  kReplyBlockStatus = 5,
  kReplyError = kReplyTypeError + 1,
  kReplyErrorOffset = kReplyTypeError + 2,
};

enum ErrorNumber : u32 {
  kEPerm = 1,
  kEIo = 5,
  kENoMem = 12,
  kEInval = 22,
  kENoSpc = 28,
  kEOverflow = 75,
  kENotSup = 95,
  kEShutdown = 108,
};

// Of a descriptor in the context base:allocation.
enum State : u32 { kStateHole = 1 << 0, kStateZero = 1 << 1 };
inline constexpr const char* kBaseAllocation = "base:allocation";

// Bytes of data that a request carries at most where nothing else was agreed on.
inline constexpr u32 kMaxPayload = 32 << 20;

inline constexpr unsigned kRequestSize = 28;  // bytes, without data
inline constexpr unsigned kSimpleReplySize = 16;
inline constexpr unsigned kStructuredReplySize = 20;

}  // namespace backplane::nbd

// SPDX-License-Identifier: MIT
#include "server/export.h"

#include <cerrno>

namespace backplane::nbd {

u16 Export::flags() const {
  unsigned flags = kFlagHasFlags | kFlagSendFlush | kFlagSendFua | kFlagSendDf | kFlagSendCache;
  flags |= read_only ? kFlagReadOnly : kFlagSendTrim | kFlagSendWriteZeroes;
  // What one client has flushed and what it reads is the same for all: they share the node.
  if (shared) flags |= kFlagCanMultiConn;
  return static_cast<u16>(flags);
}

u32 error_number(int result) {
  switch (-result) {
    case 0:
      return 0;
    case EPERM:
    case EACCES:
    case EROFS:
      return kEPerm;
    case ENOMEM:
      return kENoMem;
    case EINVAL:
      return kEInval;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return kENoSpc;
    case EOVERFLOW:
      return kEOverflow;
    case ENOTSUP:
      return kENotSup;
    case ESHUTDOWN:
      return kEShutdown;
    default:
      return kEIo;
  }
}

}  // namespace backplane::nbd

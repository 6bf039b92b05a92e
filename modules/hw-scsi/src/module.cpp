// SPDX-License-Identifier: MIT
#include "backplane/modinfo.h"

BACKPLANE_MODULE("hw-scsi", "0.1", "SCSI disks and CD drives, and virtio-scsi")

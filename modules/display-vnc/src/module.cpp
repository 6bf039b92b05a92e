// SPDX-License-Identifier: MIT
#include "backplane/modinfo.h"

BACKPLANE_MODULE("display-vnc", "0.1", "Shows screens to VNC viewers")

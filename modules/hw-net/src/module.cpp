// SPDX-License-Identifier: MIT
#include "backplane/modinfo.h"

BACKPLANE_MODULE("hw-net", "0.1", "Network devices")

// SPDX-License-Identifier: MIT
#include "backplane/modinfo.h"

BACKPLANE_MODULE("hw-net-e1000", "0.1", "Intel's 82540EM network card")

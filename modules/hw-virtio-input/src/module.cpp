// SPDX-License-Identifier: MIT
#include "backplane/modinfo.h"

BACKPLANE_MODULE("hw-virtio-input", "0.1", "keyboard, mouse and tablet on virtio")

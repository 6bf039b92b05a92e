// SPDX-License-Identifier: MIT
// The version of the module hw-virtio: of what its headers declare. As the SDK's, its minor moves
// with what is added, its major with what breaks (docs/abi.md).
#pragma once

#include "backplane/modinfo.h"

#define BACKPLANE_HW_VIRTIO_VERSION "0.4"
// NOLINTNEXTLINE(misc-definitions-in-headers): it is each file's own
BACKPLANE_REQUIRES("hw-virtio", BACKPLANE_HW_VIRTIO_VERSION)

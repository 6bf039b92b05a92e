// SPDX-License-Identifier: MIT
// Feature bits for what driver and device leave to each other of a frame. [virtio-1.2 §5.1.3
// "Feature bits", 5.1.3.1 "Feature bit requirements"]
#pragma once

#include "backplane/netdev.h"
#include "backplane/types.h"

namespace backplane::virtio_net {

// Offered for frames of the driver's; the backend's side does them all.
u64 host_offload_features();
// Offered for frames to a driver, which a backend can give.
u64 guest_offload_features(unsigned kinds);
// What a driver takes by its feature bits, or by those of the command to change them.
unsigned offload_kinds(u64 guest_features);
// What is left to be done with a frame of a driver's, by the features it has: flags that it may not
// set mean nothing. False if it leaves a division that it may not leave.
bool check_host_offload(u64 features, FrameOffload& left);

}  // namespace backplane::virtio_net

// SPDX-License-Identifier: MIT
#include "boot/prepare_memory.h"

namespace backplane::pc {

void prepare_memory(u8*, u64) {}

}  // namespace backplane::pc

// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace backplane::host {

// The block driver for what is named without one: that of block devices, if it is one; that of the
// scheme, if it is a URI ("nbd://host", "nbd+unix:///?socket=PATH"); else that of files.
std::string protocol_for(const std::string& name);

}  // namespace backplane::host

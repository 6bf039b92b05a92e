// SPDX-License-Identifier: MIT
// What a guest is called: -name and -uuid.
#pragma once

#include "backplane/options.h"

namespace backplane::host {

struct Configuration;

// Each throws Error. A UUID is kept in lower case.
void set_name(Configuration& configuration, const GivenOption& option);
void set_uuid(Configuration& configuration, const GivenOption& option);

}  // namespace backplane::host

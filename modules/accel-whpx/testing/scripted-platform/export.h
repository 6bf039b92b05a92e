// SPDX-License-Identifier: MIT
// What is found by name in the library. (boost/dll/alias.hpp's macros do not export it everywhere.)
#pragma once

#include <boost/config.hpp>

#include "api/types.h"

#define WHPX_EXPORT extern "C" WHPX_ABI BOOST_SYMBOL_EXPORT

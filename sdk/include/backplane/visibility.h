// SPDX-License-Identifier: MIT
// Who sees a function of a shared object.
#pragma once

// Windows has no hidden symbols: there, a file simply prefers its own definition to one that it
// would import.
#ifdef _WIN32
#define BACKPLANE_DETAIL_EXPORTED [[gnu::dllexport]]
#define BACKPLANE_DETAIL_HIDDEN
#else
#define BACKPLANE_DETAIL_EXPORTED [[gnu::visibility("default")]]
#define BACKPLANE_DETAIL_HIDDEN [[gnu::visibility("hidden")]]
#endif

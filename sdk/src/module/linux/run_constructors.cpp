// SPDX-License-Identifier: MIT
#include "module/run_constructors.h"

#include <dlfcn.h>

namespace backplane {

void run_constructors(const std::filesystem::path& file) {
  // dlopen() is declared not to throw: what calls it by its name may have no way out for an
  // exception. The pointer's type says that there may be one, and the compiler cannot see through.
  using Open = void* (*)(const char*, int);
  const volatile Open open = &dlopen;
  open(file.c_str(), RTLD_NOW | RTLD_LOCAL);
}

}  // namespace backplane

// SPDX-License-Identifier: MIT
// The platform's functions, found at run time: the program must start where they are not.
#pragma once

#include <memory>
#include <string>

#include "api/functions.h"

namespace backplane::whpx {

// A name without a directory is looked for where the system looks for libraries.
struct LibraryNames {
  std::string platform = "WinHvPlatform.dll";
  std::string emulation = "WinHvEmulation.dll";
};

class Dispatch {
 public:
  // Loads both libraries and finds every function. Throws Error ("Function not implemented") if a
  // library or a required function is missing; a supplemental one stays null.
  explicit Dispatch(const LibraryNames& names);
  ~Dispatch();
  Dispatch(const Dispatch&) = delete;
  Dispatch& operator=(const Dispatch&) = delete;

#define WHV_FUNCTION(library, need, name, parameters) signature::name* name = nullptr;
#include "api/functions.inc"
#undef WHV_FUNCTION

 private:
  struct Libraries;
  std::unique_ptr<Libraries> libraries_;
};

}  // namespace backplane::whpx

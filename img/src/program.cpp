// SPDX-License-Identifier: MIT
#include "program.h"

#include <cstdio>

#include "backplane/error.h"
#include "backplane/log.h"

namespace backplane::img {

int run_program(const char* name, int argc, char** argv,
                int (*run)(const std::vector<std::string>& words)) {
  log::set_program_name(name);
  try {
    const int status = run({argv + (argc > 0 ? 1 : 0), argv + argc});
    if (std::fflush(stdout) == 0) return status;
    log::report("cannot write what there is to say");
  } catch (const Error& error) {
    log::report(error.line());
  } catch (...) {
    log::report(current_exception_text());
  }
  return 1;
}

}  // namespace backplane::img

// SPDX-License-Identifier: MIT
// Prints a manual page; run by the build.
//   backplane-manual VERSION                     the program's
//   backplane-manual VERSION NAME SUMMARY        a command's, whose --help is on standard input
#include <cstdio>
#include <iostream>
#include <iterator>
#include <string>

#include "pages.h"

int main(int argc, char** argv) {
  using namespace backplane::manual;
  std::string page;
  if (argc == 2) {
    page = page_of_program(argv[1]);
  } else if (argc == 4) {
    const std::string help{std::istreambuf_iterator<char>(std::cin), {}};
    page = page_of_command(argv[2], argv[3], argv[1], help);
  } else {
    std::fputs("backplane-manual: wants a version, or that, a name and a summary\n", stderr);
    return 1;
  }
  return std::fputs(page.c_str(), stdout) < 0 ? 1 : 0;
}

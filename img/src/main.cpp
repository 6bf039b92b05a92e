// SPDX-License-Identifier: MIT
// backplane-img: makes disk images, looks at them and changes them.
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "backplane/error.h"
#include "backplane/object.h"
#include "commands.h"
#include "program.h"

namespace backplane::img {
namespace {

constexpr const char* kUsage =
    "Usage: backplane-img COMMAND [OPTION...] FILE...\n"
    "\n"
    "Makes disk images, looks at them and changes them. Images that a machine uses\n"
    "are left alone. Formats are modules: raw is always there, qcow2 is in\n"
    "block-qcow2.\n"
    "\n"
    "Commands:\n"
    "  create [-q] [-u] [-f FORMAT] [-b BACKING -F FORMAT] [-o OPTIONS] FILE [SIZE]\n"
    "            make an image; without SIZE, as long as BACKING, which -u does not\n"
    "            look at; -o help lists OPTIONS\n"
    "  info [-U] [-f FORMAT] [--output=human|json] [--backing-chain] FILE\n"
    "            say what an image is\n"
    "  check [-q] [-U] [-f FORMAT] [--output=human|json] [-r leaks|all] FILE\n"
    "            look whether an image is sound, and repair it. Exits with 0 if it\n"
    "            is, 1 if that cannot be known, 2 at errors, 3 at leaks, 63 if there\n"
    "            is nothing to be checked in the format\n"
    "  convert [-c] [-n] [-p] [-q] [-W] [OPTION...] FILE... TARGET\n"
    "            copy a disk, or several behind one another, into an image: packed\n"
    "            (-c), into one that is there (-n, and --target-is-zero if that is\n"
    "            blank), in any order (-W), by as many threads as -m says. Zeroes are\n"
    "            left out, where there are as many as -S says (4k; 0: none). With -B\n"
    "            BACKING -F FORMAT, what that has is left out. -f and -T are about\n"
    "            what is read, -O, -o and -t about what is written\n"
    "  resize [-q] [-f FORMAT] [--preallocation=HOW] [--shrink] FILE [+|-]SIZE\n"
    "            make a disk longer, or shorter\n"
    "  rebase [-u] [-p] [-q] [-f FORMAT] -b BACKING [-F FORMAT] FILE\n"
    "            have an image stand on another one, or nothing (-b ''), with the\n"
    "            same content; -u changes what it says alone\n"
    "  commit [-d] [-p] [-q] [-f FORMAT] [-b BASE] FILE\n"
    "            write what an image has into what it stands on, and empty it but\n"
    "            with -d or -b\n"
    "  compare [-s] [-p] [-q] [-U] [-f FORMAT] [-F FORMAT] FILE FILE\n"
    "            exits with 0 if both disks have the same content, 1 if not, 2 if\n"
    "            one cannot be opened, 4 if one cannot be read\n"
    "  map [-U] [-f FORMAT] [--output=human|json] [-s START] [-l LENGTH] FILE\n"
    "            say where the parts of a disk are stored\n"
    "  snapshot [-q] [-U] [-l | -c NAME | -a NAME | -d NAME] FILE\n"
    "            list, create, apply or delete snapshots inside an image\n"
    "  measure [-O FORMAT] [-o OPTIONS] [OPTION...] [--size SIZE | FILE]\n"
    "            say how much room an image of that size, or with that content, would\n"
    "            take\n"
    "\n"
    "Options of several commands:\n"
    "  -f, -O, -F  a format; where none is given, that of the file, and raw for one\n"
    "            that is made\n"
    "  -o        keys and values, with commas between them\n"
    "  -p        show how far it is\n"
    "  -q        print nothing but errors\n"
    "  -U        although another program may write the image\n"
    "  -t, -T    writeback, none, writethrough, directsync or unsafe, of what is\n"
    "            written and of what is read\n"
    "  --output  for people or for programs\n"
    "  --help    this text\n"
    "  --version which version this is\n"
    "\n"
    "Sizes are bytes, or have k, M, G, T, P or E behind them. Exits with status 1\n"
    "where nothing else is said and it did not succeed.\n";

struct CommandRow {
  std::string_view name;
  int (*run)(const Words&);
};

constexpr CommandRow kCommands[] = {
    {"check", check},   {"commit", commit}, {"compare", compare},  {"convert", convert},
    {"create", create}, {"info", info},     {"map", map},          {"measure", measure},
    {"rebase", rebase}, {"resize", resize}, {"snapshot", snapshot}};

int run(const Words& words) {
  if (words.empty()) throw Error("no command is given", "--help lists them");
  const std::string& name = words.front();
  if (name == "--help" || name == "-h") {
    std::fputs(kUsage, stdout);
    return 0;
  }
  if (name == "--version" || name == "-V") {
    fmt::print("backplane-img {}\n", BACKPLANE_VERSION);
    return 0;
  }
  for (const CommandRow& row : kCommands)
    if (row.name == name) {
      module_call_init(ModuleInit::Qom);
      return row.run({words.begin() + 1, words.end()});
    }
  throw Error::of("{}: no such command; --help lists them", name);
}

}  // namespace
}  // namespace backplane::img

int main(int argc, char** argv) {
  return backplane::img::run_program("backplane-img", argc, argv, backplane::img::run);
}

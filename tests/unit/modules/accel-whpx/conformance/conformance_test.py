# SPDX-License-Identifier: MIT
"""Compiles what compares our declarations with a Windows SDK's headers. Nothing is run."""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

COMPILER = "x86_64-w64-mingw32-g++-posix"
HEADER = "#include <windows.h>\n#include <winhvemulation.h>\n"
SKIPPED = 77


def skip(reason):
    print(f"SKIP: whpx conformance: {reason}")
    if os.environ.get("BACKPLANE_REQUIRE_WINDOWS"):
        sys.exit("BACKPLANE_REQUIRE_WINDOWS is set: this is a failure")
    sys.exit(SKIPPED)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--include", action="append", default=[])
    parser.add_argument("sources", nargs="+", type=Path)
    options = parser.parse_args()
    compiler = shutil.which(COMPILER)
    if compiler is None:
        skip(f"no {COMPILER} (package g++-mingw-w64-x86-64-posix)")
    if subprocess.run([compiler, "-x", "c++", "-fsyntax-only", "-"], input=HEADER, text=True,
                      capture_output=True).returncode != 0:
        skip("no winhvemulation.h (package mingw-w64-x86-64-dev)")
    failed = False
    for source in options.sources:
        # With optimisation: see bits.cpp.
        result = subprocess.run([compiler, "-std=c++20", "-O2", "-Wall", "-Wextra", "-Werror",
                                 *(f"-I{path}" for path in options.include), "-S", source, "-o",
                                 os.devnull])
        failed |= result.returncode != 0
    sys.exit(failed)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: MIT
"""Fails if clang-tidy finds something in what a configuration compiles, and says what.

It also shows that clang reads the sources, and warns of nothing."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SKIPPED = 77
TOP = Path(__file__).resolve().parents[2]
# Options that clang does not know, or that the library's headers do not compile with there.
GCC_ALONE = {"-fno-tree-loop-distribute-patterns", "-mgeneral-regs-only"}


def for_clang(entry):
    words = [word for word in entry["command"].split(" ") if word not in GCC_ALONE]
    return {**entry, "command": " ".join(words)}


def findings(directory, file):
    """The lines that it prints of one file: none if all is well."""
    result = subprocess.run(
        ["clang-tidy", "-p", directory, f"--config-file={TOP}/.clang-tidy", "--quiet", file],
        capture_output=True, text=True, errors="replace")
    if result.returncode == 0:
        return []
    return [line for line in result.stdout.splitlines()
            if ": error: " in line or ": warning: " in line] or [f"{file}: {result.stderr}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path, help="where compile_commands.json is")
    arguments = parser.parse_args()
    if not shutil.which("clang-tidy"):
        print("there is no clang-tidy: the group 'test' of debian-packages has it")
        sys.exit(SKIPPED)
    entries = json.loads((arguments.build / "compile_commands.json").read_text())
    entries = [for_clang(entry) for entry in entries if not entry["file"].endswith(".S")]
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "compile_commands.json").write_text(json.dumps(entries))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            found = pool.map(lambda entry: findings(directory, entry["file"]), entries)
            # A header's are found wherever it is included.
            lines = sorted({line.replace(f"{TOP}/", "") for lines in found for line in lines})
    print(*lines, sep="\n")
    print(f"{len(entries)} files, {len(lines)} findings")
    sys.exit(1 if lines or not entries else 0)


if __name__ == "__main__":
    main()

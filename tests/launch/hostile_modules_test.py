# SPDX-License-Identifier: MIT
"""Lists some thousands of modules that were cut short or changed.

Each gets a state, none stops the listing or runs, and it takes less than a second of CPU time.
"""

import argparse
import random
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
from many_modules import numbered  # noqa: E402

# The parts of a file that are read: all of its head, and what its sections say.
HEAD = 4096


def damaged(chance, number, whole):
    """One of them: cut, or with some bits turned over, in most cases where it is read."""
    data = bytearray(numbered(whole, number))
    kind = number % 4
    if kind == 0:
        return data[:chance.randrange(len(data))]
    modinfo = data.find(b"name=numbered-")
    ranges = {1: (0, min(HEAD, len(data))), 2: (max(modinfo - 256, 0), min(modinfo + 512, len(data))),
              3: (max(len(data) - HEAD, 0), len(data))}
    for _ in range(chance.randint(1, 8)):
        data[chance.randrange(*ranges[kind])] ^= 1 << chance.randrange(8)
    return data


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Listing:
    def __init__(self, program, directory):
        self.program, self.directory = program, directory

    def run(self, *options, status=0):
        before = cpu_seconds()
        ran = subprocess.run([self.program, "-module-path", self.directory, *options],
                             stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                             errors="replace")
        said = f"{options}: status {ran.returncode}, it said {ran.stderr[-2000:]!r}"
        assert ran.returncode == status, said
        assert "runs" not in ran.stderr, said
        assert ran.stderr.count("\n") == status, said  # one line where it fails, else none
        return ran.stdout, cpu_seconds() - before


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--module", type=Path, required=True, help="modules/numbered.cpp, built")
    parser.add_argument("--seeds", type=Path, nargs="*", default=[], help="files of other kinds")
    parser.add_argument("--count", type=int, default=4000)
    parser.add_argument("--seconds", type=float, default=1.0)
    arguments = parser.parse_args()
    chance = random.Random(1)
    wholes = [arguments.module.read_bytes()] * 7 + [seed.read_bytes() for seed in arguments.seeds]
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name) / "modules"
        directory.mkdir()
        for number in range(1, arguments.count + 1):
            whole = wholes[number % len(wholes)]
            (directory / f"m{number:05}.so").write_bytes(damaged(chance, number, whole))
        listing = Listing(arguments.program, directory)
        modules, seconds = listing.run("-module", "help")
        lines = [line for line in modules.splitlines() if f"{directory}/m" in line and
                 not line.startswith(" ")]
        assert len(lines) == arguments.count, f"{len(lines)} of {arguments.count} are listed"
        states = {state: sum(f" {state} " in line for line in lines)
                  for state in ("available", "refused", "shadowed")}
        print(f"{arguments.count} modules, {states}: listed in {seconds * 1e3:.0f} ms of CPU time")
        assert states["refused"] > arguments.count / 3, states
        for options in ("-device", "help"), ("-machine", "help"), ("-module", "help,format=json"):
            print(options, f"{listing.run(*options)[1] * 1e3:.0f} ms")
        listing.run("-device", "nosuch", "-M", "none", "-nodefaults", "-display", "none",
                    status=1)
        assert seconds < arguments.seconds, f"listing took {seconds} s"


if __name__ == "__main__":
    main()

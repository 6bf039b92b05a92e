# SPDX-License-Identifier: MIT
"""Runs the program with every module linked in where there is nothing but it and the libraries that
it names: no /proc, no /dev, no modules."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SKIPPED = 77


def copy_with_libraries(program, root):
    """The program as /bin/backplane, libbackplane where it looks for that, others where they were."""
    (root / "bin").mkdir()
    shutil.copy(program, root / "bin/backplane")
    said = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    for path in map(Path, re.findall(r"(/\S+) \(0x", said)):
        place = root / str(path)[1:]
        if path.name.startswith("libbackplane"):
            place = root / path.parent.name / path.name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)


def run_in(root, *options):
    """What it prints, and its status."""
    def enter():
        os.chroot(root)
        os.chdir("/")

    done = subprocess.run(["/bin/backplane", *options], capture_output=True, text=True, env={},
                          stdin=subprocess.DEVNULL, preexec_fn=enter, timeout=60, check=False)
    return done.stdout + done.stderr, done.returncode


def write_firmware(root):
    """Says "h" on the serial port and ends the program by isa-debug-exit."""
    say_h = bytes([0xba, 0xf8, 0x03, 0xb0, ord("h"), 0xee])  # mov $0x3f8,%dx; mov $'h',%al; out
    end = bytes([0xba, 0x01, 0x05, 0xb0, 0x10, 0xee])
    (root / "firmware").write_bytes((say_h + end).rjust(65536 - 4, b"\x90") + bytes(4))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True, type=Path)
    given = parser.parse_args()
    if os.geteuid() != 0:
        print("needs root, to change into another root directory")
        sys.exit(SKIPPED)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        copy_with_libraries(given.program, root)
        said, _ = run_in(root, "-accel", "help")
        assert re.search(r"  tcg +\(in the program\) +usable", said), said
        said, _ = run_in(root, "-module", "help")
        assert re.search(r"^machine-pc +\S+ +builtin", said, re.MULTILINE), said
        write_firmware(root)
        said, status = run_in(
            root, "-M", "pc", "-accel", "tcg", "-display", "none", "-nodefaults", "-bios",
            "/firmware", "-serial", "file:/said", "-device", "isa-debug-exit", "-device",
            "virtio-balloon-pci")
        assert status == 33 and (root / "said").read_bytes() == b"h", f"status {status}: {said}"


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: MIT
"""Runs a guest once for each category of -d, and looks for a line of it in the log.

No category is without one, and none changes what the guest prints.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from guest_test import PASSED, SECONDS

# What a line of each category looks like.
LINES = {
    "guest_errors": r"mc146818: a write to register Dh, which is read-only",
    "unimp": r"i8042: controller command 0x55",
    "realize": r"virtio-rng-pci: realized=true \(hw-virtio\.so, \d+ us\)",
    "accel": r"accelerator: tcg",
    "module": r".*accel-tcg\.so: loaded in \d+ us",
    "int": r".* 0x03 error=0 cpl=0 at .*",
    "cpu": r"cpu 0:",
    "in_asm": r"  [0-9a-f]{16}  0f 20 d8 +mov rax, cr3",
    "out_asm": r"out: of [0-9a-f]{16}",
    "exec": r"cpu 0: block at [0-9a-f]{16}, 64-bit code",
    "mmu": r"cpu 0: (read|write|execute) of [0-9a-f]{16} by TLB \d: physical [0-9a-f]{16}",
    "pci": r"pci 00\.0 i440FX: config (read|write) .*",
    "virtio": r"virtio-rng-pci: 1 queues, .*",
    "trace:PATTERN": r"serial: 0x3f8 is written, 1 bytes: 0x[0-9a-f]+",
}


def categories(emulator):
    text = subprocess.run([emulator, "-d", "help"], capture_output=True, text=True, check=True,
                          timeout=SECONDS).stdout
    return [line.split()[0] for line in text.splitlines()[1:]]


def log_of(arguments, category, directory):
    log = directory / "log"
    result = subprocess.run(
        [arguments.emulator, "-M", "pc", "-m", "32", "-nodefaults", "-display", "none", "-accel",
         "tcg", "-serial", "stdio", "-no-reboot", "-device", "isa-debug-exit", "-device",
         "virtio-rng-pci", "-kernel", arguments.image, "-d", category, "-D", log],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS)
    if result.returncode != PASSED or result.stdout != arguments.expected.read_bytes():
        sys.exit(f"-d {category}: status {result.returncode}, {result.stdout!r}, {result.stderr!r}")
    return log.read_text()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--emulator", required=True)
    parser.add_argument("--image", required=True)
    parser.add_argument("--expected", type=Path, required=True)
    arguments = parser.parse_args()
    known = categories(arguments.emulator)
    if set(known) != set(LINES):
        sys.exit(f"the categories are {known}; those looked for are {list(LINES)}")
    with tempfile.TemporaryDirectory() as directory:
        for category in known:
            log = log_of(arguments, category.replace("PATTERN", "ser*"), Path(directory))
            if not any(re.match(LINES[category], line) for line in log.splitlines()):
                sys.exit(f"-d {category} has no line like {LINES[category]!r} among:\n"
                         + "\n".join(log.splitlines()[:20]))


if __name__ == "__main__":
    main()

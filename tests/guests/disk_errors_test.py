# SPDX-License-Identifier: MIT
"""Takes a guest's disk away under it, and gives it back.

The image is cut off before the guest starts, so its requests fail. With
rerror=stop it stops at the first; once the image is whole again, `cont` lets it
print what it always does. With the default, it is told of the errors, and goes
on. Either way the image stays as short as it was made.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from guest_test import PASSED, SECONDS, make_disk

PROMPT = b"(backplane) "


class Emulator:
    """One that waits for `cont`; its monitor is standard input and output."""

    def __init__(self, arguments, directory, policy):
        self.disk = directory / "disk"
        self.serial = directory / "serial"
        make_disk(self.disk, arguments.sectors)
        self.process = subprocess.Popen(
            [arguments.emulator, "-M", "pc", "-m", "32", "-nodefaults", "-display", "none", "-S",
             "-accel", "tcg", "-serial", f"file:{self.serial}", "-monitor", "stdio", "-no-reboot",
             "-device", "isa-debug-exit", "-kernel", str(arguments.image), "-drive",
             f"file={self.disk},format=raw,if=none,id=disk,serial=sectors{policy}",
             "-device", "virtio-blk-pci,drive=disk"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        # Whatever it waits for, the test ends.
        self.watchdog = threading.Timer(SECONDS, self.process.kill)
        self.watchdog.start()
        self.answer()

    def answer(self):
        """What the monitor prints up to its next prompt."""
        text = b""
        while not text.endswith(PROMPT):
            more = os.read(self.process.stdout.fileno(), 4096)
            if not more:
                sys.exit(f"the emulator ended: {self.process.stderr.read().decode()}")
            text += more
        return text.decode().replace("\r", "")

    def tell(self, command):
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()

    def ask(self, command):
        self.tell(command)
        return self.answer()

    def end(self):
        """Its status and what else it said."""
        said = self.process.communicate()[1].decode()
        self.watchdog.cancel()
        return self.process.returncode, said


def check(good, what):
    if not good:
        sys.exit(what)


def stops_and_goes_on(arguments, directory):
    emulator = Emulator(arguments, directory, ",rerror=stop")
    os.truncate(emulator.disk, 0)
    emulator.ask("cont")
    line = emulator.process.stderr.readline().decode()
    check(f"drive disk: a read of 512 bytes at 2560 failed: {emulator.disk} has become shorter: 0 bytes "
          "instead of 32 KiB; the guest is stopped" in line, f"the emulator said: {line}")
    # The line is printed first, the machine stops soon after.
    while "paused" not in (status := emulator.ask("info status")):
        pass
    check("VM status: paused (io-error)\n" in status, f"info status: {status}")
    block = emulator.ask("info block")
    check("rerror=stop" in block and "1 failed" in block and "1 wait" in block,
          f"info block: {block}")
    make_disk(emulator.disk, arguments.sectors)
    emulator.tell("cont")
    status, said = emulator.end()
    check(status == PASSED and said == "", f"it ended with status {status} and said: {said}")
    printed = emulator.serial.read_text()
    check(printed.splitlines() == arguments.expected.read_text().splitlines(),
          f"the guest printed: {printed}")


def is_told_and_goes_on(arguments, directory):
    emulator = Emulator(arguments, directory, "")
    os.truncate(emulator.disk, 0)
    emulator.tell("cont")
    status, said = emulator.end()
    check(status == PASSED, f"it ended with status {status}")
    check(said.count("\n") == 1 and "the guest is told" in said, f"it said: {said}")
    check(emulator.disk.stat().st_size == 0, "the image has become longer")


def main():
    parser = argparse.ArgumentParser(description="Takes a guest's disk away, and gives it back.")
    parser.add_argument("--emulator", required=True)
    parser.add_argument("--image", type=Path, required=True, help="the guest virtio-block")
    parser.add_argument("--expected", type=Path, required=True)
    parser.add_argument("--sectors", type=int, required=True, help="of its disk")
    arguments = parser.parse_args()
    for case in (stops_and_goes_on, is_told_and_goes_on):
        with tempfile.TemporaryDirectory(prefix="backplane-disk-") as directory:
            case(arguments, Path(directory))


if __name__ == "__main__":
    main()

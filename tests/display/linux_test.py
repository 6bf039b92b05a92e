# SPDX-License-Identifier: MIT
"""Debian's kernel with all drivers shows its console on a screen on virtio, and hears a keyboard."""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.append(str(TOP / "tests/boot"))

from guest import FETCH_KERNEL, MAKE_INITRAMFS, Guest, Setup  # noqa: E402
from pictures import cell, check, read_ppm  # noqa: E402

COLUMN, ROW, TEXT = 2, 1, "Backplane"
COMMANDS = rf"""
set -e
cat /sys/class/graphics/fb0/virtual_size
exec 4<>/dev/tty0
printf '\033[2J\033[H\033[?25l\n  {TEXT}' >&4
echo shown
read line <&4
echo "typed $line"
"""


def prepare(directory):
    fetched = directory / "fetched"
    subprocess.run([FETCH_KERNEL, "--kernel", "linux-image-amd64", fetched], check=True)
    subprocess.run([MAKE_INITRAMFS, "--driver", "virtio-gpu", "--driver", "virtio_input", fetched,
                    directory / "initramfs.cpio"], check=True)


def console(test):
    picture_file = test.work / "screen.ppm"
    setup = Setup(test.emulator, test.directory / "fetched", test.directory / "initramfs.cpio",
                  test.work)
    with Guest(setup, COMMANDS, "-vga", "virtio", "-device", "virtio-keyboard-pci",
               "-global", "virtio-vga.xres=1024", "-global", "virtio-vga.yres=768") as guest:
        guest.expect("1024,768")
        guest.expect("shown")
        guest.monitor(f"screendump {picture_file}")
        picture = read_ppm(picture_file)
        check(picture[:2] == (1024, 768), f"the screen is {picture[0]}x{picture[1]}")
        letters = [b"".join(cell(picture, COLUMN + n, ROW, 8)) for n in range(len(TEXT))]
        check(all(any(letter) and not all(letter) for letter in letters), "a letter is not seen")
        check(letters[1] == letters[6], "the two letters a differ")
        check(len(set(letters)) == len(set(TEXT)), "letters are not told apart")
        check(not any(b"".join(cell(picture, COLUMN + len(TEXT), ROW, 8))), "there is more text")
        for key in ("h", "i", "ret"):
            guest.monitor(f"sendkey {key}")
        guest.expect("typed hi")
        guest.finish()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--emulator", required=True, type=Path)
    parser.add_argument("--directory", required=True, type=Path, help="for the kernel")
    parser.add_argument("case", choices=["prepare", "console"])
    test = parser.parse_args()
    if test.case == "prepare":
        prepare(test.directory)
        return
    with tempfile.TemporaryDirectory() as work:
        test.work = Path(work)
        console(test)


main()

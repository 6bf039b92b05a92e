# SPDX-License-Identifier: MIT
"""Starts a small guest in SeaBIOS, and looks at its screen from outside."""

import argparse
import json
import os
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pictures import cell, check, read_png, read_ppm
from vnc_client import Browser, Refused, Viewer

SEABIOS = "/usr/share/seabios/bios-256k.bin"
SECONDS = 40
PASSED = 16
FREE_DISPLAY = "127.0.0.1:50,to=99"
COLOUR = bytes.fromhex("336699")


class Guest:
    def __init__(self, test, *options):
        self.path = Path(test.directory) / "qmp"
        # Firmware reads disks of a cylinder and more.
        disk = Path(test.directory) / "disk"
        disk.write_bytes(Path(test.guest).read_bytes().ljust(1 << 20, b"\0"))
        self.process = subprocess.Popen(
            [test.emulator, "-M", "pc", "-accel", "tcg", "-m", "32", "-nodefaults", "-vga", "std",
             "-bios", SEABIOS, "-drive", f"file={disk},format=raw", "-serial",
             "stdio", "-device", "isa-debug-exit,iobase=0x501", "-display", "none",
             "-qmp", f"unix:{self.path},server=on,wait=off", *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)

    def __enter__(self):
        try:
            self.expect(b"T")
            self.qmp = socket.socket(socket.AF_UNIX)
            self.qmp.settimeout(SECONDS)
            self.qmp.connect(str(self.path))
            self.answers = self.qmp.makefile()
            self.answers.readline()
            self.command("qmp_capabilities")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def expect(self, letter):
        """What the guest says when it has done something."""
        ready = select.select([self.process.stdout], [], [], SECONDS)[0]
        said = os.read(self.process.stdout.fileno(), 1) if ready else b""
        check(said == letter, f"the guest said {said}, expected {letter}")

    def command(self, name, **arguments):
        self.qmp.sendall(json.dumps({"execute": name, "arguments": arguments}).encode() + b"\n")
        while True:
            answer = json.loads(self.answers.readline())
            if "event" not in answer:
                check("return" in answer, f"{name}: {answer}")
                return answer["return"]

    def display(self):
        """The number of the display that FREE_DISPLAY became."""
        return int(self.command("query-vnc")["service"]) - 5900

    def type(self, *keys):
        self.command("send-key", keys=[{"type": "qcode", "data": key} for key in keys])

    def ends(self):
        status = self.process.wait(SECONDS)
        check(status == PASSED * 2 + 1, f"the guest ended with {status}")


def check_text(picture):
    check(picture[:2] == (720, 400), f"the screen is {picture[0]}x{picture[1]}")
    letters = [b"".join(cell(picture, 5 + n, 10, 9)) for n in range(len("Backplane"))]
    blue, white = b"\x00\x00\xaa", b"\xff\xff\xff"
    for letter in letters:
        colours = {letter[at:at + 3] for at in range(0, len(letter), 3)}
        check(colours == {blue, white}, f"the text has the colours {colours}")
    check(letters[2 - 1] == letters[6], "the two letters a differ")
    check(len(set(letters)) == len(set("Backplane")), "letters are not told apart")


def dumps(test, *options):
    with Guest(test, *options) as guest:
        ppm, png = Path(test.directory) / "screen.ppm", Path(test.directory) / "screen.png"
        guest.command("screendump", filename=str(ppm))
        guest.command("screendump", filename=str(png), format="png")
        check_text(read_ppm(ppm))
        check(read_ppm(ppm) == read_png(png), "PPM and PNG differ")
        guest.type("v")
        guest.expect(b"V")
        guest.command("screendump", filename=str(ppm))
        width, height, pixels = read_ppm(ppm)
        check((width, height) == (1024, 768), f"the screen is {width}x{height}")
        filled = 64 * 1024 // 4 * 3
        check(pixels[:filled] == COLOUR * (filled // 3), "the window was filled, and is not")
        check(not any(pixels[filled:]), "the rest is not black")
        guest.type("q")
        guest.ends()


def virtio_vga(test):
    """Firmware shows the same on a screen on virtio, which is a VGA without a driver."""
    dumps(test, "-vga", "virtio")


def vnc(test):
    path, ppm = f"{test.directory}/vnc", Path(test.directory) / "screen.ppm"
    with Guest(test, "-vnc", f"unix:{path}", "-name", "box") as guest:
        viewer, other = Viewer(path), Viewer(path)
        check(viewer.name == "Backplane (box)", f"it is called {viewer.name}")
        viewer.update(incremental=False)
        check(viewer.extended_keys, "it knows no extended key events")
        guest.command("screendump", filename=str(ppm))
        picture = read_ppm(ppm)
        check_text(picture)
        check((viewer.width, viewer.height, viewer.picture()) == picture, "the viewer sees another")
        check(len(guest.command("query-vnc")["clients"]) == 2, "there are two clients")

        viewer.type(ord("x"))
        guest.expect(b"x")
        viewer.wait_for(lambda v: v.screen[:4] != b"\0\0\0\0", "the letter is not seen")
        viewer.press_place(ord("?"), 0x2f)  # where v is
        guest.expect(b"V")
        for seeing in (viewer, other):
            seeing.wait_for(lambda v: (v.width, v.height) == (1024, 768) and
                            v.picture()[:3] == COLOUR, "the mode is not seen")
        guest.command("screendump", filename=str(ppm))
        check(viewer.picture() == read_ppm(ppm)[2], "the viewer sees another mode")
        guest.type("q")
        guest.ends()


def websocket(test):
    with Guest(test, "-vnc", f"{FREE_DISPLAY},websocket=on") as guest:
        number = guest.display()
        viewer = Viewer(("127.0.0.1", 5700 + number), Browser)
        viewer.update(incremental=False)
        plain = Viewer(("127.0.0.1", 5900 + number))
        plain.update(incremental=False)
        check(viewer.picture() == plain.picture(), "the browser sees another")
        check(sorted(client["websocket"] for client in guest.command("query-vnc")["clients"]) ==
              [False, True], "query-vnc does not tell")
        viewer.type(ord("q"))
        guest.ends()


def snapshot(test):
    """What Debian's vncsnapshot sees, in each of its encodings; it writes JPEG, so about the same."""
    for program in ("vncsnapshot", "djpeg"):
        if shutil.which(program) is None:
            print(f"skipped: there is no {program}")
            sys.exit(77)
    ppm, jpeg = Path(test.directory) / "screen.ppm", Path(test.directory) / "screen.jpg"
    with Guest(test, "-vnc", FREE_DISPLAY) as guest:
        guest.command("screendump", filename=str(ppm))
        picture = read_ppm(ppm)
        for encoding in ("raw", "hextile", "zlib", "tight"):
            subprocess.run(["vncsnapshot", "-quiet", "-quality", "100", "-encodings", encoding,
                            f"127.0.0.1:{guest.display()}", jpeg], check=True, timeout=30,
                           stdin=subprocess.DEVNULL)
            with open(ppm, "wb") as decoded:
                subprocess.run(["djpeg", "-pnm", jpeg], check=True, stdout=decoded)
            seen = read_ppm(ppm)
            check(seen[:2] == picture[:2], f"{encoding}: the snapshot is {seen[0]}x{seen[1]}")
            off = sum(abs(a - b) for a, b in zip(seen[2], picture[2])) / len(picture[2])
            check(off < 4, f"{encoding}: the snapshot is off by {off:.1f} of 255")


def answered(password):
    """By the OpenSSL that is installed."""
    key = bytes(int(f"{byte:08b}"[::-1], 2) for byte in password.encode().ljust(8, b"\0")[:8])

    def answer(challenge):
        return subprocess.run(
            ["openssl", "enc", "-des-ecb", "-provider", "legacy", "-provider", "default", "-nopad",
             "-K", key.hex()], input=challenge, stdout=subprocess.PIPE, check=True).stdout
    return answer


def password(test):
    path = f"{test.directory}/vnc"
    with Guest(test, "-vnc", f"unix:{path},password=on") as guest:
        def refused(answer):
            try:
                Viewer(path, answer=answer)
            except Refused as refusal:
                return str(refusal)
            return None

        check(refused(bytes), "somebody was let in without a password")
        guest.command("set_password", protocol="vnc", password="secret-word")
        check(refused(lambda challenge: challenge), "somebody was let in with nonsense")
        check(guest.command("query-vnc")["auth"] == "vnc", "query-vnc does not tell")
        if shutil.which("openssl") is None:
            print("the right password was not tried: there is no openssl")
            return
        Viewer(path, answer=answered("secret-word")).update(incremental=False)
        check(refused(answered("secret")), "the wrong password was taken")


def cpu_seconds(process):
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def at_rest(test):
    """A screen that does not change costs next to nothing, with a viewer that waits for it to."""
    path = f"{test.directory}/vnc"
    with Guest(test, "-vnc", f"unix:{path}") as guest:
        seconds = 2
        start = cpu_seconds(guest.process)
        time.sleep(seconds)
        alone = cpu_seconds(guest.process) - start
        viewer = Viewer(path)
        viewer.update(incremental=False)
        viewer.send(struct.pack(">BBHHHH", 3, 1, 0, 0, viewer.width, viewer.height))
        start = cpu_seconds(guest.process)
        time.sleep(seconds)
        watched = cpu_seconds(guest.process) - start
        print(f"{alone:.2f} s of {seconds} without, {watched:.2f} s with a viewer")
        check(watched < alone + 0.1 * seconds, "a viewer that sees nothing new costs a lot")


def main():
    parser = argparse.ArgumentParser()
    for name in ("--emulator", "--guest"):
        parser.add_argument(name, required=True)
    parser.add_argument("case", choices=["dumps", "virtio_vga", "vnc", "websocket", "snapshot",
                                         "password", "at_rest"])
    test = parser.parse_args()
    with tempfile.TemporaryDirectory() as test.directory:
        globals()[test.case](test)


main()

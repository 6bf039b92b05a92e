# SPDX-License-Identifier: MIT
"""noVNC in Chromium shows Debian's login, and types a name there.

It needs the packages novnc and chromium, which are large, and the disk that host/run-disk makes; it
says what is missing, and is skipped. With --keep DIR it leaves there what the browser showed.
"""

import argparse
import base64
import functools
import http.server
import json
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from chromium import Chromium
from pictures import check, read_ppm

NOVNC = Path("/usr/share/novnc")
SECONDS = 150
NAME = "root"
CELL, LINE = 9, 16  # pixels of a character of the VGA's text
# Red, green and blue of all pixels.
PIXELS = """(() => {
  const canvas = document.querySelector('canvas');
  if (!canvas || !canvas.width) return '';
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  const parts = [];
  for (let at = 0; at < data.length; at += 4)
    parts.push(String.fromCharCode(data[at], data[at + 1], data[at + 2]));
  return canvas.width + ' ' + canvas.height + ' ' + btoa(parts.join(''));
})()"""


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


class Guest:
    def __init__(self, test):
        disk = test.work / "debian.img"
        subprocess.run(["cp", "--sparse=always", "--reflink=auto", test.disk, disk], check=True)
        self.qmp_path = test.work / "qmp"
        self.process = subprocess.Popen(
            [test.emulator, "-M", "pc", "-accel", "tcg", "-m", "512", "-nodefaults", "-vga", "std",
             "-drive", f"file={disk},format=raw,if=virtio", "-serial", "stdio",
             "-vnc", "127.0.0.1:50,to=99,websocket=on",
             "-qmp", f"unix:{self.qmp_path},server=on,wait=off"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def wait_for(self, text):
        seen, deadline = b"", time.monotonic() + SECONDS
        while text not in seen:
            left = deadline - time.monotonic()
            ready = left > 0 and select.select([self.process.stdout], [], [], left)[0]
            piece = os.read(self.process.stdout.fileno(), 4096) if ready else b""
            check(piece, f"no {text}, but {seen[-2000:]}")
            seen += piece

    def command(self, name, **arguments):
        with socket.socket(socket.AF_UNIX) as qmp:
            qmp.settimeout(30)
            qmp.connect(str(self.qmp_path))
            answers = qmp.makefile()
            answers.readline()
            for command in ({"execute": "qmp_capabilities"},
                            {"execute": name, "arguments": arguments}):
                qmp.sendall(json.dumps(command).encode() + b"\n")
                while "return" not in (answer := json.loads(answers.readline())):
                    check("error" not in answer, f"{command}: {answer}")
            return answer["return"]

    def dump(self, path):
        self.command("screendump", filename=str(path))
        return read_ppm(path)

    def websocket_port(self):
        return int(self.command("query-vnc")["service"]) - 5900 + 5700


def seen(page):
    deadline = time.monotonic() + SECONDS
    while len(fields := page.evaluate(PIXELS).split(" ")) != 3:  # before it has connected
        check(time.monotonic() < deadline, f"the page shows no screen, but {fields}")
        time.sleep(0.2)
    width, height, data = fields
    return int(width), int(height), base64.b64decode(data)


def changed_cells(before, after):
    """Where characters differ: (row, column)."""
    check(before[:2] == after[:2], "the screen has another size")
    width, height = before[:2]
    cells = set()
    for y in range(height):
        a, b = (picture[2][y * width * 3:(y + 1) * width * 3] for picture in (before, after))
        if a != b:
            cells |= {(y // LINE, x // CELL) for x in range(width)
                      if a[3 * x:3 * x + 3] != b[3 * x:3 * x + 3]}
    return sorted(cells)


def glyph(picture, row, column):
    width = picture[0]
    return [picture[2][(y * width + column * CELL) * 3:(y * width + (column + 1) * CELL) * 3]
            for y in range(row * LINE, row * LINE + LINE - 3)]  # without the cursor


def rests(page, seconds=3):
    """What is seen once nothing has changed for so long."""
    picture, since = seen(page), time.monotonic()
    deadline = since + SECONDS
    while time.monotonic() - since < seconds:
        check(time.monotonic() < deadline, "the screen does not rest")
        time.sleep(0.3)
        if (now := seen(page)) != picture:
            picture, since = now, time.monotonic()
    return picture


def serve_novnc():
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                             functools.partial(Quiet, directory=NOVNC))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def types_a_name(test, chromium):
    with Guest(test) as guest:
        guest.wait_for(b" login: ")
        url = (f"http://127.0.0.1:{serve_novnc()}/vnc_lite.html?host=127.0.0.1"
               f"&port={guest.websocket_port()}&path=&scale=false")
        with Chromium(chromium, test.work / "profile", url) as page:
            before = rests(page)
            check(before == guest.dump(test.work / "before.ppm"), "the browser shows another screen")
            page.click(300, 300)  # or else keys are not for it
            for character in NAME:
                page.press(character)
            deadline = time.monotonic() + 30
            while (len(changed_cells(before, seen(page))) < len(NAME) and
                   time.monotonic() < deadline):
                time.sleep(0.2)
            after = rests(page, 1)
            if test.keep:
                test.keep.mkdir(exist_ok=True)
                (test.keep / "browser.png").write_bytes(page.screenshot())
            check(after == guest.dump(test.work / "after.ppm"), "the browser shows another screen")
            cells = changed_cells(before, after)
            check(len(cells) >= len(NAME), "the name is not seen")
            row, column = cells[0]
            check({(row, column + n) for n in range(len(NAME))} <= set(cells) <=
                  {(row, column + n) for n in range(len(NAME) + 1)}, f"what has changed is {cells}")
            r, first_o, second_o, t = (glyph(after, row, column + n) for n in range(len(NAME)))
            check(first_o == second_o and r != first_o and t != first_o and r != t,
                  "the letters are others")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--emulator", required=True)
    parser.add_argument("--disk", required=True, type=Path)
    parser.add_argument("--keep", type=Path, metavar="DIR")
    test = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None or not NOVNC.exists():
        skip("install the packages chromium and novnc")
    if not test.disk.exists():
        skip("host/run-disk has not made its disk")
    with tempfile.TemporaryDirectory() as work:
        test.work = Path(work)
        types_a_name(test, chromium)


main()

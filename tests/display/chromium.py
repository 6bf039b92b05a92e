# SPDX-License-Identifier: MIT
"""A browser without a window, driven by its own protocol. [Chrome DevTools Protocol]"""

import base64
import json
import os
import re
import socket
import struct
import subprocess
import time
import urllib.request


class DevTools:
    """A connection to one page: commands as JSON in frames of a WebSocket. [RFC 6455]"""

    def __init__(self, url):
        host, port, path = re.match(r"ws://([^:/]+):(\d+)(/.*)", url).groups()
        self.socket = socket.create_connection((host, int(port)), timeout=60)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
                             f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
                             "Sec-WebSocket-Version: 13\r\n\r\n").encode())
        self.unread = b""
        while b"\r\n\r\n" not in self.unread:
            self._more()
        self.unread = self.unread.split(b"\r\n\r\n", 1)[1]
        self.number = 0

    def _more(self):
        data = self.socket.recv(1 << 20)
        if not data:
            raise EOFError("the browser hung up")
        self.unread += data

    def _take(self, count):
        while len(self.unread) < count:
            self._more()
        data, self.unread = self.unread[:count], self.unread[count:]
        return data

    def _message(self):
        text, final = b"", False
        while not final:
            kind, length = self._take(2)
            final = kind & 0x80
            if length == 126:
                [length] = struct.unpack(">H", self._take(2))
            elif length == 127:
                [length] = struct.unpack(">Q", self._take(8))
            text += self._take(length)
        return json.loads(text)

    def call(self, method, **parameters):
        self.number += 1
        text = json.dumps({"id": self.number, "method": method, "params": parameters}).encode()
        header = (bytes([0x81, 0x80 | len(text)]) if len(text) < 126 else
                  b"\x81\xfe" + struct.pack(">H", len(text)))
        self.socket.sendall(header + bytes(4) + text)  # a mask of zeroes
        while True:
            answer = self._message()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def evaluate(self, expression):
        return self.call("Runtime.evaluate", expression=expression,
                         returnByValue=True)["result"].get("value")

    def press(self, character):
        upper = character.upper()
        what = {"key": character, "code": f"Key{upper}", "windowsVirtualKeyCode": ord(upper)}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=character, **what)
        self.call("Input.dispatchKeyEvent", type="keyUp", **what)

    def click(self, x, y):
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def screenshot(self):
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])


class Chromium:
    """Use it in a with statement, which gives the page."""

    def __init__(self, program, profile, url):
        # Nothing that it shows comes from elsewhere; root has no sandbox in it.
        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
             "--disable-background-networking", "--window-size=1000,700",
             "--remote-debugging-port=0", f"--user-data-dir={profile}", url],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.profile = profile

    def __enter__(self):
        deadline = time.monotonic() + 60
        active = self.profile / "DevToolsActivePort"
        while time.monotonic() < deadline:
            if active.exists() and (lines := active.read_text().split("\n"))[0]:
                with urllib.request.urlopen(f"http://127.0.0.1:{lines[0]}/json") as answer:
                    pages = [page for page in json.load(answer) if page["type"] == "page"]
                if pages:
                    return DevTools(pages[0]["webSocketDebuggerUrl"])
            time.sleep(0.1)
        raise TimeoutError("the browser does not start")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)

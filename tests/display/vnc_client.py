# SPDX-License-Identifier: MIT
"""A VNC viewer that keeps what it is shown. [RFC 6143]"""

import base64
import hashlib
import os
import socket
import struct
import time

DESKTOP_SIZE = -223
EXTENDED_KEY = -258


class Plain:
    """A connection as it is."""

    def __init__(self, connection):
        self.connection = connection

    def send(self, data):
        self.connection.sendall(data)

    def receive(self):
        data = self.connection.recv(65536)
        if not data:
            raise EOFError("the server has closed the connection")
        return data


class Browser(Plain):
    """The same through a WebSocket. [RFC 6455]"""

    def __init__(self, connection):
        super().__init__(connection)
        self.raw = b""
        key = base64.b64encode(os.urandom(16)).decode()
        super().send((f"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                      f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
                      f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: binary\r\n\r\n").encode())
        while b"\r\n\r\n" not in self.raw:
            self.raw += super().receive()
        head, self.raw = self.raw.split(b"\r\n\r\n", 1)
        accepted = base64.b64encode(hashlib.sha1(
            key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        assert head.startswith(b"HTTP/1.1 101 ") and accepted in head, head

    def send(self, data):
        mask = os.urandom(4)
        assert len(data) < 126
        super().send(bytes([0x82, 0x80 | len(data)]) + mask +
                     bytes(byte ^ mask[at % 4] for at, byte in enumerate(data)))

    def raw_exactly(self, count):
        while len(self.raw) < count:
            self.raw += super().receive()
        data, self.raw = self.raw[:count], self.raw[count:]
        return data

    def receive(self):
        kind, length = self.raw_exactly(2)
        assert kind == 0x82, hex(kind)
        if length == 126:
            [length] = struct.unpack(">H", self.raw_exactly(2))
        elif length == 127:
            [length] = struct.unpack(">Q", self.raw_exactly(8))
        return self.raw_exactly(length)


class Refused(Exception):
    pass


class Viewer:
    def __init__(self, address, through=Plain, answer=None, seconds=20):
        family = socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX
        connection = socket.socket(family)
        connection.settimeout(seconds)
        connection.connect(address)
        self.link = through(connection)
        self.unread = b""
        self.shake_hands(answer)
        self.pixels = {}
        self.extended_keys = False
        self.send(struct.pack(">BxHiii", 2, 3, 0, DESKTOP_SIZE, EXTENDED_KEY))

    def send(self, data):
        self.link.send(data)

    def read(self, count):
        while len(self.unread) < count:
            self.unread += self.link.receive()
        data, self.unread = self.unread[:count], self.unread[count:]
        return data

    def unpack(self, form):
        return struct.unpack(form, self.read(struct.calcsize(form)))

    def shake_hands(self, answer):
        assert self.read(12) == b"RFB 003.008\n"
        self.send(b"RFB 003.008\n")
        [count] = self.unpack(">B")
        [kind] = self.read(count)
        self.send(bytes([kind]))
        if kind == 2:
            self.send(answer(self.read(16)))
        [result] = self.unpack(">I")
        if result != 0:
            [length] = self.unpack(">I")
            raise Refused(self.read(length).decode())
        self.send(b"\x01")
        self.width, self.height = self.unpack(">HH")
        self.read(16)
        [length] = self.unpack(">I")
        self.name = self.read(length).decode()
        self.screen = bytearray(self.width * self.height * 4)

    def update(self, incremental=True):
        """Asks for what has changed, and waits for it."""
        self.send(struct.pack(">BBHHHH", 3, incremental, 0, 0, self.width, self.height))
        [kind, count] = self.unpack(">BxH")
        assert kind == 0, kind
        for _ in range(count):
            x, y, width, height, encoding = self.unpack(">HHHHi")
            if encoding == DESKTOP_SIZE:
                self.width, self.height = width, height
                self.screen = bytearray(width * height * 4)
            elif encoding == EXTENDED_KEY:
                self.extended_keys = True
            else:
                assert encoding == 0, encoding
                for row in range(y, y + height):
                    at = (row * self.width + x) * 4
                    self.screen[at:at + width * 4] = self.read(width * 4)

    def picture(self):
        """Red, green and blue of each pixel, as a PPM file has them."""
        rgb = bytearray(self.width * self.height * 3)
        for part in range(3):
            rgb[part::3] = self.screen[2 - part::4]
        return bytes(rgb)

    def wait_for(self, holds, what, seconds=20):
        deadline = time.monotonic() + seconds
        self.update(incremental=False)
        while not holds(self):
            if time.monotonic() > deadline:
                raise TimeoutError(what)
            self.update()

    def type(self, symbol):
        for down in (1, 0):
            self.send(struct.pack(">BBxxI", 4, down, symbol))

    def press_place(self, symbol, scan_code):
        """QEMU's extended key event."""
        for down in (1, 0):
            self.send(struct.pack(">BBHII", 255, 0, down, symbol, scan_code))

"""A client of gdb's remote protocol, to say what gdb itself never would."""

import socket
import time


class Hung(Exception):
    pass


def framed(text):
    if isinstance(text, str):
        text = text.encode("latin-1")
    return b"$%s#%02x" % (text, sum(text) & 0xff)


class Remote:
    """A connection, without acknowledgements unless they are asked for."""

    def __init__(self, path, acknowledges=False, timeout=10):
        self.timeout = timeout
        self.buffer = b""
        self.socket = socket.socket(socket.AF_UNIX)
        # With a timeout, connecting fails where another one still waits for its turn.
        self.socket.connect(str(path))
        self.socket.settimeout(timeout)
        if not acknowledges:
            self.send(framed("QStartNoAckMode") + b"+")
            self.packet()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def packet(self, timeout=None):
        """The next packet's text, but for what is to be shown to the user."""
        end = time.monotonic() + (timeout or self.timeout)
        while True:
            start = self.buffer.find(b"$")
            hash_at = self.buffer.find(b"#", start)
            if start >= 0 and hash_at >= 0 and len(self.buffer) >= hash_at + 3:
                text = self.buffer[start + 1:hash_at]
                check = framed(text)
                assert self.buffer[start:hash_at + 3] == check, self.buffer
                self.buffer = self.buffer[hash_at + 3:]
                if text.startswith(b"O") and text != b"OK":
                    continue
                return text.decode("latin-1")
            left = end - time.monotonic()
            if left <= 0:
                raise Hung("no packet in time")
            self.socket.settimeout(left)
            try:
                data = self.socket.recv(65536)
            except TimeoutError:
                raise Hung("no packet in time") from None
            if not data:
                raise EOFError("the server hung up")
            self.buffer += data

    def ask(self, text, timeout=None):
        self.send(framed(text))
        return self.packet(timeout)

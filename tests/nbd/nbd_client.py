# SPDX-License-Identifier: MIT
"""A client of the NBD protocol that may also say what no client should."""

import socket
import struct

MAGIC, OPTION, REPLY = 0x4e42444d41474943, 0x49484156454f5054, 0x3e889045565a9
REQUEST, SIMPLE, STRUCTURED = 0x25609513, 0x67446698, 0x668e33ef
EXPORT_NAME, ABORT, LIST, STARTTLS, INFO, GO, STRUCTURED_REPLY, LIST_META, SET_META = \
    1, 2, 3, 5, 6, 7, 8, 9, 10
ACK, SERVER, REP_INFO, META_CONTEXT = 1, 2, 3, 4
ERROR = 1 << 31
UNSUP, INVALID, UNKNOWN, TOO_BIG = ERROR + 1, ERROR + 3, ERROR + 6, ERROR + 9
READ, WRITE, DISC, FLUSH, TRIM, CACHE, WRITE_ZEROES, BLOCK_STATUS = range(8)
FUA, NO_HOLE, DF, REQ_ONE = 1, 2, 4, 8
EPERM, EINVAL, ENOSPC, EOVERFLOW = 1, 22, 28, 75


class Gone(Exception):
    """The server has closed the connection."""


class Client:
    def __init__(self, path, flags=3, timeout=20):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(str(path))
        magic, option, self.server_flags = struct.unpack(">QQH", self.take(18))
        assert (magic, option) == (MAGIC, OPTION)
        self.send(struct.pack(">I", flags))
        self.cookie = 0

    def close(self):
        self.socket.close()

    def send(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            raise Gone from None

    def take(self, size):
        data = b""
        while len(data) < size:
            try:
                part = self.socket.recv(size - len(data))
            except ConnectionResetError:
                part = b""
            if not part:
                raise Gone
            data += part
        return data

    def option(self, option, data=b""):
        """The replies to it: (type, data), the last of them Ack or an error."""
        self.send(struct.pack(">QII", OPTION, option, len(data)) + data)
        replies = []
        while True:
            magic, answered, kind, size = struct.unpack(">QIII", self.take(20))
            assert (magic, answered) == (REPLY, option)
            replies.append((kind, self.take(size)))
            if kind == ACK or kind & ERROR:
                return replies

    @staticmethod
    def wish(name="", infos=()):
        return struct.pack(f">I{len(name)}sH{len(infos)}H", len(name), name.encode(), len(infos),
                           *infos)

    @staticmethod
    def contexts(*queries, name=""):
        data = struct.pack(f">I{len(name)}sI", len(name), name.encode(), len(queries))
        return data + b"".join(struct.pack(">I", len(query)) + query.encode() for query in queries)

    def go(self, structured=False):
        """(size, flags) of the export; requests follow."""
        if structured:
            assert self.option(STRUCTURED_REPLY) == [(ACK, b"")]
            self.option(SET_META, self.contexts("base:allocation"))
        replies = self.option(GO, self.wish())
        assert replies[-1][0] == ACK, replies
        return next(struct.unpack(">QH", data[2:]) for kind, data in replies
                    if kind == REP_INFO and data[:2] == b"\0\0")

    def request(self, command, offset=0, size=0, data=b"", flags=0):
        self.cookie += 1
        self.send(struct.pack(">IHHQQI", REQUEST, flags, command, self.cookie, offset,
                              size or len(data)) + data)
        return self.cookie

    def simple_reply(self, size=0):
        """(error, cookie, data)"""
        magic, error, cookie = struct.unpack(">IIQ", self.take(16))
        assert magic == SIMPLE, hex(magic)
        return error, cookie, self.take(size) if error == 0 else b""

    def chunk(self):
        """(flags, type, cookie, data)"""
        magic, flags, kind, cookie, size = struct.unpack(">IHHQI", self.take(20))
        assert magic == STRUCTURED, hex(magic)
        return flags, kind, cookie, self.take(size)

    def ask(self, command, *arguments, **more):
        """The error that a request without data in its reply comes to."""
        cookie = self.request(command, *arguments, **more)
        error, answered, _ = self.simple_reply()
        assert answered == cookie
        return error

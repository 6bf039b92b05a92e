# SPDX-License-Identifier: MIT
"""Pictures of a screen, as screendump writes them."""

import struct
import sys
import zlib


def check(holds, what):
    if not holds:
        sys.exit(what)


def read_ppm(path):
    kind, size, depth, pixels = path.read_bytes().split(b"\n", 3)
    check((kind, depth) == (b"P6", b"255"), f"{path} is no PPM file")
    width, height = map(int, size.split())
    check(len(pixels) == width * height * 3, f"{path} has {len(pixels)} bytes of {width}x{height}")
    return width, height, pixels


def read_png(path):
    data = path.read_bytes()
    check(data.startswith(b"\x89PNG\r\n\x1a\n"), f"{path} is no PNG file")
    at, packed = 8, b""
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8:at + 8 + length]
        [crc] = struct.unpack_from(">I", data, at + 8 + length)
        check(crc == zlib.crc32(kind + body), f"{kind}: wrong checksum")
        if kind == b"IHDR":
            width, height = struct.unpack_from(">II", body)
        elif kind == b"IDAT":
            packed += body
        at += 12 + length
    rows, pixels, line = zlib.decompress(packed), b"", width * 3 + 1
    for y in range(height):
        check(rows[y * line] == 0, "a filter nobody asked for")
        pixels += rows[y * line + 1:(y + 1) * line]
    return width, height, pixels


def cell(picture, column, row, width):
    """The pixels of a character, which is so wide and 16 high."""
    line, _, pixels = picture
    return [pixels[(y * line + column * width) * 3:(y * line + (column + 1) * width) * 3]
            for y in range(row * 16, row * 16 + 16)]

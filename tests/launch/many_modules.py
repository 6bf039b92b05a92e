# SPDX-License-Identifier: MIT
"""Directories of many modules, made from one: modules/numbered.cpp."""

from pathlib import Path


def numbered(template, number):
    """The bytes of the copy with that number."""
    return template.replace(b"00000", b"%05d" % number)


def fill(directory: Path, template: bytes, count):
    """So many sound modules."""
    directory.mkdir()
    for number in range(1, count + 1):
        (directory / f"numbered-{number:05}.so").write_bytes(numbered(template, number))

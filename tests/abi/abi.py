#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares what libbackplane and the modules with installed headers give to other modules with the
record of it in the tree, or writes that record."""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import headers
import record

# What the loader asks each file for.
HAND_OVER = "backplane_take_types"


class Library:
    """One of them: where its parts are in the tree."""

    def __init__(self, name, root):
        self.name = name
        self.root = root
        self.folder = root / "sdk" if name == "backplane" else root / "modules" / name
        self.record_folder = self.folder / "abi"
        self.include = self.folder / "include"
        self.file = "libbackplane.so" if name == "backplane" else f"backplane/{name}.so"

    def version(self):
        if self.name == "backplane":
            text = (self.include / "backplane" / "abi.h").read_text()
            return ".".join(re.findall(r"^#define BACKPLANE_SDK_(?:MAJOR|MINOR) (\d+)$", text, re.M))
        text = next(self.include.rglob("version.h")).read_text()
        return re.search(r'_VERSION "(\d+\.\d+)"', text)[1]

    def is_in_headers(self, file):
        return Path(file).resolve().is_relative_to(self.include)


def libraries(root):
    with_headers = sorted(path.parent.name for path in root.glob("modules/*/include"))
    return [Library(name, root) for name in ["backplane", *with_headers]]


def exported(file, types="TDBR"):
    """The symbols of the file's own that may be linked with, of these types of nm's."""
    lines = subprocess.run(["nm", "-D", "--defined-only", "--without-symbol-versions", file],
                           stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    found = [line.split()[-2:] for line in lines]
    return {name for kind, name in found if kind in types and name != HAND_OVER}


def offered(library, file, declared):
    """The symbols that its headers declare and the file has."""
    functions = {symbol for symbol in exported(file) if declared.has(symbol)}
    # A class without a function of its own to go by is in each file that uses it.
    classes = {symbol for symbol in exported(file, types="DRV")
               if (header := declared.header_of_class(symbol)) and library.is_in_headers(header)}
    return functions | classes


def types_of(library, declared):
    """Lines of the record, by type."""
    types = {}
    for name, (file, lines) in declared.classes.items():
        if library.is_in_headers(file):
            types[f"class {name}"] = lines
    for name, (file, width, values) in declared.enumerations.items():
        if library.is_in_headers(file):
            types[f"enum {name} : {width}"] = [f"  {value}" for value in values]
    return types


def read_headers(arguments):
    includes = [library.include for library in libraries(arguments.root)]
    names = [str(header.relative_to(folder)) for folder in includes
             for header in sorted(folder.rglob("*.h"))]
    with tempfile.TemporaryDirectory(prefix="backplane-abi-") as work:
        return headers.read(includes, names, arguments.flags, work, arguments.clang, arguments.gcc)


def numbers(version):
    return tuple(map(int, version.split(".")))


def may_change(library, recorded, now, changes):
    """Why the version does not allow these changes to the record, or an empty string."""
    old, new = numbers(recorded.version), numbers(now)
    if changes.broken and new[0] <= old[0]:
        return f"it breaks modules of version {recorded.version}: raise the major number"
    if changes.added and new <= old:
        return f"it adds to version {recorded.version}: raise the minor number"
    heading = f"ABI {library.name} {now}"
    if new != old and heading not in (library.root / "CHANGELOG.md").read_text():
        return f"the version has moved: say why in CHANGELOG.md, in a line with '{heading}:'"
    return ""


def compare(arguments, update):
    declared = read_headers(arguments)
    good = True
    for library in libraries(arguments.root):
        if arguments.only not in (None, library.name):
            continue
        symbols = offered(library, arguments.open_libraries / library.file, declared)
        types = types_of(library, declared)
        recorded, now = record.load(library.record_folder), library.version()
        changes = record.changes(recorded, symbols, types)
        if recorded.version and (changes or recorded.version != now):
            reason = may_change(library, recorded, now, changes)
            if reason or not update:
                print(f"{library.name} {now} differs from what is recorded of {recorded.version}:")
                print("\n".join(changes.added + changes.broken) or "  the version alone")
                print(reason or "write it down: cmake --build <build> --target abi-update")
                good = False
                continue
        if update:
            if changes.broken or not recorded.nodes:
                recorded.nodes = {now: symbols}
            elif symbols - recorded.symbols:
                recorded.nodes[now] = symbols - recorded.symbols
            recorded.version, recorded.types = now, types
            record.save(library.record_folder, library.name, recorded)
            print(f"{library.name} {now}: {len(symbols)} symbols, {len(types)} types")
            continue
        shown = exported(arguments.libraries / library.file, types="TDBRVWui")
        surplus = {symbol for symbol in shown - recorded.symbols
                   if not symbol.startswith(("_ZZNSt", "_ZGVZNSt"))}
        for symbol in sorted(surplus):
            print(f"{library.name}: {symbol} may be linked with, and no header declares it")
        good = good and not surplus
    return good


def closed(arguments):
    """Modules without installed headers show nothing but what the loader asks for."""
    good = True
    known = {library.name for library in libraries(arguments.root)}
    for file in sorted((arguments.libraries / "backplane").glob("*.so")):
        if file.stem in known:
            continue
        shown = {symbol for symbol in exported(file, types="TDBRVWui")
                 if not symbol.startswith(("_ZZNSt", "_ZGVZNSt"))}
        if shown:
            print(f"{file.name} shows {len(shown)} symbols, such as {min(shown)}")
            good = False
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=["compare", "closed", "update"])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2],
                        help="the tree")
    parser.add_argument("--libraries", type=Path, required=True, help="as they are installed")
    parser.add_argument("--open-libraries", type=Path, required=True, help="as tests link them")
    parser.add_argument("--only", help="this library alone: backplane, hw-pci, ...")
    parser.add_argument("--clang", default="clang++")
    parser.add_argument("--gcc", default="g++")
    parser.add_argument("--flags", nargs="*", default=[], help="what the headers are compiled with")
    arguments = parser.parse_args()
    if arguments.action == "closed":
        return 0 if closed(arguments) else 1
    return 0 if compare(arguments, arguments.action == "update") else 1


if __name__ == "__main__":
    sys.exit(main())

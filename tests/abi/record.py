# SPDX-License-Identifier: MIT
"""The record of an ABI as it stands in the tree: exports.map, the linker's version script with one
node a version, and classes, what modules are compiled with."""

import dataclasses
import re
import subprocess

_CLASSES_HEAD = """\
# What modules of this version are compiled with: classes, their members and virtual functions, and
# enumerations, of the installed headers. Written by tests/abi/abi.py; see docs/abi.md.
"""
_MAP_HEAD = """\
# What may be linked with, by the version that it came with. Written by tests/abi/abi.py; see
# docs/abi.md.
"""
# What the inline functions of the standard library keep must be one in a process.
_ALWAYS = ["backplane_take_types", "_ZZNSt*", "_ZGVZNSt*"]


@dataclasses.dataclass
class Record:
    nodes: dict = dataclasses.field(default_factory=dict)  # version: set of symbols, oldest first
    version: str = ""  # of the classes
    types: dict = dataclasses.field(default_factory=dict)  # name: lines

    @property
    def symbols(self):
        return set().union(*self.nodes.values())


def _demangled(symbols):
    run = subprocess.run(["c++filt"], input="\n".join(symbols), capture_output=True, text=True,
                         check=True)
    return run.stdout.splitlines()


def load(folder):
    """The record in a folder; an empty one if it has none."""
    record = Record()
    exports, classes = folder / "exports.map", folder / "classes"
    if exports.exists():
        version = None
        for line in exports.read_text().splitlines():
            if match := re.match(r"\S+_(\d+\.\d+) \{$", line):
                version = match[1]
                record.nodes[version] = set()
            elif (match := re.match(r"    (_Z\w+);", line)):
                record.nodes[version].add(match[1])
    if classes.exists():
        name = None
        for line in classes.read_text().splitlines():
            if line.startswith("version "):
                record.version = line.split()[1]
            elif line.startswith("  "):
                record.types[name].append(line)
            elif line and not line.startswith("#"):
                name = line
                record.types[name] = []
    return record


def save(folder, library, record):
    folder.mkdir(exist_ok=True)
    text, before = _MAP_HEAD, None
    prefix = library.upper().replace("-", "_")
    for version, symbols in record.nodes.items():
        text += f"{prefix}_{version} {{\n  global:\n"
        ordered = sorted(symbols)
        for symbol, name in zip(ordered, _demangled(ordered)):
            text += f"    {symbol};  # {name}\n"
        if before is None:
            text += "".join(f"    {symbol};\n" for symbol in _ALWAYS)
            text += "  local:\n    *;\n"
        text += "}%s;\n" % (f" {prefix}_{before}" if before else "")
        before = version
    (folder / "exports.map").write_text(text)
    text = f"{_CLASSES_HEAD}version {record.version}\n"
    for name in sorted(record.types):
        text += "\n" + "\n".join([name, *record.types[name]]) + "\n"
    (folder / "classes").write_text(text)


@dataclasses.dataclass
class Changes:
    added: list
    broken: list

    def __bool__(self):
        return bool(self.added or self.broken)


def _uses_room(old, new):
    """Whether a class has new members in the place of words of its room, and is else as it was."""
    rooms = [at for at, line in enumerate(old) if "member Room<" in line]
    if not rooms:
        return False
    before, after = old[: rooms[-1]], old[rooms[-1] + 1:]
    end = len(new) - len(after)
    # The size is among what has to be the same.
    middle = new[len(before):end]
    return (new[: len(before)] == before and new[end:] == after and bool(middle)
            and all(line.strip().startswith("member ") for line in middle))


def changes(record, symbols, types):
    """What differs between the record and what is there now."""
    added = [f"+ {name}" for name in _demangled(sorted(symbols - record.symbols))]
    broken = [f"- {name}" for name in _demangled(sorted(record.symbols - symbols))]
    for name in sorted(types.keys() | record.types.keys()):
        old, new = record.types.get(name), types.get(name)
        if old == new:
            continue
        if old is None:
            added.append(f"+ {name}")
        elif new is None:
            broken.append(f"- {name}")
        else:
            lines = [f"  - {line.strip()}" for line in old if line not in new]
            lines += [f"  + {line.strip()}" for line in new if line not in old]
            # Values at an enumeration's end hurt nobody.
            grown = (new[: len(old)] == old if name.startswith("enum ")
                     else _uses_room(old, new))
            text = "\n".join([f"~ {name}", *(lines or ["  the order is another one"])])
            (added if grown else broken).append(text)
    return Changes(added, broken)

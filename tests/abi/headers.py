# SPDX-License-Identifier: MIT
"""What the installed headers declare: symbols, by Clang's syntax tree; sizes and virtual functions
of classes, by GCC's dump."""

import dataclasses
import json
import re
import subprocess
from pathlib import Path

# Constructors and destructors have several symbols, and so have functions that are called through
# another base class; one of each is what a header declares. [Itanium C++ ABI, 5.1.4]
_THUNK = re.compile(r"^_ZT(h|v|c)[n0-9_hvc]*?_(?=N|\d)")
_STRUCTOR = re.compile(r"(C|D)[0-5](?=E)")


def plain(symbol):
    """The symbol that stands for all of a declaration's."""
    symbol = _THUNK.sub("_Z", symbol)
    return _STRUCTOR.sub(r"\1_", symbol)


@dataclasses.dataclass
class Declared:
    """What is in namespace backplane."""

    symbols: set = dataclasses.field(default_factory=set)  # as plain() makes them
    class_encodings: dict = dataclasses.field(default_factory=dict)  # N9backplane6DeviceE: header
    # Header, and the lines that say what modules are compiled with, by the name of the type.
    classes: dict = dataclasses.field(default_factory=dict)
    enumerations: dict = dataclasses.field(default_factory=dict)

    def has(self, symbol):
        return plain(symbol) in self.symbols

    def header_of_class(self, symbol):
        """Of one that is a class's own (its virtual functions, its type); None if it is not."""
        match = re.match(r"_ZT[VIST](.*)$", symbol)
        return match and self.class_encodings.get(match[1])


def _trees(text):
    """The top-level objects of a dump of several."""
    decoder, at = json.JSONDecoder(), 0
    while (at := text.find("{", at)) >= 0:
        tree, at = decoder.raw_decode(text, at)
        yield tree


class _Walk:
    """A tree's nodes in order, which is how it is told in which file they are: a node says it if
    it is another one than the node's before."""

    def __init__(self, found):
        self.found, self.file = found, ""

    def visit(self, node, scope, in_template):
        for place in ("loc", "range"):
            self.follow(node.get(place, {}))
            if place == "loc":
                own_file = self.file
        kind, name = node.get("kind"), node.get("name", "")
        inner = node.get("inner", [])
        inside = scope
        if kind in ("NamespaceDecl", "CXXRecordDecl", "ClassTemplateSpecializationDecl", "EnumDecl"):
            inside = f"{scope}::{name}" if scope else name
        if node.get("mangledName"):
            self.symbol(node["mangledName"], kind, own_file)
        if kind == "CXXRecordDecl" and node.get("completeDefinition") and name:
            self.record(inside, own_file, node, in_template)
        if kind == "EnumDecl" and name and inner:
            self.enumeration(inside, own_file, node)
        in_template = in_template or kind == "ClassTemplateDecl"
        for child in inner:
            if kind in ("FunctionDecl", "CXXMethodDecl", "CXXConstructorDecl", "CXXDestructorDecl"):
                self.pass_over(child)
            else:
                self.visit(child, inside, in_template)

    def pass_over(self, node):
        for place in ("loc", "range"):
            self.follow(node.get(place, {}))
        for child in node.get("inner", []):
            self.pass_over(child)

    def follow(self, place):
        for key, value in place.items():
            if key == "file":
                self.file = value
            elif key in ("begin", "end", "spellingLoc", "expansionLoc"):
                self.follow(value)

    def symbol(self, mangled, kind, file):
        self.found.symbols.add(plain(mangled))
        if kind in ("CXXDestructorDecl", "CXXConstructorDecl"):
            if match := re.match(r"_Z(N.*?)(C|D)[0-5]E", mangled):
                self.found.class_encodings.setdefault(match[1] + "E", file)

    def record(self, name, file, node, in_template):
        lines = []
        for base in node.get("bases", []):
            lines.append(f"  base {base['type']['qualType']}")
        for child in node.get("inner", []):
            if child.get("kind") == "FieldDecl":
                lines.append(f"  member {child['type']['qualType']} {child.get('name', '')}".rstrip())
        if in_template:
            name = "template " + name
        self.found.classes[name] = (file, lines)

    def enumeration(self, name, file, node):
        values, value = [], -1
        for child in node.get("inner", []):
            if child.get("kind") != "EnumConstantDecl":
                continue
            value += 1
            for expression in child.get("inner", []):
                while expression.get("kind") == "ImplicitCastExpr" and expression.get("inner"):
                    expression = expression["inner"][0]
                if "value" in expression:
                    value = int(expression["value"])
            values.append(f"{child['name']}={value}")
        width = node.get("fixedUnderlyingType", {}).get("qualType", "int")
        self.found.enumerations[name] = (file, width, values)


def _gcc_classes(dump):
    """Size, alignment and virtual functions, by the name of the class."""
    facts = {}
    vtables = {}
    for block in dump.split("\n\n"):
        lines = block.strip().splitlines()
        if not lines:
            continue
        if match := re.match(r"Vtable for (\S+)$", lines[0]):
            # Behind the distance to the top and the type; no function: a destructor of an abstract
            # class. What other bases have follows in the same way.
            slots = [re.sub(r"^\d+\s+(\(int \(\*\)\(\.\.\.\)\))?", "", line) for line in lines[4:]]
            vtables[match[1]] = ["none" if slot == "0" else slot for slot in slots]
        elif match := re.match(r"Class (\S+)$", lines[0]):
            numbers = re.match(r"\s+size=(\d+) align=(\d+)", lines[1])
            facts[match[1]] = (int(numbers[1]), int(numbers[2]))
    return facts, vtables


def read(includes, headers, flags, work, clang="clang++", gcc="g++"):
    """What the headers (as one includes them) declare. `work` is a folder for what is generated."""
    source = Path(work) / "headers.cpp"
    source.write_text("".join(f"#include <{header}>\n" for header in headers))
    options = ["-std=c++20", *(f"-I{folder}" for folder in includes), *flags, "-fsyntax-only"]
    ast = subprocess.run(
        [clang, *options, "-Xclang", "-ast-dump=json", "-Xclang", "-ast-dump-filter=backplane",
         source], stdout=subprocess.PIPE, text=True, check=True).stdout
    declared = Declared()
    walk = _Walk(declared)
    for tree in _trees(ast):
        # A filtered dump names what is in the namespace; what is a friend elsewhere is not it.
        walk.visit(tree, "", False)
    dump = Path(work) / "headers.class"
    subprocess.run([gcc, *options, f"-fdump-lang-class={dump}", source], check=True)
    facts, vtables = _gcc_classes(dump.read_text(errors="replace"))
    for name, (file, lines) in declared.classes.items():
        if name in facts:
            size, alignment = facts[name]
            lines.insert(0, f"  size {size}, alignment {alignment}")
        for slot in vtables.get(name, []):
            lines.append(f"  virtual {slot}")
    return declared

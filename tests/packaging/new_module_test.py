# SPDX-License-Identifier: MIT
"""backplane-new-module: what it writes builds against the installed SDK and passes its own test."""

import argparse
import tempfile
from pathlib import Path

from install_test import Installed, run

# What each is called in docs/writing-a-module.md, the option that lists it, and its name there.
KINDS = {
    "pci": ("adder", "-device", "adder"),
    "isa": ("countdown", "-device", "countdown"),
    "virtio": ("mirror", "-device", "mirror-pci"),
    "block": ("xor", "-blockdev", "xor"),
    "chardev": ("capitals", "-chardev", "capitals"),
    "netdev": ("echo", "-netdev", "echo"),
    "machine": ("tiny", "-machine", "tiny"),
    "accel": ("stepper", "-accel", "stepper"),
}
PAGE = Path(__file__).resolve().parents[2] / "docs/writing-a-module.md"


def check_kind(tree, cmake, compiler, kind, directory):
    name, option, listed = KINDS[kind]
    project, build = directory / name, directory / f"{name}-build"
    run(tree.bin / "backplane-new-module", project, "--kind", kind, env=tree.environment)
    run(*cmake, "-S", project, "-B", build, f"-DCMAKE_PREFIX_PATH={tree.prefix}",
        f"-DCMAKE_CXX_COMPILER={compiler}", "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror")
    run(cmake[0], "--build", build)
    passed = run("ctest", "--test-dir", build, "--output-on-failure")
    assert "100% tests passed, 0 tests failed out of 1" in passed, passed
    for file in project.iterdir():
        stray = [line for line in file.read_text().splitlines() if "@" in line]
        assert not stray, f"{file}: {stray}"
    listing = tree.backplane("-module-path", build, option, "help")
    assert f"  {listed} " in listing, f"{option} help does not list {listed}:\n{listing}"
    check_page(project)


def check_page(project):
    """The page shows the sources as they are: of every file that it names."""
    page = PAGE.read_text()
    for source in project.glob("*.cpp"):
        if f"`{source.name}`" in page:
            assert f"\n```cpp\n{source.read_text()}```\n" in page, (
                f"{PAGE} does not show {source.name} as it is; tests/packaging/update_page.py")


def check_refuses(tree, directory):
    """Each with one line that says what to do."""
    program = tree.bin / "backplane-new-module"
    full = directory / "full"
    full.mkdir()
    (full / "mine.cpp").write_text("int mine;\n")
    for arguments, line in [
            (["--kind", "pci"], "no directory is named; --help says how"),
            ([full], "--kind is missing: expects one of: pci isa"),
            ([full, "--kind", "usb"], "--kind usb: expects one of: pci isa"),
            ([full, "--kind", "pci"], "is there already and is not an empty directory"),
            ([directory / "A b", "--kind", "pci"], "A b: cannot be a module's name"),
            ([directory / "new", "--knd", "pci"], "--knd: unknown option"),
            ([directory / "new", "--kind"], "--kind: its value is missing"),
    ]:
        said = run(program, *arguments, status=1, env=tree.environment)
        assert line in said and said.count("\n") == 1, f"{arguments}: {said}"
    assert (full / "mine.cpp").read_text() == "int mine;\n" and len(list(full.iterdir())) == 1
    assert not (directory / "new").exists()


def check_tells_typos(tree, cmake, directory):
    """An argument of backplane_add_module() that is none."""
    project = directory / "typo"
    project.mkdir()
    (project / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\nproject(Typo LANGUAGES CXX)\n"
        "find_package(Backplane REQUIRED)\n"
        "backplane_add_module(hw-typo SOURCES typo.cpp PAKAGE backplane-typo)\n")
    said = run(*cmake, "-S", project, "-B", directory / "typo-build",
               f"-DCMAKE_PREFIX_PATH={tree.prefix}", status=1)
    assert "'PAKAGE' is none of its arguments" in " ".join(said.split()), said


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cmake", required=True)
    parser.add_argument("--generator", required=True)
    parser.add_argument("--build", required=True, type=Path)
    parser.add_argument("--libdir", required=True)
    parser.add_argument("--compiler", required=True)
    given = parser.parse_args()
    cmake = [given.cmake, "-G", given.generator]
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        run(given.cmake, "--install", given.build, "--prefix", directory / "installed")
        tree = Installed(directory / "installed", given.libdir)
        check_refuses(tree, directory)
        check_tells_typos(tree, cmake, directory)
        for kind in KINDS:
            check_kind(tree, cmake, given.compiler, kind, directory)


if __name__ == "__main__":
    main()

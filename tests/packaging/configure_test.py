# SPDX-License-Identifier: MIT
"""Configures the tree in several ways: what is left out, what is missing, where it goes."""

import argparse
import os
import re
import subprocess
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]


class Configured:
    """A build tree as far as configuring gets."""

    def __init__(self, cmake, generator, directory, *options, environment=None):
        self.directory = directory
        done = subprocess.run(
            [cmake, "-G", generator, "-S", TOP, "-B", directory, *options], capture_output=True,
            text=True, env={**os.environ, **(environment or {})}, check=False)
        self.succeeded = done.returncode == 0
        # CMake fills lines as it sees fit.
        self.said = re.sub(r"\s+", " ", done.stdout + done.stderr)

    def must_say(self, text, succeeds):
        expected = "success" if succeeds else "failure"
        assert self.succeeded == succeeds, f"expected {expected}:\n{self.said}"
        assert text in self.said, f"'{text}' is not in:\n{self.said}"


def check_refusals(configure):
    for options, wanted in [
            (["-DBACKPLANE_MODULES=accel-tcg"],
             "The module accel-tcg builds on target-x86, which is not in BACKPLANE_MODULES: add it "
             "to the list, or leave accel-tcg out"),
            (["-DBACKPLANE_MODULES=hw-pci;hw-nosuch"],
             "BACKPLANE_MODULES is 'hw-pci;hw-nosuch': expects all, or a list of these"),
            (["-DCMAKE_DISABLE_FIND_PACKAGE_Zydis=ON"],
             "The module target-x86 needs Zydis, which is not installed: install it (Debian: "
             "apt-get install libzydis-dev), or leave the module out"),
    ]:
        configure(*options).must_say(wanted, succeeds=False)


def check_other_processors(configure):
    """As i386 is: what the compiler's own test builds is not linked, for which nothing may be
    there."""
    configure("-DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY",
              environment={"CXXFLAGS": "-m32", "CFLAGS": "-m32"}).must_say(
                  "Backplane runs on x86-64 processors (amd64), in 64-bit mode", succeeds=False)


def check_without_what_tests_need(configure, cmake):
    """And with less than all modules, whose libraries need not be there."""
    tree = configure("-DCMAKE_DISABLE_FIND_PACKAGE_GTest=ON",
                     "-DCMAKE_DISABLE_FIND_PACKAGE_Zydis=ON", "-DBACKPLANE_MODULES=hw-pci")
    tree.must_say("The tests are not built: libgtest-dev", succeeds=True)
    targets = subprocess.run([cmake, "--build", tree.directory, "--target", "help"],
                             capture_output=True, text=True, check=True).stdout
    assert re.search(r"\btest\b", targets), f"there is no target 'test':\n{targets}"
    assert "host-test" not in targets and "hw-isa" not in targets, targets


def check_absolute_directories(configure):
    """pkg-config's answers lead to where things are installed."""
    tree = configure("-DBUILD_TESTING=OFF", "-DBACKPLANE_MODULES=hw-pci",
                     "-DCMAKE_INSTALL_PREFIX=/opt/plane", "-DCMAKE_INSTALL_LIBDIR=/srv/libraries",
                     "-DCMAKE_INSTALL_INCLUDEDIR=/opt/plane/headers")
    tree.must_say("Generating done", succeeds=True)
    file = (tree.directory / "sdk/backplane.pc").read_text()
    values = dict(re.findall(r"^(\w+)=(.*)$", file, re.MULTILINE))
    values["pcfiledir"] = "/srv/libraries/pkgconfig"
    for name, wanted in [("prefix", "/opt/plane"), ("libdir", "/srv/libraries"),
                         ("includedir", "/opt/plane/headers"),
                         ("moduledir", "/srv/libraries/backplane")]:
        path = values[name]
        while match := re.search(r"\$\{(\w+)\}", path):
            path = path.replace(match[0], values[match[1]])
        assert os.path.normpath(path) == wanted, f"{name} is {path}, not {wanted}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cmake", required=True)
    parser.add_argument("--generator", required=True)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        count = 0

        def configure(*options, environment=None):
            nonlocal count
            count += 1
            return Configured(given.cmake, given.generator, Path(name) / str(count), *options,
                              environment=environment)

        check_refusals(configure)
        check_other_processors(configure)
        check_without_what_tests_need(configure, given.cmake)
        check_absolute_directories(configure)


if __name__ == "__main__":
    main()

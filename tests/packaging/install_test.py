# SPDX-License-Identifier: MIT
"""Installs the build, moves the installed tree, and uses it there.

Each step's failure says what was expected; the first one ends the test.
"""

import argparse
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def run(*command, status=0, **options):
    """Runs a command, expects its status, and returns what it printed."""
    text = [str(word) for word in command]
    done = subprocess.run(text, capture_output=True, text=True, **options)
    assert done.returncode == status, (
        f"{' '.join(text)}: status {done.returncode}, not {status}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


class Installed:
    """An installed tree."""

    def __init__(self, prefix, libdir):
        self.prefix = prefix
        self.bin = prefix / "bin"
        self.lib = prefix / libdir
        self.modules = self.lib / "backplane"
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("BACKPLANE_")}

    def backplane(self, *arguments, status=0, standard_input=""):
        return run(self.bin / "backplane", *arguments, status=status, env=self.environment,
                   input=standard_input)

    def module_files(self):
        return sorted(self.modules.glob("*.so"))


def check_is_complete(tree):
    for path in ["bin/backplane", "bin/backplane-kvm", "bin/backplane-modinfo", "bin/backplane-img",
                 "bin/backplane-nbd", "share/man/man1/backplane.1",
                 "share/man/man1/backplane-kvm.1", "share/man/man1/backplane-modinfo.1",
                 "share/man/man1/backplane-img.1", "share/man/man1/backplane-nbd.1",
                 "share/bash-completion/completions/backplane",
                 "share/zsh/site-functions/_backplane",
                 "share/fish/vendor_completions.d/backplane.fish",
                 "include/backplane/object.h", "include/backplane/pci/pci_device.h"]:
        assert (tree.prefix / path).exists(), f"{path} is not installed"
    for path in ["README.md", "LICENSE", "docs/writing-a-module.md"]:
        assert list(tree.prefix.glob(f"share/doc/*/{path}")), f"{path} is not installed"
    for path in ["libbackplane.so", "backplane/known-modules", "pkgconfig/backplane.pc",
                 "cmake/Backplane/BackplaneConfig.cmake"]:
        assert (tree.lib / path).exists(), f"{path} is not installed in {tree.lib}"
    names = {path.stem for path in tree.module_files()}
    wanted = {"accel-kvm", "accel-native", "accel-tcg", "accel-whpx", "aio-uring", "block-nbd",
              "block-qcow2", "compress-zstd", "display-vnc", "hw-display-vga", "hw-display-virtio",
              "hw-ide", "hw-isa", "hw-net-e1000", "hw-pci", "hw-scsi", "hw-virtio",
              "hw-virtio-input", "hw-virtio-serial", "machine-pc", "net-dump", "net-socket",
              "net-tap", "net-user", "target-x86"}
    assert wanted <= names, f"not installed: {wanted - names}"
    stray = list(tree.prefix.rglob("*-platform*"))
    assert not stray, f"installed, but for tests: {stray}"


def check_names_no_build_directory(tree, build):
    """Nothing that is read or searched at run time may lead back to where it was built."""
    for path in [*tree.lib.glob("cmake/Backplane/**/*.cmake"), tree.lib / "pkgconfig/backplane.pc",
                 tree.modules / "known-modules"]:
        assert str(build) not in path.read_text(), f"{path} names the build directory"
    for path in [tree.bin / "backplane", tree.lib / "libbackplane.so", *tree.module_files()]:
        for line in run("readelf", "-d", path).splitlines():
            if match := re.search(r"(?:RUNPATH|RPATH).*\[(.*)\]", line):
                stray = [d for d in match[1].split(":") if not d.startswith("$ORIGIN")]
                assert not stray, f"{path} looks for libraries in {stray}"


def check_finds_its_modules(tree):
    help_text = tree.backplane("-module", "help")
    for path in tree.module_files():
        assert str(path) in help_text, f"-module help does not list {path}:\n{help_text}"
    run(tree.bin / "backplane-modinfo", *tree.module_files())


def check_modinfo_goes_on_after_a_foreign_file(tree):
    module = tree.modules / "hw-pci.so"
    said = run(tree.bin / "backplane-modinfo", tree.prefix, tree.lib / "libbackplane.so", module,
               status=1)
    for text in ["is not a regular file", "no Backplane module: its metadata says no module name",
                 str(module)]:
        assert text in said, f"'{text}' is not in:\n{said}"
    known = run(tree.bin / "backplane-modinfo", "--known", module)
    assert known.startswith("hw-pci backplane-hw-pci "), known


def check_accelerators_can_be_left_out(tree):
    """Each file by itself, then all: nothing is built again when they are put back."""
    def listed():
        return {name for name in names if f"  {name} " in tree.backplane("-accel", "help")}

    names = {"kvm", "tcg", "whpx"}
    aside = tree.prefix / "aside"
    aside.mkdir()
    assert listed() == names, f"-accel help lists {listed()}"
    for name in sorted(names):
        file = f"accel-{name}.so"
        (tree.modules / file).rename(aside / file)
        said = tree.backplane("-accel", name, "-M", "none", status=1)
        # There is no package of what Windows has.
        wanted = (f"in module accel-{name}, package backplane-accel-{name}" if name != "whpx"
                  else "-accel whpx: invalid accelerator whpx")
        assert wanted in said, said
        assert listed() == names - {name}, f"without {name}, -accel help lists {listed()}"
        (aside / file).rename(tree.modules / file)
        assert listed() == names, f"{name} put back, -accel help lists {listed()}"
    for name in names:
        (tree.modules / f"accel-{name}.so").rename(aside / f"accel-{name}.so")
    said = tree.backplane("-M", "none", status=1)
    assert "No accelerator selected and no default accelerator available" in said, said
    assert "install one of the packages backplane-accel-tcg, backplane-accel-kvm\n" in said, said
    for name in names:
        (aside / f"accel-{name}.so").rename(tree.modules / f"accel-{name}.so")
    assert listed() == names, f"all put back, -accel help lists {listed()}"


def check_a_compressor_can_be_left_out(tree, directory):
    """What it packed says what to install."""
    def machine(lines, *options, status=0):
        return tree.backplane("-M", "pc", "-accel", "tcg", "-S", "-display", "none", "-nodefaults",
                              "-monitor", "stdio", *options, status=status, standard_input=lines)

    state, module = directory / "state", tree.modules / "compress-zstd.so"
    said = machine(f"savestate -z zstd {state}\nquit\n")
    assert state.exists(), said
    machine("quit\n", "-loadstate", state)
    module.rename(directory / module.name)
    wanted = ("compressor zstd is not installed: it is in module compress-zstd, "
              "package backplane-compress-zstd")
    said = machine(f"savestate -z zstd {state}.new\nquit\n")
    assert wanted in said, said
    said = machine("quit\n", "-loadstate", state, status=1)
    assert said.endswith(f"backplane: -loadstate {state}: {state}: {wanted}\n"), said
    (directory / module.name).rename(module)


def check_builds_modules(tree, cmake, compiler, flags, directory):
    build = directory / "out-of-tree"
    run(*cmake, "-S", HERE / "out-of-tree", "-B", build, f"-DCMAKE_PREFIX_PATH={tree.prefix}",
        f"-DCMAKE_CXX_COMPILER={compiler}", f"-DCMAKE_CXX_FLAGS={flags}")
    run(cmake[0], "--build", build)
    metadata = run(tree.bin / "backplane-modinfo", build / "hw-beacon.so")
    for line in [r"requires: +hw-pci 0\.\d+", r"package: +backplane-hw-beacon", r"accepted: +yes"]:
        assert re.search(line, metadata), f"'{line}' is not in:\n{metadata}"
    listing = tree.backplane("-module-path", build, "-device", "help")
    assert "beacon" in listing, f"-device help does not list it:\n{listing}"
    properties = tree.backplane("-module-path", build, "-device", "beacon,help")
    assert "value" in properties, f"-device beacon,help does not list it:\n{properties}"
    check_uses_backends(tree, build)


def check_uses_backends(tree, build):
    """A block driver, a network backend and a character device of somebody else's, by the options
    of our own."""
    for kind, name in [("-blockdev", "ramdisk"), ("-netdev", "echo"), ("-chardev", "recorder")]:
        listing = tree.backplane("-module-path", build, kind, "help")
        assert name in listing, f"{kind} help does not list {name}:\n{listing}"
    said = tree.backplane("-module-path", build, "-blockdev", "ramdisk,help")
    assert "size=<size>" in said and "read-only=" in said, said
    said = tree.backplane("-module-path", build, "-M", "none", "-blockdev", "ramdisk,node-name=r",
                          status=1)
    assert "size is missing" in said, said
    said = tree.backplane(
        "-module-path", build, "-M", "pc", "-accel", "tcg", "-S", "-display", "none", "-nodefaults",
        "-monitor", "stdio", "-blockdev", "ramdisk,node-name=disk,size=1M",
        "-blockdev", "raw,node-name=half,file=disk,size=512K", "-device", "virtio-blk-pci,drive=half",
        "-netdev", "echo,id=hub", "-device", "virtio-net-pci,netdev=hub",
        standard_input="info block\ninfo network\nquit\n")
    for text in ["half: disk, raw, 512 KiB, read-write",
                 "hub: echo: 0 frames; virtio-net-pci (/machine/peripheral"]:
        assert text in said, f"'{text}' is not in:\n{said}"
    check_records(tree, build)


def check_records(tree, build):
    """What a guest says on its serial port. It begins at the end of its firmware."""
    say_h = bytes([0xba, 0xf8, 0x03, 0xb0, ord("h"), 0xee])  # mov $0x3f8,%dx; mov $'h',%al; out
    end = bytes([0xba, 0x01, 0x05, 0xb0, 0x10, 0xee])  # to isa-debug-exit
    firmware = build / "firmware"
    firmware.write_bytes((say_h + end).rjust(65536 - 4, b"\x90") + bytes(4))
    record = build / "record"
    tree.backplane(
        "-module-path", build, "-M", "pc", "-accel", "tcg", "-display", "none", "-nodefaults",
        "-bios", firmware, "-chardev", f"recorder,id=rec,path={record}", "-serial", "chardev:rec",
        "-device", "isa-debug-exit", status=33)
    assert record.read_bytes() == b"h", record.read_bytes()


def check_links_modules_into_a_program(tree, cmake, compiler, flags, directory):
    build = directory / "linked"
    run(*cmake, "-S", HERE / "linked-modules", "-B", build, f"-DCMAKE_PREFIX_PATH={tree.prefix}",
        f"-DCMAKE_CXX_COMPILER={compiler}", f"-DCMAKE_CXX_FLAGS={flags}")
    run(cmake[0], "--build", build)
    said = run(build / "program", build)
    assert said == "base builtin 1\nlinked-thing builtin 2\nloaded-thing loaded 3\n", said


def check_builds_with_pkg_config(tree, compiler, flags, directory):
    environment = {**os.environ, "PKG_CONFIG_PATH": str(tree.lib / "pkgconfig")}

    def ask(*what):
        return run("pkg-config", *what, "backplane-hw-pci", env=environment).split()

    module = directory / "hw-beacon.so"
    run(compiler, "-shared", "-fPIC", *flags.split(), HERE / "out-of-tree/beacon.cpp",
        *ask("--cflags", "--libs"), "-o", module)
    metadata = run(tree.bin / "backplane-modinfo", module)
    for line in [r"requires: +hw-pci 0\.\d+", r"accepted: +yes"]:
        assert re.search(line, metadata), f"'{line}' is not in:\n{metadata}"
    listing = tree.backplane("-module-path", directory, "-device", "beacon,help")
    assert "value" in listing, listing


def check_builds_in_other_ways(tree, directory):
    """With whatever compiler, language and linker an author has that the ABI allows."""
    environment = {**os.environ, "PKG_CONFIG_PATH": str(tree.lib / "pkgconfig")}
    flags = run("pkg-config", "--cflags", "--libs", "backplane-hw-pci", env=environment).split()
    source = HERE / "out-of-tree/beacon.cpp"
    ways = {
        "collected": ["g++", "-O2", "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections"],
        "whole": ["g++", "-O2", "-flto=auto"],
        "stripped": ["g++", "-O2", "-s", "-Wl,--as-needed"],
        "hidden": ["g++", "-fvisibility=hidden", "-fvisibility-inlines-hidden", "-std=c++23"],
        "unexceptional": ["g++", "-fno-exceptions"],
        "clang": ["clang++", "-O2", "-Wall", "-Wextra", "-Werror"],
        "lld": ["clang++", "-std=c++2b", "-flto", "-fuse-ld=lld", "-ffunction-sections",
                "-Wl,--gc-sections", "-Wl,--strip-all"],
    }
    for way, (compiler, *options) in ways.items():
        if shutil.which(compiler) is None or ("-fuse-ld=lld" in options and not shutil.which("ld.lld")):
            print(f"{way}: not tried: {compiler} or its linker is not installed")
            continue
        folder = directory / way
        folder.mkdir()
        module = folder / "hw-beacon.so"
        # What is given last counts.
        run(compiler, "-shared", "-fPIC", source, *flags, *options, "-o", module)
        metadata = run(tree.bin / "backplane-modinfo", module)
        for line in [r"requires: +hw-pci 0\.\d+", r"type: +beacon", r"accepted: +yes"]:
            assert re.search(line, metadata), f"{way}: '{line}' is not in:\n{metadata}"
        said = tree.backplane("-module-path", folder, "-M", "pc", "-accel", "tcg", "-S", "-display",
                              "none", "-nodefaults", "-monitor", "stdio", "-device", "beacon",
                              standard_input="info pci\nquit\n")
        assert "1b36:00f1" in said, f"{way}: no beacon on the bus:\n{said}"


def check_names_what_cannot_work(tree, directory):
    """A compiler's options that make another ABI end in a sentence, and so does the loader where
    the compiler cannot tell."""
    environment = {**os.environ, "PKG_CONFIG_PATH": str(tree.lib / "pkgconfig")}
    flags = run("pkg-config", "--cflags", "--libs", "backplane-hw-pci", env=environment).split()
    source = HERE / "out-of-tree/beacon.cpp"
    for option, sentence in [("-std=c++17", "compile with -std=c++20 or later"),
                             ("-fno-rtti", "compile without -fno-rtti")]:
        said = run("g++", "-fsyntax-only", source, *flags, option, status=1)
        assert sentence in said, f"{option}: '{sentence}' is not in:\n{said[:2000]}"
    for definition, tag in [("_GLIBCXX_USE_CXX11_ABI=0", "libstdc++-cxx98"),
                            ("_GLIBCXX_DEBUG", "libstdc++-debug")]:
        # Nothing but its metadata is looked at, so it need not be whole.
        module = directory / f"{tag}.so"
        run("g++", "-shared", "-fPIC", f"-D{definition}", source, *flags,
            "-Wl,--unresolved-symbols=ignore-all", "-o", module)
        said = run(tree.bin / "backplane-modinfo", module)
        assert f"compiled for the C++ ABI 'itanium-linux-{tag}', this program for" in said, said


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cmake", required=True)
    parser.add_argument("--generator", required=True)
    parser.add_argument("--build", required=True, type=Path)
    parser.add_argument("--libdir", required=True)
    parser.add_argument("--compiler", required=True)
    parser.add_argument("--flags", default="")
    given = parser.parse_args()
    cmake = [given.cmake, "-G", given.generator]
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        run(given.cmake, "--install", given.build, "--prefix", directory / "installed")
        shutil.move(directory / "installed", directory / "moved")
        tree = Installed(directory / "moved", given.libdir)
        check_is_complete(tree)
        check_names_no_build_directory(tree, given.build)
        check_finds_its_modules(tree)
        check_modinfo_goes_on_after_a_foreign_file(tree)
        check_accelerators_can_be_left_out(tree)
        check_a_compressor_can_be_left_out(tree, directory)
        check_builds_modules(tree, cmake, given.compiler, given.flags, directory)
        check_links_modules_into_a_program(tree, cmake, given.compiler, given.flags,
                                           directory)
        check_builds_with_pkg_config(tree, given.compiler, given.flags, directory)
        check_builds_in_other_ways(tree, directory)
        check_names_what_cannot_work(tree, directory)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: MIT
"""backplane-img beside qemu-img: what one makes the other reads, and what they say is the same."""

import argparse
import itertools
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

MIB = 1 << 20
OPTIONS = ["compat=0.10", "compat=1.1", "cluster_size=512", "cluster_size=2M", "refcount_bits=1",
           "refcount_bits=64,cluster_size=4k", "lazy_refcounts=on", "compression_type=zstd"]


class Workplace:
    def __init__(self, program, directory):
        self.program = program
        self.directory = directory
        os.chdir(directory)
        # What packs well, what does not, holes, and zeroes that are written.
        content = bytearray(random.Random(1).randbytes(3 * MIB))
        content += bytes(2 * MIB) + b"".join(b"%8d" % n for n in range(MIB // 4)) + bytes(MIB + 512)
        pathlib.Path("disk.raw").write_bytes(content)
        with open("disk.raw", "r+b") as file:
            file.truncate(16 * MIB)
        self.check_same("disk.raw")

    def run(self, *words, status=0):
        return self._run(self.program, words, status)

    def qemu(self, *words, status=0):
        return self._run("qemu-img", words, status)

    @staticmethod
    def _run(program, words, status):
        ran = subprocess.run([program, *words], capture_output=True, text=True, timeout=100)
        assert ran.returncode == status, \
            f"{program} {' '.join(words)}: status {ran.returncode}: {ran.stdout}{ran.stderr}"
        return ran.stdout

    def refused(self, *words, status=1):
        """The line that it says why."""
        ran = subprocess.run([self.program, *words], capture_output=True, text=True, timeout=100)
        lines = ran.stderr.splitlines()
        assert ran.returncode == status and len(lines) == 1, f"{words}: {ran}"
        assert lines[0].startswith("backplane-img: "), lines
        return lines[0].removeprefix("backplane-img: ")

    def both(self, *words):
        """What the two say as JSON, which is the same but for what only one says."""
        here, there = (json.loads(run(*words, "--output=json")) for run in (self.run, self.qemu))
        return here, there

    @staticmethod
    def write(image, *commands):
        """By the words of qemu-io."""
        words = [word for command in commands for word in ("-c", command)]
        subprocess.run(["qemu-io", "-t", "unsafe", *words, image], check=True, capture_output=True)

    def check_same(self, *images):
        for image in images:
            self.qemu("compare", "-F", "raw", image, "disk.raw")


def sound(work, image):
    work.qemu("check", image)
    work.run("check", image)


def common(here, there):
    """Two values, less the fields that only one of them has."""
    if isinstance(here, dict) and isinstance(there, dict):
        keys = here.keys() & there.keys()
        parts = {key: common(here[key], there[key]) for key in keys}
        return ({key: part[0] for key, part in parts.items()},
                {key: part[1] for key, part in parts.items()})
    if isinstance(here, list) and isinstance(there, list) and len(here) == len(there):
        parts = [common(*pair) for pair in zip(here, there)]
        return [part[0] for part in parts], [part[1] for part in parts]
    return here, there


def data_merged(parts):
    """Of holes in data, qemu-img speaks only where it expects them."""
    merged = []
    for part in parts:
        part = {**part, "zero": part["zero"] and not part["data"]}
        last = merged[-1] if merged else {}
        goes_on = all(part.get(key) == last.get(key)
                      for key in ("depth", "present", "zero", "data", "compressed"))
        if goes_on and part.get("offset", 0) == last.get("offset", -last.get("length", 0)) + \
                last["length"]:
            last["length"] += part["length"]
        else:
            merged.append(part)
    return merged


def expect_agreement(work, *words):
    here, there = work.both(*words)
    if words[0] == "map":
        here, there = data_merged(here), data_merged(there)
    here, there = common(here, there)
    for value in (here, there):
        # Counted in other ways.
        for ours in value if isinstance(value, list) else [value]:
            ours.pop("actual-size", None)
    assert here == there, f"{words}:\n{here}\n{there}"


def creates(work):
    for options in [*OPTIONS, "preallocation=metadata", "preallocation=falloc",
                    "preallocation=full"]:
        work.run("create", "-q", "-f", "qcow2", "-o", options, "new.qcow2", "7M")
        sound(work, "new.qcow2")
        expect_agreement(work, "info", "new.qcow2")
        expect_agreement(work, "map", "new.qcow2")
    work.run("create", "-q", "new.raw", "1.5M")
    assert os.path.getsize("new.raw") == 3 * MIB // 2
    assert "cluster_size=" in work.run("create", "-f", "qcow2", "-o", "help")
    assert work.run("create", "-f", "qcow2", "new.qcow2", "1G").startswith("Formatting 'new.qcow2'")
    # Another size than what it stands on has is as good.
    work.run("create", "-q", "-f", "qcow2", "-b", "disk.raw", "-F", "raw", "new.qcow2")
    work.check_same("new.qcow2")
    expect_agreement(work, "info", "--backing-chain", "new.qcow2")


def converts(work):
    for options in OPTIONS:
        work.qemu("convert", "-O", "qcow2", "-o", options, "disk.raw", "theirs.qcow2")
        work.run("convert", "-O", "qcow2", "-o", options, "disk.raw", "ours.qcow2")
        sound(work, "ours.qcow2")
        work.check_same("ours.qcow2")
        for command in ("info", "map", "check"):
            expect_agreement(work, command, "ours.qcow2")
            expect_agreement(work, command, "theirs.qcow2")
        work.run("convert", "theirs.qcow2", "back.raw")
        work.check_same("back.raw")
        assert os.stat("back.raw").st_blocks * 512 < 8 * MIB, "holes are kept"
    progress = work.run("convert", "-p", "-O", "qcow2", "disk.raw", "ours.qcow2")
    assert "(100.00/100%)" in progress, progress
    # Into what is there, whatever it has.
    work.run("create", "-q", "-f", "qcow2", "there.qcow2", "20M")
    work.run("convert", "-n", "-O", "qcow2", "back.raw", "there.qcow2")
    work.check_same("there.qcow2")
    # Two behind one another.
    work.run("convert", "-O", "qcow2", "disk.raw", "disk.raw", "two.qcow2")
    work.qemu("convert", "disk.raw", "disk.raw", "two.raw")
    work.qemu("compare", "-s", "two.qcow2", "two.raw", status=1)
    work.qemu("compare", "two.qcow2", "two.raw")


def packs(work):
    for options in OPTIONS:
        work.qemu("convert", "-c", "-O", "qcow2", "-o", options, "disk.raw", "theirs.qcow2")
        work.run("convert", "-c", "-O", "qcow2", "-o", options, "disk.raw", "ours.qcow2")
        sound(work, "ours.qcow2")
        work.check_same("ours.qcow2")
        for command in ("info", "check"):
            expect_agreement(work, command, "theirs.qcow2")
        work.run("convert", "theirs.qcow2", "back.raw")
        work.check_same("back.raw")
    line = work.refused("convert", "-c", "disk.raw", "x.raw")
    assert "raw images have nothing compressed" in line, line


def stands_on_others(work):
    for options in ("compat=0.10", "cluster_size=512", "cluster_size=2M", "lazy_refcounts=on"):
        work.run("convert", "-O", "qcow2", "disk.raw", "base.qcow2")
        for name, below in (("middle", "base"), ("top", "middle")):
            work.run("create", "-q", "-f", "qcow2", "-o", options, "-b", f"{below}.qcow2", "-F",
                     "qcow2", f"{name}.qcow2")
        work.check_same("top.qcow2")
        work.write("middle.qcow2", "write -P 7 1M 70k", "write -P 9 6M 3M")
        work.write("top.qcow2", "write -P 8 1030k 5k", "write -z 7M 1M")
        expect_agreement(work, "map", "top.qcow2")
        work.qemu("convert", "-O", "raw", "top.qcow2", "disk.after")
        for name in ("base", "middle", "top"):
            shutil.copy(f"{name}.qcow2", f"kept-{name}.qcow2")

        def restored(name="top"):
            for layer in ("base", "middle", "top"):
                shutil.copy(f"kept-{layer}.qcow2", f"{layer}.qcow2")
            return f"{name}.qcow2"

        # Without what is in the middle, without anything below it, and the other way round.
        for backing in (["-b", "base.qcow2", "-F", "qcow2"], ["-b", ""]):
            work.run("rebase", *backing, restored())
            sound(work, "top.qcow2")
            work.qemu("compare", "-F", "raw", "top.qcow2", "disk.after")
        restored()
        work.run("commit", "-q", "top.qcow2")
        for image in ("top.qcow2", "middle.qcow2"):
            sound(work, image)
            work.qemu("compare", "-F", "raw", image, "disk.after")
        restored()
        work.run("commit", "-q", "-b", "base.qcow2", "top.qcow2")
        sound(work, "base.qcow2")
        work.qemu("compare", "-F", "raw", "base.qcow2", "disk.after")
    work.run("create", "-q", "-u", "-f", "qcow2", "-b", "a.qcow2", "-F", "qcow2", "b.qcow2", "1M")
    work.run("create", "-q", "-u", "-f", "qcow2", "-b", "b.qcow2", "-F", "qcow2", "a.qcow2", "1M")
    assert "stands on itself" in work.refused("map", "a.qcow2")
    work.run("rebase", "-u", "-b", "", "a.qcow2")
    work.run("map", "a.qcow2")
    # Copied without what it will stand on.
    work.run("convert", "-O", "qcow2", "-B", "base.qcow2", "-F", "qcow2", "top.qcow2", "c.qcow2")
    work.qemu("compare", "c.qcow2", "top.qcow2")
    # Of one that stands on nothing, what it does not have is zeroes.
    work.run("create", "-q", "-f", "qcow2", "empty.qcow2", "1M")
    work.run("convert", "-O", "qcow2", "-B", "base.qcow2", "-F", "qcow2", "empty.qcow2", "e.qcow2")
    work.qemu("compare", "e.qcow2", "empty.qcow2")


def keeps_snapshots(work):
    work.run("convert", "-O", "qcow2", "disk.raw", "a.qcow2")
    work.run("snapshot", "-c", "first", "a.qcow2")
    work.write("a.qcow2", "write -P 7 1M 3M")
    work.qemu("snapshot", "-c", "second", "a.qcow2")
    sound(work, "a.qcow2")
    expect_agreement(work, "info", "a.qcow2")
    listed = work.run("snapshot", "-l", "a.qcow2")
    assert "first" in listed and "second" in listed, listed
    work.run("snapshot", "-a", "first", "a.qcow2")
    work.check_same("a.qcow2")
    work.run("snapshot", "-d", "second", "a.qcow2")
    work.qemu("snapshot", "-d", "first", "a.qcow2")
    sound(work, "a.qcow2")
    work.check_same("a.qcow2")
    assert "has no snapshot 'first'" in work.refused("snapshot", "-d", "first", "a.qcow2")


def resizes(work):
    for options in OPTIONS:
        work.run("convert", "-O", "qcow2", "-o", options, "disk.raw", "a.qcow2")
        work.run("resize", "a.qcow2", "+1G")
        sound(work, "a.qcow2")
        work.check_same("a.qcow2")
        assert "would be lost" in work.refused("resize", "a.qcow2", "16M")
        work.run("resize", "--shrink", "a.qcow2", "-1G")
        sound(work, "a.qcow2")
        work.qemu("compare", "-s", "a.qcow2", "a.qcow2")
        work.check_same("a.qcow2")
    shutil.copy("disk.raw", "a.raw")
    work.run("resize", "-f", "raw", "--preallocation=falloc", "a.raw", "+1M")
    assert os.path.getsize("a.raw") == 17 * MIB
    work.run("resize", "-q", "-f", "raw", "--shrink", "a.raw", "16M")
    assert os.path.getsize("a.raw") == 16 * MIB


def checks(work):
    work.run("convert", "-O", "qcow2", "disk.raw", "a.qcow2")
    image = pathlib.Path("a.qcow2").read_bytes()
    blocks = int.from_bytes(image[int.from_bytes(image[48:56], "big"):][:8], "big")

    def damage(at, value):
        pathlib.Path("a.qcow2").write_bytes(image[:at] + value + image[at + len(value):])

    damage(blocks + 2 * 1000, b"\0\1")
    work.run("check", "a.qcow2", status=3)
    assert json.loads(work.run("check", "--output=json", "a.qcow2", status=3))["leaks"] == 1
    work.run("check", "-r", "leaks", "a.qcow2")
    sound(work, "a.qcow2")
    damage(blocks, bytes(40))
    work.run("check", "a.qcow2", status=2)
    before = pathlib.Path("a.qcow2").read_bytes()
    assert "is damaged" in work.refused("resize", "a.qcow2", "+1M")
    assert pathlib.Path("a.qcow2").read_bytes() == before, "what is damaged is not written to"
    work.run("check", "-r", "all", "a.qcow2")
    sound(work, "a.qcow2")
    work.check_same("a.qcow2")
    work.run("check", "disk.raw", status=63)
    work.run("check", "-f", "qcow2", "disk.raw", status=1)


def measures(work):
    work.run("convert", "-c", "-O", "qcow2", "disk.raw", "packed.qcow2")
    for target in (["-O", "raw"], ["-O", "qcow2"], ["-O", "qcow2", "-o", "cluster_size=512"],
                   ["-O", "qcow2", "-o", "refcount_bits=1"],
                   ["-O", "qcow2", "-o", "cluster_size=2M,refcount_bits=64"]):
        for what in (["--size", "10G"], ["disk.raw"], ["packed.qcow2"]):
            expect_agreement(work, "measure", *target, *what)


def compares(work):
    work.run("convert", "-O", "qcow2", "disk.raw", "a.qcow2")
    assert work.run("compare", "a.qcow2", "disk.raw") == "Images are identical.\n"
    with open("disk.raw", "r+b") as file:
        file.seek(9 * MIB + 5)
        file.write(b"x")
    for run in (work.run, work.qemu):
        said = run("compare", "a.qcow2", "disk.raw", status=1)
        assert said.startswith("Content mismatch at offset 94371"), said
    work.run("resize", "-q", "a.qcow2", "+1M")
    shutil.copy("a.qcow2", "b.qcow2")
    work.run("resize", "-q", "b.qcow2", "+1M")
    assert "Image size mismatch" in work.run("compare", "a.qcow2", "b.qcow2")
    work.run("compare", "-s", "a.qcow2", "b.qcow2", status=1)
    work.refused("compare", "a.qcow2", "gone", status=2)


def refuses(work):
    work.run("create", "-q", "-f", "qcow2", "a.qcow2", "1M")
    for words, why in (
            ([], "no command is given"),
            (["nonsense"], "no such command"),
            (["info"], "expects one file"),
            (["info", "a.qcow2", "b"], "is too much"),
            (["info", "--nonsense", "a.qcow2"], "unknown option"),
            (["info", "gone"], "cannot open gone: No such file or directory"),
            (["info", "."], "is a directory"),
            (["info", "-f", "nonsense", "a.qcow2"], "nonsense"),
            (["info", "-f", "qcow2", "disk.raw"], "is no qcow2 image"),
            (["create", "-f", "qcow2", "b.qcow2"], "no size is given"),
            (["create", "b.raw", "10x"], "is no size"),
            (["create", "-f", "qcow2", "b.qcow2", "9E"], "is no size"),
            (["create", "-f", "qcow2", "-o", "cluster_size=3k", "b.qcow2", "1M"], "cluster_size"),
            (["create", "-f", "qcow2", "-o", "nonsense=1", "b.qcow2", "1M"], "nonsense"),
            (["create", "-f", "qcow2", "-b", "a.qcow2", "b.qcow2"], "its format is not given"),
            (["create", "-b", "a.qcow2", "-F", "qcow2", "b.raw"], "cannot stand on another"),
            (["convert", "-m", "0", "disk.raw", "x"], "-m 0"),
            (["resize", "a.qcow2"], "expects"),
            (["snapshot", "-c", "x", "disk.raw"], "has no snapshots"),
            (["rebase", "a.qcow2"], "no backing file is given"),
            (["commit", "a.qcow2"], "stands on nothing"),
            (["check", "-r", "nonsense", "a.qcow2"], "expects leaks or all")):
        line = work.refused(*words)
        assert why in line, f"{words}: {line}"
    # One that a program writes.
    with subprocess.Popen(["qemu-io", "a.qcow2"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as writer:
        writer.stdin.write(b"write 0 64k\n")
        writer.stdin.flush()
        writer.stdout.readline()
        for words in (["resize", "a.qcow2", "2M"], ["create", "-f", "qcow2", "a.qcow2", "2M"],
                      ["convert", "disk.raw", "a.qcow2"]):
            line = work.refused(*words)
            assert "is open for writing in another process" in line, line
        work.run("info", "-U", "a.qcow2")
        writer.communicate(b"quit\n")
    work.qemu("check", "a.qcow2")


def killed(work):
    """At any moment of a command, an image stays sound but for room that is lost."""
    moment = random.Random(3)
    work.run("convert", "-O", "qcow2", "-o", "cluster_size=4k", "disk.raw", "kept.qcow2")
    work.run("snapshot", "-c", "one", "kept.qcow2")
    work.write("kept.qcow2", "write -P 7 1M 3M")
    for words in itertools.islice(itertools.cycle((["resize", "a.qcow2", "+100G"],
                                                   ["rebase", "-b", "", "a.qcow2"],
                                                   ["resize", "--shrink", "b.qcow2", "1M"])), 12):
        shutil.copy("kept.qcow2", "base.qcow2")
        work.run("create", "-q", "-f", "qcow2", "-b", "base.qcow2", "-F", "qcow2", "a.qcow2")
        work.run("convert", "-O", "qcow2", "-o", "cluster_size=512", "disk.raw", "b.qcow2")
        with subprocess.Popen([work.program, *words], stdout=subprocess.DEVNULL) as command:
            time.sleep(moment.random() * 0.06)
            command.send_signal(signal.SIGKILL)
        image = next(word for word in words if word.endswith(".qcow2"))
        ran = subprocess.run(["qemu-img", "check", image], capture_output=True, text=True)
        assert ran.returncode in (0, 3), f"{words}: {ran}"


def main():
    cases = {case.__name__: case for case in (
        creates, converts, packs, stands_on_others, keeps_snapshots, resizes, checks, measures,
        compares, refuses, killed)}
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("case", choices=cases)
    arguments = parser.parse_args()
    if shutil.which("qemu-img") is None:
        print("qemu-img is not there to be compared with (qemu-utils)")
        return 77
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        cases[arguments.case](Workplace(os.path.abspath(arguments.program), directory))
        os.chdir("/")
    return 0


if __name__ == "__main__":
    sys.exit(main())

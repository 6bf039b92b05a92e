# SPDX-License-Identifier: MIT
"""A machine on its way from one program to another, one case a run.

The guest (busy-memory.S) writes 4 MiB all the time, and says if a page has not what it wrote last.
Whatever happens on the way, it goes on in one of the two programs, and never in both.
"""

import argparse
import os
import pty
import re
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from guest_test import PASSED, SECONDS, skip_unless_usable, wait_for_listener

CASES = {}
SECTORS = 2048
PROMPT = b"(backplane) "
ANSWER = 16  # bytes: a chunk with nothing in it


def case(function):
    CASES[function.__name__] = function
    return function


def check(condition, message):
    if not condition:
        sys.exit(message)


class Program:
    """One program with a machine, or with a place for one; its serial port is a socket."""

    def __init__(self, test, *options, memory="32", pass_fds=()):
        test.programs.append(self)
        self.serial_path = test.path("serial")
        self.errors = test.path("errors")
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [*test.command, "-m", memory, "-serial",
                 f"unix:{self.serial_path},server=on,wait=off", "-monitor", "stdio", *options],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, pass_fds=pass_fds)
        self.monitored = b""
        self.printed = b""
        self.serial = None

    def said(self):
        return self.errors.read_text(errors="replace")

    def _read(self, done, what):
        deadline = time.monotonic() + SECONDS
        while not (found := done()):
            sources = [self.process.stdout] + ([self.serial] if self.serial else [])
            ready, _, _ = select.select(sources, [], [], max(0, deadline - time.monotonic()))
            check(ready, f"no {what}: the monitor said {self.monitored!r}, the guest "
                         f"{self.printed!r}, the program {self.said()!r}")
            for source in ready:
                if source is self.serial:
                    data = self.serial.recv(4096)
                    self.printed += data
                    if not data:
                        self.serial = None
                else:
                    data = os.read(source.fileno(), 4096)
                    if not data:
                        sys.exit(f"no {what}, but the end, with {self.wait()}: {self.said()}")
                    self.monitored += data
        return found

    def prompted(self):
        """What the monitor says up to its next prompt."""
        self._read(lambda: PROMPT in self.monitored, "prompt")
        text, _, self.monitored = self.monitored.partition(PROMPT)
        return text.decode(errors="replace").replace("\r", "")

    def tell(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def monitor(self, line):
        """A command, and what it answers."""
        self.tell(line)
        return self.prompted().partition("\n")[2]

    def connect(self):
        if self.serial is None:
            self.serial = socket.socket(socket.AF_UNIX)
            self.serial.connect(str(self.serial_path))

    def expect(self, text):
        self.connect()
        self._read(lambda: text in self.printed, repr(text))

    def status(self):
        return self.monitor("info status").strip().removeprefix("VM status: ")

    def finish_guest(self):
        """Has the guest end, which it does well if all of its pages are right."""
        self.connect()
        self.serial.sendall(b"x")
        code = self.process.wait(timeout=SECONDS)
        check(code == PASSED, f"the guest ended with {code}: {self.said()}")

    def wait(self):
        return self.process.wait(timeout=SECONDS)

    def check_refused(self, *words):
        """It has ended with one line."""
        check(self.wait() == 1, f"ended with {self.process.returncode}: {self.said()}")
        check(self.said().count("\n") == 1, f"said {self.said()!r}")
        for word in words:
            check(word in self.said(), f"{word!r} is not in {self.said()!r}")


class Test:
    def __init__(self, arguments, directory):
        self.directory = directory
        self.paths = 0
        self.programs = []
        self.accelerator = arguments.accel
        disk = self.path("disk")
        disk.write_bytes(bytes(SECTORS * 512))
        self.command = [
            arguments.emulator, "-M", "pc", "-nodefaults", "-display", "none",
            "-device", "isa-debug-exit", "-kernel", arguments.image, "-accel", arguments.accel,
            "-drive", f"file={disk},format=raw,if=none,id=disk",
            "-device", "virtio-blk-pci,drive=disk"]

    def path(self, name):
        self.paths += 1
        return self.directory / f"{name}{self.paths}"

    def source(self, **how):
        program = Program(self, "-S", **how)
        program.prompted()
        program.connect()
        program.monitor("cont")
        program.expect(b"busy\n")
        return program

    def destination(self, place, *options, **how):
        program = Program(self, "-incoming", f"unix:{place}", *options, **how)
        wait_for_listener(place, program.process)
        return program

    def end(self):
        for program in self.programs:
            program.process.kill()
            program.process.wait()


class Proxy:
    """Stands between two programs; lets so many bytes through, so fast."""

    def __init__(self, place, destination, outward=None, homeward=None, rate=None, go=True):
        self.counts = [0, 0]
        self.limits = [outward, homeward]
        self.rate = rate
        self.go = go
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(place))
        self.listener.listen(1)
        self.destination = destination
        self.ended = threading.Event()
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        here, _ = self.listener.accept()
        there = socket.socket(socket.AF_UNIX)
        there.connect(str(self.destination))
        threading.Thread(target=self.pump, args=(1, there, here), daemon=True).start()
        self.pump(0, here, there)

    def pump(self, way, source, target):
        try:
            while True:
                limit = self.limits[way]
                most = 65536 if limit is None else min(65536, limit - self.counts[way])
                data = source.recv(most) if most else b""
                if not data:
                    break
                # What follows "ready" is "go".
                if way == 0 and not self.go and self.counts[1] >= 2 * ANSWER:
                    break
                self.counts[way] += len(data)
                target.sendall(data)
                if self.rate and way == 0:
                    time.sleep(len(data) / self.rate)
        except OSError:
            pass
        for end in source, target:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.ended.set()


def moved(source, destination):
    """The machine is there, and not here."""
    check(source.status() == "paused (postmigrate)", f"the source is {source.status()}")
    refusal = source.monitor("cont")
    check("has gone to" in refusal, f"cont said {refusal!r}")
    destination.finish_guest()


def stayed(source, answer, *words):
    """The machine is here, with its disk; `answer` is what its monitor said."""
    check(answer.startswith("migrate: ") and answer.count("\n") == 1, f"the monitor said {answer!r}")
    for word in words:
        check(word in answer, f"{word!r} is not in {answer!r}")
    check(source.status() == "running", f"the source is {source.status()}")
    check("status: failed" in source.monitor("info migrate"), source.monitor("info migrate"))


@case
def moves(test):
    """Several times in a row; the words of `info migrate`; the image is locked by whose it is."""
    here = test.source()
    check(here.monitor("info migrate") == "Migration status: none\n", "a migration before the first")
    for _ in range(5):
        place = test.path("place")
        there = test.destination(place)
        answer = here.monitor(f"migrate unix:{place}")
        check(answer == "", f"the monitor said {answer!r}")
        facts = here.monitor("info migrate")
        for word in ("Migration status: completed\n", "total time: ", "transferred ram: ",
                     "remaining ram: 0 kbytes\n", "total ram: "):
            check(word in facts, f"{word!r} is not in {facts!r}")
        there.prompted()
        check(here.status() == "paused (postmigrate)", f"the source is {here.status()}")
        check(there.status() == "running", f"the destination is {there.status()}")
        here.tell("quit")
        check(here.wait() == 0, here.said())
        here = there
    third = Program(test)
    third.check_refused("is open for writing in another process")
    here.finish_guest()


@case
def tcp(test):
    here = test.source()
    probe = socket.create_server(("127.0.0.1", 0))
    port = probe.getsockname()[1]
    probe.close()
    there = Program(test, "-incoming", f"tcp:127.0.0.1:{port}")
    deadline = time.monotonic() + SECONDS
    while "refused" in (answer := here.monitor(f"migrate tcp:127.0.0.1:{port}").lower()):
        check(time.monotonic() < deadline, f"the monitor said {answer!r}")
        time.sleep(0.05)
    check(answer == "", f"the monitor said {answer!r}")
    moved(here, there)


@case
def compressed(test):
    for compressor in "zlib", "zstd":
        place = test.path("place")
        here, there = test.source(), test.destination(place)
        answer = here.monitor(f"migrate -z {compressor} unix:{place}")
        check(answer == "", f"the monitor said {answer!r}")
        moved(here, there)
        here.tell("quit")
        here.wait()
    here = test.source()
    check("nonsense: no installed module has such a compressor" in
          here.monitor("migrate -z nonsense unix:/nowhere"), "an unknown compressor")
    check("zlib" in here.monitor("info compressors"), "info compressors")


@case
def stopped(test):
    """A machine that stood still does so there."""
    place = test.path("place")
    here, there = test.source(), test.destination(place)
    here.monitor("stop")
    check(here.monitor(f"migrate unix:{place}") == "", "the monitor said something")
    there.prompted()
    check(there.status() == "paused", f"the destination is {there.status()}")
    there.monitor("cont")
    moved(here, there)


@case
def progress(test):
    """On a terminal, a line that is written over; elsewhere nothing."""
    here, state = test.source(), test.path("state")
    check(here.monitor(f"savestate {state}") == "", "the monitor said something")
    here.tell("quit")
    here.wait()
    check(here.said() == "", f"said {here.said()!r}")
    controller, terminal = pty.openpty()
    result = subprocess.run(
        [*test.command, "-m", "32", "-serial", "null", "-monitor", "stdio", "-S",
         "-loadstate", str(state)], input=f"savestate {state}\nquit\n".encode(),
        stdout=subprocess.DEVNULL, stderr=terminal, timeout=SECONDS)
    seen = os.read(controller, 65536)
    check(result.returncode == 0, f"ended with {result.returncode}: {seen!r}")
    line = rb"\r\x1b\[K%s: \d+ of [4-9] MiB"
    check(re.fullmatch(rb"(%s)+\r\x1b\[K(%s)+\r\x1b\[K" % (line % b"loading", line % b"saving"), seen),
          f"the terminal saw {seen!r}")


@case
def refused(test):
    """Another machine is refused, by both in the same words, and the one that is goes on."""
    here = test.source()
    for options, how, words in [((), {"memory": "64"}, "the saved machine has RAM"),
                                (("-smp", "2"), {}, "the saved machine has CPUs: 1; this one: 2"),
                                (("-device", "virtio-balloon-pci"), {}, "the saved machine has no")]:
        place = test.path("place")
        there = test.destination(place, *options, **how)
        answer = here.monitor(f"migrate unix:{place}")
        stayed(here, answer, "refused by the other program", words)
        there.check_refused("-incoming ", words)
    answer = here.monitor("migrate unix:" + str(test.path("nowhere")))
    stayed(here, answer, "No such file")
    here.finish_guest()


@case
def deferred(test):
    """-incoming defer: a command says where, and others are answered meanwhile."""
    place = test.path("place")
    here, there = test.source(), Program(test, "-incoming", "defer")
    there.prompted()
    check(there.status() == "paused (inmigrate)", f"the destination is {there.status()}")
    for command in "cont", "system_reset":
        check("not here yet" in there.monitor(command), f"{command} of what is not there")
    check(there.monitor(f"migrate-incoming unix:{place}") == "", "the monitor said something")
    check("has begun to receive" in there.monitor(f"migrate-incoming unix:{place}"), "a second one")
    check("status: setup" in there.monitor("info migrate"), there.monitor("info migrate"))
    check(here.monitor(f"migrate unix:{place}") == "", "the monitor said something")
    deadline = time.monotonic() + SECONDS
    while there.status() != "running":
        check(time.monotonic() < deadline, f"the destination is {there.status()}")
        time.sleep(0.01)
    moved(here, there)
    # One that does not come.
    here, there = test.source(), Program(test, "-incoming", "defer", memory="64")
    there.prompted()
    there.monitor(f"migrate-incoming unix:{place}")
    answer = here.monitor(f"migrate unix:{place}")
    stayed(here, answer, "refused by the other program", "the saved machine has RAM")
    there.check_refused("-incoming ", "the saved machine has RAM")
    here.finish_guest()


@case
def handed_over(test):
    """By descriptors that both were started with: a pair of sockets, a pipe, a file."""
    ends = socket.socketpair()
    read, write = os.pipe()
    file = os.open(test.path("file"), os.O_RDWR | os.O_CREAT)
    os.write(file, b"x" * 100)  # of whoever has opened it
    for out, back in ((ends[0].fileno(), ends[1].fileno()), (write, read), (file, file)):
        here = test.source(pass_fds=[out])
        os.lseek(file, 100, os.SEEK_SET)
        if back != file:
            there = Program(test, "-incoming", f"fd:{back}", pass_fds=[back])
        check(here.monitor(f"migrate fd:{out}") == "", "the monitor said something")
        check(here.status() == "paused (postmigrate)", f"the source is {here.status()}")
        if back == file:
            # Nobody has it: it can go on here as well.
            check(here.monitor("cont") == "", "cont said something")
            here.finish_guest()
            os.lseek(file, 100, os.SEEK_SET)
            there = Program(test, "-incoming", f"fd:{back}", pass_fds=[back])
        there.prompted()
        deadline = time.monotonic() + SECONDS
        while (status := there.status()) != "running":
            check(time.monotonic() < deadline, f"the destination is {status}")
            time.sleep(0.01)
        there.finish_guest()
    refusal = test.source().monitor("migrate fd:nothing")
    check("no file descriptor has this name" in refusal, f"the monitor said {refusal!r}")


@case
def limited(test):
    """A bandwidth is kept to, and another one counts at once."""
    place = test.path("place")
    here, there = test.source(), test.destination(place)
    check(here.monitor("migrate-set-parameters -b 1") == "", "the monitor said something")
    check("max-bandwidth: 1048576" in here.monitor("info migrate-parameters"),
          here.monitor("info migrate-parameters"))
    begun = time.monotonic()
    here.monitor(f"migrate -d unix:{place}")
    time.sleep(1)
    check(here.status() == "running", f"the source is {here.status()}")
    facts = here.monitor("info migrate")
    sent = int(re.search(r"transferred ram: (\d+) kbytes", facts)[1]) * 1024
    check(sent <= (1 << 20) * (time.monotonic() - begun + 1), f"{sent} bytes were sent")
    here.monitor("migrate-set-parameters -b 0")
    deadline = time.monotonic() + SECONDS
    while "status: completed" not in (facts := here.monitor("info migrate")):
        check(time.monotonic() < deadline, facts)
        time.sleep(0.01)
    moved(here, there)


@case
def no_room(test):
    """The destination's disk is in use: it does not get the machine."""
    place, other = test.path("place"), test.path("other")
    other.write_bytes(bytes(SECTORS * 512))
    here = test.source()
    test.command = [str(word).replace(str(test.directory / "disk1"), str(other))
                    for word in test.command]
    holder = Program(test)
    holder.prompted()
    there = test.destination(place)
    answer = here.monitor(f"migrate unix:{place}")
    stayed(here, answer, "refused by the other program", "is open for writing in another process")
    there.check_refused("-incoming ", "is open for writing in another process")
    here.finish_guest()


def cut(test, way, points):
    """The connection ends after so many bytes, counted from the beginning or, where the number is
    below zero, from what one that is not cut takes."""
    numbers = points(test)
    here = test.source()
    for point in numbers:
        place, middle = test.path("place"), test.path("middle")
        there = test.destination(place)
        proxy = Proxy(middle, place, **{way: point})
        answer = here.monitor(f"migrate unix:{middle}")
        if "it may run there" in answer:
            # "Go" has passed, but not what answers it.
            check(here.status() == "paused (postmigrate)", f"the source is {here.status()}")
            there.prompted()
            check(there.status() == "running", f"the destination is {there.status()}")
            refusal = here.monitor("cont")
            check("is open for writing in another process" in refusal, f"cont said {refusal!r}")
            here.tell("quit")
            here.wait()
            here = there
        elif answer == "" and proxy.counts[0 if way == "outward" else 1] < point:
            # The guest has written to fewer pages than in the run that was measured.
            moved(here, there)
            here.tell("quit")
            here.wait()
            here = test.source()
        elif answer == "":
            check(here.status() == "paused (postmigrate)", f"the source is {here.status()}")
            check(there.wait() == 1, f"{point}: the destination ended with {there.said()}")
            sys.exit(f"{point}: the machine is nowhere")
        else:
            stayed(here, answer)
            there.check_refused("-incoming ")
    here.finish_guest()


def length(test, way):
    """How many bytes go that way; with the guest held, so that it is the same again."""
    place, middle = test.path("place"), test.path("middle")
    here, there = test.source(), test.destination(place)
    proxy = Proxy(middle, place)
    check(here.monitor(f"migrate unix:{middle}") == "", "the monitor said something")
    moved(here, there)
    here.tell("quit")
    here.wait()
    return proxy.counts[0 if way == "outward" else 1]


@case
def cut_outward(test):
    """Within magic, header, RAM; the rest is about as long as it was: within state, end, go."""
    def points(test):
        total = length(test, "outward")
        return [0, 5, 12, 20, 100, 300, 5000, 100_000, total // 2, total * 3 // 4]
    cut(test, "outward", points)


@case
def cut_homeward(test):
    """Before and within each answer: accepted, ready, running."""
    def points(test):
        answers = length(test, "homeward")
        check(answers == 3 * ANSWER, f"{answers} bytes came back")
        return [0, 7, 16, 23, 32, 40]
    cut(test, "homeward", points)


@case
def go_lost(test):
    """The machine was given up, and the other program has not heard it: whoever looks has it back."""
    here = test.source()
    place, middle = test.path("place"), test.path("middle")
    there = test.destination(place)
    Proxy(middle, place, go=False)
    answer = here.monitor(f"migrate unix:{middle}")
    check("it may run there" in answer and answer.count("\n") == 1, f"the monitor said {answer!r}")
    check(here.status() == "paused (postmigrate)", f"the source is {here.status()}")
    there.check_refused("-incoming ")
    check(here.monitor("cont") == "", "cont said something")
    check(here.status() == "running", f"the source is {here.status()}")
    here.finish_guest()


@case
def cancelled(test):
    """While it waits for an answer, and while it sends."""
    here = test.source()
    for limit in 0, 500_000:
        place, middle = test.path("place"), test.path("middle")
        there = test.destination(place)
        proxy = Proxy(middle, place, rate=100_000)
        check(here.monitor(f"migrate -d unix:{middle}") == "", "the monitor said something")
        second = here.monitor(f"migrate -d unix:{middle}")
        check("the machine is being sent" in second, f"a second one: {second!r}")
        deadline = time.monotonic() + SECONDS
        while proxy.counts[0] < limit:
            check(time.monotonic() < deadline, "nothing was sent")
            time.sleep(0.01)
        check(here.status() == "running", f"the source is {here.status()}")
        here.monitor("migrate_cancel")
        while "status: cancelled" not in (facts := here.monitor("info migrate")):
            check(time.monotonic() < deadline, f"not cancelled: {facts}")
            time.sleep(0.01)
        check(here.status() == "running", f"the source is {here.status()}")
        there.check_refused("-incoming ")
    here.finish_guest()


@case
def stalled(test):
    """A peer that takes nothing holds nobody up, also while the machine is held."""
    here = test.source()
    place = test.path("silent")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(place))
    listener.listen(1)
    here.monitor(f"migrate -d unix:{place}")
    peer, _ = listener.accept()
    check(here.status() == "running", f"the source is {here.status()}")
    here.monitor("migrate_cancel")
    while peer.recv(4096):
        pass
    deadline = time.monotonic() + SECONDS
    while "status: cancelled" not in (facts := here.monitor("info migrate")):
        check(time.monotonic() < deadline, f"not cancelled: {facts}")
        time.sleep(0.01)
    # One that takes all of it, and then says nothing.
    here.monitor(f"migrate -d unix:{place}")
    peer, _ = listener.accept()
    peer.sendall(bytes.fromhex("10000000" "0000000000000000") + crc_of(16))
    threading.Thread(target=lambda: [None for _ in iter(lambda: peer.recv(65536), b"")],
                     daemon=True).start()
    while "status: device" not in (facts := here.monitor("info migrate")):
        check(time.monotonic() < deadline, f"never held: {facts}")
        time.sleep(0.01)
    for command in "cont", "system_reset":
        refusal = here.monitor(command)
        check("migrate_cancel" in refusal, f"{command} said {refusal!r}")
    here.monitor("migrate_cancel")
    while here.status() != "running":
        check(time.monotonic() < deadline, f"does not go on: {here.status()}")
        time.sleep(0.01)
    here.finish_guest()


def crc_of(kind):
    import zlib
    return zlib.crc32(kind.to_bytes(4, "little") + bytes(8)).to_bytes(4, "little")


@case
def busy(test):
    """A guest that writes faster than can be sent is held after a number of rounds."""
    place, middle = test.path("place"), test.path("middle")
    here, there = test.source(), test.destination(place)
    Proxy(middle, place, rate=8_000_000)
    here.monitor(f"migrate -d unix:{middle}")
    deadline = time.monotonic() + SECONDS
    while "status: completed" not in (facts := here.monitor("info migrate")):
        check("failed" not in facts and time.monotonic() < deadline, f"did not end: {facts}")
        time.sleep(0.05)
    rounds = int(re.search(r"dirty sync count: (\d+)", facts)[1])
    check(rounds == 10, f"took {rounds} rounds: {facts}")
    moved(here, there)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--emulator", required=True)
    parser.add_argument("--image", required=True)
    parser.add_argument("--accel", required=True)
    parser.add_argument("--probe", help="what tells whether this host has the accelerator")
    parser.add_argument("case", choices=CASES)
    arguments = parser.parse_args()
    if arguments.probe:
        skip_unless_usable(arguments.probe)
    with tempfile.TemporaryDirectory(prefix="backplane-migration-") as directory:
        test = Test(arguments, Path(directory))
        try:
            CASES[arguments.case](test)
        finally:
            test.end()


if __name__ == "__main__":
    main()

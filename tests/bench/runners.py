# SPDX-License-Identifier: MIT
"""What runs workloads: guests of both emulators, and this machine itself."""

import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from guest import Failure, Guest, Setup
from measuring import SKIPPED, family_time, progress
from workloads import AGENT, GUESTS_FEATURES

TOP = Path(__file__).resolve().parents[2]
FETCHED = TOP / "build/guest"
PREPARED = TOP / "build/bench"


class Stopped(Failure):
    """A runner that cannot be asked for more."""


@dataclass(frozen=True)
class Run:
    """One run of a command."""

    cost: float  # seconds of CPU time, of all processes
    elapsed: float  # seconds
    output: str


class Emulator:
    """One of the two, and how to start it."""

    def __init__(self, name, program, options, accel="tcg"):
        self.name = name
        self.program = program
        self.options = options
        self.accel = accel

    def guest(self, work, initramfs, commands, accel=None, **how):
        directory = Path(tempfile.mkdtemp(dir=work))
        setup = Setup(Path(self.program), FETCHED, initramfs, directory)
        return Guest(setup, commands, "-cpu", self.options.cpu, rng=False,
                     accel=accel or self.accel, memory=self.options.memory,
                     timeout=self.options.timeout, **how)


class Worker:
    """A booted guest that runs workloads."""

    def __init__(self, emulator, work, **how):
        self.name = emulator.name
        self.interpreted = Counter()
        self.guest = emulator.guest(work, PREPARED / "workloads.cpio", AGENT, append="quiet",
                                    **how)
        self.guest.__enter__()

    def ready(self):
        self.guest.expect("ready")

    def run(self, command, timeout):
        self.guest.deadline = time.monotonic() + timeout
        pid = self.guest.process.pid
        before, start = family_time(pid), time.perf_counter()
        try:
            self.guest.say(command)
            output, status = self.guest.expect(r"((?s:.*))^ended with (\d+)")
            elapsed = time.perf_counter() - start
        except (Failure, BrokenPipeError) as failure:
            raise Stopped(failure) from None
        cost = family_time(pid) - before
        if status != "0":
            raise Failure(f"status {status}: {output[-200:]!r}")
        return Run(cost, elapsed, output)

    def newly_interpreted(self):
        """How often which instructions were interpreted since the last time, where the emulator
        tells."""
        counts = Counter()
        for name, times in re.findall(r"^ +(\S.*): times=(\d+)\r?$",
                                      self.guest.monitor("info jit"), re.M):
            counts[name] += int(times)
        new = counts - self.interpreted
        self.interpreted = counts
        return new

    def close(self):
        self.guest.__exit__(None, None, None)


def children_time():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Native:
    """The same binaries in the same tree, on this machine's processor, of which they use what the
    guests' has."""

    name = "native"
    # A /dev and a /proc, seen by the program alone.
    SHELL = ("mount --rbind /dev {root}/dev && mount --rbind /proc {root}/proc && "
             "exec chroot {root} /bin/sh -c \"$1\"")

    def __init__(self):
        self.command = ["unshare", "--mount"] + ["--map-root-user"] * (os.geteuid() != 0)
        self.command += ["sh", "-c", self.SHELL.format(root=PREPARED / "root"), "sh"]
        # What it costs to get into the tree is no part of a workload.
        try:
            self.overhead = min(self._run(":", 10).cost for _ in range(5))
        except Failure as failure:
            progress(f"cannot run the programs natively, in a namespace of their own: {failure}; "
                     "--no-native leaves that out")
            sys.exit(SKIPPED)

    def _run(self, command, timeout):
        before, start = children_time(), time.perf_counter()
        try:
            result = subprocess.run(
                [*self.command, command], stdin=subprocess.DEVNULL, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout,
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/", **GUESTS_FEATURES})
        except subprocess.TimeoutExpired:
            raise Failure("not done in time") from None
        elapsed = time.perf_counter() - start
        if result.returncode:
            raise Failure(f"status {result.returncode}: {result.stdout[-200:]!r}")
        return Run(children_time() - before, elapsed, result.stdout)

    def run(self, command, timeout):
        run = self._run(command, timeout)
        return Run(max(run.cost - self.overhead, 1e-6), run.elapsed, run.output)

# SPDX-License-Identifier: MIT
"""What both benchmarks measure with."""

import subprocess
import sys
import time

QEMU = "qemu-system-x86_64"
SKIPPED = 77  # the status by which CTest knows that this host cannot do it


def progress(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def need(command):
    if subprocess.run(command).returncode:
        sys.exit(f"bench: {command[0].name} failed")


def cpu_time(pid):
    """User and system seconds of a process, threads that ended included."""
    # The kernel's encoding of "the CPU clock of that process".
    return time.clock_gettime((~pid << 3) | 2)


def ratio(one, other):
    return one / other if one and other else None


def number(value, digits=2, suffix=""):
    return "-" if value is None else f"{value:.{digits}f}{suffix}"

# SPDX-License-Identifier: MIT
"""What both benchmarks measure with."""

import os
import subprocess
import sys
import time
from pathlib import Path

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


# [proc_pid_stat(5)], from the state on.
_PARENT, _WAITED_FOR = 1, slice(13, 15)


def _stat(process):
    """What follows a process's name; zeros for one that is gone."""
    try:
        return [int(field) if field.lstrip("-").isdigit() else 0
                for field in (process / "stat").read_text().rpartition(")")[2].split()]
    except OSError:
        return [0] * 50


def _cpu_time_if_there(pid):
    """0 of one that ended meanwhile: the time is its parent's, who waited for it."""
    try:
        return cpu_time(pid)
    except OSError:
        return 0


def family_time(pid):
    """The same of a process and of all that it started, those included that it waited for.

    Of these the kernel tells hundredths of a second.
    """
    family, waited_for = {pid}, 0
    # Who began later is no one's parent here; but numbers begin anew, so rather look twice.
    for _ in range(2):
        for process in Path("/proc").glob("[0-9]*"):
            if _stat(process)[_PARENT] in family:
                family.add(int(process.name))
    for member in family:
        waited_for += sum(_stat(Path(f"/proc/{member}"))[_WAITED_FOR])
    return waited_for / os.sysconf("SC_CLK_TCK") + sum(map(_cpu_time_if_there, family))


def ratio(one, other):
    return one / other if one and other else None


def number(value, digits=2, suffix=""):
    return "-" if value is None else f"{value:.{digits}f}{suffix}"

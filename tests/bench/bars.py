# SPDX-License-Identifier: MIT
"""What Backplane is to reach: a bar that it must not miss, and a goal beyond."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Bar:
    """CPU time in relation to native's, at most; or seconds of it."""

    bar: float
    goal: float


# Geometric means of the groups, by whether programs may be run natively; of what is long, each
# program for itself.
USER_TIME = {
    "native": {
        "integer": Bar(1.45, 1.2),
        "interpreter": Bar(1.35, 1.2),
        "vector": Bar(1.3, 1.1),
        "x87": Bar(1.4, 1.1),
        "kernel": Bar(3.0, 2.0),
        "long": Bar(1.05, 1.02),
    },
    "translated": {
        "integer": Bar(2.4, 2.0),
        "interpreter": Bar(3.4, 2.6),
        "vector": Bar(1.8, 1.4),
        "kernel": Bar(3.0, 2.0),
    },
}
BOOT_S = Bar(0.9, 0.6)
# Two vCPUs are at least so many times as fast as one, where two processors are free.
SCALING = 1.8
# At least so many times QEMU's speed in the mean of a group, and in no workload below it.
TIMES_QEMU = {"integer": 2, "interpreter": 2, "vector": 8, "x87": 8, "kernel": 1}
START_MS = 15
# CPU time of a guest that does nothing, and of one that is stopped: milliseconds in a second, at
# most.
QUIET_MS = {"idle": 5, "stopped": 1}
IDLE_ACCELERATORS = ("tcg", "kvm")
# With the native tier each takes at most so much of the CPU time without it.
NATIVE_MOST = 1.03

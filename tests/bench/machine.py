# SPDX-License-Identifier: MIT
"""What a machine costs that runs no program: its start, its boot, its memory, and while idle."""

import re
import socket
import subprocess
import time
from pathlib import Path

from bars import IDLE_ACCELERATORS
from guest import Failure
from measuring import family_time, progress
from runners import PREPARED

QUIET = "echo up; read end </dev/ttyS1"
SETTLE_S, WATCH_S = 3, 10


def memory_of(pid):
    """Resident MiB now (shared pages by share), and at the peak."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    status = Path(f"/proc/{pid}/status").read_text()
    return (int(re.search(r"^Pss:\s+(\d+)", rollup, re.M)[1]) / 1024,
            int(re.search(r"^VmHWM:\s+(\d+)", status, re.M)[1]) / 1024)


def measure_boot(emulator, work):
    with emulator.guest(work, PREPARED / "boot.cpio", QUIET) as guest:
        guest.expect("up")
        cpu = family_time(guest.process.pid)
        time.sleep(1)
        resident, peak = memory_of(guest.process.pid)
        guest.say("end")
        guest.wait()
    return {"boot CPU s": cpu, "resident MiB": resident, "peak MiB": peak}


def measure_start(emulator, work):
    """From the start of the process to a machine that could run: the monitor answers."""
    command = emulator.guest(work, PREPARED / "boot.cpio", "").command
    ours, theirs = socket.socketpair()
    command[command.index("-monitor") + 1] = "stdio"
    at = len(command) - 1 - command[::-1].index("-serial")
    command[at + 1] = "null"
    before = time.perf_counter()
    process = subprocess.Popen([*command, "-S"], stdin=theirs, stdout=theirs)
    theirs.close()
    seen = b""
    ours.settimeout(20)
    try:
        while not re.search(rb"\(\w+\) ", seen):
            data = ours.recv(4096)
            if not data:
                break
            seen += data
        elapsed = time.perf_counter() - before
        ready = bool(seen) and process.poll() is None
    except TimeoutError:
        ready = False
    finally:
        process.kill()
        process.wait()
        ours.close()
    if not ready:
        raise Failure("the monitor did not answer")
    return {"start ms": elapsed * 1000}


def spent(pid):
    """Milliseconds of CPU time in a second."""
    before = family_time(pid)
    time.sleep(WATCH_S)
    return (family_time(pid) - before) / WATCH_S * 1000


def measure_idle(emulator, work, accel):
    """What a guest costs that does nothing, and one that is stopped."""
    with_options = emulator.accel if accel == "tcg" else accel
    with emulator.guest(work, PREPARED / "boot.cpio", QUIET, accel=with_options) as guest:
        guest.expect("up")
        time.sleep(SETTLE_S)
        idle = spent(guest.process.pid)
        guest.monitor("stop")
        stopped = spent(guest.process.pid)
    return {f"idle ms/s, {accel}": idle, f"stopped ms/s, {accel}": stopped}


def run_idle(emulators, work, results):
    for emulator in emulators:
        for accel in IDLE_ACCELERATORS:
            progress(f"idle and stopped: {emulator.name}, {accel}")
            try:
                for what, cost in measure_idle(emulator, work, accel).items():
                    results.costs.setdefault(what, {})[emulator.name] = [cost]
            except (Failure, OSError) as failure:
                # Not every host's KVM runs the stock kernel.
                if accel == "tcg":
                    results.fail("idle", emulator.name, failure)
                else:
                    progress(f"no {accel} for {emulator.name} here: {failure}")


def run_machine(emulators, options, work, results):
    for repetition in range(options.repeat):
        progress(f"repetition {repetition + 1} of {options.repeat}: start and boot")
        for emulator in emulators if repetition % 2 == 0 else emulators[::-1]:
            for measure, times in ((measure_boot, 1), (measure_start, 5)):
                for _ in range(times):
                    try:
                        for what, cost in measure(emulator, work).items():
                            results.costs.setdefault(what, {}).setdefault(
                                emulator.name, []).append(cost)
                    except (Failure, OSError) as failure:
                        results.fail(measure.__name__, emulator.name, failure)

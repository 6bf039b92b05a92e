# SPDX-License-Identifier: MIT
"""Runs one guest and compares what it prints on its serial port, and its end.

The guest ends itself through isa-debug-exit. What it prints does not depend on
the accelerator, nor on how fast anything is.
"""

import argparse
import difflib
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common_cpu import common_cpu

# A guest writes 16 when it has run to its end; the program then ends with 2 * 16 + 1.
PASSED = 33
SECONDS = 30
# Of a guest that is to be saved, in seconds; most end in less.
LONGEST_RUN = 0.02
SKIPPED = 77


def make_disk(path, sectors):
    """Each sector is full of its number."""
    path.write_bytes(b"".join(bytes([sector & 0xff]) * 512 for sector in range(sectors)))


def host_vendor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("vendor_id"):
            return line.partition(":")[2].strip()
    return "unknown"


def skip_unless_usable(probe):
    """Ends the test if the accelerator cannot work on this host."""
    result = subprocess.run([probe], stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS)
    if result.returncode == 0:
        print("judged with the host's processor, of vendor", host_vendor())
        return
    print(result.stdout.decode(errors="replace"), end="")
    if os.environ.get("BACKPLANE_REQUIRE_ACCELERATORS"):
        sys.exit("BACKPLANE_REQUIRE_ACCELERATORS is set: this is a failure")
    sys.exit(SKIPPED)


def run(command, status, says):
    """What the guest printed, and what is wrong with its end."""
    try:
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                                timeout=SECONDS)
    except subprocess.TimeoutExpired as expired:
        return expired.stdout or b"", f"the guest did not end within {SECONDS} s"
    problem = None
    said = result.stderr.decode(errors="replace")
    if result.returncode != status:
        problem = f"the emulator ended with status {result.returncode}, not {status}"
    if said.count("\n") != (1 if says else 0) or says not in said:
        problem = f"{problem or 'the emulator said'}:\n{said}"
    return result.stdout, problem


class Leg:
    """One of the processes that a guest is in, in turn. It is told what to do on standard input."""

    def __init__(self, command, directory, number):
        self.output, self.errors = directory / f"serial{number}", directory / f"errors{number}"
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [*command, "-monitor", "stdio", "-serial", f"file:{self.output}"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)

    def tell(self, lines):
        self.process.stdin.write(lines.encode())
        self.process.stdin.flush()

    def wait_for_monitor(self):
        prompt, seen = b"(backplane)", b""
        while prompt not in seen and (more := self.process.stdout.read1()):
            seen += more

    def wait(self):
        self.monitor, _ = self.process.communicate(timeout=SECONDS)
        return self.process.returncode

    def said(self):
        return self.errors.read_text(errors="replace")

    def end(self):
        self.process.kill()
        self.process.wait()


def run_saved(command, accelerators, status, says, saves, directory):
    """The same of a guest that is saved again and again on its way, and goes on in another process,
    under the next of the accelerators. At which moments that is does not matter."""
    printed, state = b"", []
    for number in range(saves + 1):
        saved = directory / f"state{number}"
        accelerator = accelerators[number % len(accelerators)]
        leg = Leg([*command, "-accel", accelerator, "-S", *state], directory, number)
        try:
            ended = saved_at(leg, saved if number < saves else None)
        except subprocess.TimeoutExpired:
            return printed, f"the guest did not end within {SECONDS} s, saved {number} times"
        finally:
            leg.end()
        printed += leg.output.read_bytes()
        said = leg.said()
        reached_end = ended == status and (status != 0 or number == saves)
        if reached_end or ended != 0 or number == saves:
            problem = None if reached_end else f"the emulator ended with status {ended}"
            if said.count("\n") != (1 if says else 0) or says not in said:
                problem = f"{problem or 'the emulator said'}, saved {number} times:\n{said}"
            return printed, problem
        if said or not saved.exists():
            monitor = leg.monitor.decode(errors="replace")
            return printed, f"could not be saved after {number} times:\n{said}{monitor}"
        state = ["-loadstate", str(saved)]
    raise AssertionError("unreachable")


def saved_at(leg, path):
    """Lets the guest run, and saves it after a while if there is a path to save it to. What the
    emulator ended with."""
    lines = f"stop\nsavestate {path}\nquit\n" if path else ""
    try:
        leg.wait_for_monitor()
        leg.tell("cont\n")
        if path:
            time.sleep(random.uniform(0, LONGEST_RUN))
            leg.tell(lines)
    except BrokenPipeError:
        pass  # it has ended
    return leg.wait()


def wait_for_listener(path, process):
    """Until the process listens at a path of the file system, which is there a moment before."""
    listens = "00010000"
    deadline = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        for line in Path("/proc/net/unix").read_text().splitlines():
            fields = line.split()
            if fields[-1] == str(path) and fields[3] == listens:
                return
        time.sleep(0.01)
    sys.exit(f"nobody listens at {path}")


def run_migrated(command, accelerators, status, says, migrations, directory):
    """The same of a guest that goes from one process to the next while it runs, each time as soon
    as it has run a little."""
    printed = b""
    legs = [Leg([*command, "-accel", accelerators[0], "-S"], directory, 0)]
    try:
        legs[0].tell("cont\n")
        for number in range(1, migrations + 1):
            place = directory / f"socket{number}"
            here, accelerator = legs[-1], accelerators[number % len(accelerators)]
            there = Leg([*command, "-accel", accelerator, "-incoming", f"unix:{place}"], directory,
                        number)
            legs.append(there)
            wait_for_listener(place, there.process)
            try:
                here.tell(f"migrate unix:{place}\nquit\n")
                ended = here.wait()
            except BrokenPipeError:
                ended = here.wait()
            printed += here.output.read_bytes()
            if ended == status:
                return printed, end_of(here, says, number - 1)
            if ended != 0 or b"migrate: " in here.monitor:
                return printed, (f"leg {number - 1} ended with {ended}, having said\n{here.said()}"
                                 f"{here.monitor.decode(errors='replace')}")
        last = legs[-1]
        ended = last.wait()
        printed += last.output.read_bytes()
        if ended != status:
            return printed, f"the emulator ended with {ended}:\n{last.said()}"
        return printed, end_of(last, says, migrations)
    except subprocess.TimeoutExpired:
        return printed, f"the guest did not end within {SECONDS} s, migrated {len(legs) - 2} times"
    finally:
        for leg in legs:
            leg.end()


def end_of(leg, says, migrations):
    said = leg.said()
    if said.count("\n") == (1 if says else 0) and says in said:
        return None
    return f"the emulator said, migrated {migrations} times:\n{said}"


def main():
    parser = argparse.ArgumentParser(description="Runs a guest and compares what it prints.")
    parser.add_argument("--emulator", required=True)
    parser.add_argument("--image", type=Path, required=True)
    parser.add_argument("--expected", type=Path, required=True)
    parser.add_argument("--disk", type=int, metavar="SECTORS", help="give it a virtio disk")
    parser.add_argument("--resets", action="store_true", help="a reset does not end it")
    parser.add_argument("--status", type=int, default=PASSED, help="what it ends with instead")
    parser.add_argument("--says", default="", help="what the one line on standard error contains")
    parser.add_argument("--saves", type=int, default=0,
                        help="how often it is saved and goes on in another process")
    parser.add_argument("--migrates", type=int, default=0,
                        help="how often it goes to another process while it runs")
    parser.add_argument("--accel", action="append", required=True,
                        help="what runs it; of several, each the machine that the last one saved")
    parser.add_argument("--probe", help="what tells whether this host has the accelerator")
    parser.add_argument("options", nargs="*", help="more options for the emulator")
    arguments = parser.parse_args()
    if arguments.probe:
        skip_unless_usable(arguments.probe)
    command = [arguments.emulator, "-M", "pc", "-m", "32", "-nodefaults", "-display", "none",
               "-device", "isa-debug-exit",
               "-kernel", str(arguments.image), *arguments.options]
    if len(arguments.accel) > 1:
        command += ["-cpu", common_cpu(arguments.emulator, *arguments.accel)]
    if not arguments.resets:
        command.append("-no-reboot")
    with tempfile.TemporaryDirectory(prefix="backplane-guest-") as directory:
        if arguments.disk:
            disk = Path(directory) / "disk"
            make_disk(disk, arguments.disk)
            command += ["-drive", f"file={disk},format=raw,if=none,id=disk,serial=sectors",
                        "-device", "virtio-blk-pci,drive=disk"]
        if arguments.saves:
            printed, problem = run_saved(command, arguments.accel, arguments.status,
                                         arguments.says, arguments.saves, Path(directory))
        elif arguments.migrates:
            printed, problem = run_migrated(command, arguments.accel, arguments.status,
                                            arguments.says, arguments.migrates, Path(directory))
        else:
            printed, problem = run([*command, "-accel", arguments.accel[0], "-serial", "stdio"],
                                   arguments.status, arguments.says)
    expected = arguments.expected.read_text().splitlines()
    lines = printed.decode(errors="replace").splitlines()
    if lines == expected and not problem:
        return
    print("command:", " ".join(command))
    if problem:
        print(problem)
    for line in difflib.unified_diff(expected, lines, "expected", "printed", lineterm=""):
        print(line)
    sys.exit(1)


if __name__ == "__main__":
    main()

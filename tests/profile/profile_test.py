# SPDX-License-Identifier: MIT
"""Profiles a busy guest with perf, which has to name the guest's functions."""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SECONDS = 60
RUN = 1.0


def check(holds, what):
    if not holds:
        sys.exit(what)


def run(*words, cwd=None):
    return subprocess.run(words, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=SECONDS, check=False)


def emulator(given, directory, accelerator, *options):
    symbols = directory / "symbols"
    symbols.write_text(run(given.nm, given.elf).stdout)
    return [given.emulator, "-accel", f"{accelerator},symbols={symbols}", "-nodefaults", "-display",
            "none", "-serial", f"file:{directory / 'serial'}", "-pidfile", str(directory / "pid"),
            "-kernel", given.image, *options]


def wait_until_busy(directory, process):
    deadline = time.monotonic() + SECONDS
    serial = directory / "serial"
    while not (serial.exists() and "busy" in serial.read_text()):
        check(process.poll() is None, "the emulator ended")
        check(time.monotonic() < deadline, "the guest does not begin")
        time.sleep(0.02)


def profile(given, directory, accelerator):
    """What perf recorded of a second of the busy guest, and the emulator's process number."""
    able = run(given.perf, "record", "-e", "cpu-clock", "-o", str(directory / "try"), "true")
    if able.returncode != 0:
        print(f"perf cannot record here: {able.stderr.strip().splitlines()[-1:]}")
        sys.exit(77)
    data = directory / "perf.data"
    process = subprocess.Popen(
        [given.perf, "record", "-q", "-k", "mono", "-e", "cpu-clock", "-o", str(data), "--",
         *emulator(given, directory, accelerator)],
        cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        wait_until_busy(directory, process)
        number = int((directory / "pid").read_text())
        time.sleep(RUN)
        # perf ends what it has started.
        process.terminate()
        process.communicate(timeout=SECONDS)
    finally:
        process.kill()
    return data, number


def names(given, data):
    script = run(given.perf, "script", "-i", str(data), "-F", "ip,sym")
    check(script.returncode == 0, script.stderr)
    return [line.split(maxsplit=1)[1] for line in script.stdout.splitlines() if " " in line.strip()]


def expect_guest(found):
    ours = [name for name in found if name.startswith("pass")]
    check(len(ours) > len(found) / 3, f"{len(ours)} of {len(found)} samples are in the guest's loop")


def perf_map(given, directory):
    data, number = profile(given, directory, "tcg,native=off,perf-map=on")
    map_file = Path(f"/tmp/perf-{number}.map")
    try:
        expect_guest(names(given, data))
        check("backplane_stubs" in map_file.read_text(), "stubs have no name")
    finally:
        map_file.unlink(missing_ok=True)


def jit_dump(given, directory):
    data, _ = profile(given, directory, "tcg,native=off,jit-dump=on")
    injected = directory / "injected.data"
    result = run(given.perf, "inject", "--jit", "-i", str(data), "-o", str(injected), cwd=directory)
    check(result.returncode == 0, result.stderr)
    expect_guest(names(given, injected))


def refusals(given, directory):
    def refused(*options):
        result = run(given.emulator, *options, "-display", "none", cwd=directory)
        check(result.returncode == 1, f"{options}: status {result.returncode}")
        return result.stderr

    check("only -accel tcg makes code" in refused("-accel", "kvm", "-perfmap"), "-perfmap with kvm")
    check("cannot be read" in refused("-accel", "tcg,perf-map=on,symbols=nosuch"), "no such file")
    (directory / "empty").write_text("nonsense\n0123\n\n")
    check("has no line" in refused("-accel", "tcg,jit-dump=on,symbols=empty"), "no symbols")


def main():
    parser = argparse.ArgumentParser()
    for name in ("emulator", "perf", "nm", "image", "elf"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("case")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        globals()[given.case](given, Path(directory))


main()

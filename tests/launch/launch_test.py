# SPDX-License-Identifier: MIT
"""Runs the program with each row of a table and compares what it says.

A table is a TOML file of [[row]]s:

  given    the options
  status   the exit status (default: 1, or 0 with runs or prints)
  says     the lines on standard error, all of them and in order, without the program's name in
           front ("|": the line has none); "..." stands for any text within a line. Default: none
  prints   lines of standard output, in order, others between them allowed; "..." likewise
  runs     the machine comes up on this accelerator: the monitor is asked, then told to quit
  asks     with runs: further lines for the monitor
  program  the program's name (default: backplane)
  fake     FAKE_KVM of tests/launch/modules/fake_kvm.cpp; with it, that module is on the path
  script   WHPX_SCRIPT of modules/accel-whpx/testing/scripted-platform
  broken   BROKEN of tests/launch/modules/broken.cpp; likewise
  only     the modules that are installed, instead of all but accel-kvm
  damaged  modules whose file is cut in half
  base     what stands before given, instead of BASE below
  files    files made before, as name = contents; %d in given is their directory
  pipes    named pipes made there
  signal   sent once the last of these pipes was opened to be read, by which the program ends

Rows share one directory, whose name is %d everywhere; that of the scripted platform library is %p.
"""

import argparse
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import tomllib
from pathlib import Path

# What a row's machine has in common: no CPU, nothing on the terminal.
BASE = "-M none -S -nodefaults -display none"
ASK = "info accel"
KEYS = {"given", "status", "says", "prints", "runs", "program", "fake", "script", "broken", "only", "damaged",
        "files", "pipes", "signal", "base", "asks"}


def pattern(line):
    return ".*".join(re.escape(part) for part in line.split("..."))


class Installation:
    """A program with its library and modules, as installed, of which some may be missing."""

    def __init__(self, program, modules, directory):
        self.program, self.modules, self.directory = program, modules, directory

    def tree(self, only, damaged):
        root = Path(tempfile.mkdtemp(dir=self.directory))
        (root / "bin").mkdir()
        installed = root / self.modules.parent.name / "backplane"
        installed.mkdir(parents=True)
        shutil.copy(self.program, root / "bin")
        for library in self.program.parent.glob("*.dll"):
            shutil.copy(library, root / "bin")
        for library in self.modules.parent.glob("libbackplane.so*"):
            shutil.copy(library, installed.parent, follow_symlinks=False)
        for module in self.modules.iterdir():
            # KVM's is left out, so that what is said does not depend on the host.
            wanted = module.stem in only if only else module.stem != "accel-kvm"
            if wanted or module.name == "known-modules":
                shutil.copy(module, installed)
        for name in damaged:
            file = next(installed.glob(f"{name}.*"))
            file.write_bytes(file.read_bytes()[:file.stat().st_size // 2])
        return root / "bin" / self.program.name


class Runner:
    def __init__(self, options, directory):
        self.options, self.directory = options, directory
        self.installation = Installation(options.program, options.modules, directory)
        self.whole = self.installation.tree(None, [])

    def program(self, row):
        program = self.whole
        if "only" in row or "damaged" in row:
            program = self.installation.tree(row.get("only"), row.get("damaged", []))
        if "program" in row:
            # Another name beside the program, so that it finds the same installation.
            link = Path(tempfile.mkdtemp(dir=self.directory)) / row["program"]
            link.symlink_to(program)
            program = link
        return program

    def run(self, row):
        """What is wrong with this row, a list of lines."""
        unknown = set(row) - KEYS
        if unknown:
            return [f"the row has unknown keys: {unknown}"]
        for name, contents in row.get("files", {}).items():
            (self.directory / name).write_text(contents)
        for name in row.get("pipes", []):
            (self.directory / name).unlink(missing_ok=True)
            os.mkfifo(self.directory / name)
        given = self.with_names(row["given"])
        words = shlex.split(row.get("base", BASE)) + shlex.split(given)
        for key, module in (("fake", "fake-kvm"), ("broken", "broken")):
            if key in row:
                words += ["-module-path", str(self.options.test_modules / module)]
        if "runs" in row:
            words += ["-monitor", "stdio"]
        environment = dict(os.environ, FAKE_KVM=row.get("fake", ""),
                           BROKEN=row.get("broken", ""), WHPX_SCRIPT=row.get("script", ""),
                           LC_ALL="C")
        environment.pop("BACKPLANE_MODULE_PATH", None)
        program = self.program(row)
        command = [*self.options.runner, program, *words]
        try:
            if "signal" in row:
                result = self.run_until_signal(row, command, environment)
            else:
                result = subprocess.run(command, input=self.input_of(row), capture_output=True, text=True,
                                        timeout=30, env=environment)
        except subprocess.TimeoutExpired as expired:
            return [f"did not end; it said {expired.stderr!r}"]
        return [*self.check_status(row, result), *self.check_stderr(row, result, program.name),
                *self.check_stdout(row, result)]

    @staticmethod
    def input_of(row):
        return "".join(f"{line}\n" for line in [ASK, *row.get("asks", []), "quit"])

    def run_until_signal(self, row, command, environment):
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env=environment)
        # Opening it waits for the reader, so there has to be one if the program ends before.
        pipe = self.directory / row["pipes"][-1]
        threading.Thread(target=lambda: (process.wait(), os.open(pipe, os.O_RDWR)),
                         daemon=True).start()
        writer = os.open(pipe, os.O_WRONLY)
        process.send_signal(signal.Signals[row["signal"]])
        try:
            output, said = process.communicate(timeout=30)
        finally:
            process.kill()
            os.close(writer)
        return subprocess.CompletedProcess(command, process.returncode, output, said)

    def with_names(self, text):
        return text.replace("%d", str(self.directory)).replace("%p", str(self.options.platform))

    def check_status(self, row, result):
        status = row.get("status", 0 if "runs" in row or "prints" in row else 1)
        if "signal" in row:
            status = -signal.Signals[row["signal"]]
        if result.returncode != status:
            yield f"status {result.returncode}, not {status}"

    def check_stderr(self, row, result, name):
        expected = [line[1:] if line.startswith("|") else f"{name}: {line}"
                    for line in row.get("says", [])]
        wanted = "".join(pattern(self.with_names(line)) + "\n"
                         for line in expected)
        if not re.fullmatch(wanted, result.stderr):
            yield "said:"
            yield from ("  " + line for line in result.stderr.splitlines())
            yield "instead of:"
            yield from (f"  {line}" for line in expected)

    def check_stdout(self, row, result):
        wanted = list(row.get("prints", []))
        if "runs" in row:
            wanted.insert(0, f"accelerator: {row['runs']}...")
        lines = iter(result.stdout.splitlines())
        for line in wanted:
            if not any(re.fullmatch(pattern(line), seen.strip("\r")) for seen in lines):
                yield f"did not print (in this order) {line!r}, but:"
                yield from ("  " + seen for seen in result.stdout.splitlines())
                return


def main():
    parser = argparse.ArgumentParser(description="Tests the launch rules of one table.")
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--modules", type=Path, required=True, help="its modules' directory")
    parser.add_argument("--test-modules", type=Path)
    parser.add_argument("--platform", type=Path,
                        help="the scripted platform library of accelerator whpx")
    parser.add_argument("--runner", nargs="*", default=[], help="what runs the program")
    parser.add_argument("--only", help="only rows whose options contain this")
    parser.add_argument("table", type=Path)
    options = parser.parse_args()
    rows = tomllib.loads(options.table.read_text())["row"]
    failed = 0
    with tempfile.TemporaryDirectory(prefix="backplane-launch-") as directory:
        runner = Runner(options, Path(directory))
        for row in rows:
            if options.only and options.only not in row["given"]:
                continue
            problems = runner.run(row)
            if problems:
                failed += 1
                print(f"{row['given']!r}:", *problems, sep="\n  ")
    if failed:
        sys.exit(f"{failed} of {len(rows)} rows failed")


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: MIT
"""Every option of -help, given nonsense: one line that begins with the option as it was given.

What an option takes after all is no failure; then the last thing that is asked for, a state that is
not there, fails.
"""

import argparse
import concurrent.futures
import re
import subprocess
import sys
import tempfile

VALUES = ["", "nosuch", "=x", "a,,b=c", "x,y,z=1", "no\nsuch", "18446744073709551616", "help,"]
BASE = ["-M", "none", "-accel", "tcg", "-S", "-nodefaults", "-display", "none"]
# What is not there, of which every machine that gets so far says so.
LAST = ["-loadstate", "/nonexistent/state"]
# These say, by rule, what is installed in a line of its own.
TWO_LINES = {"accel"}


def options_of(help_text):
    """Names, and whether they take an argument."""
    for line in help_text.splitlines():
        if row := re.fullmatch(r"  -(\S+?)(,? .*)?", line):
            names = [row[1], *re.findall(r", -(\S+)$", line)]
            argument = re.sub(r", -\S+$", "", row[2] or "").strip()
            yield from ((name, bool(argument)) for name in names)


def shown(text):
    return text.replace("\n", "\\n")


def problem(program, directory, name, given):
    ran = subprocess.run([program, *BASE, *given, *LAST], stdin=subprocess.DEVNULL, cwd=directory,
                         capture_output=True, text=True, timeout=30)
    if ran.returncode == 0 and ran.stdout and not ran.stderr:
        return None  # help, or the like
    lines = [line for line in ran.stderr.splitlines() if " warning: " not in line]
    begins = [f"backplane: {shown(' '.join(words))}" for words in (given, LAST)]
    if (ran.returncode == 1 and lines and any(lines[0].startswith(begin) for begin in begins) and
            (len(lines) == 1 or name in TWO_LINES)):
        return None
    return f"{given}: status {ran.returncode}: {ran.stderr!r}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    program = parser.parse_args().program
    text = subprocess.run([program, "-help"], capture_output=True, text=True, check=True).stdout
    options = list(options_of(text))
    if len(options) < 50:
        sys.exit(f"-help has only {options}")
    with tempfile.TemporaryDirectory() as directory, \
            concurrent.futures.ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(problem, program, directory, name, given)
                for name, takes_argument in options
                for given in ([[f"-{name}", value] for value in VALUES] if takes_argument
                              else [[f"-{name}=x"]])]
        problems = [found for run in runs if (found := run.result())]
    print(f"{len(runs)} command lines")
    if problems:
        sys.exit("\n".join(problems))


if __name__ == "__main__":
    main()

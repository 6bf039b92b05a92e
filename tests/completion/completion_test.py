# SPDX-License-Identifier: MIT
"""Types a beginning and Tab into a shell, and compares the words that the line then has.

bash and zsh run on a terminal, with the completion script alone; fish can be asked without one.
"""

import argparse
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SKIPPED = 77
PROMPT = "ready> "
END = "@end@"

# What is typed behind the program's name, and what it becomes: a blank at the end begins a new
# word.
CASES = [
    ("-loadst", "-loadstate "),
    ("-accel tc", "-accel tcg "),
    ("-M p", "-M pc "),
    ("-cpu ma", "-cpu max "),
    ("-device virtio-balloon-p", "-device virtio-balloon-pci "),
    ("-device virtio-balloon-pci,guest-st",
     "-device virtio-balloon-pci,guest-stats-polling-interval="),
    ("-device virtio-balloon-pci,deflate-on-oom=of",
     "-device virtio-balloon-pci,deflate-on-oom=off "),
    ("-netdev us", "-netdev user "),
    ("-kernel some-ker", "-kernel some-kernel "),
]

# Stands for the program: prints its words instead of launching.
STAND_IN = """#!/bin/sh
if [ "$1" = -complete ]; then exec '{program}' "$@"; fi
printf '<%s>\\n' "$*"
"""


def environment_of(directory):
    return {"PATH": f"{directory}/bin:/usr/bin:/bin", "HOME": str(directory), "TERM": "dumb",
            "LC_ALL": "C.UTF-8", "XDG_CONFIG_HOME": str(directory),
            "XDG_DATA_HOME": str(directory)}


class Interactive:
    """A shell on a terminal."""

    def __init__(self, command, setup, directory):
        self.said = ""
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.chdir(directory)
            os.execvpe(command[0], command, environment_of(directory))
        self.write(setup + "\r")
        self.read_until(re.escape(PROMPT))

    def read_until(self, wanted):
        """The match of what is printed, which is taken away up to there."""
        end = time.monotonic() + 20
        while not (match := re.search(wanted, self.said)):
            left = end - time.monotonic()
            assert left > 0, f"no '{wanted}' in:\n{self.said!r}"
            if select.select([self.terminal], [], [], left)[0]:
                self.said += os.read(self.terminal, 65536).decode(errors="replace")
        self.said = self.said[match.end():]
        return match

    def write(self, text):
        os.write(self.terminal, text.encode())

    def completed(self, typed):
        self.write(f"backplane {typed}\t{END}\r")
        words = self.read_until(f"<([^<>]*){END}>")[1]
        self.read_until(re.escape(PROMPT))
        return words

    def close(self):
        self.write("exit\r")
        os.waitpid(self.process, 0)
        os.close(self.terminal)


class Fish:
    def __init__(self, scripts, directory):
        self.scripts = scripts
        self.directory = directory

    def completed(self, typed):
        asked = (f"source {self.scripts}/backplane.fish; complete -C 'backplane {typed}'")
        found = subprocess.run(["fish", "--no-config", "-c", asked], cwd=self.directory,
                               env=environment_of(self.directory), capture_output=True, text=True,
                               timeout=30, check=True).stdout.splitlines()
        assert len(found) == 1, f"'{typed}' may become {found}"
        word = found[0].split("\t")[0]
        before = typed.rpartition(" ")[0]
        return f"{before} {word}".strip() + ("" if word.endswith("=") else " ")

    def close(self):
        pass


def start(name, scripts, directory):
    if name == "fish":
        return Fish(scripts, directory)
    # The prompt in the text of the set-up is not the one that is waited for.
    if name == "bash":
        return Interactive(["bash", "--norc", "--noprofile"],
                           f". {scripts}/backplane.bash; PS1=ready'> '", directory)
    return Interactive(["zsh", "-f"],
                       f"fpath=({scripts} $fpath); autoload -U compinit; compinit -D -u; "
                       "unsetopt prompt_cr prompt_sp; PS1=ready'> '", directory)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("shell")
    parser.add_argument("--scripts", required=True, type=Path)
    parser.add_argument("--program", required=True, type=Path)
    given = parser.parse_args()
    if not shutil.which(given.shell):
        print(f"{given.shell} is not installed")
        sys.exit(SKIPPED)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "bin").mkdir()
        program = directory / "bin/backplane"
        program.write_text(STAND_IN.format(program=given.program))
        program.chmod(0o755)
        (directory / "some-kernel").touch()
        shell = start(given.shell, given.scripts, directory)
        for typed, wanted in CASES:
            words = shell.completed(typed)
            assert words == wanted, f"'{typed}' and Tab is '{words}', not '{wanted}'"
        shell.close()


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: MIT
"""-chroot, -runas, -daemonize and -pidfile: what the program is like when its machine is ready."""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SKIPPED = 77
SOMEBODY = 12345
BASE = ["-M", "none", "-accel", "tcg", "-nodefaults", "-display", "none"]


def start(program, *options, **how):
    return subprocess.run([program, *BASE, *options], stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, timeout=30, **how)


def gives_up_its_rights(program, directory):
    root = directory / "root"
    root.mkdir()
    pid_file = directory / "pid"
    began = start(program, "-daemonize", "-pidfile", pid_file, "-chroot", root,
                  "-runas", f"{SOMEBODY}:{SOMEBODY}")
    assert (began.returncode, began.stderr) == (0, ""), began
    pid = int(pid_file.read_text())
    try:
        process = Path(f"/proc/{pid}")
        assert os.readlink(process / "root") == str(root), os.readlink(process / "root")
        for thread in process.glob("task/*/status"):
            fields = dict(line.split(":\t", 1) for line in thread.read_text().splitlines()
                          if ":\t" in line)
            for who in "Uid", "Gid":
                assert set(fields[who].split()) == {str(SOMEBODY)}, fields
            assert not fields["Groups"].strip() and int(fields["CapEff"], 16) == 0, fields
    finally:
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 30
    while process.exists() and "\nState:\tZ" not in (process / "status").read_text():
        assert time.monotonic() < deadline, "it does not end"
        time.sleep(0.01)


def fails_without_rights(program, directory):
    for option in ("-chroot", directory), ("-runas", "0:0"):
        ended = start(program, *option, user=SOMEBODY, group=SOMEBODY, extra_groups=[])
        wanted = f"backplane: {option[0]} {option[1]}: cannot "
        assert ended.returncode == 1 and ended.stderr.startswith(wanted), ended
        assert ended.stderr.endswith("Operation not permitted; only root may do that\n"), ended


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=Path)
    program = parser.parse_args().program
    if os.geteuid() != 0:
        print("only root can give up rights")
        sys.exit(SKIPPED)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o755)
        gives_up_its_rights(program, directory)
        readable = subprocess.run(["test", "-x", program], user=SOMEBODY, group=SOMEBODY,
                                  extra_groups=[])
        if readable.returncode == 0:
            fails_without_rights(program, directory)


if __name__ == "__main__":
    main()

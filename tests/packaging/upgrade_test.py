# SPDX-License-Identifier: MIT
"""Replaces the installed files under a machine that runs, and then has it load more of them."""

import argparse
import json
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path


class Installation:
    """A program with its library and its modules, as a package installs them."""

    def __init__(self, program, modules, directory):
        self.program = directory / "bin" / program.name
        self.modules = directory / modules.parent.name / "backplane"
        self.program.parent.mkdir(parents=True)
        self.modules.mkdir(parents=True)
        shutil.copy(program, self.program)
        for library in modules.parent.glob("libbackplane.so*"):
            shutil.copy(library, self.modules.parent, follow_symlinks=False)
        for module in modules.iterdir():
            shutil.copy(module, self.modules)
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("BACKPLANE_")}

    def upgrade(self):
        """Each file by another one of the same name, as dpkg does it. What is new could not be
        loaded by the program that runs."""
        for file in [*self.modules.glob("*.so"), *self.modules.parent.glob("libbackplane.so.*.*")]:
            new = file.with_suffix(".dpkg-new")
            new.write_bytes(b"\x7fELF of another version")
            new.chmod(0o755)
            new.rename(file)

    def said(self, *options):
        done = subprocess.run([self.program, *options], capture_output=True, text=True,
                              env=self.environment, timeout=60, check=False)
        return done.stdout + done.stderr


class Machine:
    """A machine that stands still, spoken with by QMP."""

    def __init__(self, installation, directory):
        path = directory / "qmp"
        self.process = subprocess.Popen(
            [installation.program, "-M", "pc", "-accel", "tcg", "-S", "-nodefaults", "-display",
             "none", "-qmp", f"unix:{path},server=on"], env=installation.environment)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        while not path.exists():
            assert self.process.poll() is None, "the program ended"
        self._connect(path)
        self.lines = self.socket.makefile()
        self.lines.readline()
        self.execute("qmp_capabilities")

    def _connect(self, path):
        # Between bind() and listen() nobody answers yet.
        while True:
            try:
                return self.socket.connect(str(path))
            except ConnectionRefusedError:
                assert self.process.poll() is None, "the program ended"

    def execute(self, command, **arguments):
        self.socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
        while True:
            answer = json.loads(self.lines.readline())
            if "event" not in answer:
                return answer

    def end(self):
        self.execute("quit")
        assert self.process.wait(60) == 0


def check_loads_its_own_version(installation, directory):
    machine = Machine(installation, directory)
    installation.upgrade()
    # Of one module that is not loaded, and of one that builds on that.
    for device, more in [("virtio-rng-pci", {}), ("virtio-net-pci", {"netdev": "n"})]:
        if more:
            answer = machine.execute("netdev_add", type="user", id="n")
            assert "return" in answer, answer
        answer = machine.execute("device_add", driver=device, id=device, **more)
        assert "return" in answer, f"{device} is not there after an upgrade: {answer}"
    machine.end()


def check_tells_what_was_written_into(installation, directory):
    """A file that was not replaced, but overwritten, is what it was no more."""
    machine = Machine(installation, directory)
    with (installation.modules / "hw-virtio.so").open("r+b") as file:
        file.write(b"?")
    answer = machine.execute("device_add", driver="virtio-rng-pci", id="r")
    text = answer["error"]["desc"]
    assert "hw-virtio.so: was written to since this program started" in text, text
    assert "start it again" in text, text
    machine.end()


def check_takes_effect_at_once(installation, _directory):
    """For programs that are started after it."""
    module = installation.modules / "hw-virtio.so"
    options = ["-M", "none", "-S", "-device", "virtio-rng-pci"]
    aside = module.with_suffix(".aside")
    module.rename(aside)
    said = installation.said(*options)
    assert "package backplane-hw-virtio" in said, said
    aside.rename(module)
    said = installation.said("-device", "help")
    assert "virtio-rng-pci" in said, said


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True, type=Path)
    parser.add_argument("--modules", required=True, type=Path)
    given = parser.parse_args()
    for check in [check_takes_effect_at_once, check_loads_its_own_version,
                  check_tells_what_was_written_into]:
        with tempfile.TemporaryDirectory() as name:
            directory = Path(name)
            check(Installation(given.program, given.modules, directory / "tree"), directory)


if __name__ == "__main__":
    main()

"""Drives one guest: the stock kernel, the busybox initramfs, a script of shell commands.

The kernel's console (first serial port) goes to a file. The commands' output
and input are the second serial port, which is the emulator's standard output
and input; so what a test expects is never mixed with kernel messages.
"""

import os
import re
import select
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
MAKE_INITRAMFS = TOP / "host/linux/make-initramfs"
FETCH_KERNEL = TOP / "host/linux/fetch-kernel"
# What a guest that people start has not.
MORE_DRIVERS = ["virtio_console", "virtio_scsi", "sd_mod", "sr_mod", "virtio_input", "evdev"]


class Failure(Exception):
    """What a test says when the guest or the emulator did not do as expected."""


@dataclass
class Setup:
    """What every guest of a run has in common."""

    emulator: Path
    fetched: Path  # what fetch-kernel left
    initramfs: Path
    work: Path  # a directory of this test's own
    platform: Path | None = None  # the platform library of accelerator whpx
    disk: Path | None = None  # an image that boots
    bios_loader: Path | None = None  # a boot sector that loads Linux
    programs: Path | None = None  # those of user space (programs/suite.h)


class Guest:
    """A running guest; use it in a with statement, which ends it whatever happens."""

    def __init__(self, setup, commands, *options, accel="tcg", cpus=1, memory=512,
                 disk=None, rng=True, balloon=True, append="", timeout=60, files=(),
                 user=None):
        """files: of this machine, each of which the guest has in its root directory; user: the
        number of who runs the emulator, instead of root."""
        self.setup = setup
        self.user = user
        self.deadline = time.monotonic() + timeout
        self.console = setup.work / "console"
        self.monitor_path = setup.work / "monitor"
        self.received = b""  # of the commands' output, not yet expected
        self._monitor = None
        words = f"console=ttyS0 panic=-1 {append}".strip()
        self.command = [
            str(setup.emulator), "-M", "pc", "-accel", accel, "-m", str(memory),
            "-smp", str(cpus), "-nodefaults", "-display", "none", "-no-reboot",
            "-kernel", str(setup.fetched / "vmlinuz"),
            "-initrd", str(self._initramfs(commands, files)), "-append", words,
            "-serial", f"file:{self.console}", "-serial", "stdio",
            "-monitor", f"unix:{self.monitor_path},server=on,wait=off"]
        if balloon:
            self.command += ["-device", "virtio-balloon-pci"]
        if rng:
            self.command += ["-device", "virtio-rng-pci"]
        if disk:
            self.command += ["-drive", f"file={disk},format=raw,if=none,id=disk0",
                             "-device", "virtio-blk-pci,drive=disk0"]
        self.command += options

    def _initramfs(self, commands, files):
        script = self.setup.work / "commands"
        script.write_text(commands)
        appended = [f"{script}=commands", *(f"{file}={Path(file).name}" for file in files)]
        more = subprocess.run([MAKE_INITRAMFS, "--append", *appended],
                              check=True, stdout=subprocess.PIPE).stdout
        path = self.setup.work / "initramfs.cpio"
        path.write_bytes(self.setup.initramfs.read_bytes() + more)
        return path

    def __enter__(self):
        rights = {"user": self.user, "group": self.user, "extra_groups": []} if self.user else {}
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, **rights)
        return self

    def __exit__(self, kind, error, trace):
        if self._monitor:
            self._monitor.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        if error:
            print("command:", " ".join(self.command))
            print("commands printed, beyond what was expected:", self.received)
            print("end of the console:", *self.console_lines()[-25:], sep="\n  ")

    def console_lines(self):
        if not self.console.exists():
            return []
        return self.console.read_text(errors="replace").splitlines()

    def left(self, waiting_for):
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise Failure(f"no {waiting_for} in time")
        return left

    def _receive(self, waiting_for):
        """More of the commands' output; False at its end."""
        pipe = self.process.stdout.fileno()
        if not select.select([pipe], [], [], self.left(waiting_for))[0]:
            raise Failure(f"no {waiting_for} in time")
        data = os.read(pipe, 65536)
        self.received += data
        return bool(data)

    def expect(self, pattern):
        """Waits until the output has a line that matches all of pattern; returns the match."""
        line = re.compile(rb"^(?:" + pattern.encode() + rb")\r?\n", re.MULTILINE)
        while not (match := line.search(self.received)):
            if not self._receive(f"line '{pattern}'"):
                raise Failure(f"the guest ended without line '{pattern}'")
        self.received = self.received[match.end():]
        return [group.decode() for group in match.groups()]

    def say(self, line):
        """One line of input for the commands, which read it from /dev/ttyS1."""
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def monitor(self, command):
        """What the monitor answers to a command."""
        if not self._monitor:
            self._monitor = socket.socket(socket.AF_UNIX)
            self._monitor.connect(str(self.monitor_path))
            self._monitor_reply()
        self._monitor.sendall(command.encode() + b"\n")
        return self._monitor_reply()

    def send_to_monitor(self, command):
        """Does not wait for what it answers; it has answered before."""
        self._monitor.sendall(command.encode() + b"\n")

    def _monitor_reply(self):
        reply = b""
        while not re.search(rb"\(\w+\) $", reply):
            self._monitor.settimeout(self.left("prompt of the monitor"))
            data = self._monitor.recv(4096)
            if not data:
                raise Failure("the monitor hung up")
            reply += data
        return reply.decode(errors="replace")

    def wait(self):
        """The emulator's exit status, negative for a signal."""
        while self._receive("end of the emulator"):
            pass
        return self.process.wait(self.left("end of the emulator"))

    def kill(self, number):
        self.process.send_signal(number)

    def finish(self):
        """Waits for the end of the commands and a clean power-off; returns what they printed."""
        status = self.wait()
        if status != 0:
            raise Failure(f"the emulator ended with status {status}")
        ended = [line for line in self.console_lines() if line.startswith("commands ended")]
        if ended != ["commands ended with status 0"]:
            raise Failure(f"the commands failed: {ended}")
        return self.received.decode(errors="replace")


def prepare(fetched, initramfs):
    """Fetches kernel and busybox, makes the initramfs."""
    subprocess.run([FETCH_KERNEL, fetched], check=True)
    more = [word for driver in MORE_DRIVERS for word in ("--driver", driver)]
    subprocess.run([MAKE_INITRAMFS, *more, fetched, initramfs], check=True)



# SPDX-License-Identifier: MIT
"""libvirtd with directories of its own, as an ordinary user: qemu:///session."""

import os
import re
import shutil
import subprocess
import time

SECONDS = 30
NOBODY = 65534


class Failure(Exception):
    """What a test says when something is not as it should be."""


def check(condition, message):
    if not condition:
        raise Failure(message)


def reason_to_skip():
    """Why this machine cannot run it; None if it can."""
    for program in "libvirtd", "virsh", "setpriv":
        if not shutil.which(program, path="/usr/bin:/usr/sbin:/bin:/sbin"):
            return f"{program} is not installed"
    if os.geteuid() == 0:
        result = subprocess.run([*as_user(), "true"], capture_output=True, text=True)
        if result.returncode != 0:
            return f"root cannot become an ordinary user here: {result.stderr.strip()}"
    return None


def as_user():
    """What comes before a command, so that it runs as an ordinary user."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


def give(path):
    """Lets that user have a file or a directory."""
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)


class Daemon:
    def __init__(self, directory, number):
        self.directory = directory / f"daemon{number}"
        self.environment = {"LC_ALL": "C", "PATH": "/usr/bin:/usr/sbin:/bin:/sbin"}
        self.directory.mkdir()
        give(self.directory)
        for variable, name in [("HOME", "home"), ("XDG_CONFIG_HOME", "config"),
                               ("XDG_CACHE_HOME", "cache"), ("XDG_DATA_HOME", "data"),
                               ("XDG_STATE_HOME", "state"), ("XDG_RUNTIME_DIR", "run")]:
            path = self.directory / name
            path.mkdir(mode=0o700)
            give(path)
            self.environment[variable] = str(path)
        config = self.directory / "config" / "libvirt"
        config.mkdir()
        give(config)
        # No second daemon for the domains' logs.
        (config / "qemu.conf").write_text('stdio_handler = "file"\n')
        self.log = self.directory / "log"
        self.settings = self.directory / "libvirtd.conf"
        self.settings.write_text(
            f'host_uuid = "{number:08d}-1111-2222-3333-444444444444"\n'
            f'log_outputs = "3:file:{self.log}"\n')
        self.socket = self.directory / "run" / "libvirt" / "libvirt-sock"
        self.uri = f"qemu+unix:///session?socket={self.socket}"
        self.process = None
        self.start()

    def start(self):
        output = open(self.directory / "output", "w")
        self.process = subprocess.Popen(
            [*as_user(), "libvirtd", "--config", self.settings, "-p", self.directory / "pid"],
            env=self.environment, stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT, cwd="/")
        output.close()
        deadline = time.monotonic() + SECONDS
        while self.attempt("uri").returncode != 0:
            check(self.process.poll() is None,
                  "libvirtd ended: " + (self.directory / "output").read_text())
            check(time.monotonic() < deadline, "libvirtd does not answer")
            time.sleep(0.05)

    def stop(self):
        """Ends it; its domains go on."""
        self.process.terminate()
        self.process.wait(timeout=SECONDS)

    def attempt(self, *words):
        """What virsh does with a command."""
        return subprocess.run([*as_user(), "virsh", "-q", "-c", self.uri, *map(str, words)],
                              env=self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=2 * SECONDS, cwd="/")

    def virsh(self, *words):
        """What virsh says."""
        result = self.attempt(*words)
        check(result.returncode == 0, f"virsh {' '.join(map(str, words))}: {result.stderr.strip()}")
        return result.stdout.strip()

    def facts(self, *words):
        """The same of a command that ends each line with `name value` or `name=value`."""
        lines = [re.split(r"[=\s]+", line) for line in self.virsh(*words).splitlines()]
        return {line[-2].rstrip(":"): line[-1] for line in lines if len(line) > 1}

    def end(self):
        """Ends it and what it runs."""
        if self.process.poll() is None:
            for name in self.attempt("list", "--name").stdout.split():
                self.attempt("destroy", name)
            self.stop()

    def logs(self):
        """What there is to see when something has gone wrong."""
        for path in [self.log, *self.directory.glob("cache/libvirt/qemu/log/*.log")]:
            if path.exists():
                yield f"{path}:\n{path.read_text(errors='replace')[-6000:]}"

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Debian's libvirt drives the program: one case a run. The guest is the stock kernel, whose second
serial port takes commands and answers them."""

import argparse
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "boot"))

from guest import MAKE_INITRAMFS, FETCH_KERNEL  # noqa: E402

from daemon import SECONDS, Daemon, Failure, as_user, check, give, reason_to_skip  # noqa: E402

SKIPPED = 77
MIB = 1 << 20
CASES = {}

# Answers each line with what it prints and its status. The power button turns the machine off.
COMMANDS = r"""
stty -F /dev/ttyS1 raw -echo
button=$(grep -l "Power Button" /sys/class/input/event*/device/name)
(head -c 1 /dev/input/$(echo $button | cut -d/ -f5) >/dev/null && poweroff -f) &
echo ready
while read -r line; do eval "$line"; printf '\nstatus=%s\n' $?; done </dev/ttyS1
"""


def case(function):
    CASES[function.__name__] = function
    return function


def check_equal(what, found, expected):
    check(found == expected, f"{what}: found {found!r}, expected {expected!r}")


def wait_until(what, condition, seconds=SECONDS):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        check(time.monotonic() < deadline, f"in vain: {what}")
        time.sleep(0.1)
    return found


class Line:
    """The guest's second serial port, a pseudo-terminal."""

    def __init__(self, daemon):
        tree = ElementTree.fromstring(daemon.virsh("dumpxml", "guest"))
        path = tree.find("devices/serial[@type='pty']/source").get("path")
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        self.received = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)

    def expect(self, pattern, seconds=SECONDS):
        """Waits for a line that matches; what came before it, and the match."""
        line = re.compile(rb"(?:^|\n)(?:" + pattern.encode() + rb")\r?\n")
        deadline = time.monotonic() + seconds
        while not (match := line.search(self.received)):
            left = deadline - time.monotonic()
            check(left > 0 and select.select([self.fd], [], [], left)[0],
                  f"the guest does not say '{pattern}' but {self.received[-300:]!r}")
            self.received += os.read(self.fd, 4096)
        before = self.received[:match.start()]
        self.received = self.received[match.end():]
        return before.decode().replace("\r", "").strip(), match

    def ask(self, command):
        """What a command prints in the guest, which does well."""
        os.write(self.fd, command.encode() + b"\n")
        output, status = self.expect(r"status=(\d+)")
        check(status[1] == b"0", f"in the guest, {command}: status {status[1]}, {output!r}")
        return output

    def is_answered(self, command, answer):
        return wait_until(f"{command}: {answer!r}", lambda: self.ask(command) == answer)


class Test:
    def __init__(self, arguments, directory):
        self.emulator = arguments.emulator
        self.directory = directory
        self.initramfs = arguments.initramfs
        self.daemons = []
        (directory / "commands").write_text(COMMANDS)
        more = subprocess.run([MAKE_INITRAMFS, "--append", f"{directory}/commands=commands"],
                              check=True, stdout=subprocess.PIPE).stdout
        self.file("initramfs", arguments.initramfs.read_bytes() + more)
        self.file("vmlinuz", (arguments.fetched / "vmlinuz").read_bytes())
        self.raw = self.file("raw", bytes(16 * MIB))
        self.qcow2 = self.path("qcow2")
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", self.qcow2, "16M"], check=True)
        give(self.qcow2)

    def path(self, name):
        return self.directory / name

    def file(self, name, content):
        path = self.path(name)
        path.write_bytes(content)
        give(path)
        return path

    def daemon(self):
        self.daemons.append(Daemon(self.directory, len(self.daemons) + 1))
        return self.daemons[-1]

    def definition(self):
        return self.file("guest.xml", f"""
<domain type='qemu'>
  <name>guest</name>
  <uuid>12345678-1234-1234-1234-123456789abc</uuid>
  <memory unit='MiB'>256</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>{self.path("vmlinuz")}</kernel>
    <initrd>{self.path("initramfs")}</initrd>
    <cmdline>console=ttyS0 panic=-1 quiet</cmdline>
  </os>
  <features><acpi/></features>
  <clock offset='utc'><timer name='hpet' present='no'/></clock>
  <pm><suspend-to-mem enabled='no'/><suspend-to-disk enabled='no'/></pm>
  <devices>
    <emulator>{self.emulator}</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw' cache='none' discard='unmap'/>
      <source file='{self.raw}'/><target dev='vda' bus='virtio'/>
    </disk>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='{self.qcow2}'/><target dev='vdb' bus='virtio'/>
    </disk>
    <interface type='user'>
      <mac address='52:54:00:11:22:33'/><model type='virtio'/>
    </interface>
    <serial type='file'><source path='{self.path("console")}'/><target port='0'/></serial>
    <serial type='pty'><target port='1'/></serial>
    <memballoon model='virtio'><stats period='1'/></memballoon>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
    <controller type='usb' model='none'/>
    <video><model type='none'/></video>
  </devices>
</domain>
""".encode())

    def end(self, failed):
        for daemon in self.daemons:
            try:
                daemon.end()
            finally:
                if failed:
                    print(*daemon.logs(), sep="\n")
        if failed and self.path("console").exists():
            print("console:\n" + self.path("console").read_text(errors="replace")[-2000:])


def started(daemon):
    """Starts the guest; its line, once it is ready."""
    daemon.virsh("start", "guest")
    line = Line(daemon)
    line.expect("ready", 2 * SECONDS)
    return line


# --- What there is ------------------------------------------------------------------------------

@case
def probed(test):
    """What libvirt learns is what there is."""
    here = test.daemon()
    text = here.virsh("domcapabilities", "--emulatorbin", test.emulator, "--arch", "x86_64",
                      "--machine", "pc", "--virttype", "qemu")
    tree = ElementTree.fromstring(text)

    def values(path):
        return {value.text for value in tree.findall(path)}

    check_equal("machine", tree.findtext("machine"), "pc")
    check("virtio" in values("devices/disk/enum[@name='bus']/value"), f"no virtio disks: {text}")
    check_equal("sources of random numbers", values("devices/rng/enum[@name='backendModel']/value"),
                {"random", "builtin"})
    check_equal("graphics", values("devices/graphics/enum[@name='type']/value"), {"vnc"})
    here.virsh("define", test.definition())
    check_equal("state", here.virsh("domstate", "guest"), "shut off")
    # What there is not is refused, with a reason.
    xml = test.path("guest.xml").read_text().replace("model='none'/>", "model='qemu-xhci'/>", 1)
    result = here.attempt("create", test.file("other.xml", xml.encode()))
    check(result.returncode != 0 and "qemu-xhci" in result.stderr, f"said {result.stderr!r}")
    here.virsh("undefine", "guest")


# --- One machine's life -------------------------------------------------------------------------

def watched(here, line):
    """domstats, domblkstat, dommemstat agree with the guest."""
    before = here.facts("domblkstat", "guest", "vda")
    line.ask("dd if=/dev/vda of=/dev/null bs=1M count=4 iflag=direct 2>/dev/null")
    after = here.facts("domblkstat", "guest", "vda")
    check_equal("bytes read", int(after["rd_bytes"]) - int(before["rd_bytes"]), 4 * MIB)
    written = int(here.facts("domblkstat", "guest", "vdb")["wr_bytes"])
    line.ask("echo words | dd of=/dev/vdb bs=4096 conv=sync,fsync 2>/dev/null")
    check_equal("bytes written", int(here.facts("domblkstat", "guest", "vdb")["wr_bytes"]),
                written + 4096)
    statistics = here.facts("domstats", "guest")
    check_equal("state", statistics["state.state"], "1")
    check_equal("disks", statistics["block.count"], "2")
    check_equal("capacity", statistics["block.1.capacity"], str(16 * MIB))
    total = int(line.ask("sed -n 's/MemTotal: *//p' /proc/meminfo").split()[0])
    wait_until("the guest's statistics",
               lambda: here.facts("dommemstat", "guest").get("available") == str(total))
    check_equal("addresses of the disk", here.virsh("domblklist", "guest").split()[-4:],
                ["vda", str(here.directory.parent / "raw"), "vdb",
                 str(here.directory.parent / "qcow2")])


def resized(here, line):
    here.virsh("setmem", "guest", "192M", "--live")
    wait_until("a balloon of 64 MiB",
               lambda: here.facts("dommemstat", "guest")["actual"] == str(192 * 1024))
    here.virsh("setmem", "guest", "256M", "--live")
    wait_until("no balloon", lambda: here.facts("dommemstat", "guest")["actual"] == str(256 * 1024))


def unplugged(here, line):
    for state, carrier in ("down", "0"), ("up", "1"):
        here.virsh("domif-setlink", "guest", "52:54:00:11:22:33", state)
        line.is_answered("ip link set eth0 up; cat /sys/class/net/eth0/carrier; true", carrier)


def changed(test, here, line):
    """A disk and a network come and go; the disk becomes longer."""
    disk = test.file("hot", b"came later".ljust(MIB, b"\0"))
    here.virsh("attach-disk", "guest", disk, "vdc", "--subdriver", "raw", "--live")
    line.is_answered("head -c 10 /dev/vdc; true", "came later")
    here.virsh("blockresize", "guest", "vdc", "2M")
    line.is_answered("cat /sys/block/vdc/size; true", str(2 * MIB // 512))
    here.virsh("detach-disk", "guest", "vdc", "--live")
    line.is_answered("ls /sys/block | grep -c vdc; true", "0")
    card = test.file("card.xml", b"<interface type='user'><mac address='52:54:00:44:55:66'/>"
                                 b"<model type='virtio'/></interface>")
    here.virsh("attach-device", "guest", card, "--live")
    line.is_answered("cat /sys/class/net/eth1/address 2>/dev/null; true", "52:54:00:44:55:66")
    here.virsh("detach-device", "guest", card, "--live")
    line.is_answered("ls /sys/class/net | grep -c eth1; true", "0")
    wait_until("one card", lambda: here.virsh("domiflist", "guest").count("52:54") == 1)


@case
def lived(test):
    here = test.daemon()
    here.virsh("define", test.definition())
    with started(here) as line:
        check_equal("state", here.virsh("domstate", "guest", "--reason"), "running (booted)")
        here.virsh("suspend", "guest")
        check_equal("state", here.virsh("domstate", "guest", "--reason"), "paused (user)")
        os.write(line.fd, b"echo still here\n")
        check(not select.select([line.fd], [], [], 0.5)[0], "a suspended guest answers")
        here.virsh("resume", "guest")
        check_equal("answer", line.expect("status=0")[0], "still here")
        watched(here, line)
        resized(here, line)
        unplugged(here, line)
        changed(test, here, line)

        # Found again.
        here.stop()
        line.ask("true")
        here.start()
        check_equal("state", here.virsh("domstate", "guest"), "running")
        watched(here, line)

        here.virsh("reset", "guest")
        line.expect("ready", 2 * SECONDS)
        here.virsh("reboot", "guest")
        line.expect("ready", 2 * SECONDS)
        here.virsh("shutdown", "guest")
    wait_until("the end", lambda: here.virsh("domstate", "guest", "--reason") ==
               "shut off (shutdown)")


@case
def kept(test):
    """Saved and restored, by a file of the user's and as a managed save; destroyed."""
    here = test.daemon()
    here.virsh("define", test.definition())
    with started(here) as line:
        line.ask("kept=value")
        line.ask("echo words | dd of=/dev/vdb bs=4096 conv=sync,fsync 2>/dev/null")
    here.virsh("save", "guest", test.path("saved"))
    check_equal("state", here.virsh("domstate", "guest", "--reason"), "shut off (saved)")
    here.virsh("restore", test.path("saved"))
    with Line(here) as line:
        check_equal("after restore", line.ask("echo $kept; head -c 5 /dev/vdb"), "value\nwords")
    here.virsh("managedsave", "guest")
    check_equal("state", here.virsh("domstate", "guest"), "shut off")
    here.virsh("start", "guest")
    with Line(here) as line:
        check_equal("after start", line.ask("echo $kept"), "value")
    here.virsh("destroy", "guest")
    check_equal("state", here.virsh("domstate", "guest", "--reason"), "shut off (destroyed)")
    here.virsh("undefine", "guest")


# --- Two daemons --------------------------------------------------------------------------------

@case
def migrated(test):
    """Live, there and back, by TCP and a socket of the file system."""
    here, there = test.daemon(), test.daemon()
    here.virsh("create", test.definition())
    with Line(here) as line:
        line.expect("ready", 2 * SECONDS)
        line.ask("kept=value; echo words | dd of=/dev/vda bs=4096 conv=sync,fsync 2>/dev/null")
    for source, target, place in [(here, there, "tcp://127.0.0.1"),
                                  (there, here, f"unix://{test.path('socket')}")]:
        source.virsh("migrate", "--live", "--unsafe", "guest", target.uri, "--migrateuri", place,
                     *(["--disks-uri", place] if place.startswith("unix") else []))
        check_equal("domains left", source.virsh("list", "--all", "--name"), "")
        check_equal("state", target.virsh("domstate", "guest"), "running")
        with Line(target) as line:
            check_equal("there", line.ask("echo $kept; head -c 5 /dev/vda"), "value\nwords")

    # One that takes too long is ended: the guest stays.
    words = [*as_user(), "virsh", "-c", here.uri, "migrate", "--live", "--unsafe", "guest",
             there.uri, "--migrateuri", "tcp://127.0.0.1", "--bandwidth", "1"]
    with subprocess.Popen(words, env=here.environment, stdin=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True) as slow:
        wait_until("some of it is sent",
                   lambda: re.search("Data processed: +[1-9]", here.virsh("domjobinfo", "guest")))
        here.virsh("domjobabort", "guest")
        _, said = slow.communicate(timeout=SECONDS)
    check(slow.returncode != 0 and "canceled by client" in said, f"virsh said {said!r}")
    check_equal("domains there", there.virsh("list", "--all", "--name"), "")
    with Line(here) as line:
        check_equal("still here", line.ask("echo $kept"), "value")

    # Through the daemons' own connection, which goes one way: the guest stands still meanwhile.
    here.virsh("migrate", "--live", "--unsafe", "--p2p", "--tunnelled", "guest", there.uri)
    with Line(there) as line:
        check_equal("through the tunnel", line.ask("echo $kept"), "value")
    there.virsh("destroy", "guest")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--emulator", type=Path, required=True)
    parser.add_argument("--fetched", type=Path, required=True)
    parser.add_argument("--initramfs", type=Path, required=True)
    parser.add_argument("case", choices=[*CASES, "prepare"])
    arguments = parser.parse_args()
    if arguments.case == "prepare":
        subprocess.run([FETCH_KERNEL, arguments.fetched], check=True)
        subprocess.run([MAKE_INITRAMFS, "--driver", "button", "--driver", "evdev",
                        arguments.fetched, arguments.initramfs], check=True)
        return 0
    if reason := reason_to_skip():
        print("skipped:", reason)
        return SKIPPED
    readable = subprocess.run([*as_user(), arguments.emulator, "-version"], capture_output=True)
    if readable.returncode != 0:
        print(f"skipped: an ordinary user cannot run {arguments.emulator}")
        return SKIPPED
    directory = Path(tempfile.mkdtemp(prefix="libvirt"))
    directory.chmod(0o755)
    give(directory)
    test, failed = None, True
    try:
        test = Test(arguments, directory)
        CASES[arguments.case](test)
        failed = False
    except (Failure, subprocess.TimeoutExpired) as failure:
        print(f"FAILED: {failure}")
    finally:
        if test:
            test.end(failed)
        shutil.rmtree(directory)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

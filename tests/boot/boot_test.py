#!/usr/bin/env python3
"""Boots the stock kernel and checks it from inside and outside, one case a run."""

import argparse
import concurrent.futures
import contextlib
import ctypes
import dataclasses
import hashlib
import http.server
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
for tests in ("guests", "gdb"):
    sys.path.append(str(HERE.parent / tests))

from guest import TOP, Failure, Guest, Setup, prepare  # noqa: E402
from guest_test import skip_unless_usable, wait_for_listener  # noqa: E402

MIB = 1 << 20
CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


def check(condition, message):
    if not condition:
        raise Failure(message)


def check_equal(what, found, expected):
    check(found == expected, f"{what}: found {found!r}, expected {expected!r}")


def image(setup, content=b"", size=8 * MIB):
    path = setup.work / "disk.img"
    path.write_bytes(content.ljust(size, b"\0"))
    return path


def io_uring():
    """What makes a drive use io_uring; nothing, which is said, where this host has none."""
    setup_call = 425  # of every processor
    parameters = ctypes.create_string_buffer(120)
    descriptor = ctypes.CDLL(None, use_errno=True).syscall(setup_call, 1, parameters)
    if descriptor < 0:
        print(f"without io_uring: {os.strerror(ctypes.get_errno())}")
        return ""
    os.close(descriptor)
    return ",aio=io_uring"


# --- Booting, in every mode --------------------------------------------------

# Prints what a machine should have; then has every CPU compute the same sum.
EXAMINE = r"""
set -e
echo cpus=$(nproc)
for driver in virtio_balloon virtio_blk virtio_rng; do
  for device in /sys/bus/virtio/drivers/$driver/virtio*; do
    pci=$(readlink -f $device/..)
    echo $driver=$(cat $pci/vendor):$(cat $pci/device)
  done
done
echo disk=$(cat /sys/block/vda/size)
[ "$(head -c 16 /dev/hwrng | md5sum)" != "$(head -c 16 /dev/hwrng | md5sum)" ]
for cpu in $(seq 0 $(($(nproc) - 1))); do
  taskset -c $cpu sh -c 'head -c 1000000 /dev/zero | md5sum' >/tmp/sum$cpu &
done
wait
echo sums=$(cat /tmp/sum* | sort | uniq -c | tr -s ' ')
"""
MILLION_ZEROS = hashlib.md5(bytes(1000000)).hexdigest()


def boot(setup, cpus, **how):
    disk = image(setup)
    with Guest(setup, EXAMINE, cpus=cpus, disk=disk, **how) as guest:
        lines = guest.finish().split("\n")
    facts = dict(line.split("=", 1) for line in lines if "=" in line)
    check_equal("CPUs", facts["cpus"], str(cpus))
    # Transitional or modern-only, as the transport was asked for.
    for driver, legacy, modern in (("balloon", "1002", "1045"), ("blk", "1001", "1042"),
                                   ("rng", "1005", "1044")):
        check(facts.get("virtio_" + driver) in (f"0x1af4:0x{legacy}", f"0x1af4:0x{modern}"),
              f"virtio_{driver} is bound to {facts.get('virtio_' + driver)}")
    check_equal("sectors", facts["disk"], str(8 * MIB // 512))
    check_equal("sums", facts["sums"].split(), [str(cpus), MILLION_ZEROS, "-"])


@case
def one_cpu(setup):
    boot(setup, 1)


@case
def four_cpus(setup):
    boot(setup, 4)


@case
def single_thread(setup):
    boot(setup, 4, accel="tcg,thread=single", timeout=120)


@case
def one_insn_per_tb(setup):
    boot(setup, 1, accel="tcg,one-insn-per-tb=on", timeout=240)


# All programs, however short, and with all that is mapped compared with the page tables.
NATIVE = "tcg,native=on,native-eager=on,native-check=on"


def skip_without_native_tier(setup):
    reply = subprocess.run(
        [setup.emulator, "-M", "none", "-accel", "tcg,native=auto", "-nodefaults", "-display", "none",
         "-monitor", "stdio"], input="info native\nquit\n", stdout=subprocess.PIPE, text=True,
        timeout=20, check=True).stdout
    if reason := re.search(r"native tier: none: (.*)", reply):
        print(f"no native tier here: {reason[1].strip()}")
        sys.exit(77)


@case
def native(setup):
    skip_without_native_tier(setup)
    boot(setup, 1, accel=NATIVE, timeout=200)


@case
def native_four_cpus(setup):
    skip_without_native_tier(setup)
    boot(setup, 4, accel=NATIVE, timeout=250)


def native_counts(guest):
    """What the monitor counts of the native tier."""
    return {name: int(count) for name, count in
            re.findall(r"^(.*): (\d+)\r?$", guest.monitor("info native"), re.M)}


def user_programs_by(setup, accel, cpus):
    """Programs that look for what a processor does otherwise (programs/suite.h)."""
    names = re.findall(r"PROGRAM\((\w+)\)", (HERE / "programs/programs.inc").read_text())
    # Debian's kernel has no vsyscalls by itself.
    with Guest(setup, "/programs", accel=accel, cpus=cpus, files=[setup.programs],
               append="vsyscall=xonly", timeout=250) as guest:
        try:
            lines = [guest.expect(f"({name}: .*)")[0] for name in names]
            counts = native_counts(guest) if accel == NATIVE else {}
            guest.finish()
        except Failure:
            print(guest.received.decode(errors="replace"))
            raise
    otherwise = [line for line in lines if not line.endswith(": as on a processor")]
    check_equal("programs that differ", otherwise, [])
    if accel == NATIVE:
        check(counts["entries"] > 100, f"few ran natively: {counts}")
        check_equal("stubs lost", counts["stubs lost"], 0)


@case
def user_programs(setup):
    user_programs_by(setup, "tcg,native=off", 2)


@case
def user_programs_native(setup):
    skip_without_native_tier(setup)
    user_programs_by(setup, NATIVE, 1)


@case
def user_programs_native_four_cpus(setup):
    skip_without_native_tier(setup)
    user_programs_by(setup, NATIVE, 4)


# A second and more of nothing but the shell itself, which grows no more.
COMPUTES = """
n=0
while [ $n -lt 400000 ]; do n=$((n + 1)); done
echo $n
read end </dev/ttyS1
"""


@case
def native_by_default(setup):
    """Programs that compute are run natively without a word, and no others."""
    skip_without_native_tier(setup)
    with Guest(setup, COMPUTES, accel="tcg") as guest:
        guest.expect("400000")
        counts = native_counts(guest)
        guest.say("end")
        guest.finish()
    check(counts.get("address spaces promoted", 0) > 0, f"nothing was promoted: {counts}")
    check(counts["kicks"] > 20, f"it was not run natively for long: {counts}")
    check(counts["stubs started"] < 10, f"many were: {counts}")
    check_equal("stubs lost", counts["stubs lost"], 0)


SOMEBODY = 12345


def status_of_children(pid):
    """/proc/PID/status of each, by the names in it."""
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            # One may end meanwhile.
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                lines = Path(f"/proc/{child}/status").read_text().splitlines()
                yield dict(line.split(":\t", 1) for line in lines if ":\t" in line)


@case
def native_without_rights(setup):
    """An ordinary user has the native tier as root has it."""
    if os.geteuid() != 0:
        print("not run as root, who can be somebody else: all tests are by an ordinary user")
        sys.exit(77)
    reached = subprocess.run(["test", "-x", setup.emulator], user=SOMEBODY, group=SOMEBODY,
                             extra_groups=[])
    if reached.returncode != 0:
        print(f"{setup.emulator} is out of other users' reach")
        sys.exit(77)
    skip_without_native_tier(setup)
    os.chown(setup.work, SOMEBODY, SOMEBODY)
    commands = "head -c 1000000 /dev/zero | md5sum; read end </dev/ttyS1"
    with Guest(setup, commands, accel=NATIVE, user=SOMEBODY, timeout=200) as guest:
        guest.expect(f"{MILLION_ZEROS}  -")
        check(native_counts(guest)["entries"] > 0, "nothing was run natively")
        stubs = list(status_of_children(guest.process.pid))
        for fields in stubs:
            check_equal("users", set(fields["Uid"].split()), {str(SOMEBODY)})
            check_equal("capabilities", int(fields["CapEff"], 16) | int(fields["CapPrm"], 16), 0)
            check_equal("filters", fields["Seccomp"], "2")
        check(stubs, "there is no stub")
        guest.say("end")
        guest.finish()


# Each number is of all before it.
SUMS = r"""
sum=0
for n in $(seq 1 2000); do
  sum=$(( (sum * 31 + n) % 1000003 ))
  [ $((n % 100)) = 0 ] && echo $n $sum $(echo $sum | md5sum)
done
echo done
"""


@case
def native_saved(setup):
    """Programs that run natively go on in other processes, natively, translated and back."""
    skip_without_native_tier(setup)
    with Guest(setup, SUMS, accel="tcg,native=off") as guest:
        expected = guest.finish()
    state = setup.work / "state"
    options, found = [], []
    for leg in range(6):
        accel = NATIVE if leg % 3 != 2 else "tcg,native=off"
        with Guest(setup, SUMS, *options, accel=accel, timeout=200) as guest:
            if leg == 5:
                found += guest.finish().splitlines()
                break
            for _ in range(2):
                found += guest.expect(r"(\d+ .*?)")
            guest.monitor("stop")
            guest.monitor(f"savestate {state}")
            guest.kill(signal.SIGKILL)
            guest.wait()
            found += guest.received.decode().splitlines()
        options = ["-loadstate", str(state)]
    check_equal("output", found, expected.splitlines())


COUNTED = "cat /proc/uptime /proc/interrupts; head -c 100000 /dev/zero | md5sum"


def serial_output(setup, icount, commands, disk):
    # No random numbers of the host's. (The date is the same in both runs by itself.)
    options = ["-icount", icount, "-cpu", "max,-rdrand,-rdseed"]
    with Guest(setup, commands, *options, rng=False, timeout=120,
               disk=image(setup, b"disk") if disk else None) as guest:
        return guest.finish(), guest.console.read_bytes()


def repeats(setup, icount, commands=COUNTED, disk=False):
    output, console = serial_output(setup, icount, commands, disk)
    output_again, console_again = serial_output(setup, icount, commands, disk)
    for line, again in zip(console.splitlines(), console_again.splitlines()):
        check_equal("console line of the second run", again, line)
    check(console == console_again, "one run's console is longer than the other's")
    check_equal("output of the second run", output_again, output)


@case
def icount(setup):
    repeats(setup, "shift=3")


@case
def icount_no_sleep(setup):
    repeats(setup, "shift=3,sleep=off")


@case
def icount_disk(setup):
    """What a disk takes is guest time, not the host's."""
    repeats(setup, "shift=3", r"""
    for seek in 0 40 3 17 60 22 5; do
      dd if=/dev/zero of=/dev/vda bs=64k count=8 seek=$seek 2>/dev/null &
      head -c 300000 /dev/vda | md5sum
      cat /proc/uptime
    done
    wait
    sync
    echo 3 >/proc/sys/vm/drop_caches
    md5sum </dev/vda
    cat /proc/uptime /proc/interrupts /proc/diskstats
    """, disk=True)


# --- Disk --------------------------------------------------------------------

@case
def disk_contents(setup):
    """What was written outside is read inside, and the reverse, up to the last sector."""
    commands = r"""
    set -e
    head -c 5 /dev/vda; echo
    printf 'first' | dd of=/dev/vda bs=1 seek=1000 conv=notrunc,fsync 2>/dev/null
    last=$(($(cat /sys/block/vda/size) - 1))
    yes last | head -c 512 | dd of=/dev/vda bs=512 seek=$last conv=fsync 2>/dev/null
    echo 3 >/proc/sys/vm/drop_caches
    dd if=/dev/vda bs=1 skip=1000 count=5 2>/dev/null; echo
    head -c 3000000 /dev/urandom >/tmp/random
    dd if=/tmp/random of=/dev/vda bs=64k seek=16 conv=fsync 2>/dev/null
    md5sum </tmp/random
    ! dd if=/dev/zero of=/dev/vda bs=512 seek=$((last + 1)) count=1 2>/dev/null
    """
    disk = image(setup, b"there")
    with Guest(setup, commands, disk=disk) as guest:
        there, first, md5 = guest.finish().split("\n")[:3]
    content = disk.read_bytes()
    check_equal("size", len(content), 8 * MIB)
    check_equal("read inside", (there, first), ("there", "first"))
    check_equal("byte 1000", content[995:1010], b"\0" * 5 + b"first" + b"\0" * 5)
    check_equal("last sector", content[-517:], b"\0" * 5 + (b"last\n" * 103)[:512])
    found = subprocess.run(["md5sum"], input=content[MIB:MIB + 3000000], check=True,
                           stdout=subprocess.PIPE).stdout.decode().strip()
    check_equal("random data", found, md5)


@case
def file_system(setup):
    """A file system made, filled and unmounted by one guest is whole in the next."""
    fill = r"""
    set -e
    mke2fs /dev/vda >/dev/null 2>&1
    mkdir /mnt; mount -t ext4 /dev/vda /mnt
    cp -r /bin /mnt/bin; sync; umount /mnt
    """
    compare = r"""
    set -e
    mkdir /mnt; mount -t ext4 -o ro /dev/vda /mnt
    cmp /bin/busybox /mnt/bin/busybox && echo whole
    """
    disk = image(setup, size=32 * MIB)
    with Guest(setup, fill, disk=disk) as guest:
        guest.finish()
    with Guest(setup, compare, disk=disk, cpus=2) as guest:
        check_equal("output", guest.finish(), "whole\n")


@case
def killed_after_flush(setup):
    """What a guest saw completed after a flush is on disk after SIGKILL."""
    commands = r"""
    yes durable | head -c 1000000 | dd of=/dev/vda bs=4k conv=fsync 2>/dev/null
    echo flushed
    while :; do yes later | head -c 1000000 | dd of=/dev/vda bs=4k seek=512 2>/dev/null; done
    """
    disk = image(setup)
    with Guest(setup, commands, disk=disk) as guest:
        guest.expect("flushed")
        guest.kill(signal.SIGKILL)
        check_equal("status", guest.wait(), -signal.SIGKILL)
    check(disk.read_bytes().startswith((b"durable\n" * 125000)[:1000000]),
          "flushed data is not in the image")


WRITTEN_BLOCKS = 3000


def write_blocks(disk, count):
    """Commands that say from time to time that they go on."""
    return f"""
    set -e
    n=0
    while [ $n -lt {count} ]; do
      yes $n | head -c 4096 | dd of=/dev/{disk} bs=4k seek=$n conv=notrunc 2>/dev/null
      n=$((n + 1))
      [ $((n % 10)) != 0 ] || echo written
    done
    sync
    """


WRITE_BLOCKS = write_blocks("vda", WRITTEN_BLOCKS)


def check_blocks(content, count=WRITTEN_BLOCKS):
    for n in range(count):
        check_equal(f"block {n}", content[n * 4096:(n + 1) * 4096],
                    (b"%d\n" % n * 4096)[:4096])


@case
def saved(setup):
    """A guest that writes to its disk goes on in another process, 20 times in a row."""
    saves = 20
    disk = image(setup, size=16 * MIB)
    state = setup.work / "state"
    options = []
    for leg in range(saves + 1):
        with Guest(setup, WRITE_BLOCKS, *options, disk=disk, timeout=120) as guest:
            guest.expect("written")
            if leg == saves:
                guest.finish()
                break
            guest.monitor("stop")
            reply = guest.monitor(f"savestate {state}")
            check(state.exists(), f"the monitor said {reply!r}")
            guest.kill(signal.SIGKILL)
        options = ["-loadstate", str(state)]
    check_blocks(disk.read_bytes())


def migrate_while_it_writes(setup, devices, commands=WRITE_BLOCKS, migrations=10):
    with contextlib.ExitStack() as stack:
        def start(leg, *options):
            work = setup.work / f"leg{leg}"
            work.mkdir()
            return stack.enter_context(
                Guest(dataclasses.replace(setup, work=work), commands, *devices, *options,
                      timeout=240))

        guest = start(0)
        for leg in range(1, migrations + 1):
            guest.expect("written")
            place = setup.work / f"place{leg}"
            there = start(leg, "-incoming", f"unix:{place}")
            wait_for_listener(place, there.process)
            reply = guest.monitor(f"migrate unix:{place}")
            check("migrate: " not in reply, f"the monitor said {reply!r}")
            status = guest.monitor("info status")
            check("paused (postmigrate)" in status, f"the monitor said {status!r}")
            guest.kill(signal.SIGKILL)
            guest = there
        return guest.finish()


@case
def migrated(setup):
    """A guest that writes to its disk goes from process to process meanwhile."""
    disk = image(setup, size=16 * MIB)
    migrate_while_it_writes(setup, ["-drive", f"file={disk},format=raw"])
    check_blocks(disk.read_bytes())


@case
def migrated_qcow2(setup):
    """The same of an image of which each process keeps tables in memory."""
    disk, raw = setup.work / "disk.qcow2", setup.work / "disk.raw"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", disk, "16M"], check=True)
    migrate_while_it_writes(setup, ["-drive", f"file={disk},format=qcow2"])
    subprocess.run(["qemu-img", "check", "-q", disk], check=True)
    subprocess.run(["qemu-img", "convert", "-O", "raw", disk, raw], check=True)
    check_blocks(raw.read_bytes())


@case
def migrated_io_thread(setup):
    """The same of a SCSI disk and a card in an I/O thread, over which files come all the time: a
    connection ends where a guest goes away, and the next works where it has come to."""
    blocks = 400
    disk = image(setup, size=4 * MIB)
    content = os.urandom(MIB)
    with web_server(content) as outside:
        fetch_and_write = rf"""
        mkdir /www
        : >/www/whole
        while :; do
          timeout 5 wget -q -O /www/file http://10.0.2.2:{outside}/file 2>/dev/null &&
            md5sum </www/file >/www/sum && mv /www/sum /www/digest && echo x >>/www/whole
          sleep 0.1
        done &
        {write_blocks("sda", blocks)}
        before=$(wc -l </www/whole)
        while [ $(wc -l </www/whole) -lt $((before + 3)) ]; do sleep 0.1; done
        cat /www/digest
        """
        seen = migrate_while_it_writes(
            setup, ["-object", "iothread,id=io0", "-netdev", "user,id=n0",
                    "-device", "virtio-net-pci,netdev=n0,iothread=io0",
                    "-device", "virtio-scsi-pci,id=scsi0,iothread=io0",
                    "-drive", f"file={disk},format=raw,if=none,id=d0",
                    "-device", "scsi-hd,bus=scsi0.0,drive=d0"], fetch_and_write, migrations=5)
    check(hashlib.md5(content).hexdigest() in seen, f"what was fetched is not whole: {seen!r}")
    check_blocks(disk.read_bytes(), blocks)


# The same block to two disks; the number of the next is in memory. It waits on its way for a line.
TWICE_WRITTEN_BLOCKS = 120
WRITE_TWICE = f"""
set -e
n=0
while [ $n -lt {TWICE_WRITTEN_BLOCKS} ]; do
  for disk in vda vdb; do
    yes $n | head -c 4096 | dd of=/dev/$disk bs=4k seek=$n conv=notrunc 2>/dev/null
  done
  n=$((n + 1))
  [ $((n % 10)) != 0 ] || echo written $n
  [ $n != 100 ] || read line </dev/ttyS1
done
sync
"""


class Snapshots:
    """A guest with two disks that keep snapshots, started again and again."""

    def __init__(self, setup):
        self.setup = setup
        self.disks = [setup.work / f"{name}.qcow2" for name in ("one", "two")]
        for disk in self.disks:
            subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", disk, "16M"], check=True)

    def guest(self, *options, **more):
        drives = [word for disk in self.disks
                  for word in ("-drive", f"file={disk},format=qcow2,if=virtio")]
        return Guest(self.setup, WRITE_TWICE, *drives, *options, timeout=200, **more)

    def check(self, killed=False):
        for disk in self.disks:
            result = subprocess.run(["qemu-img", "check", disk], capture_output=True, text=True,
                                    check=False)
            # It may have lost room, or say that whoever opens it has to put it right.
            says_so = disk.read_bytes()[79] & 1
            good = result.returncode == 0 or killed and (result.returncode == 3 or says_so)
            check(good, f"{disk}: {result.stdout}{result.stderr}")

    def check_written(self):
        self.check()
        for disk in self.disks:
            raw = self.setup.work / "disk.raw"
            subprocess.run(["qemu-img", "convert", "-O", "raw", disk, raw], check=True)
            check_blocks(raw.read_bytes(), TWICE_WRITTEN_BLOCKS)

    def listed(self):
        return subprocess.run(["qemu-img", "snapshot", "-l", self.disks[0]], check=True,
                              capture_output=True, text=True).stdout


def does(guest, command):
    reply = guest.monitor(command)
    check(command.split()[0] + ": " not in reply, f"{command}: the monitor said {reply!r}")
    return reply


def written(guest):
    return int(guest.expect(r"written (\d+)")[0])


def snapshots_by(setup, accel, cpus):
    machine = Snapshots(setup)
    with machine.guest(accel=accel, cpus=cpus) as guest:
        early = written(guest)
        does(guest, "savevm early")
        late = max(written(guest) for _ in range(5))
        does(guest, "savevm late")
        check(all(name in does(guest, "info snapshots") for name in ("early", "late")),
              "info snapshots does not list them")
        written(guest)
        does(guest, "loadvm early")
        last = late
        while (now := written(guest)) > last:
            last = now
        check(early <= now <= late, f"it went from {last} to {now}, and not back to {early}")
        check("running" in does(guest, "info status"), "it stands still")
        guest.say("go on")
        guest.finish()
    machine.check_written()
    size = re.search(r"late +([0-9.]+) MiB", machine.listed())
    check(size and float(size[1]) > 10, f"qemu-img lists: {machine.listed()}")
    with machine.guest("-loadvm", "late", accel=accel, cpus=cpus) as guest:
        wait_for_listener(guest.monitor_path, guest.process)
        does(guest, "delvm late")
        guest.say("go on")
        check(written(guest) > late, "it did not go on where it was")
        guest.finish()
    check("late" not in machine.listed(), machine.listed())
    machine.check_written()


@case
def snapshots(setup):
    """A guest that writes to its disks goes back to what it was, disks and memory, again and
    again, here and in another process."""
    snapshots_by(setup, "tcg", 2)


@case
def snapshots_native(setup):
    """The same of programs that the processor runs itself."""
    skip_without_native_tier(setup)
    snapshots_by(setup, NATIVE, 1)


@case
def snapshots_killed(setup):
    """Killed while it makes, replaces or removes a snapshot, a program leaves sound images: the
    snapshot is there or it is not."""
    machine = Snapshots(setup)
    with machine.guest() as guest:
        written(guest)
        does(guest, "savevm kept")
        does(guest, "savevm maybe")
        guest.kill(signal.SIGKILL)
        guest.wait()
    for n in range(8):
        name = "maybe" if "maybe" in machine.listed() else "kept"
        with machine.guest("-loadvm", name) as guest:
            wait_for_listener(guest.monitor_path, guest.process)
            guest.monitor("info snapshots")
            guest.send_to_monitor("delvm maybe" if n % 4 == 3 else "savevm maybe")
            time.sleep(0.02 * n)
            guest.kill(signal.SIGKILL)
            guest.wait()
        machine.check(killed=True)
        check("kept" in machine.listed(), machine.listed())
    with machine.guest("-loadvm", "kept") as guest:
        guest.say("go on")
        guest.finish()
    machine.check(killed=True)


@case
def image_lock(setup):
    """A second emulator refuses an image that a first one writes."""
    disk = image(setup)
    with Guest(setup, "echo up; sleep 1000", disk=disk) as guest:
        guest.expect("up")
        options = [f"file={disk},format=raw,if=none,id=d", "-device", "virtio-blk-pci,drive=d"]
        second = subprocess.run(
            [setup.emulator, "-M", "pc", "-accel", "tcg", "-nodefaults", "-display", "none",
             "-drive", *options], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, timeout=20)
        check_equal("status of the second", second.returncode, 1)
        check("lock" in second.stderr, f"the second said {second.stderr!r}")


# --- Processors ----------------------------------------------------------------

# For each CPU: its package, die and core, each as the list of CPUs in it; then its caches'.
SHARERS = r"""
cd /sys/devices/system/cpu
for cpu in cpu[0-9]*; do
  echo $cpu package=$(cat $cpu/topology/package_cpus_list) die=$(cat $cpu/topology/die_cpus_list) \
    core=$(cat $cpu/topology/core_cpus_list) $(for cache in $cpu/cache/index*; do
      echo L$(cat $cache/level)=$(cat $cache/shared_cpu_list); done)
done
"""
AMD = "max,vendor=AuthenticAMD,family=23,model=49"
# What the kernel only tries, with a guard: AMD's DE_CFG on every vendor's processors; a command to
# the branch predictor (PRED_CMD).
PROBED = re.compile(r"RDMSR of 0xc0011029 |WRMSR of 0x49 ")
COMPLAINTS = re.compile(r"Firmware Bug|borken|unchecked MSR access|WARNING: CPU|BUG:")


def cpu_list(text):
    """'0-2,5' as a set."""
    bounds = [part.split("-") for part in text.split(",")]
    return {n for first, *last in bounds for n in range(int(first), int((last or [first])[0]) + 1)}


def check_console(guest):
    complaints = [line for line in guest.console_lines() if COMPLAINTS.search(line)]
    check_equal("complaints of the kernel", complaints, [])


def check_topology(setup, model, sockets, dies, cores, threads):
    cpus = sockets * dies * cores * threads
    smp = f"{cpus},sockets={sockets},dies={dies},cores={cores},threads={threads}"
    with Guest(setup, SHARERS, "-cpu", model, cpus=smp, timeout=120) as guest:
        lines = guest.finish().split("\n")
        check_console(guest)
    found = {line.split()[0]: [word.split("=") for word in line.split()[1:]]
             for line in lines if line.startswith("cpu")}
    check_equal(f"CPUs of {smp}", sorted(found), [f"cpu{n}" for n in range(cpus)])
    core, die = threads, cores * threads
    sizes = {"package": dies * die, "die": die, "core": core, "L1": core, "L2": core, "L3": die}
    for name, facts in found.items():
        number = int(name[3:])
        check_equal("what is told of " + name, {key for key, _ in facts}, set(sizes))
        for key, sharers in facts:
            first = number // sizes[key] * sizes[key]
            check_equal(f"{smp} -cpu {model}: {key} of {name}", cpu_list(sharers),
                        set(range(first, first + sizes[key])))


@case
def topology(setup):
    """Sockets, dies, cores, threads and what they share are those of -smp, in Linux's eyes."""
    check_topology(setup, "max", 1, 1, 2, 2)
    check_topology(setup, "max", 2, 1, 3, 1)
    check_topology(setup, "max", 2, 2, 1, 2)


@case
def topology_amd(setup):
    """The same by AMD's leaves."""
    check_topology(setup, AMD, 1, 1, 2, 2)
    check_topology(setup, AMD, 2, 1, 3, 1)
    check_topology(setup, AMD, 2, 1, 1, 2)


@case
def msrs(setup):
    """The kernel reads and writes no MSR that is not there, whatever the CPU model."""
    flags = re.search(r"^flags\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)[1].split()
    models = [[], ["-cpu", "x86-64-v1"], ["-cpu", "x86-64-v2"], ["-cpu", AMD],
              ["-cpu", "max,vendor=AuthenticAMD,family=25,model=1"],
              ["-cpu", "max,vendor=AuthenticAMD,family=16,model=10"],
              ["-cpu", "max,-hypervisor"], ["-cpu", AMD + ",-hypervisor"]]
    if {"avx2", "bmi1", "bmi2", "f16c", "fma", "movbe", "abm"} <= set(flags):
        models.append(["-cpu", "x86-64-v3"])
    log = setup.work / "log"
    for model in models:
        log.unlink(missing_ok=True)
        with Guest(setup, "true", *model, "-d", "guest_errors", "-D", str(log)) as guest:
            guest.finish()
            check_console(guest)
        lines = log.read_text().splitlines() if log.exists() else []
        check_equal(f"log of {model}", [line for line in lines if not PROBED.search(line)], [])


# --- Balloon -----------------------------------------------------------------

def resident(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024


def balloon_size(guest):
    return int(re.search(r"actual=(\d+)", guest.monitor("info balloon"))[1])


def set_balloon(guest, size):
    guest.monitor(f"balloon {size}")
    while balloon_size(guest) != size:
        guest.left(f"balloon of {size} MiB")
        time.sleep(0.05)


@case
def balloon(setup):
    """Inflating takes memory from the guest and gives it to the host; deflating returns it."""
    commands = r"""
    set -e
    free() { awk '/^MemTotal/ { print $2 }' /proc/meminfo; }
    head -c 230000000 /dev/zero >/tmp/fill; rm /tmp/fill
    echo before $(free); read word </dev/ttyS1
    echo inflated $(free); read word </dev/ttyS1
    echo deflated $(free)
    """
    with Guest(setup, commands) as guest:
        before = int(guest.expect(r"before (\d+)")[0])
        full = resident(guest.process.pid)
        check_equal("actual size", balloon_size(guest), 512)
        set_balloon(guest, 200)
        given_back = full - resident(guest.process.pid)
        guest.say("on")
        inflated = int(guest.expect(r"inflated (\d+)")[0])
        set_balloon(guest, 512)
        guest.say("on")
        deflated = int(guest.expect(r"deflated (\d+)")[0])
        guest.finish()
    check_equal("taken from the guest, KiB", before - inflated, 312 * 1024)
    check_equal("returned to the guest, KiB", deflated, before)
    check(given_back > 100 * MIB, f"only {given_back // MIB} MiB were given back to the host")


# The sums of SUMS, until it is told to end. What fills the memory is given up by the guest where
# the balloon wants it.
SUMS_UNTIL_TOLD = r"""
head -c 230000000 /dev/zero >/tmp/fill; rm /tmp/fill
(read end </dev/ttyS1; touch /tmp/end) &
sum=0; n=0
while ! [ -e /tmp/end ]; do
  n=$((n + 1)); sum=$(( (sum * 31 + n) % 1000003 ))
  [ $((n % 100)) = 0 ] && echo $n $sum $(echo $sum | md5sum)
done
echo done
"""


@case
def native_balloon(setup):
    """Programs that run natively compute the same while their memory goes and comes back."""
    skip_without_native_tier(setup)
    with Guest(setup, SUMS_UNTIL_TOLD, accel=NATIVE, timeout=200) as guest:
        found = []
        for size in (100, 512):
            found += guest.expect(r"(\d+ .*?)")
            set_balloon(guest, size)
        guest.say("end")
        found += guest.finish().split("done")[0].splitlines()
    total, expected = 0, []
    for n in range(1, 100 * len(found) + 1):
        total = (total * 31 + n) % 1000003
        if n % 100 == 0:
            digest = hashlib.md5(f"{total}\n".encode()).hexdigest()
            expected.append(f"{n} {total} {digest} -")
    check_equal("output", found, expected)


# --- Devices that come and go ------------------------------------------------

def wait_until(guest, what, holds):
    while not holds():
        guest.left(what)
        time.sleep(0.02)


def come_and_go(setup, times, *options, file="", device=""):
    """A disk and a balloon come and go under I/O, and what was written is in the image.

    file and device: more properties of the image's node and of the disk."""
    commands = f"""
    set -e
    echo ready
    n=0
    while [ $n -lt {times} ]; do
      while ! [ -b /dev/vda ]; do sleep 0.02; done
      echo block $n | dd of=/dev/vda bs=512 seek=$n conv=notrunc,fsync 2>/dev/null
      # Only reads: what is written when the disk has gone would make a file of its name.
      ( set +e; while dd if=/dev/vda of=/dev/null bs=64k iflag=direct 2>/dev/null; do :; done ) &
      echo written $n
      read word </dev/ttyS1
      while [ -b /dev/vda ]; do sleep 0.02; done
      wait
      echo gone $n
      n=$((n + 1))
    done
    echo done
    """
    disk = image(setup)
    options += ("-blockdev", f"file,node-name=file,filename={disk}{file}",
                "-blockdev", "raw,node-name=node,file=file")
    with Guest(setup, commands, *options, rng=False, balloon=False, timeout=240) as guest:
        def do(command):
            reply = guest.monitor(command)
            check(f"{command.split()[0]}: " not in reply, f"the monitor said {reply!r}")

        guest.expect("ready")
        for n in range(times):
            do(f"device_add virtio-blk-pci,drive=node,id=disk{device}")
            do("device_add virtio-balloon-pci,id=balloon")
            guest.expect(f"written {n}")
            do("device_del disk")
            do("device_del balloon")
            wait_until(guest, "the devices to go",
                       lambda: "virtio" not in guest.monitor("info qtree"))
            guest.say("on")
            guest.expect(f"gone {n}")
        guest.expect("done")
        do("blockdev-del node")
        guest.finish()
    content = disk.read_bytes()
    for n in range(times):
        check_equal(f"sector {n}", content[n * 512:].partition(b"\n")[0], b"block %d" % n)


@case
def hot_plug(setup):
    come_and_go(setup, 50)


@case
def hot_plug_io_thread(setup):
    """The same where a thread of its own and the host's kernel move the data."""
    come_and_go(setup, 15, "-object", "iothread,id=io0", file=io_uring(), device=",iothread=io0")


@case
def io_thread(setup):
    """A disk in an I/O thread, under load: stopped and continued, saved and loaded, whole."""
    commands = """
    set -e
    yes written | head -c 4000000 >/tmp/data
    echo ready
    n=0
    while [ $n -lt 25 ]; do
      dd if=/tmp/data of=/dev/vda bs=20k conv=notrunc oflag=direct iflag=fullblock 2>/dev/null
      dd if=/dev/vda bs=20k count=195 iflag=direct 2>/dev/null | head -c 3990000 >/tmp/back
      head -c 3990000 /tmp/data | cmp - /tmp/back
      n=$((n + 1))
      echo round $n
    done
    sync
    echo done
    """
    disk, state = image(setup), setup.work / "state"
    options = ["-object", "iothread,id=io0",
               "-drive", f"file={disk},format=raw,if=none,id=d{io_uring()}",
               "-device", "virtio-blk-pci,drive=d,iothread=io0"]
    with Guest(setup, commands, *options, cpus=2) as guest:
        guest.expect("ready")
        check("io0" in guest.monitor("info iothreads"), "info iothreads does not name io0")
        for n in range(1, 10):
            guest.expect(f"round {n}")
            guest.monitor("stop")
            guest.monitor("cont")
        reply = guest.monitor(f"savestate {state}")
        check(state.exists(), f"the monitor said {reply!r}")
        guest.kill(signal.SIGKILL)
    with Guest(setup, commands, *options, "-loadstate", str(state), cpus=2) as guest:
        guest.expect("done")
    check(disk.read_bytes().startswith((b"written\n" * 500000)[:3990000]),
          "what was written is not in the image")


@case
def scsi(setup):
    """A disk and a disc behind virtio-scsi; what is discarded reads as zeroes."""
    commands = r"""
    set -e
    cat /sys/block/sda/size /sys/block/sr0/size
    head -c 5 /dev/sda; echo
    head -c 4 /dev/sr0; echo
    ! dd if=/dev/zero of=/dev/sr0 bs=2048 count=1 2>/dev/null
    head -c 3000000 /dev/urandom >/tmp/random
    dd if=/tmp/random of=/dev/sda bs=64k seek=16 conv=fsync 2>/dev/null
    md5sum </tmp/random
    blkdiscard -o 4194304 -l 1048576 /dev/sda
    """
    disk = image(setup, b"there".ljust(4 * MIB, b"x") + b"y" * MIB)
    disc = setup.work / "disc.iso"
    disc.write_bytes(b"disc".ljust(MIB, b"\0"))
    options = ["-device", "virtio-scsi-pci,id=scsi0",
               "-drive", f"file={disk},format=raw,if=none,id=disk0,discard=unmap",
               "-device", "scsi-hd,bus=scsi0.0,drive=disk0",
               "-drive", f"file={disc},format=raw,if=none,id=disc0,read-only=on",
               "-device", "scsi-cd,bus=scsi0.0,drive=disc0,scsi-id=0,lun=1"]
    with Guest(setup, commands, *options) as guest:
        lines = guest.finish().split("\n")
    check_equal("sizes and contents", lines[:4],
                [str(8 * MIB // 512), str(MIB // 512), "there", "disc"])
    content = disk.read_bytes()
    check_equal("random data", hashlib.md5(content[MIB:MIB + 3000000]).hexdigest() + "  -",
                lines[4])
    check(content[4 * MIB:5 * MIB] == bytes(MIB), "what was discarded is there still")
    check_equal("the disc", disc.read_bytes(), b"disc".ljust(MIB, b"\0"))


# --- Network -----------------------------------------------------------------

@contextlib.contextmanager
def web_server(content):
    """An HTTP server on this machine; gives its port."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@case
def user_network(setup):
    """An address by DHCP; a file from the host by HTTP, and one to it through a forwarded port."""
    content = os.urandom(3 * MIB)
    inside = free_port()
    with web_server(content) as outside:
        commands = rf"""
        set -e
        ip -4 -o address show dev eth0 | tr -s ' ' | cut -d ' ' -f 4
        grep nameserver /etc/resolv.conf
        wget -q -O /tmp/file http://10.0.2.2:{outside}/file
        md5sum </tmp/file
        mkdir /www; cp /tmp/file /www/file
        httpd -h /www
        echo serving; read word </dev/ttyS1
        """
        with Guest(setup, commands, "-nic", f"user,hostfwd=tcp:127.0.0.1:{inside}-:80") as guest:
            guest.expect(r"10\.0\.2\.15/24")
            guest.expect(r"nameserver 10\.0\.2\.3")
            guest.expect(hashlib.md5(content).hexdigest() + "  -")
            guest.expect("serving")
            with urllib.request.urlopen(f"http://127.0.0.1:{inside}/file", timeout=30) as answer:
                check(answer.read() == content, "what the guest served is not what it was given")
            check("virtio-net" in guest.monitor("info network"), "info network knows no card")
            guest.monitor(f"hostfwd_remove tcp:127.0.0.1:{inside}")
            check("HOST_FORWARD" not in guest.monitor("info usernet"), "it is forwarded still")
            guest.monitor(f"hostfwd_add tcp:127.0.0.1:{inside}-:80")
            check("HOST_FORWARD" in guest.monitor("info usernet"), "it is forwarded no more")
            with urllib.request.urlopen(f"http://127.0.0.1:{inside}/file", timeout=30) as answer:
                check(answer.read() == content, "it serves something else now")
            guest.say("on")
            guest.finish()


@case
def io_thread_network_and_scsi(setup):
    """A card and disks behind virtio-scsi in one I/O thread, under load: stopped and continued,
    pulled out and plugged in, ejected, and what passes is whole."""
    content = os.urandom(3 * MIB)
    digest = hashlib.md5(content).hexdigest()
    inside = free_port()
    disk = image(setup)
    disc = setup.work / "disc.iso"
    disc.write_bytes(b"disc".ljust(MIB, b"\0"))
    dump = setup.work / "frames.pcap"
    with web_server(content) as outside:
        commands = rf"""
        set -e
        head -c 4 /dev/sr0; echo
        mkdir /www
        n=0
        while [ $n -lt 8 ]; do
          wget -q -O /www/file http://10.0.2.2:{outside}/file
          dd if=/www/file of=/dev/sda bs=64k oflag=direct conv=notrunc 2>/dev/null
          dd if=/dev/sda bs=64k count=48 iflag=direct 2>/dev/null | md5sum
          n=$((n + 1))
          echo round $n
        done
        httpd -h /www
        echo serving; read word </dev/ttyS1
        ! head -c 4 /dev/sr0 2>/dev/null
        while [ -b /dev/sda ]; do sleep 0.02; done
        echo without; read word </dev/ttyS1
        """
        options = ["-object", "iothread,id=io0",
                   "-netdev", f"user,id=n0,hostfwd=tcp:127.0.0.1:{inside}-:80",
                   "-device", "virtio-net-pci,id=card,netdev=n0,iothread=io0",
                   "-object", f"filter-dump,id=f0,netdev=n0,file={dump}",
                   "-device", "virtio-scsi-pci,id=scsi0,iothread=io0",
                   "-drive", f"file={disk},format=raw,if=none,id=d0",
                   "-device", "scsi-hd,bus=scsi0.0,drive=d0,id=hd",
                   "-drive", f"file={disc},format=raw,if=none,id=disc0,read-only=on",
                   "-device", "scsi-cd,bus=scsi0.0,drive=disc0,id=cd"]
        with Guest(setup, commands, *options, cpus=2) as guest:
            def do(command):
                reply = guest.monitor(command)
                check(f"{command.split()[0]}: " not in reply, f"the monitor said {reply!r}")

            guest.expect("disc")
            for n in range(1, 9):
                guest.expect(digest + "  -")
                guest.expect(f"round {n}")
                do("stop")
                do("cont")
            guest.expect("serving")
            with urllib.request.urlopen(f"http://127.0.0.1:{inside}/file", timeout=30) as answer:
                check(answer.read() == content, "what the guest served is not what it was given")
            do("eject -f disc0")
            do("device_del hd")
            guest.say("on")
            guest.expect("without")
            do("device_del card")
            wait_until(guest, "the card to go", lambda: "n0: user network" in (
                line := guest.monitor("info network")) and "not used" in line)
            guest.say("on")
            guest.finish()
    check_equal("the disk", hashlib.md5(disk.read_bytes()[:3 * MIB]).hexdigest(), digest)
    check(dump.stat().st_size > 8 * 3 * MIB, f"the dump has {dump.stat().st_size} bytes")


@case
def restricted_network(setup):
    """restrict=on lets the guest reach nothing but its router."""
    with web_server(b"secret") as outside:
        commands = rf"""
        ip -4 -o address show dev eth0 | tr -s ' ' | cut -d ' ' -f 4
        ! timeout 5 wget -q -O - http://10.0.2.2:{outside}/file 2>/dev/null
        """
        with Guest(setup, commands, "-netdev", "user,id=net0,restrict=on",
                   "-device", "virtio-net-pci,netdev=net0") as guest:
            check_equal("output", guest.finish(), "10.0.2.15/24\n")


@case
def socket_network(setup):
    """Two guests on one wire: what one serves the other fetches, and a dump has it."""
    wire = setup.work / "wire"
    dump = setup.work / "frames.pcap"
    address = "ip addr add 192.168.77.{}/24 dev eth0; ip link set eth0 up"
    serve = rf"""
    set -e
    {address.format(1)}
    mkdir /www; head -c 3000000 /dev/urandom >/www/file
    md5sum </www/file
    httpd -h /www
    echo serving; read word </dev/ttyS1
    """
    fetch = rf"""
    set -e
    {address.format(2)}
    wget -q -O /tmp/file http://192.168.77.1/file
    md5sum </tmp/file
    """

    def guest(name, commands, *options):
        work = setup.work / name
        work.mkdir()
        return Guest(dataclasses.replace(setup, work=work), commands,
                     "-device", "virtio-net-pci,netdev=net0", *options)

    parts = "id=net0,addr.type=unix,addr.path=" + str(wire)
    with guest("server", serve, "-netdev", f"stream,server=on,{parts}") as server:
        (served,) = server.expect(r"(\w+)  -")
        server.expect("serving")
        with guest("client", fetch, "-netdev", f"stream,{parts}", "-object",
                   f"filter-dump,id=dump0,netdev=net0,file={dump}") as client:
            check_equal("fetched", client.finish().split(), [served, "-"])
        server.say("on")
        server.finish()
    check(dump.stat().st_size > 3000000, f"the dump has {dump.stat().st_size} bytes")
    check_equal("magic of the dump", dump.read_bytes()[:4], struct.pack("<I", 0xa1b2c3d4))


# --- Serial ports on virtio ----------------------------------------------------

class Manager:
    """A client of QMP: what it asks, and what it is told meanwhile."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(str(path))
        self.lines = self.socket.makefile("r")
        self.events = []
        self.next()
        self.ask("qmp_capabilities")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lines.close()
        self.socket.close()

    def next(self):
        return json.loads(self.lines.readline())

    def ask(self, command):
        self.socket.sendall(json.dumps({"execute": command}).encode())
        while "event" in (answer := self.next()):
            self.events.append(answer)
        return answer["return"]

    def wait_for(self, event):
        while not any(seen["event"] == event for seen in self.events):
            self.events.append(self.next())
        return next(seen["data"] for seen in self.events if seen["event"] == event)


@case
def agent_channel(setup):
    """A port with a name leads to a socket, both ways, and the manager hears when it is opened."""
    commands = r"""
    set -e
    cat /sys/class/virtio-ports/vport*/name
    port=/dev/$(basename $(dirname $(grep -l org.qemu.guest_agent.0 /sys/class/virtio-ports/*/name)))
    echo ready; read word </dev/ttyS1
    exec 4<>$port
    read line <&4
    echo "heard $line"
    head -c 300000 /dev/zero | tr '\0' z >&4
    echo console >/dev/hvc0
    """
    channel = setup.work / "agent"
    console = setup.work / "hvc"
    options = ["-device", "virtio-serial-pci,id=serial0",
               "-chardev", f"socket,path={channel},server=on,wait=off,id=agent",
               "-device", "virtserialport,bus=serial0.0,chardev=agent,id=port0,"
                          "name=org.qemu.guest_agent.0",
               "-qmp", f"unix:{setup.work / 'qmp'},server=on,wait=off",
               "-chardev", f"file,path={console},id=hvc", "-device", "virtconsole,chardev=hvc",
               "-chardev", "null,mux=on,id=shared",
               "-device", "virtserialport,bus=serial0.0,chardev=shared,name=never.opened",
               "-chardev", "null,mux=on,id=console",
               "-device", "virtserialport,bus=serial0.0,chardev=console,name=nor.this.one",
               "-device", "isa-debugcon,iobase=0x402,chardev=console"]
    with Guest(setup, commands, *options) as guest:
        guest.expect(r"org\.qemu\.guest_agent\.0")
        guest.expect("ready")
        with Manager(setup.work / "qmp") as manager, socket.socket(socket.AF_UNIX) as agent:
            def is_open(label="agent"):
                return {device["label"]: device["frontend-open"]
                        for device in manager.ask("query-chardev")}[label]

            check(not is_open(), "the guest has it open before it opens it")
            check(not is_open("shared"), "the guest has a port open that it never opens")
            check(is_open("console"), "what a port shares with others is open for those alone")
            agent.settimeout(30)
            agent.connect(str(channel))
            agent.sendall(b"ping\n")
            guest.say("on")
            guest.expect("heard ping")
            check_equal("told", manager.wait_for("VSERPORT_CHANGE"), {"id": "port0", "open": True})
            check(is_open(), "the guest has opened it, and it is said to be closed")
            received = b""
            while len(received) < 300000 and (data := agent.recv(65536)):
                received += data
        check_equal("from the guest", received, b"z" * 300000)
        guest.finish()
    check_equal("console", console.read_bytes().replace(b"\r", b""), b"console\n")


# --- Keyboard and mouse on virtio ----------------------------------------------

@case
def virtio_input(setup):
    """A guest's event devices say what was typed and moved."""
    commands = r"""
    set -e
    watch() {
      for device in /sys/class/input/event*; do
        [ "$(cat $device/device/name)" = "virtio $1" ] || continue
        exec 4</dev/input/${device##*/}
        echo "$1 ready"
        # Sixteen bytes of time, then type, code and value.
        dd bs=24 count=$2 <&4 2>/dev/null |
          hexdump -v -e '12/2 "%u " "\n"' |
          while read -r _ _ _ _ _ _ _ _ type code value _; do echo "$type $code $value"; done
      done
    }
    watch keyboard 6
    watch mouse 3
    """
    with Guest(setup, commands, "-device", "virtio-keyboard-pci",
               "-device", "virtio-mouse-pci") as guest:
        guest.expect("keyboard ready")
        guest.monitor("sendkey shift-a")
        for line in ("1 42 1", "1 30 1", "0 0 0", "1 30 0", "1 42 0", "0 0 0"):
            guest.expect(line)
        guest.expect("mouse ready")
        guest.monitor("mouse_move 5 -7")
        for line in ("2 0 5", "2 1 65529", "0 0 0"):
            guest.expect(line)
        guest.finish()


# --- Ending, and the terminal ------------------------------------------------

@case
def power_off(setup):
    with Guest(setup, "echo up; poweroff -f") as guest:
        check_equal("status", guest.wait(), 0)


@case
def signals(setup):
    """SIGTERM and SIGINT end it with a status, not by the signal."""
    for number in (signal.SIGTERM, signal.SIGINT):
        with Guest(setup, "echo up; sleep 1000") as guest:
            guest.expect("up")
            guest.kill(number)
            check_equal(f"status after {number.name}", guest.wait(), 0)


# --- A host that is busy, and a machine that is stopped -----------------------

STARVED_BOOTS = 20
# Between the two the kernel sees whether timer interrupts come, and measures its clocks.
CONSOLE_ENABLED, CLOCKS_MEASURED = "printk: console [ttyS0] enabled", "Calibrating delay loop"
# What it says of clocks that do not agree, and of ticks that do not come.
CLOCK_TROUBLE = re.compile("doesn't work|TSC unstable|as unstable|lockup|stall|failed to calibrate")


def wait_for_console(guest, text, meanwhile):
    while not any(text in line for line in guest.console_lines()):
        guest.left(f"'{text}' on the console")
        check(guest.process.poll() is None, "the emulator ended")
        meanwhile()


def starve(guest, stopped=0.5, running=0.02):
    """Does not let the emulator run for a while, then lets it for a while."""
    guest.kill(signal.SIGSTOP)
    time.sleep(stopped)
    guest.kill(signal.SIGCONT)
    time.sleep(running)


def check_no_clock_trouble(guest):
    trouble = [line for line in guest.console_lines() if CLOCK_TROUBLE.search(line)]
    check(not trouble, f"the kernel found its clocks wrong: {trouble}")


@case
def starved(setup):
    """Ticks and clocks agree for a guest that gets little of the host's time."""
    def boot_starved(number):
        work = setup.work / f"boot{number}"
        work.mkdir()
        with Guest(dataclasses.replace(setup, work=work), "echo up", timeout=60) as guest:
            wait_for_console(guest, CONSOLE_ENABLED, lambda: time.sleep(0.002))
            # Not at the same places each time.
            time.sleep(number * 0.001)
            wait_for_console(guest, CLOCKS_MEASURED, lambda: starve(guest))
            guest.expect("up")
            guest.finish()
            check_no_clock_trouble(guest)

    # They stand still nearly all the time.
    with concurrent.futures.ThreadPoolExecutor(max_workers=4) as pool:
        for ended in [pool.submit(boot_starved, number) for number in range(STARVED_BOOTS)]:
            ended.result()


@case
def stopped(setup):
    """What a guest can measure time by stands still while the machine is stopped."""
    commands = """
    exec </dev/ttyS1
    echo ready
    while read -r line; do echo at $(cut -d' ' -f1 /proc/uptime); done
    """
    pause = 5
    for source in "tsc", "hpet", "acpi_pm":
        with Guest(setup, commands, append=f"clocksource={source}") as guest:
            def uptime():
                guest.say("now")
                return float(guest.expect(r"at ([0-9.]+)")[0])

            guest.expect("ready")
            host_before = time.monotonic()
            before = uptime()
            guest.monitor("stop")
            time.sleep(pause)
            guest.monitor("cont")
            elapsed = uptime() - before
            # The rest of the time the guest may have run.
            ran_at_most = time.monotonic() - host_before - pause
            check(elapsed <= ran_at_most + 0.1,
                  f"{source}: {elapsed:.2f} s passed in a guest that ran {ran_at_most:.2f} s")
            check_no_clock_trouble(guest)


class Terminal:
    """host/run-linux on a pseudo-terminal."""

    def __init__(self, setup):
        self.controller, self.terminal = pty.openpty()
        self.before = termios.tcgetattr(self.terminal)
        self.seen = b""
        environment = dict(os.environ, BACKPLANE=str(setup.emulator), TERM="xterm")
        self.process = subprocess.Popen([TOP / "host/run-linux"], env=environment,
                                        start_new_session=True, stdin=self.terminal,
                                        stdout=self.terminal, stderr=self.terminal)

    def expect(self, text):
        deadline = time.monotonic() + 60
        while text not in self.seen:
            left = max(0, deadline - time.monotonic())
            if not select.select([self.controller], [], [], left)[0]:
                raise Failure(f"no {text!r} on the terminal, but {self.seen[-500:]!r}")
            self.seen += os.read(self.controller, 4096)
        self.seen = self.seen[self.seen.index(text) + len(text):]

    def type(self, keys):
        os.write(self.controller, keys)

    def end(self):
        while self.process.poll() is None:
            if select.select([self.controller], [], [], 0.1)[0]:
                os.read(self.controller, 4096)
        check(termios.tcgetattr(self.terminal) == self.before, "the terminal was left changed")
        return self.process.returncode


@case
def terminal(setup):
    """The interactive shell: job control, Ctrl-C, the monitor, power-off."""
    shell = Terminal(setup)
    shell.expect(b"# ")
    shell.type(b"sleep 1000\n")
    time.sleep(1)
    shell.type(b"\x03")
    shell.expect(b"# ")
    shell.type(b"\x01h")
    shell.expect(b"monitor")
    shell.type(b"\x01c")
    shell.expect(b") ")
    shell.type(b"info balloon\n")
    shell.expect(b"actual=512")
    shell.type(b"\x01c")
    shell.type(b"\necho $((6*7))done; poweroff -f\n")
    shell.expect(b"42done")
    check_equal("status", shell.end(), 0)


@case
def quit_key(setup):
    shell = Terminal(setup)
    shell.expect(b"# ")
    shell.type(b"\x01x")
    check_equal("status", shell.end(), 0)


@case
def run_linux(setup):
    """host/run-linux --cmd: output to the byte, statuses, arguments."""
    def run(*arguments):
        return subprocess.run([TOP / "host/run-linux", *arguments], timeout=120,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              env=dict(os.environ, BACKPLANE=str(setup.emulator)))
    result = run("--cmd", r"printf 'a\r\n\0\377'; exit 255", "--", "-name", "x")
    check_equal("output", result.stdout, b"a\r\n\0\xff")
    check_equal("status", result.returncode, 255)
    result = run("--cpus", "2", "--memory=256", "--cmd", "yes | head -c 500000; nproc")
    check(result.stdout == b"y\n" * 250000 + b"2\n", "long output is not whole")
    check_equal("status", result.returncode, 0)
    functions = run("--cmd", "lspci").stdout.decode()
    check(re.search(r"^00:00\.0 Class 0600: 8086:1237$", functions, re.M) and
          re.search(r"^00:0\d\.0 Class 0100: 1af4:10\d\d virtio-pci$", functions, re.M),
          f"lspci says {functions!r}")
    check_equal("status of a bad option", run("--nonsense").returncode, 1)


SEABIOS = "/usr/share/seabios/bios-256k.bin"


@case
def firmware(setup):
    """Debian's SeaBIOS, with nothing to boot from."""
    start_firmware(setup, "tcg", "1")
    start_firmware(setup, "tcg", "2")


@case
def firmware_disk(setup):
    """SeaBIOS boots from the first sector of a virtio disk, and reads the next one for it; where
    there are several disks, from the one with the least bootindex."""
    disk, other = image(setup, setup.disk.read_bytes()), setup.work / "other"
    other.write_bytes(bytes(MIB))
    blank = ["-drive", f"file={other},format=raw,if=none,id=blank"]
    node = ["-drive", f"file={disk},format=raw,if=none,id=disk"]
    for disks in (["-drive", f"file={disk},format=raw"],
                  [*blank, "-device", "virtio-blk-pci,drive=blank,bootindex=2",
                   *node, "-device", "virtio-blk-pci,drive=disk,bootindex=1"]):
        result = subprocess.run(
            [setup.emulator, "-M", "pc", "-accel", "tcg", "-m", "128", "-nodefaults", "-display",
             "none", "-bios", SEABIOS, "-serial", "stdio", "-device", "isa-debug-exit", *disks],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=90)
        check_equal("errors", result.stderr, b"")
        # Where there is no screen, SeaBIOS itself uses the serial port as well.
        check(b"Booting from Hard Disk" in result.stdout and
              result.stdout.endswith(b"read by the boot sector\n"), f"output: {result.stdout!r}")
        check_equal("status", result.returncode, 33)


@case
def firmware_kvm_on(setup):
    start_firmware(setup, "kvm,kernel-irqchip=on", "2")


@case
def firmware_kvm_split(setup):
    start_firmware(setup, "kvm,kernel-irqchip=split", "2")


@case
def firmware_kvm_off(setup):
    start_firmware(setup, "kvm,kernel-irqchip=off", "2")


@case
def firmware_whpx_on(setup):
    start_firmware(setup, whpx(setup, "on"), "1")


@case
def firmware_whpx_off(setup):
    start_firmware(setup, whpx(setup, "off"), "1")


SECTOR = 512
# Where bios_loader.S has its table, and where what it reads goes: the initrd to where the kernel does
# not decompress itself.
TABLE, SETUP_AT, KERNEL_AT, INITRD_AT = 0x180, 0x90000, 0x100000, 0xb000000


def bootable(setup, initramfs, command_line):
    """A disk from which a BIOS boots the kernel. The header's fields are those of the boot protocol."""
    bzimage = (setup.fetched / "vmlinuz").read_bytes()
    setup_size = (bzimage[0x1f1] + 1) * SECTOR
    real_mode = bytearray(bzimage[:setup_size].ljust(0xe000, b"\0"))
    real_mode[0x210] = 0xff  # type_of_loader: none that has a number
    real_mode[0x211] |= 0x80  # loadflags: the heap may be used
    struct.pack_into("<II", real_mode, 0x218, INITRD_AT, len(initramfs))
    struct.pack_into("<H", real_mode, 0x224, 0xde00)  # heap_end_ptr
    struct.pack_into("<I", real_mode, 0x228, SETUP_AT + len(real_mode))  # cmd_line_ptr
    parts = [(SETUP_AT, bytes(real_mode) + command_line.encode() + b"\0"),
             (KERNEL_AT, bzimage[setup_size:]), (INITRD_AT, initramfs)]
    disk = bytearray(setup.bios_loader.read_bytes())
    for number, (address, data) in enumerate(parts):
        padded = data.ljust(-(-len(data) // SECTOR) * SECTOR, b"\0")
        struct.pack_into("<III", disk, TABLE + 12 * number, len(disk) // SECTOR,
                         len(padded) // SECTOR, address)
        disk += padded
    path = setup.work / "bootable.img"
    path.write_bytes(disk)
    return path


# What ACPI tells, but for addresses, which are the firmware's.
ACPI_TOLD = r"""
set -e
cd /sys/firmware/acpi/tables
echo tables $(ls -d [A-Z]*)
echo cpus $(nproc)
for table in APIC DSDT HPET WAET; do echo $table $(md5sum <$table); done
grep -o "ACPI PM.*" /proc/ioports | sort
"""


@case
def firmware_acpi(setup):
    """SeaBIOS gives Linux the ACPI tables that a direct boot gives it, and it powers off by them."""
    smp = "3,sockets=1,cores=3"
    with Guest(setup, ACPI_TOLD, cpus=smp, memory=256) as guest:
        direct = guest.finish()
    check("tables APIC DSDT FACP FACS HPET WAET" in direct, f"a direct boot has {direct!r}")
    guest = Guest(setup, ACPI_TOLD, cpus=smp, memory=256, timeout=150)
    kernel, initrd, words = (guest.command.index(option) for option in
                             ("-kernel", "-initrd", "-append"))
    disk = bootable(setup, Path(guest.command[initrd + 1]).read_bytes(), guest.command[words + 1])
    guest.command[kernel:words + 2] = [
        "-bios", SEABIOS, "-drive", f"file={disk},format=raw,if=virtio,readonly=on"]
    with guest:
        by_firmware = guest.finish()
    check_equal("tables by SeaBIOS", by_firmware, direct)


def whpx(setup, irqchip):
    return (f"whpx,kernel-irqchip={irqchip},platform-library={setup.platform},"
            f"emulation-library={setup.platform}")


def start_firmware(setup, accel, cpus):
    command = [setup.emulator, "-M", "pc", "-accel", accel, "-smp", cpus, "-m", "128", "-nodefaults",
               "-display", "none", "-bios", SEABIOS, "-chardev", "stdio,id=debug",
               "-device", "isa-debugcon,iobase=0x402,chardev=debug"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    said = b""
    deadline = time.monotonic() + 90
    try:
        while b"No bootable device." not in said:
            left = deadline - time.monotonic()
            ready = left > 0 and select.select([process.stdout], [], [], left)[0]
            data = os.read(process.stdout.fileno(), 65536) if ready else b""
            if not data:
                raise Failure(f"the firmware stopped, having said {said.decode()}")
            said += data
    finally:
        process.kill()
        process.wait()
    check(f"Found {cpus} cpu(s)".encode() in said, f"not all CPUs were found: {said.decode()}")


# --- A debugger ---------------------------------------------------------------

KERNEL_SYMBOLS = {"__x64_sys_openat": "ax", "do_syscall_64": "ax", "jiffies_64": "aw"}
DEBUGGED = f"""
grep -E ' ({"|".join(KERNEL_SYMBOLS)})$' /proc/kallsyms
echo ready
read line </dev/ttyS1
head -c 100000 /dev/zero | md5sum
"""


def kernel_symbols(work, kallsyms):
    """A file with the names of these places, as a kernel's own symbols would have them."""
    source, places = [], ["--no-check-sections"]
    for line in kallsyms.splitlines():
        address, _, name = line.split()[:3]
        flags = KERNEL_SYMBOLS[name]
        kind = "function" if flags == "ax" else "object"
        source.append(f'.section .{name},"{flags}",@nobits\n.globl {name}\n'
                      f".type {name},@{kind}\n{name}: .skip 256\n.size {name},256\n")
        places.append(f"--section-start=.{name}=0x{address}")
    check_equal("symbols", len(source), len(KERNEL_SYMBOLS))
    assembled, linked = work / "symbols.o", work / "symbols"
    subprocess.run(["as", "--64", "-o", assembled, "-"], input="".join(source), text=True, check=True)
    subprocess.run(["ld", "-e", "0", *places, "-o", linked, assembled], check=True)
    return linked


@case
def gdb(setup):
    path, ready = setup.work / "gdb", setup.work / "ready"
    with Guest(setup, DEBUGGED, "-gdb", f"unix:{path}", cpus=2, timeout=150) as guest:
        [kallsyms] = guest.expect(r"((?s:.*))\r?\nready")
        script = setup.work / "commands.gdb"
        script.write_text(f"""
set pagination off
set confirm off
set width 0
target remote {path}
info threads
break __x64_sys_openat
shell touch {ready}
continue
backtrace 2
stepi 3
delete
hbreak __x64_sys_openat
continue
delete
finish
watch *(unsigned long *)&jiffies_64
continue
print/x $cr0 & 0x80000001
delete
detach
""")
        debugger = subprocess.Popen(
            ["gdb", "-nx", "-q", "-batch", "-x", script,
             kernel_symbols(setup.work, kallsyms.replace("\r", ""))],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            while not ready.exists():
                guest.left("breakpoint")
                check(debugger.poll() is None, "gdb has ended")
                time.sleep(0.05)
            # The kernel waits for it in gdb's hands.
            guest.say("go")
            text = debugger.communicate(timeout=guest.left("end of gdb"))[0]
        finally:
            debugger.kill()
        expected = [r"^  2 +Thread 2 \(CPU 1", r"hit Breakpoint 1, 0x\w+ in __x64_sys_openat \(\)",
                    r"^#0 .* in __x64_sys_openat", r"^#1 .* in do_syscall_64",
                    r"hit Breakpoint 2, 0x\w+ in __x64_sys_openat",
                    r"^0x\w+ in do_syscall_64", r"hit Hardware watchpoint",
                    r"^Old value = (\d+)\nNew value = (\d+)", r"= 0x80000001", r"detached"]
        at = 0
        for pattern in expected:
            found = re.compile(pattern, re.MULTILINE).search(text, at)
            check(found, f"gdb did not print '{pattern}' (in this order):\n{text}")
            at = found.end()
            if found.lastindex == 2:
                check(int(found[2]) > int(found[1]), f"time went from {found[1]} to {found[2]}")
        check(hashlib.md5(bytes(100000)).hexdigest() in guest.finish(), "the guest's sum is wrong")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--emulator", type=Path, required=True)
    parser.add_argument("--fetched", type=Path, required=True,
                        help="directory for the kernel and busybox (host/linux/fetch-kernel)")
    parser.add_argument("--initramfs", type=Path, required=True)
    parser.add_argument("--probe", help="what tells whether this host has the accelerator")
    parser.add_argument("--disk", type=Path, help="a disk image that boots (boot_sector.S)")
    parser.add_argument("--bios-loader", type=Path, help="the boot sector of bios_loader.S")
    parser.add_argument("--programs", type=Path, help="programs/suite.h, for the guest")
    parser.add_argument("--platform", type=Path, help="the platform library of accelerator whpx")
    parser.add_argument("case", choices=["prepare", *CASES])
    options = parser.parse_args()
    if options.case == "prepare":
        prepare(options.fetched, options.initramfs)
        return
    if options.probe:
        skip_unless_usable(options.probe)
    with tempfile.TemporaryDirectory(prefix="backplane-boot-") as work:
        setup = Setup(options.emulator, options.fetched, options.initramfs, Path(work),
                      options.platform, options.disk, options.bios_loader, options.programs)
        try:
            CASES[options.case](setup)
        except Failure as failure:
            sys.exit(f"{options.case}: {failure}")


if __name__ == "__main__":
    main()

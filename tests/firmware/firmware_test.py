# SPDX-License-Identifier: MIT
"""Starts Debian's firmware, boot loaders and systems, as they are, and sees how far they come."""

import argparse
import functools
import http.server
import os
import re
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.append(str(TOP / "tests/gdb"))
sys.path.append(str(TOP / "tests/qmp"))

from qmp_test import Session  # noqa: E402
from remote import Remote, framed  # noqa: E402

OVMF_CODE, OVMF_VARS = Path("/usr/share/OVMF/OVMF_CODE_4M.fd"), Path("/usr/share/OVMF/OVMF_VARS_4M.fd")
GRUB = Path("/usr/lib/grub")
SECTOR = 512
# Its third test is seen at work, and takes seconds.
MEMTEST_MIB = 64
# What GRUB writes to the port of the debug exit, and what becomes of it.
EXIT = ["-device", "isa-debug-exit,iobase=0xf4,iosize=0x4"]
DONE, DONE_STATUS = 0x10, 0x21
CASES = {}


class Failure(Exception):
    """What was expected of the guest, and what came instead."""


def case(function):
    CASES[function.__name__] = function
    return function


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def check(holds, what):
    if not holds:
        raise Failure(what)


class Machine:
    """A running machine whose first serial port is read here; use it in a with statement."""

    def __init__(self, test, *options, seconds=60, memory=128):
        self.deadline = time.monotonic() + seconds
        self.seen = b""
        self.process = subprocess.Popen(
            [test.emulator, "-m", str(memory), "-display", "none", "-monitor", "none", "-serial",
             "stdio", *EXIT, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def expect(self, text):
        text = text.encode()
        while text not in self.seen:
            left = self.deadline - time.monotonic()
            ready = left > 0 and select.select([self.process.stdout], [], [], left)[0]
            piece = os.read(self.process.stdout.fileno(), 4096) if ready else b""
            if not piece:
                raise Failure(f"no {text.decode()!r}, but {self.seen[-3000:]!r}")
            self.seen += piece
        self.seen = self.seen[self.seen.index(text) + len(text):]

    def type(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def ends_with(self, status):
        try:
            found = self.process.wait(max(1, self.deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise Failure(f"it does not end; it said {self.seen[-3000:]!r}") from None
        check(found == status, f"status {found}, not {status}")


def run(*command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    check(done.returncode == 0, f"{command[0]}: {done.stdout}{done.stderr}")


def grub(test, format, script, *modules, name="core.img"):
    """GRUB as one file, with a script in it that says where it is and leaves."""
    config = test.work / "grub.cfg"
    config.write_text("serial --unit=0 --speed=115200\nterminal_output serial\n" + script)
    core = test.work / name
    run("grub-mkimage", "-O", format, "-o", core, "-c", config, "-p", "/boot/grub", "normal",
        "serial", "echo", "iorw", *modules)
    return core


LEAVE = f'echo "GRUB is at $root"\noutb 0xf4 {DONE}\n'


def bios_disk(test, script=LEAVE, name="disk.img"):
    """A disk whose first sectors are GRUB, the second stage right behind the first."""
    core = grub(test, "i386-pc", script, "biosdisk", "part_msdos")
    image = bytearray((GRUB / "i386-pc/boot.img").read_bytes()) + core.read_bytes()
    image[510:512] = b"\x55\xaa"
    disk = test.work / name
    disk.write_bytes(bytes(image).ljust(1 << 20, b"\0"))
    return disk


def disc(test, script=LEAVE, files=(), modules=()):
    tree = test.work / "tree"
    tree.mkdir()
    for name, file in files:
        shutil.copy(file, tree / name)
    core = grub(test, "i386-pc-eltorito", script, "biosdisk", "iso9660", *modules)
    shutil.copy(core, tree / "core.img")
    image = test.work / "disc.iso"
    run("xorriso", "-as", "mkisofs", "-quiet", "-o", image, "-b", "core.img", "-no-emul-boot",
        "-boot-load-size", "4", "-boot-info-table", tree)
    return image


def reaches_grub(test, place, *options):
    with Machine(test, *options) as machine:
        machine.expect(f"GRUB is at {place}")
        machine.ends_with(DONE_STATUS)


@case
def grub_ide(test):
    reaches_grub(test, "hd0", "-nodefaults", "-hda", bios_disk(test))


@case
def grub_virtio(test):
    reaches_grub(test, "hd0", "-nodefaults", "-drive",
                 f"file={bios_disk(test)},format=raw,if=virtio")


@case
def grub_scsi(test):
    disk = f"file={bios_disk(test)},format=raw"
    reaches_grub(test, "hd0", "-nodefaults", "-drive", disk + ",if=scsi")
    reaches_grub(test, "hd0", "-nodefaults", "-boot", "strict=on", "-device", "virtio-scsi-pci",
                 "-drive", disk + ",if=none,id=d", "-device", "scsi-hd,drive=d,bootindex=0")


@case
def grub_disc(test):
    # SeaBIOS numbers discs from E0h on.
    reaches_grub(test, "hd96", "-nodefaults", "-cdrom", disc(test))


@case
def changed_disc(test):
    """GRUB reads a file on the disc that it came from, and then on another, and on none."""
    # What it has read it keeps for two seconds.
    first = disc(test, "cat ($root)/name\nsleep 3\n" * 25,
                 [("name", named(test, "first"))], ["cat", "sleep"])
    second = test.work / "second.iso"
    run("xorriso", "-as", "mkisofs", "-quiet", "-o", second, named(test, "second"))
    qmp = test.work / "qmp"
    with Machine(test, "-nodefaults", "-cdrom", first, "-qmp",
                 f"unix:{qmp},server=on,wait=off") as machine:
        machine.expect("this is the first")
        with Session(qmp) as session:
            name = session.ask("query-block")[0]["device"]
            session.ask("human-monitor-command", **{"command-line": f"change {name} {second}"})
            machine.expect("this is the second")
            session.ask("eject", device=name)
            check("inserted" not in session.ask("query-block")[0], "it is in the drive yet")
        machine.expect("error:")


def named(test, name):
    file = test.work / "name"
    file.write_text(f"this is the {name}\n")
    return file


@case
def boot_order(test):
    """Order, once, and bootindex, which comes before both."""
    disk = bios_disk(test, script='echo "from the disk"\n' + LEAVE)
    again = bios_disk(test, script='echo "from the disk"\noutb 0x64 0xfe\n', name="again.img")
    image = disc(test, script='echo "from the disc"\n' + LEAVE)

    def starts_from(what, *options):
        with Machine(test, "-nodefaults", "-cdrom", image, *options) as machine:
            machine.expect("from the " + what)
    starts_from("disk", "-hda", disk)
    starts_from("disc", "-hda", disk, "-boot", "dc")
    starts_from("disc", "-hda", disk, "-boot", "order=c,once=d")
    starts_from("disk", "-boot", "d", "-drive", f"file={disk},format=raw,if=ide,bootindex=0")
    with Machine(test, "-nodefaults", "-cdrom", image, "-hda", again, "-boot",
                 "order=d,once=c") as machine:
        machine.expect("from the disk")
        machine.expect("from the disc")


def flash(test):
    """Options for OVMF, with variables of its own."""
    variables = test.work / "variables.fd"
    if not variables.exists():
        shutil.copy(OVMF_VARS, variables)
    return ["-drive", f"if=pflash,format=raw,readonly=on,file={OVMF_CODE}",
            "-drive", f"if=pflash,format=raw,file={variables}"], variables


def debian_kernel(test):
    """And an initramfs that ends in a shell."""
    files = test.guest / "vmlinuz", test.guest / "initramfs.cpio"
    if not all(file.exists() for file in files):
        skip("host/run-linux has not fetched Debian's kernel")
    return files


def efi_disk(test, script):
    core = grub(test, "x86_64-efi", script, "part_gpt", "fat", "efi_gop")
    disk = test.work / "efi.img"
    run("mkfs.fat", "-C", disk, "4096")
    run("mmd", "-i", disk, "::/EFI", "::/EFI/BOOT")
    run("mcopy", "-i", disk, core, "::/EFI/BOOT/BOOTX64.EFI")
    return disk


@case
def grub_uefi(test):
    """And what it tells the firmware to remember is there when it starts again."""
    options, variables = flash(test)
    disk = efi_disk(test, LEAVE)
    for _ in range(2):
        with Machine(test, "-nodefaults", *options, "-drive",
                     f"file={disk},format=raw,if=virtio", memory=256) as machine:
            machine.expect("GRUB is at hd0")
            machine.ends_with(DONE_STATUS)
    kept = variables.read_bytes()
    check(kept != OVMF_VARS.read_bytes(), "the firmware's variables were not kept")
    check("Boot0000".encode("utf-16-le") in kept, "no Boot0000 among the variables")


@case
def systemd_boot(test):
    """Its menu, which counts down by the firmware's clock, and then Debian's kernel as a program of
    the firmware."""
    loader = Path("/usr/lib/systemd/boot/efi/systemd-bootx64.efi")
    if not loader.exists():
        skip("systemd-boot-efi is not installed")
    kernel, initramfs = debian_kernel(test)
    (test.work / "loader.conf").write_text("timeout 2\n")
    (test.work / "debian.conf").write_text(
        "title Debian as an entry\nlinux /vmlinuz\ninitrd /initramfs\n"
        "options console=ttyS0 quiet\n")
    disk = test.work / "efi.img"
    run("mkfs.fat", "-C", disk, "65536")
    run("mmd", "-i", disk, "::/EFI", "::/EFI/BOOT", "::/loader", "::/loader/entries")
    for file, place in ((loader, "EFI/BOOT/BOOTX64.EFI"), (kernel, "vmlinuz"),
                        (initramfs, "initramfs"), (test.work / "loader.conf", "loader/loader.conf"),
                        (test.work / "debian.conf", "loader/entries/debian.conf")):
        run("mcopy", "-i", disk, file, f"::/{place}")
    options, _ = flash(test)
    with Machine(test, "-nodefaults", *options, "-drive", f"file={disk},format=raw,if=virtio",
                 memory=512, seconds=160) as machine:
        machine.expect("Debian as an entry")
        machine.expect("Backplane. Ctrl-A x quits")
        machine.type("ls -d /sys/firmware/efi\n")
        machine.expect("\n/sys/firmware/efi\r")


@case
def uefi_shell(test):
    options, _ = flash(test)
    with Machine(test, "-nodefaults", *options, memory=256, seconds=100) as machine:
        machine.expect("Shell>")
        machine.type("ver\r\n")
        machine.expect("UEFI v2.")


class Server(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@case
def netboot(test):
    """iPXE, in the card's ROM: a script by TFTP, Debian's kernel and an initramfs by HTTP."""
    kernel, initramfs = debian_kernel(test)
    (test.work / "kernel").symlink_to(kernel.resolve())
    (test.work / "initramfs").symlink_to(initramfs.resolve())
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Server, directory=test.work))
    (test.work / "boot.ipxe").write_text(
        f"#!ipxe\nset from http://10.0.2.2:{server.server_port}\n"
        "kernel ${from}/kernel console=ttyS0 quiet initrd=initramfs\ninitrd ${from}/initramfs\n"
        "boot\n")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    # On a busy host iPXE may give up waiting for an answer, by the guest's clock; then it tries again.
    with Machine(test, "-nodefaults", "-boot", "order=n,reboot-timeout=1000", "-nic",
                 f"user,model=virtio-net-pci,tftp={test.work},bootfile=boot.ipxe",
                 memory=512, seconds=280) as machine:
        machine.expect("Backplane. Ctrl-A x quits")
        machine.type("uname -a\n")
        machine.expect("Debian")


def reaches_prompt_of_u_boot(test, name):
    rom = Path(f"/usr/lib/u-boot/{name}/u-boot.rom")
    with Machine(test, "-nodefaults", "-bios", rom, memory=256, seconds=100) as machine:
        machine.expect("U-Boot 20")
        machine.expect("autoboot:")
        machine.type("\n")
        machine.expect("=> ")
        machine.type("version\n")
        machine.expect("U-Boot 20")


@case
def u_boot(test):
    reaches_prompt_of_u_boot(test, "qemu-x86")


@case
def u_boot_64(test):
    reaches_prompt_of_u_boot(test, "qemu-x86_64")


@case
def handed_on(test):
    """What -smbios, -uuid and -fw_cfg say, a kernel's programs read."""
    structure = test.work / "structure"
    structure.write_bytes(struct.pack("<BBH", 200, 6, 0xc8) + b"\1\0" + b"whole\0\0")
    done = subprocess.run(
        [TOP / "host/run-linux", "--cmd",
         "cd /sys/class/dmi/id; cat sys_vendor product_name product_serial product_uuid;"
         "grep -l . /sys/firmware/dmi/entries/200-0/raw; grep -ao whole /sys/firmware/dmi/tables/DMI",
         "--", "-smbios", "type=1,manufacturer=Maker,product=A,,B,serial=S1",
         "-uuid", "00112233-4455-6677-8899-aabbccddeeff", "-smbios", f"file={structure}"],
        env=dict(os.environ, BACKPLANE=test.emulator), capture_output=True, text=True, timeout=80)
    check(done.stdout.split("\n")[:4] == ["Maker", "A,B", "S1", "00112233-4455-6677-8899-aabbccddeeff"]
          and "whole" in done.stdout, f"the guest reads {done.stdout!r}; {done.stderr!r}")


class Screen:
    """The text on a machine's screen, read from its memory through the debugger."""

    COLUMNS, ROWS = 80, 25

    def __init__(self, path):
        self.debugger = Remote(path, timeout=30)
        self.debugger.__enter__()  # stops the machine

    def rows(self):
        """As they are now; the machine goes on."""
        text = bytes.fromhex(self.debugger.ask(f"mb8000,{self.COLUMNS * self.ROWS * 2:x}"))
        self.debugger.send(framed("c"))
        return [text[at:at + 2 * self.COLUMNS:2].decode("cp437")
                for at in range(0, len(text), 2 * self.COLUMNS)]

    def stop(self):
        self.debugger.send(b"\x03")
        self.debugger.packet()


@case
def memtest86(test):
    """A whole test 3 of memtest86+, as its screen tells."""
    program = Path("/boot/memtest86+x64.bin")
    if not program.exists():
        skip(f"{program} is missing: install the package memtest86+")
    tree = test.work / "tree"
    tree.mkdir()
    shutil.copy(program, tree / "memtest.bin")
    core = grub(test, "i386-pc-eltorito",
                "linux16 (cd)/memtest.bin nosmp nobench nosm nopause\nboot\n",
                "biosdisk", "iso9660", "linux16", "boot")
    shutil.copy(core, tree / "core.img")
    image = test.work / "disc.iso"
    run("xorriso", "-as", "mkisofs", "-quiet", "-o", image, "-b", "core.img", "-no-emul-boot",
        "-boot-load-size", "4", "-boot-info-table", tree)
    socket = test.work / "gdb"
    with Machine(test, "-M", "pc", "-nodefaults", "-vga", "std", "-cdrom", image, "-boot", "d",
                 "-gdb", f"unix:{socket},server=on,wait=off", memory=MEMTEST_MIB) as machine:
        while not socket.exists():
            time.sleep(0.05)
        screen = Screen(str(socket))
        seen = []
        while "4" not in seen:
            rows = screen.rows()
            text = "\n".join(rows)
            check(time.monotonic() < machine.deadline, f"no test 4 in time:\n{text}")
            number = re.search(r"Test #(\d+)", text)
            if number and number[1] not in seen:
                seen.append(number[1])
            time.sleep(0.1)
            screen.stop()
        check(seen[-2:] == ["3", "4"], f"the tests seen were {seen}:\n{text}")
        check(re.search(r"Errors:\s+0\b", text), f"there were errors:\n{text}")


def debian_says(test, *options, commands, seconds=200):
    if not (test.guest / "debian.img").exists():
        skip("host/run-disk has not made its disk")
    disk = test.work / "debian.img"
    run("cp", "--sparse=always", "--reflink=auto", test.guest / "debian.img", disk)
    done = subprocess.run(
        [TOP / "host/run-disk", "--disk", disk, "--timeout", str(seconds // 2), "--cmd", commands,
         *options], env=dict(os.environ, BACKPLANE=test.emulator), capture_output=True, text=True,
        timeout=seconds)
    check(done.returncode == 0, f"status {done.returncode}: {done.stdout}{done.stderr}")
    # It went off in order, and nothing is left to be recovered.
    with disk.open("rb") as image:
        image.seek(18 * 2048 * SECTOR + 1024 + 58)
        state = struct.unpack("<H", image.read(2))[0]
    check(state & 1 == 1, f"its file system is not clean: {state:#x}")
    return done.stdout


NETWORK = "for i in 1 2 3 4 5 6 7 8 9; do ip -4 -o a show scope global | grep -o 10.0.2.15 && break; sleep 1; done;"


@case
def debian(test):
    said = debian_says(test, commands=NETWORK + "echo changed >/root/file; sync; nproc; uname -v")
    check("10.0.2.15" in said and "\n1\n" in said and "Debian" in said, said)


@case
def debian_four_cpus(test):
    said = debian_says(test, "--cpus", "4", commands="nproc; cat /sys/block/vda/size", seconds=260)
    check(said == "4\n4194304\n", said)


@case
def debian_ide(test):
    said = debian_says(test, "--if", "ide", commands=(
        "cat /sys/block/sda/device/model; dmesg | grep -c 'ata1.*error'; "
        "dd if=/dev/zero of=/root/zero bs=1M count=8 oflag=direct 2>/dev/null; sync; "
        "echo 3 >/proc/sys/vm/drop_caches; md5sum </root/zero"))
    check(said.startswith("BACKPLANE HARDDI") and "\n0\n" in said and
          "96995b58d4cbf6aaa9041b4f00c7f6ae" in said, said)


@case
def debian_uefi(test):
    options, _ = flash(test)
    said = debian_says(test, "--", *options, commands="test -d /sys/firmware/efi && echo by EFI",
                       seconds=260)
    check(said == "by EFI\n", said)


def guest_file(test, name):
    file = test.guest / name
    if not file.exists():
        skip(f"tests/firmware/fetch-guests has not fetched {name}")
    return file


@case
def installer(test):
    """Debian's, as it is started from a network, to its first question."""
    with Machine(test, "-kernel", guest_file(test, "installer/linux"), "-initrd",
                 guest_file(test, "installer/initrd.gz"), "-append", "console=ttyS0 quiet",
                 memory=1024, seconds=200) as machine:
        machine.expect("Select a language")
        machine.expect("English")


@case
def linux_32_bit(test):
    """A kernel with PAE, to a shell that has an address, and off again."""
    with Machine(test, "-kernel", guest_file(test, "i386/vmlinuz"), "-initrd",
                 guest_file(test, "i386/initramfs.cpio"), "-append", "console=ttyS0 quiet", "-nic",
                 "user", memory=256, seconds=160) as machine:
        machine.expect("Backplane. Ctrl-A x quits")
        machine.type("uname -m; ip -4 -o a show eth0 | grep -o '10.0.2.*/24'; poweroff -f\n")
        machine.expect("\ni686")
        machine.expect("\n10.0.2.15/24")
        machine.ends_with(0)


# The processes of a first domain begin with this one. Its number is zero.
DOMAIN_INIT = """#!/bin/busybox sh
/bin/busybox mkdir /sys
/bin/busybox mount -t sysfs sys /sys
cd /sys/hypervisor
echo "user space on $(/bin/busybox cat type guest_type uuid | /bin/busybox tr '\\n' ' ')"
/bin/busybox poweroff -f
"""
XEN = """echo "GRUB is at $root"
multiboot2 /xen.gz com1=115200 console=com1 dom0_mem=384M
module2 /linux console=hvc0
module2 /initrd
boot
"""


@case
def xen_dom0(test):
    """Xen, by GRUB, with the installer's kernel in its first domain, which turns the machine off."""
    script = test.work / "init"
    script.write_text(DOMAIN_INIT)
    initrd = test.work / "initrd"
    with initrd.open("wb") as archive:
        subprocess.run([TOP / "host/linux/make-initramfs", "--append", f"{script}=init",
                        f"{guest_file(test, 'busybox')}=bin/busybox"], stdout=archive, check=True)
    image = disc(test, XEN, [("xen.gz", guest_file(test, "xen.gz")),
                             ("linux", guest_file(test, "installer/linux")), ("initrd", initrd)],
                 ["multiboot2", "gzio"])
    with Machine(test, "-nodefaults", "-cdrom", image, memory=768, seconds=200) as machine:
        machine.expect("GRUB is at hd96")
        machine.expect("Xen version")
        machine.expect("user space on xen PV 00000000-0000-0000-0000-000000000000")
        machine.expect("Entering ACPI S5 state")
        machine.ends_with(0)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--emulator", required=True)
    parser.add_argument("--guest", type=Path, required=True)
    parser.add_argument("case", choices=CASES)
    test = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        test.work = Path(directory)
        try:
            CASES[test.case](test)
        except Failure as failure:
            sys.exit(str(failure))


if __name__ == "__main__":
    main()

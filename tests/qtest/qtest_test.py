# SPDX-License-Identifier: MIT
"""Drives devices over qtest: ports, memory, interrupts and time, without a guest."""

import argparse
import base64
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SECONDS = 20


def check(holds, what):
    if not holds:
        sys.exit(what)


class Refused(Exception):
    """The answer FAIL."""


class Qtest:
    """A machine without a guest, and the connection that it is driven by."""

    def __init__(self, *options, accelerator=("-accel", "qtest"), program="backplane"):
        self.directory = tempfile.TemporaryDirectory()
        path = Path(self.directory.name) / "socket"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(SECONDS)
        self.process = subprocess.Popen(
            [program, *accelerator, "-nodefaults", "-display", "none", "-qtest", f"unix:{path}",
             *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
        self.socket, _ = listener.accept()
        listener.close()
        self.use(self.socket)
        self.interrupts = {}  # what was told of lines: number to level, the last one

    def use(self, connection):
        connection.settimeout(SECONDS)
        self.file = connection.makefile("rw", newline="\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.said, _ = self.process.communicate(timeout=SECONDS)
        self.file.close()
        self.socket.close()
        self.directory.cleanup()

    def answer(self):
        while True:
            words = self.file.readline().split()
            check(words, "the emulator has gone")
            if words[0] != "IRQ":
                break
            self.interrupts[int(words[2])] = words[1] == "raise"
        if words[0] == "FAIL":
            raise Refused(" ".join(words[1:]))
        check(words[0] == "OK" and len(words) <= 2, f"what is '{words}'?")
        return words[1] if len(words) == 2 else None

    def say(self, *words):
        self.file.write(" ".join(str(word) for word in words) + "\n")
        self.file.flush()
        return self.answer()

    def number(self, *words):
        return int(self.say(*words), 0)

    def refuses(self, *words):
        try:
            self.say(*words)
        except Refused as refused:
            return str(refused)
        return sys.exit(f"'{' '.join(map(str, words))[:80]}' was not refused")


def memory_and_ports(program):
    with Qtest(program=program) as machine:
        check(machine.say("endianness") == "little", "order of bytes")
        for size, value in (("b", 0xa5), ("w", 0x1234), ("l", 0x89abcdef), ("q", 0x1122334455667788)):
            machine.say(f"write{size}", 0x100000, hex(value))
            check(machine.number(f"read{size}", 0x100000) == value, f"{size} in memory")
        check(machine.say("read", 0x100000, 4) == "0x88776655", "bytes")
        machine.say("write", 0x200000, 6, "0x0102030405ff")
        check(machine.say("read", "0x200000", 8) == "0x0102030405ff0000", "written bytes")
        machine.say("memset", 0x200001, 2, 0xee)
        check(machine.say("read", 0x200000, 4) == "0x01eeee04", "filled bytes")
        data = bytes(range(256)) * 8
        machine.say("b64write", 0x300000, len(data), base64.b64encode(data).decode())
        check(base64.b64decode(machine.say("b64read", 0x300000, len(data))) == data, "base64")
        # Fewer bytes than said are followed by zeroes.
        machine.say("b64write", 0x300000, 4, base64.b64encode(b"x").decode())
        check(machine.say("read", 0x300000, 5) == "0x7800000004", "base64, short")
        # The register numbers of CMOS, and of a PCI host bridge.
        machine.say("outb", 0x70, 0x0f)
        machine.say("outb", 0x71, 0x5a)
        check(machine.number("inb", 0x71) == 0x5a, "CMOS")
        machine.say("outl", 0xcf8, 0x80000000)
        check(machine.number("inl", 0xcfc) == 0x12378086, "host bridge")
        check(machine.number("inw", 0xcfe) == 0x1237, "host bridge, word")


def virtual_time(program):
    with Qtest(program=program) as machine:
        before = machine.number("clock_step", 1000)
        check(machine.number("clock_step", 1000) == before + 1000, "time goes by what it is told")
        check(machine.number("clock_set", 10**9) == 10**9, "clock_set")
        check(machine.number("clock_set", 5) == 10**9, "time does not go back")
        # Counter 2 of the 8254, gate on, one-shot of 1000 ticks: 838 us.
        machine.say("outb", 0x61, 1)
        machine.say("outb", 0x43, 0xb0)
        machine.say("outb", 0x42, 1000 & 0xff)
        machine.say("outb", 0x42, 1000 >> 8)
        machine.say("clock_step", 800000)
        check(not machine.number("inb", 0x61) & 0x20, "the counter is too quick")
        machine.say("clock_step", 50000)
        check(machine.number("inb", 0x61) & 0x20, "the counter does not end")


def tick(machine):
    """Counter 0 of the 8254, every 1000 ticks."""
    machine.say("outb", 0x43, 0x34)
    machine.say("outb", 0x40, 1000 & 0xff)
    machine.say("outb", 0x40, 1000 >> 8)


def interrupts(program):
    with Qtest(program=program) as machine:
        machine.say("irq_intercept_in", "ioapic")
        check("already" in machine.refuses("irq_intercept_in", "ioapic"), "twice")
        tick(machine)
        machine.interrupts.clear()
        for _ in range(4):
            machine.say("clock_step")
        check(2 in machine.interrupts, f"no tick at pin 2: {machine.interrupts}")
    with Qtest(program=program) as machine:
        # The 8259 answers: initialised, all but IRQ 1 masked, a line of ours.
        machine.say("irq_intercept_out", "pic")
        for port, value in ((0x20, 0x11), (0x21, 0x20), (0x21, 4), (0x21, 1), (0x21, 0xfd)):
            machine.say("outb", port, value)
        machine.interrupts.clear()
        machine.say("set_irq_in", "pic", "unnamed-gpio-in", 3, 1)
        check(machine.interrupts.get(0) is not True, "a masked input reached the processor")
        machine.say("set_irq_in", "pic", "unnamed-gpio-in", 1, 1)
        machine.say("endianness")
        check(machine.interrupts.get(0) is True, "the 8259 does not ask")


def configuration(machine, slot, register, value=None):
    machine.say("outl", 0xcf8, hex(0x80000000 | slot << 11 | register))
    if value is None:
        return machine.number("inl", 0xcfc)
    return machine.say("outl", 0xcfc, hex(value))


def pci_device(program):
    """A virtio device of the real bus: found, given an address, asked for its features."""
    with Qtest("-device", "virtio-rng-pci,addr=5", program=program) as machine:
        identity = configuration(machine, 5, 0)
        check(identity & 0xffff == 0x1af4, f"no virtio at slot 5: {identity:x}")
        # Its BAR in memory; the common configuration is at its capability's offset.
        bar = next(n for n in range(6) if configuration(machine, 5, 0x10 + 4 * n) & 7 == 4)
        configuration(machine, 5, 0x10 + 4 * bar, 0xfe000000)
        configuration(machine, 5, 0x14 + 4 * bar, 0)
        configuration(machine, 5, 4, 6)
        at = configuration(machine, 5, 0x34) & 0xff
        while True:
            header = configuration(machine, 5, at)
            if header & 0xff == 9 and header >> 24 == 1:
                break
            at = header >> 8 & 0xff
            check(at, "no common configuration")
        common = 0xfe000000 + configuration(machine, 5, at + 8)
        machine.say("writel", common, 1)
        check(machine.number("readl", common + 4) & 1, "VERSION_1 is not offered")
        check(machine.number("readw", common + 18) == 1, "one queue")
        machine.say("module_load", "hw-", "net")
        check(machine.refuses("module_load", "hw-", "nosuch"), "no such module")


def bad_words(program):
    with Qtest(program=program) as machine:
        check(machine.refuses("nosuch") == "Unknown command 'nosuch'", "unknown command")
        for words in (["inb"], ["inb", "1", "2"], ["inb", "zz"], ["outb", "1"], ["read", "0", "-1"],
                      ["read", 0, 1 << 40], ["write", 0, 4, "0x1"], ["write", 0, 4, "12"],
                      ["write", 0, 1, "0xgg"], ["clock_step", "x"], ["clock_set", 1 << 63],
                      ["irq_intercept_in", "/nowhere"], ["irq_intercept_out", "ioapic"],
                      ["set_irq_in", "ioapic", "unnamed-gpio-in", 24, 1],
                      ["set_irq_in", "ioapic", "other", 0, 1], ["inb", "0x" + "0" * 5000 + "g"]):
            machine.refuses(*words)
        machine.file.write("\n\r\n   \n")
        machine.refuses("")
        machine.file.write("endianness\r\n")
        machine.file.flush()
        check(machine.answer() == "little", "a line that ends in CR LF")
        machine.say("read", 2**64 - 4, 16)
        machine.say("writeq", hex(2**64 - 4), 1)
        machine.socket.sendall(b"\0\xff" * 500000 + b"\n")
        try:
            machine.answer()
            sys.exit("nonsense was not refused")
        except Refused:
            pass
        check(machine.say("endianness") == "little", "it goes on")


def other_accelerators(program):
    """It serves under any accelerator; the time is the accelerator's, though."""
    with Qtest("-S", accelerator=("-accel", "tcg"), program=program) as machine:
        machine.say("writel", 0x100000, 7)
        check(machine.number("readl", 0x100000) == 7, "memory under tcg")
        check("use -accel qtest" in machine.refuses("clock_step"), "time under tcg")


def clients_in_turn(program):
    """What one has intercepted is given back when it leaves."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "socket"
        with subprocess.Popen([program, "-accel", "qtest", "-nodefaults", "-display", "none",
                               "-qtest", f"unix:{path},server=on,wait=off",
                               "-qtest-log", f"{directory}/log"]) as process:
            try:
                for _ in range(3):
                    machine = Qtest.__new__(Qtest)
                    machine.interrupts = {}
                    with socket.socket(socket.AF_UNIX) as connection:
                        for attempt in range(SECONDS * 50):
                            try:
                                connection.connect(str(path))
                                break
                            except OSError:
                                process.poll()
                                check(process.returncode is None and attempt < SECONDS * 49, "no socket")
                                time.sleep(0.02)
                        machine.use(connection)
                        machine.say("irq_intercept_in", "ioapic")
                        # Half a line is no command of the next client's.
                        machine.file.write("outb 0x80")
                        machine.file.close()
                said = (Path(directory) / "log").read_text()
                check(said.count("irq_intercept_in ioapic") == 3 and "FAIL" not in said, said)
            finally:
                process.kill()


def ends(program, *options):
    result = subprocess.run([program, "-nodefaults", "-display", "none", *options],
                            stdin=subprocess.DEVNULL, capture_output=True, text=True,
                            timeout=SECONDS, check=False)
    check(result.returncode == 1, f"{options}: status {result.returncode}")
    return result.stderr


def options(program):
    check("goes with -qtest" in ends(program, "-qtest-log", "none"), "-qtest-log alone")
    check("-qtest chardev:nosuch: no -chardev has id=nosuch" in
          ends(program, "-qtest", "chardev:nosuch"), "no such device")
    check("chardev is missing" in ends(program, "-object", "qtest,id=q"), "-object qtest")
    check("-icount" in ends(program, "-accel", "qtest", "-icount", "3"), "-icount")
    # What is not there is not spoken of, as tests name what they can do with.
    with Qtest(accelerator=("-accel", "nosuch", "-accel", "qtest"), program=program) as machine:
        machine.say("endianness")
    check("falling back" not in machine.said, machine.said)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--emulator", required=True)
    parser.add_argument("case")
    given = parser.parse_args()
    globals()[given.case](given.emulator)


main()

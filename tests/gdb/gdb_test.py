#!/usr/bin/env python3
"""Has Debian's gdb, and a client that behaves worse, debug a guest: one case a run."""

import argparse
import contextlib
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "guests"))

from guest_test import skip_unless_usable, wait_for_listener  # noqa: E402
from remote import Hung, Remote, framed  # noqa: E402

CASES = {}
EXPECTED = ["sum 00000037", "cleared 11111111", "trap flag 00000000",
            "first byte of a function 55"]


def case(function):
    CASES[function.__name__] = function
    return function


class Failure(Exception):
    pass


def check(condition, message):
    if not condition:
        raise Failure(message)


class Machine:
    """An emulator that waits for gdb; use it in a with statement."""

    def __init__(self, setup, *options, ends=True):
        self.work = setup.work
        self.path = setup.work / "gdb"
        self.output = setup.work / "output"
        self.command = [setup.emulator, "-M", "pc", "-m", "32", "-nodefaults", "-display", "none",
                        "-smp", "2",
                        "-serial", f"file:{self.output}", "-kernel", setup.image,
                        "-gdb", f"unix:{self.path}", *setup.options, *options]
        if ends:
            self.command += ["-no-reboot", "-device", "isa-debug-exit"]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stderr=subprocess.PIPE, text=True)
        wait_for_listener(self.path, self.process)
        return self

    def __exit__(self, kind, error, trace):
        if self.process.poll() is None:
            self.process.kill()
        said = self.process.communicate()[1]
        if error:
            print("command:", *self.command, "\nit said:", said)

    def finish(self):
        """Its output, after an end of its own."""
        try:
            status = self.process.wait(20)
        except subprocess.TimeoutExpired:
            raise Failure("the guest did not end") from None
        check(status == 33, f"the emulator ended with status {status}")
        return self.output.read_text().split("\n")

    def expect_output(self):
        found = [line for line in self.finish() if line]
        check(found == EXPECTED, f"the guest printed {found}")


def gdb(setup, machine, commands, timeout=40):
    """What gdb prints."""
    script = setup.work / "commands.gdb"
    script.write_text("set pagination off\nset confirm off\nset width 0\n"
                      "set architecture i386:x86-64\n"
                      f"target remote {machine.path}\n" + commands)
    command = ["gdb", "-nx", "-q", "-batch", "-x", str(script), setup.symbols]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            timeout=timeout, errors="replace")
    if "Error in sourced command file" in result.stdout or result.returncode != 0:
        raise Failure(f"gdb failed:\n{result.stdout}")
    return result.stdout


def expect_in_order(text, *patterns):
    at = 0
    for pattern in patterns:
        found = re.compile(pattern, re.MULTILINE).search(text, at)
        check(found, f"gdb did not print '{pattern}' (in this order):\n{text}")
        at = found.end()


def symbols_of(setup):
    lines = subprocess.run(["nm", setup.symbols], check=True, stdout=subprocess.PIPE,
                           text=True).stdout.splitlines()
    return {line.split()[2]: int(line.split()[0], 16) for line in lines if len(line.split()) == 3}


# --- gdb ---------------------------------------------------------------------------------------

@case
def session(setup):
    """Break, look around, step, finish, watch; then the guest goes on as if nothing had been."""
    with Machine(setup, "-S") as machine:
        text = gdb(setup, machine, """
hbreak outer
break inner
continue
print $rdi
backtrace
info threads
stepi
x/i $pc
continue
backtrace
finish
print $eax
print/x $cs
info registers cr0 efer
print $mxcsr
print $fctrl
print $ftag
delete
watch *(int*)&sum
continue
continue
delete
print/x *(unsigned char*)&inner
detach
""")
        expect_in_order(
            text, r"hit Breakpoint 1, outer \(\)", r"^\$1 = 10$", r"^#0 .*outer", r"^#1 .*in main",
            r"^\* 1 +Thread 1 \(CPU 0\)", r"^  2 +Thread 2 \(CPU 1\) .*count_for_ever",
            r"^=> .*<outer\+1>:\s+mov +%rsp,%rbp", r"hit Breakpoint 2, inner \(\)",
            r"^#0 .*inner", r"^#1 .*in outer", r"^#2 .*in main", r"^outer \(\)", r"^\$2 = 10$",
            r"^\$3 = 0x8$", r"^cr0 .*PE.*PG", r"^efer .*LME LMA", r"^\$4 = \[ IM DM ZM OM UM PM \]",
            r"^\$5 = 64$", r"^\$6 = 21845$",
            r"^Old value = 10\nNew value = 19$", r"^Old value = 19\nNew value = 27$",
            r"^\$7 = 0x55$", r"detached")
        machine.expect_output()


@case
def other_watchpoints(setup):
    """Reads and accesses, and one in the middle of a repeated instruction."""
    with Machine(setup, "-S") as machine:
        text = gdb(setup, machine, """
rwatch *(int*)&sum
continue
x/i $pc
delete
awatch *(int*)&sum
continue
x/i $pc
delete
watch *((int*)&area + 9)
continue
print $rcx
x/i $pc
x/2wx (char*)&area + 36
delete
stepi
print $rcx
continue
""")
        # The CPU stands behind the instruction that accessed it. Adding to it reads, too.
        expect_in_order(text, r"hit Hardware read watchpoint 1", r"^=> .*<inner\+13>",
                        r"hit Hardware access", r"^=> .*<inner\+20>",
                        r"Old value = 0\nNew value = 286331153", r"^\$1 = 54$",
                        r"^=> .*<clear\+15>:\s+rep stos", r"0x11111111\s+0x00000000",
                        r"^\$2 = 53$", r"exited normally")
        machine.expect_output()


@case
def change(setup):
    """Registers and memory that gdb sets are the guest's."""
    with Machine(setup, "-S") as machine:
        text = gdb(setup, machine, """
break inner_add
continue
set var $eax = 100
set var *(int*)&sum = 1000
set var $xmm3.v2_int64[1] = 77
set var $st3 = 2.5
set var $ymm4.v4_int64[3] = -5
set var $fs_base = 0x123456
set var $mxcsr = 0x1fa0
delete
stepi
print *(int*)&sum
print $xmm3.v2_int64
print $st3
print $ymm4.v4_int64
print/x $fs_base
print $mxcsr
print/x $k_gs_base
detach
""")
        expect_in_order(text, r"^\$1 = 1100$", r"^\$2 = \{0, 77\}$", r"^\$3 = 2.5$",
                        r"^\$4 = \{0, 0, 0, -5\}$", r"^\$5 = 0x123456$", r"^\$6 = \[ PE IM ",
                        r"^\$7 = 0x0$")
        check(machine.finish()[0] == f"sum {1100 + 45:08x}", "the sum is another")


@case
def monitor(setup):
    """What the monitor prints comes to gdb, however long it is."""
    with Machine(setup, "-S") as machine:
        text = gdb(setup, machine, """
monitor info status
monitor info mtree
monitor nosuch
monitor gdbserver none
monitor log none
print "still there"
""")
        for line in ("VM status: paused", "ioapic", "nosuch: no such command", "in a monitor of its own",
                     "still there"):
            check(line in text, f"'{line}' is missing: {text}")


@case
def threads(setup):
    """One CPU steps while the other stands still, and while it goes on.

    How many steps pass before the host's scheduler lets the other one go is not for the test to say.
    """
    with Machine(setup, "-S") as machine:
        text = gdb(setup, machine, """
break outer
continue
delete
set scheduler-locking on
print *(long*)&counter
stepi 20
print *(long*)&counter
thread 2
break counted
continue
info threads
delete
print *(long*)&counter
stepi 4
print *(long*)&counter
set scheduler-locking off
thread 1
set var $start = *(long*)&counter
delete
set var $steps = 0
while *(long*)&counter == $start && $steps < 5000
stepi
set var $steps = $steps + 1
end
print *(long*)&counter > $start
detach
""")
        numbers = [int(n) for n in re.findall(r"^\$\d = (\d+)$", text, re.MULTILINE)]
        check(numbers[0] == numbers[1], f"CPU 1 went on: {numbers}")
        check(numbers[3] == numbers[2] + 2, f"CPU 1 did not step alone: {numbers}")
        expect_in_order(text, r"Thread 2 .*hit Breakpoint 2", r"^\* 2 +Thread 2")
        check(numbers[4] == 1, "CPU 1 stood still while it was to go on")
        machine.expect_output()


@case
def interrupt(setup):
    """Ctrl-C, in gdb itself."""
    with Machine(setup, "-S") as machine:
        text = gdb(setup, machine, """
break finished
continue
set var *(int*)&wait_for_ever = 1
delete
python
import os, signal, threading
threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
end
continue
info threads
set var *(int*)&wait_for_ever = 0
detach
""")
        expect_in_order(text, r"hit Breakpoint 1", r"received signal SIGINT", r"Thread 1", r"detached")
        machine.expect_output()


@case
def modes(setup):
    """16- and 32-bit code, from the reset vector on."""
    with Machine(setup, "-S") as machine:
        symbols = symbols_of(setup)
        text = gdb(setup, machine, f"""
break second_cpu
continue
print/x $cs
print/x $rip
stepi 3
print/x $ds
print/x $rip
break second_protected
continue
print/x $cs
print $cr0
stepi
print/x $ax
delete
detach
""")
        start = symbols["second_cpu"]
        expect_in_order(text, r"Thread 2 hit Breakpoint 1", rf"^\$1 = {start >> 4:#x}$",
                        rf"^\$2 = {start:#x}$", rf"^\$3 = {start >> 4:#x}$",
                        rf"^\$4 = {start + 5:#x}$", r"Thread 2 hit Breakpoint 2", r"^\$5 = 0x30$",
                        r"^\$6 = \[ PE ET \]$", r"^\$7 = 0x10$")
        machine.expect_output()


@case
def four_registers(setup):
    """Where the processor's debug registers are what there is."""
    with Machine(setup, "-S") as machine:
        text = gdb(setup, machine, """
hbreak outer
continue
backtrace
stepi
x/i $pc
info threads
break inner
continue
delete
finish
print $eax
hbreak *main
hbreak *outer
hbreak *inner
hbreak *clear
hbreak *finished
python
try:
    gdb.execute("continue")
except gdb.error as error:
    print("refused:", error)
end
delete
detach
""")
        expect_in_order(text, r"hit Breakpoint 1, ", r"^#0 .*outer", r"^#1 .*in main",
                        r"^=> .*<outer\+1>", r"^  2 +Thread 2", r"hit Breakpoint 2, ",
                        r"^\$1 = 10$", r"^refused:")
        machine.expect_output()


# --- clients of another kind -------------------------------------------------------------------

def go_to(client, address, action="vCont;c"):
    check(client.ask(f"Z0,{address:x},1") == "OK", "no breakpoint")
    reply = client.ask(action)
    check("swbreak" in reply or reply.startswith("T05"), f"not there: {reply}")
    check(client.ask(f"z0,{address:x},1") == "OK", "it stays")
    return reply


@case
def every_instruction(setup):
    """The guest is stepped through a good part of its life, and computes the same."""
    symbols = symbols_of(setup)
    with Machine(setup, "-S", "-smp", "2") as machine, Remote(machine.path) as client:
        go_to(client, symbols["outer"])
        for _ in range(3000):
            reply = client.ask("vCont;s:1;c")
            if reply == "W00":
                break
            check(reply == "T05thread:1;", f"a step ended with {reply}")
        else:
            check(client.ask("D") == "OK", "no end")
        machine.expect_output()


@case
def resume_flag(setup):
    """RF lets the guest pass a breakpoint once, also where a loop is a block that leads to itself."""
    symbols = symbols_of(setup)
    with Machine(setup, "-S") as machine, Remote(machine.path) as client:
        go_to(client, symbols["finished"])
        check(client.ask(f"M{symbols['wait_for_ever']:x},4:01000000") == "OK", "no write")
        check(client.ask(f"Z0,{symbols['finished']:x},1") == "OK", "no breakpoint")
        check(client.ask("vCont;c") == "T05thread:1;", "it is not met where the CPU stands")
        flags = int.from_bytes(bytes.fromhex(client.ask("p11")), "little")
        for _ in range(3):
            resuming = (flags | 1 << 16).to_bytes(4, "little").hex()
            check(client.ask("P11=" + resuming) == "OK", "RF cannot be set")
            check(client.ask("vCont;c", timeout=5) == "T05thread:1;", "it is not met again")
        check(client.ask(f"M{symbols['wait_for_ever']:x},4:00000000") == "OK", "no write")
        check(client.ask("D") == "OK", "no end")
        machine.expect_output()


@case
def sprinkled(setup):
    """A guest with breakpoints all over it, each stepped over, and a watchpoint beside its stack,
    prints what it prints without."""
    source = random.Random(3)
    start, size = 0x40000, Path(setup.image).stat().st_size
    places = source.sample(range(start, start + size), min(size, 2000))
    with Machine(setup, "-S") as machine, Remote(machine.path, timeout=40) as client:
        for place in places:
            check(client.ask(f"Z0,{place:x},1") == "OK", "no breakpoint")
        check(client.ask(f"Z2,{start + size + 0x2000:x},8") == "OK", "no watchpoint")
        hits, end = 0, time.monotonic() + 6
        reply = client.ask("vCont;c")
        while reply != "W00" and time.monotonic() < end:
            hits += 1
            thread = re.match(r"T05thread:(\d);", reply)
            check(thread, f"it stopped with {reply}")
            # The instruction pointer is the 17th register.
            place = int.from_bytes(bytes.fromhex(client.ask("p10")), "little")
            if "watch" not in reply:
                check(place in places, f"it stopped at {place:#x}")
            check(client.ask(f"z0,{place:x},1") == "OK", "it stays")
            reply = client.ask(f"vCont;s:{thread[1]}")
            if reply == "W00":
                break
            if place in places:
                check(client.ask(f"Z0,{place:x},1") == "OK", "no breakpoint")
            reply = client.ask("vCont;c")
        print(f"{hits} stops")
        check(hits > 20, "hardly a breakpoint was hit")
        if reply != "W00":
            check(client.ask("D") == "OK", "no end")
        found = "\n".join(machine.finish())
        check(found == Path(setup.expected).read_text(), f"the guest printed\n{found}")


@case
def speed(setup):
    """A driver that sets all registers, steps and reads them back."""
    symbols = symbols_of(setup)
    with Machine(setup, "-S") as machine, Remote(machine.path) as client:
        go_to(client, symbols["outer"])
        # The other CPU would come to the guest's end.
        go_to(client, symbols["counted"], "vCont;c:2")
        start = time.monotonic()
        rounds = 200
        for _ in range(rounds):
            registers = client.ask("g")
            check(client.ask("G" + registers) == "OK", "registers were refused")
            check(client.ask("vCont;s:2").startswith("T05"), "no step")
        took = time.monotonic() - start
        print(f"{3 * rounds / took:.0f} packets a second")
        check(3 * rounds / took > 200, f"{3 * rounds} packets took {took:.1f} s")
        check(client.ask("D") == "OK", "no end")
        machine.expect_output()


@case
def broken_connections(setup):
    """Clients that leave in the middle of something, and one that comes too early."""
    symbols = symbols_of(setup)
    with Machine(setup, "-S") as machine:
        with Remote(machine.path) as client:
            go_to(client, symbols["finished"])
            address = symbols["wait_for_ever"]
            check(client.ask(f"M{address:x},4:01000000") == "OK", "no write")
            # One beside it waits for its turn.
            with Remote(machine.path, acknowledges=True) as second:
                second.send(framed("?"))
                with contextlib.suppress(Hung):
                    reply = second.packet(timeout=0.3)
                    raise Failure(f"two are served: {reply}")
            check(client.ask("qC") == "QC1", "the first is not served")
            client.send(framed("vCont;c:1"))
            time.sleep(0.2)
        # It runs, all of it, though half of it was held.
        before = None
        for cut in (b"$m1000", b"$m1000,10#", b"$G" + b"00" * 100, b"\x03", framed("vCont;c")):
            with Remote(machine.path) as client:
                counter = client.ask(f"m{symbols['counter']:x},8")
                check(counter != before, "the guest does not go on")
                before = counter
                client.send(framed("vCont;c"))
                time.sleep(0.1)
                client.send(cut)
            time.sleep(0.1)
        # One that leaves it standing: it waits for the next.
        with Remote(machine.path) as client:
            check(client.ask("?").startswith("T0"), "it does not stop")
        with Remote(machine.path) as client:
            first = client.ask(f"m{symbols['counter']:x},8")
            time.sleep(0.2)
            check(client.ask(f"m{symbols['counter']:x},8") == first, "it does not stand")
            check(client.ask(f"M{address:x},4:00000000") == "OK", "no write")
            check(client.ask("D") == "OK", "no end")
        machine.expect_output()


@case
def hostile(setup):
    """Whatever comes: the server stays, and the guest too."""
    source = random.Random(1)
    letters = b"$#+-}*gGpPmMXZzvcCsSHTD?qQ:;,=.0123456789abcdefxCont\x03\x00\xff"
    # What it writes may have the guest end.
    with Machine(setup, "-S", ends=False) as machine:
        for round_number in range(60):
            with Remote(machine.path, acknowledges=True) as client:
                # Its answers are not read before the end.
                client.socket.setblocking(False)
                with contextlib.suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
                    for _ in range(40):
                        size = source.choice((3, 10, 40, 2000))
                        said = bytes(source.choice(letters) for _ in range(size))
                        if source.random() < 0.6:
                            said = framed(source.choice(
                                (b"", b"m", b"Z0,", b"Z2,", b"X1000,", b"P", b"vCont;", b"Hg"))
                                + said.replace(b"$", b"").replace(b"#", b""))
                        client.send(said)
                    if round_number % 10 == 0:
                        client.send(b"$" + b"a" * 1_000_000 + b"#00")
                    client.send(framed("mffffffff,ffffffffffffffff") + framed("Z2,0,ffffffffffffffff"))
            check(machine.process.poll() is None, "the emulator has ended")
        with Remote(machine.path) as client:
            check(client.ask("qfThreadInfo") == "m1,2", "it does not answer")


@case
def killed(setup):
    """The end of the machine, wanted by gdb, and told to it."""
    with Machine(setup, "-S") as machine:
        gdb(setup, machine, "kill\n")
        check(machine.process.wait(10) == 0, "it goes on")
    with Machine(setup, "-S") as machine:
        expect_in_order(gdb(setup, machine, "continue\n"), r"exited normally")
        machine.expect_output()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--emulator", required=True)
    parser.add_argument("--image", required=True)
    parser.add_argument("--symbols", help="the same as an ELF file")
    parser.add_argument("--expected", help="what another guest prints")
    parser.add_argument("--probe", help="what tells whether this host has the accelerator")
    parser.add_argument("case", choices=CASES)
    parser.add_argument("options", nargs="*", help="more options for the emulator")
    setup = parser.parse_args()
    if setup.probe:
        skip_unless_usable(setup.probe)
    with tempfile.TemporaryDirectory(prefix="backplane-gdb-") as directory:
        setup.work = Path(directory)
        try:
            CASES[setup.case](setup)
        except (Failure, Hung, EOFError, AssertionError, subprocess.TimeoutExpired) as problem:
            sys.exit(f"{setup.case}: {problem}")


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: MIT
"""Runs the program and speaks QMP with it: by a client that others wrote, by socat, and badly."""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "guests"))

from guest_test import wait_for_listener  # noqa: E402

SECONDS = 30


def check(holds, what):
    if not holds:
        sys.exit(what)


class Machine:
    """One process of the emulator, with QMP at sockets in a directory."""

    def __init__(self, test, *options, sessions=1):
        self.sockets = [test.directory / f"qmp{n}" for n in range(sessions)]
        qmp = [word for path in self.sockets
               for word in ("-qmp", f"unix:{path},server=on,wait=off")]
        self.process = subprocess.Popen(
            [test.emulator, "-nodefaults", "-display", "none", *qmp, *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for path in self.sockets:
            wait_for_listener(path, self.process)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def ends(self):
        """Its status and what it said."""
        said, _ = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, said


class Session:
    """A client of one of the sockets."""

    def __init__(self, path, negotiate=True):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(SECONDS)
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                self.socket.connect(str(path))
                break
            except OSError:
                check(time.monotonic() < deadline, f"nobody listens at {path}")
                time.sleep(0.01)
        self.file = self.socket.makefile("r")
        check("QMP" in self.read(), "no greeting")
        if negotiate:
            check(self.ask("qmp_capabilities") == {}, "qmp_capabilities")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def read(self):
        line = self.file.readline()
        check(line, "the connection ended")
        return json.loads(line)

    def answer(self):
        while "event" in (message := self.read()):
            pass
        return message

    def ask(self, command, **arguments):
        self.send(json.dumps({"execute": command, "arguments": arguments}).encode())
        answer = self.answer()
        check("return" in answer, f"{command}: {answer}")
        return answer["return"]


def outside_client(test):
    disk = test.directory / "disk"
    disk.write_bytes(bytes(1 << 20))
    with Machine(test, "-S", "-smp", "2", "-drive", f"file={disk},format=raw,id=d0") as machine:
        result = subprocess.run([test.client, machine.sockets[0]], capture_output=True, text=True,
                                timeout=2 * SECONDS)
        check(result.returncode == 0, f"the client failed:\n{result.stdout}{result.stderr}")
        expected = """has commands true
unknown: The command no-such-command has not been found
status StatusPreLaunch
version 8.2.0
cpus 2 /machine/unattached/cpu[0]
disks 1 d0 true
event RESUME
event STOP
event RESET
event POWERDOWN
event SHUTDOWN
"""
        check(result.stdout == expected, f"the client saw\n{result.stdout}, not\n{expected}")
        check(machine.ends() == (0, ""), "the end")


def socat(test):
    lines = ('{"execute": "qmp_capabilities"}\n{"execute": "query-status", "id": 7}\n'
             '{"execute": "quit"}\n')
    with Machine(test, "-S") as machine:
        result = subprocess.run([test.socat, "-t5", "-", f"UNIX-CONNECT:{machine.sockets[0]}"],
                                input=lines, capture_output=True, text=True, timeout=SECONDS)
        messages = [json.loads(line) for line in result.stdout.splitlines()]
        check("QMP" in messages[0], "no greeting")
        check(messages[1:3] == [{"return": {}}, {"return": {"status": "prelaunch",
                                                           "running": False}, "id": 7}],
              f"{messages}")
        check(machine.ends() == (0, ""), "the end")


def nonsense(test):
    """Whatever one client sends, the next finds a machine that runs."""
    texts = [b"", b"{", b'{"execute": "query-st', b"\x00\xff\xfe" * 1000, b"[" * 1_000_000,
             b'{"a":' * 100_000, b"x" * 3_000_000, b"x\n" * 10_000, b'"' * 100_001,
             b'{"execute": "query-qmp-schema"}' * 200, b"GET / HTTP/1.1\r\n\r\n"]
    with Machine(test, "-kernel", test.image) as machine:
        for text in texts:
            for negotiate in False, True:
                with Session(machine.sockets[0], negotiate) as session:
                    try:
                        session.send(text)
                    except OSError:
                        pass  # it reads no more before its answers are read
                with Session(machine.sockets[0]) as session:
                    check(session.ask("query-status")["running"], f"after {text[:20]}")
        with Session(machine.sockets[0]) as session:
            session.ask("quit")
        check(machine.ends() == (0, ""), "the end")


def out_of_band(test):
    """What is asked for out of band is answered before what was asked earlier."""
    def request(key, number, **arguments):
        return json.dumps({key: "query-status", "arguments": arguments, "id": number}).encode()

    with Machine(test, "-S") as machine, Session(machine.sockets[0], negotiate=False) as session:
        check(session.ask("qmp_capabilities", enable=["oob"]) == {}, "oob")
        session.send(b"".join(request("execute", number) for number in range(5)) +
                     request("exec-oob", "now") + request("exec-oob", "wrong", x=1))
        answers = [session.answer() for _ in range(7)]
        order = [answer["id"] for answer in answers]
        check(order == ["now", "wrong", 0, 1, 2, 3, 4], f"{order}")
        check(["error" in answer for answer in answers] == [False, True] + [False] * 5,
              f"{answers}")
        session.ask("quit")
        check(machine.ends() == (0, ""), "the end")


def queries_of_the_board(test):
    """Values of what a test machine has not, and errors for what no command takes."""
    with Machine(test, "-smp", "2", "-kernel", test.image, "-device",
                 "virtio-net-pci,id=n0") as machine, Session(machine.sockets[0]) as session:
        cpus = session.ask("query-registers")
        check([cpu["cpu-index"] for cpu in cpus] == [0, 1], f"{cpus}")
        check(cpus[0]["general"].keys() >= {"rax", "r15", "rip", "rflags"}, f"{cpus[0]}")
        check([apic["apic-id"] for apic in session.ask("query-lapic")] == [0, 1], "query-lapic")
        check(len(session.ask("query-irq")["pics"]) == 2, "query-irq")
        parts = {part["path"]: part["sections"] for part in session.ask("query-state")}
        check(any("virtio-net-device/filter" in sections for sections in parts.values()),
              f"{parts.keys()}")
        places = [cpu["props"]["core-id"] for cpu in session.ask("query-hotpluggable-cpus")]
        check(places == [0, 1], f"{places}")
        check([card["name"] for card in session.ask("query-rx-filter", name="n0")] == ["n0"],
              "query-rx-filter")
        check(session.ask("inject-nmi") == {}, "inject-nmi")
        for command in ("query-registers", "query-lapic", "query-irq", "query-state",
                        "query-hotpluggable-cpus", "query-rx-filter", "inject-nmi"):
            session.send(json.dumps({"execute": command, "arguments": {"x": 1}}).encode())
            check("error" in session.answer(), f"{command} takes anything")
        for topic in "registers", "lapic", "irq", "state":
            text = session.ask("human-monitor-command", **{"command-line": f"info {topic}"})
            check(len(text.splitlines()) >= 3, f"info {topic}: {text}")
        session.ask("quit")
        check(machine.ends() == (0, ""), "the end")


def many_clients(test):
    """They all wait for their turn, and get it."""
    with Machine(test, "-S") as machine:
        waiting = []
        for _ in range(100):
            client = socket.socket(socket.AF_UNIX)
            client.setblocking(False)
            try:
                client.connect(str(machine.sockets[0]))
            except BlockingIOError:
                client.close()  # the queue is full
                break
            waiting.append(client)
        check(len(waiting) > 0, "nobody can connect")
        for client in waiting:
            client.settimeout(SECONDS)
            check(b"QMP" in client.recv(4096), "no greeting")
            client.close()
        with Session(machine.sockets[0]) as session:
            session.ask("quit")
        check(machine.ends() == (0, ""), "the end")


def silent_client(test):
    """One that reads nothing stops neither the guest nor the other session."""
    with Machine(test, "-kernel", test.image, sessions=2) as machine:
        with Session(machine.sockets[0]) as silent, Session(machine.sockets[1]) as other:
            silent.socket.setblocking(False)
            request = b'{"execute": "query-qmp-schema"}'
            sent = 0
            try:
                while sent < 100_000_000:
                    sent += silent.socket.send(request * 100)
            except BlockingIOError:
                pass
            check(sent < 100_000_000, "everything that was sent was taken")
            for _ in range(20):
                other.ask("stop")
                other.ask("cont")
                check(other.ask("query-status")["running"], "the guest does not run")
            other.ask("quit")
        check(machine.ends() == (0, ""), "the end")


def run(test, *options):
    return subprocess.run([test.emulator, *options], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=SECONDS)


def listing_as_json(test):
    """What `help,format=json` prints is what QMP answers."""
    listed = json.loads(run(test, "-accel", "help,format=json").stdout)
    modules = json.loads(run(test, "-module", "help,format=json").stdout)
    check({"tcg", "kvm"} <= {accelerator["name"] for accelerator in listed["accelerators"]},
          f"{listed}")
    check(all(accelerator["usable"] or accelerator["reason"]
              for accelerator in listed["accelerators"]), f"{listed}")
    check(listed["digest"] == modules["digest"] and len(listed["digest"]) == 64, "the digests")
    for option in "-machine", "-cpu", "-device", "-netdev", "-blockdev", "-chardev", "-object":
        listing = json.loads(run(test, option, "help,format=json").stdout)
        entries = listing["types"]
        check(entries and all(entry["name"] and entry["state"] for entry in entries),
              f"{option}: {entries}")
        check(listing["digest"] == modules["digest"], f"{option}: the digest")
    refused = run(test, "-accel", "help,format=xml")
    check(refused.returncode == 1 and
          refused.stderr == "backplane: -accel help,format=xml: format='xml': "
                            "expects text or json\n", refused.stderr)
    with Machine(test, "-S") as machine, Session(machine.sockets[0]) as session:
        answered = session.ask("query-accelerators")
        for accelerator in listed["accelerators"] + answered["accelerators"]:
            check(accelerator.pop("state") in ("available", "loaded"), f"{accelerator}")
        check(answered == listed, f"query-accelerators: {answered}, not {listed}")
        check([module["name"] for module in session.ask("query-modules")["modules"]] ==
              [module["name"] for module in modules["modules"]], "query-modules")
        session.ask("quit")


def json_options(test):
    """-device, -blockdev, -netdev and -object as records."""
    disk = test.directory / "a,disk"
    disk.write_bytes(bytes(1 << 20))
    options = ["-blockdev", json.dumps({"driver": "raw", "node-name": "n0", "read-only": False,
                                        "file": {"driver": "file", "filename": str(disk)}}),
               "-device", json.dumps({"driver": "virtio-blk-pci", "drive": "n0", "id": "disk0",
                                      "bus": "pci.0", "addr": "0x5"}),
               "-object", json.dumps({"qom-type": "chardev-null", "id": "c0"}),
               "-netdev", json.dumps({"type": "user", "id": "net0"}),
               "-device", json.dumps({"driver": "virtio-net-pci", "netdev": "net0"})]
    with Machine(test, "-S", *options) as machine, Session(machine.sockets[0]) as session:
        check(session.ask("query-block")[0]["inserted"]["file"] == str(disk), "the disk")
        check(session.ask("qom-get", path="/machine/peripheral/disk0", property="addr") in
              ("05", "05.0", "0x5"), "the address")
        session.ask("quit")
    for option, said in (
            ('{"driver": "virtio-blk-pci"', "JSON parse error"),
            ('{"driver": ["virtio-blk-pci"]}', "'driver': expects a string, a number or a boolean"),
            ('{"drive": "n0"}', "the type of the device is missing")):
        result = run(test, "-device", option)
        check(result.returncode == 1 and said in result.stderr and
              result.stderr.count("\n") == 1, f"{option}: {result.stderr}")


def discs(test):
    """Drives that begin empty, or with a disc, and what is put into them and taken out."""
    files = [test.directory / f"disc{n}" for n in range(3)]
    for file in files:
        file.write_bytes(bytes(1 << 20))
    options = ["-drive", "if=ide,media=cdrom,id=empty", "-cdrom", str(files[0]),
               "-drive", "if=none,media=cdrom,id=none", "-device",
               "ide-cd,drive=none,bus=ide.1,unit=1",
               "-device", "virtio-scsi-pci", "-device", "scsi-cd,id=scsi", "-blockdev",
               f"raw,node-name=kept,read-only=on,file.driver=file,file.filename={files[1]}",
               "-drive", f"file={files[2]},format=raw,if=none,id=other",
               "-device", "virtio-blk-pci,drive=other,id=disk"]
    with Machine(test, "-S", *options) as machine, Session(machine.sockets[0]) as session:
        def refused(command, text, **arguments):
            session.send(json.dumps({"execute": command, "arguments": arguments}).encode())
            answer = session.answer()
            check(text in answer.get("error", {}).get("desc", ""), f"{command}: {answer}")

        def nodes():
            return {node["node-name"] for node in session.ask("query-named-block-nodes")}

        def found(name):
            return next(disk for disk in session.ask("query-block")
                        if disk["device"] == name or disk.get("qdev", "").endswith("/" + name))

        def monitor(line):
            return session.ask("human-monitor-command", **{"command-line": line})

        def moves(count):
            moved = []
            while len(moved) < count:
                message = session.read()
                if message.get("event") == "DEVICE_TRAY_MOVED":
                    moved.append((message["data"]["device"], message["data"]["tray-open"]))
            return moved

        check(found("empty")["removable"] and "inserted" not in found("empty"), found("empty"))
        check(not found("other")["removable"], "a disk is removable")
        refused("eject", "Device 'other' is not removable", device="other")
        refused("eject", "Device 'nobody' not found", device="nobody")
        refused("eject", "Need exactly one of 'device' and 'id'")
        refused("blockdev-remove-medium", "Tray of device 'scsi' is not open", id="scsi")

        session.send(b'{"execute": "blockdev-change-medium", "arguments": '
                     b'{"device": "empty", "filename": "%s"}}' % bytes(files[0]))
        check(moves(2) == [("empty", True), ("empty", False)], "the tray")
        check("return" in session.answer(), "blockdev-change-medium")
        check(found("empty")["inserted"]["file"] == str(files[0]), found("empty"))
        refused("blockdev-change-medium", "No such file", device="empty", filename="/no/such/file")
        check(found("empty")["inserted"]["file"] == str(files[0]), found("empty"))

        name = next(disk["device"] for disk in session.ask("query-block")
                    if disk["removable"] and disk["device"] not in ("", "empty"))
        check(name in nodes(), nodes())
        session.ask("eject", device=name)
        check(found(name)["tray_open"] and not any(node.startswith(name) for node in nodes()),
              "what was of -cdrom is there yet")

        session.ask("blockdev-open-tray", id="scsi")
        refused("blockdev-insert-medium", "Node 'nothing' not found", id="scsi",
                **{"node-name": "nothing"})
        refused("blockdev-insert-medium", "Node 'other' is already in use", id="scsi",
                **{"node-name": "other"})
        session.ask("blockdev-insert-medium", id="scsi", **{"node-name": "kept"})
        session.ask("blockdev-add", driver="file", filename=str(files[0]),
                    **{"node-name": "spare", "read-only": True})
        refused("blockdev-insert-medium", "There already is a medium in device 'scsi'", id="scsi",
                **{"node-name": "spare"})
        session.ask("blockdev-close-tray", id="scsi")
        session.ask("eject", id="scsi")
        check("kept" in nodes(), "what was of -blockdev is gone")

        session.ask("qom-set", path=found("empty")["qdev"], property="locked", value=True)
        check("is locked and force was not specified" in monitor("eject empty"), "it is locked")
        check(found("empty")["locked"], "it is not locked any more")
        check(monitor("eject -f empty") == "", "eject -f")
        state = monitor("info state").split(f"{found('empty')['qdev']}\n")[1]
        check("event=3 " in state.split("optical: ")[1].splitlines()[0],
              f"the guest was not asked for the disc: {state}")
        check("inserted" not in found("empty"), found("empty"))
        check(monitor(f"change empty {files[0]} raw") == "", "change")
        check(f"{files[0]}" in monitor("info block"), monitor("info block"))
        check(monitor(f"change none {files[0]} raw") == "", "change of an empty if=none")
        check(found("none")["inserted"]["file"] == str(files[0]), found("none"))
        check(monitor(f"change scsi {files[0]} raw") == "", "change of scsi")
        check(any(node.startswith("scsi.") for node in nodes()), nodes())
        session.ask("device_del", id="scsi")
        check(not any(node.startswith("scsi.") for node in nodes()), nodes())
        check("password can be changed" in monitor("change vnc word"), "change vnc")
        session.ask("quit")


def snapshots(test):
    """Of one disk and of the machine: made, listed, refused and removed."""
    disks = [test.directory / f"{name}.qcow2" for name in ("one", "two")]
    for disk in disks:
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", disk, "8M"], check=True)
    raw = test.directory / "raw"
    raw.write_bytes(bytes(1 << 20))
    options = [word for disk in disks for word in ("-drive", f"file={disk},id={disk.stem}")]
    with Machine(test, "-S", *options) as machine, Session(machine.sockets[0]) as session:
        def refused(command, text, **arguments):
            session.send(json.dumps({"execute": command, "arguments": arguments}).encode())
            answer = session.answer()
            check(text in answer.get("error", {}).get("desc", ""), f"{command}: {answer}")

        def kept():
            disk = next(d for d in session.ask("query-block") if d["device"] == "one")
            return [s["name"] for s in disk["inserted"]["image"].get("snapshots", [])]

        session.ask("blockdev-snapshot-internal-sync", device="one", name="alone")
        refused("blockdev-snapshot-internal-sync", "already exists", device="one", name="alone")
        refused("blockdev-snapshot-internal-sync", "Device 'none' not found", device="none",
                name="alone")
        refused("loadvm", "is of a disk alone", name="alone")
        session.ask("savevm", name="all")
        check(kept() == ["alone", "all"], kept())
        listed = session.ask("query-snapshots")
        check([s["name"] for s in listed] == ["all"] and listed[0]["vm-state-size"] > 1000, listed)
        check("all" in session.ask("human-monitor-command", **{"command-line": "info snapshots"}),
              "info snapshots")
        gone = session.ask("blockdev-snapshot-delete-internal-sync", device="one", name="alone")
        check(gone["name"] == "alone" and gone["vm-state-size"] == 0, gone)
        refused("blockdev-snapshot-delete-internal-sync", "does not exist", device="one",
                name="alone")
        session.ask("loadvm", name="all")
        check(session.ask("query-status")["running"] is False, "it runs")
        refused("loadvm", "no disk has a snapshot 'nothing'", name="nothing")
        # With one that is missing on a disk, it is none of the machine any more.
        session.ask("blockdev-snapshot-delete-internal-sync", device="two", name="all")
        refused("loadvm", "disk 'two' has no snapshot 'all'", name="all")
        check(session.ask("query-snapshots") == [], "it is listed")
        session.ask("delvm", name="all")
        check(kept() == [], kept())
        session.ask("blockdev-add", driver="raw", file={"driver": "file", "filename": str(raw)},
                    **{"node-name": "raw"})
        refused("savevm", "disk 'raw' can be written, and its format keeps no snapshots", name="x")
        session.ask("quit")
    for disk in disks:
        subprocess.run(["qemu-img", "check", "-q", disk], check=True)


def monitors(test):
    """-mon puts QMP, or a monitor, on a -chardev."""
    path = test.directory / "control"
    options = ["-chardev", f"socket,id=c0,path={path},server=on,wait=off",
               "-mon", "chardev=c0,mode=control,id=control"]
    with Machine(test, "-S", *options) as machine, Session(path) as session:
        check(session.ask("qom-get", path="/", property="control") == "/control", "its name")
        answer = session.ask("human-monitor-command", **{"command-line": "info chardev"})
        check("c0: unix:" in answer, answer)
        session.ask("quit")
        check(machine.ends() == (0, ""), "the end")
    for option, said in (("chardev=c9", "no -chardev has id=c9"),
                         ("mode=control", "chardev is missing"),
                         ("chardev=c0,mode=x", "mode='x': expects readline or control")):
        result = run(test, *options[:2], "-mon", option)
        check(result.returncode == 1 and said in result.stderr, result.stderr)


def background(test):
    """-daemonize returns when the sockets are there; -pidfile says who it is, and ends with it."""
    path, pid_file = test.directory / "qmp", test.directory / "pid"
    options = ["-S", "-nodefaults", "-nographic", "-qmp", f"unix:{path},server=on,wait=off",
               "-pidfile", str(pid_file), "-daemonize"]
    started = run(test, *options)
    check(started.returncode == 0 and started.stderr == "", f"{started}")
    number = int(pid_file.read_text())
    try:
        with Session(path) as session:
            check(session.ask("query-status")["status"] == "prelaunch", "its status")
        check(os.readlink(f"/proc/{number}/cwd") == "/", "its directory")
        check(all(os.readlink(f"/proc/{number}/fd/{stream}") == "/dev/null" for stream in range(3)),
              "its streams")
        check(os.getsid(number) != os.getsid(0), "its session")
        second = run(test, "-M", "none", "-pidfile", str(pid_file), "-daemonize", "-nodefaults",
                     "-display", "none")
        check(second.returncode == 1 and second.stderr.count("\n") == 1 and
              "another program" in second.stderr, f"{second}")
    finally:
        os.kill(number, signal.SIGTERM)
    deadline = time.monotonic() + SECONDS
    while pid_file.exists():
        check(time.monotonic() < deadline, "it does not end")
        time.sleep(0.01)
    for options, said in ((["-M", "nosuch", "-daemonize"], "no installed module"),
                          (["-S", "-daemonize"], "leads to this terminal")):
        failed = run(test, *options)
        check(failed.returncode == 1 and said in failed.stderr and failed.stderr.count("\n") == 1,
              f"{failed}")


def inherited(test):
    """What the program was started with: a socket that listens, and a file as a set."""
    path, file = test.directory / "qmp", test.directory / "serial"
    file.write_text("before\n")
    with socket.socket(socket.AF_UNIX) as listener, file.open("a") as output, \
            file.open() as reader:
        listener.bind(str(path))
        listener.listen(1)
        given = [listener.fileno(), output.fileno(), reader.fileno()]
        process = subprocess.Popen(
            [test.emulator, "-M", "none", "-S", "-nodefaults", "-display", "none",
             "-chardev", f"socket,id=c0,fd={given[0]},server=on,wait=off", "-mon",
             "chardev=c0,mode=control", "-add-fd", f"fd={given[2]},set=4,opaque=for-reading",
             "-add-fd", f"fd={given[1]},set=4", "-chardev", "file,id=c1,path=/dev/fdset/4,append=on",
             "-monitor", "chardev:c1"], stdin=subprocess.DEVNULL, pass_fds=given)
    try:
        for _ in range(2):
            with Session(path) as session:
                check(session.ask("query-status")["status"] == "prelaunch", "its status")
        said = file.read_text()
        check(said.startswith("before\n") and "Backplane" in said, said)
        with Session(path) as session:
            session.ask("quit")
        check(process.wait(timeout=SECONDS) == 0, "the end")
        check(path.exists(), "the socket is not its to remove")
    finally:
        process.kill()
    for options, said in ((["-chardev", "socket,id=c0,fd=77,server=on,wait=off"], "77: whoever"),
                          (["-chardev", "file,id=c0,path=/dev/fdset/9"], "no -add-fd has set=9"),
                          (["-add-fd", "fd=77,set=1"], "77: whoever"),
                          (["-add-fd", "fd=77"], "expects fd=NUMBER and set=NUMBER")):
        failed = run(test, "-M", "none", "-nodefaults", "-display", "none", *options)
        check(failed.returncode == 1 and said in failed.stderr and failed.stderr.count("\n") == 1,
              f"{options}: {failed}")


CASES = {case.__name__: case for case in (
    outside_client, socat, nonsense, out_of_band, queries_of_the_board, many_clients,
    silent_client, listing_as_json, json_options, discs, snapshots, monitors, background,
    inherited)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--emulator", required=True)
    parser.add_argument("--client", required=True, help="what is built from client/main.go")
    parser.add_argument("--socat", required=True)
    parser.add_argument("--image", required=True, help="a guest that runs for ever")
    parser.add_argument("case", choices=CASES)
    test = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="backplane-qmp-") as directory:
        test.directory = Path(directory)
        CASES[test.case](test)


if __name__ == "__main__":
    main()

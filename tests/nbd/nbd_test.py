# SPDX-License-Identifier: MIT
"""backplane-nbd with the clients of libnbd and QEMU, and with one that says what it likes."""

import argparse
import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

import nbd_client as nbd
from nbd_client import Client, Gone

MIB = 1 << 20
SIZE = 8 * MIB


class Workplace:
    def __init__(self, program, img, machine):
        self.program, self.img, self.machine = program, img, machine
        self.content = bytearray(random.Random(1).randbytes(3 * MIB)) + bytes(SIZE - 3 * MIB)
        pathlib.Path("disk.raw").write_bytes(self.content[:3 * MIB])
        os.truncate("disk.raw", SIZE)
        self.uri = "nbd+unix:///?socket=" + os.path.abspath("socket")

    @contextlib.contextmanager
    def server(self, *words, signal_number=signal.SIGTERM):
        """Runs while the body does, and has to end well."""
        process = subprocess.Popen([self.program, "-k", "socket", *words], stderr=subprocess.PIPE,
                                   text=True)
        try:
            wait_until(lambda: listens() or process.poll() is not None)
            assert process.poll() is None, process.stderr.read()
            yield process
            if process.poll() is None:
                process.send_signal(signal_number)
            assert process.wait(20) == 0, process.stderr.read()
            assert not os.path.exists("socket")
        finally:
            process.kill()
            process.communicate()

    def refused(self, *words):
        ran = subprocess.run([self.program, *words], capture_output=True, text=True, timeout=20)
        lines = ran.stderr.splitlines()
        assert ran.returncode == 1 and len(lines) == 1, f"{words}: {ran}"
        assert lines[0].startswith("backplane-nbd: "), lines
        return lines[0].removeprefix("backplane-nbd: ")


def listens():
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex("socket") == 0


def wait_until(done):
    end = time.monotonic() + 20
    while not done():
        assert time.monotonic() < end, "that did not happen"
        time.sleep(0.01)


def run(*words):
    ran = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, f"{words}: {ran}"
    return ran.stdout


def need(*programs):
    for program in programs:
        if shutil.which(program) is None:
            print(f"there is no {program}: the packages libnbd-bin, nbdkit and qemu-utils have it")
            sys.exit(77)


def says_what_it_has(work):
    need("nbdinfo", "qemu-img")
    run("qemu-img", "create", "-q", "-f", "qcow2", "-b", "disk.raw", "-F", "raw", "disk.qcow2")
    for image in ("disk.raw", "disk.qcow2"):
        with work.server("-t", "-e", "4", "-D", "a disk", image):
            about = json.loads(run("nbdinfo", "--json", work.uri))["exports"][0]
            assert about["export-size"] == SIZE and about["description"] == "a disk", about
            for able in ("can_flush", "can_fua", "can_trim", "can_zero", "can_multi_conn",
                         "can_cache", "can_df"):
                assert about[able], (able, about)
            assert not about["is_read_only"] and about["contexts"] == ["base:allocation"], about
            parts = json.loads(run("nbdinfo", "--json", "--map", work.uri))
            assert sum(part["length"] for part in parts) == SIZE
            assert (parts[0]["type"], parts[-1]["type"]) == (0, 3), parts
            assert parts[-1]["length"] == SIZE - 3 * MIB, parts
            listed = json.loads(run("nbdinfo", "--list", "--json", work.uri))["exports"]
            assert [one["export-name"] for one in listed] == [""]
            ours = run(work.program, "-L", "-k", "socket")
            assert "description: a disk" in ours and f"size:  {SIZE}\n" in ours, ours
    with work.server("-r", "-x", "one", "disk.raw"):
        named = work.uri.replace(":///", ":///one")
        about = json.loads(run("nbdinfo", "--json", named))["exports"][0]
        assert about["is_read_only"] and not about["can_multi_conn"], about
    # A client that was there ends it.
    with work.server("disk.raw") as process:
        run("nbdinfo", "--size", work.uri)
        assert process.wait(20) == 0


def copies(work):
    need("nbdcopy", "qemu-img")
    for form in ("raw", "qcow2"):
        image = f"copy.{form}"
        run("qemu-img", "create", "-q", "-f", form, image, str(SIZE))
        with work.server("-f", form, "-t", "-e", "0", image):
            run("nbdcopy", "disk.raw", work.uri)
            run("nbdcopy", "--connections=4", "--requests=64", work.uri, "back.raw")
            assert pathlib.Path("back.raw").read_bytes() == work.content
            run("nbdcopy", "--synchronous", work.uri, "back.raw")
            assert pathlib.Path("back.raw").read_bytes() == work.content
            assert run("qemu-img", "compare", "-f", "raw", "-F", "raw", "disk.raw", work.uri)
        run("qemu-img", "compare", "-f", "raw", "-F", form, "disk.raw", image)
        if form == "qcow2":
            run("qemu-img", "check", image)
    # As systemd hands a socket over.
    words = run("nbdinfo", "--size", "--", "[", work.program, "-f", "qcow2", "copy.qcow2", "]")
    assert int(words) == SIZE


def overlays(work):
    before = pathlib.Path("disk.raw").read_bytes()
    os.environ["TMPDIR"] = os.getcwd()
    with work.server("-s", "-f", "raw", "disk.raw"):
        assert sorted(os.listdir()) == ["disk.raw", "socket"]
        client = Client("socket")
        client.go()
        assert client.ask(nbd.WRITE, 512, data=b"x" * 512, flags=nbd.FUA) == 0
        client.request(nbd.READ, 0, 1536)
        error, _, data = client.simple_reply(1536)
        assert error == 0 and data == before[:512] + b"x" * 512 + before[1024:1536]
    assert pathlib.Path("disk.raw").read_bytes() == before


def many_clients(work):
    with work.server("-t", "-e", "3", "disk.raw"):
        clients = [Client("socket") for _ in range(3)]
        for client in clients:
            _, flags = client.go()
            assert flags & 1 << 8  # several at a time
        try:
            Client("socket", timeout=0.3)
            raise AssertionError("a fourth is served")
        except TimeoutError:
            pass
        # What one writes the others read.
        for number, client in enumerate(clients):
            assert client.ask(nbd.WRITE, number * 4096, data=bytes([number + 1]) * 4096) == 0
        for client in clients:
            client.request(nbd.READ, 0, 3 * 4096)
            data = client.simple_reply(3 * 4096)[2]
            assert data == b"".join(bytes([n]) * 4096 for n in (1, 2, 3))
        clients.pop().close()
        last = Client("socket")
        last.go()
        # Requests that are still under way when the client takes its leave are carried out.
        for n in range(64):
            last.request(nbd.WRITE, MIB + n * 512, data=bytes([n]) * 512)
        last.send(struct.pack(">IHHQQI", nbd.REQUEST, 0, nbd.DISC, 0, 0, 0))
        with contextlib.suppress(Gone):
            while True:
                last.simple_reply()
        clients[0].request(nbd.READ, MIB, 64 * 512)
        assert clients[0].simple_reply(64 * 512)[2] == \
            b"".join(bytes([n]) * 512 for n in range(64))


def memory_of(process):
    for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) << 10
    raise AssertionError("no VmHWM")


def stalled(work):
    """Clients that take nothing, that say nothing, and that vanish, beside one that works."""
    with work.server("-t", "-e", "0", "disk.raw") as process:
        before = memory_of(process)
        greedy = Client("socket")
        greedy.go()
        greedy.socket.settimeout(0.5)
        try:
            for _ in range(100_000):
                greedy.request(nbd.READ, 0, 8 * MIB)
            raise AssertionError("everything is taken from a client that takes nothing")
        except TimeoutError:
            pass
        silent = [Client("socket") for _ in range(8)]
        half = Client("socket")
        half.go()
        half.send(struct.pack(">IHHQQI", nbd.REQUEST, 0, nbd.WRITE, 1, 0, MIB) + b"half of it")
        for _ in range(20):
            gone = Client("socket")
            gone.go()
            gone.request(nbd.READ, 0, 4 * MIB)
            gone.close()
        client = Client("socket")
        client.go()
        began = time.monotonic()
        for n in range(200):
            assert client.ask(nbd.WRITE, n * 512, data=bytes(512)) == 0
        assert client.ask(nbd.FLUSH) == 0
        assert time.monotonic() - began < 10
        grown = memory_of(process) - before
        assert grown < 200 * MIB, grown
        # One that does not come to a choice is left after a while.
        silent[0].socket.settimeout(15)
        try:
            silent[0].take(1)
            raise AssertionError("it is told something")
        except Gone:
            pass


def nonsense(work):
    """What makes no sense ends the connection, or is refused, and nothing else."""
    with work.server("-t", "-e", "0", "disk.raw"):
        def left(*parts, flags=3):
            client = Client("socket", flags=flags)
            try:
                for part in parts:
                    client.send(part)
                client.socket.shutdown(1)
                while client.take(1):
                    pass
            except (Gone, OSError):
                pass
            client.close()
        left(flags=0x80)
        left(b"GET / HTTP/1.0\r\n\r\n" * 10)
        left(struct.pack(">QII", nbd.OPTION, nbd.LIST, 0xffffffff))
        left(struct.pack(">QII", nbd.OPTION, nbd.EXPORT_NAME, 5) + b"other")
        left(struct.pack(">QII", nbd.OPTION, nbd.LIST, 0), flags=0)

        client = Client("socket")
        for option, data, answer in [
                (nbd.LIST, b"x", nbd.INVALID), (nbd.STARTTLS, b"", nbd.UNSUP),
                (77, b"abc", nbd.UNSUP), (77, bytes(100_000), nbd.TOO_BIG),
                (nbd.GO, b"", nbd.INVALID), (nbd.GO, struct.pack(">I", 0xffffffff), nbd.INVALID),
                (nbd.GO, client.wish() + b"x", nbd.INVALID),
                (nbd.GO, client.wish("other"), nbd.UNKNOWN),
                (nbd.INFO, struct.pack(">IH", 0, 0xffff), nbd.INVALID),
                (nbd.SET_META, client.contexts("base:allocation"), nbd.INVALID),
                (nbd.STRUCTURED_REPLY, b"x", nbd.INVALID), (nbd.STRUCTURED_REPLY, b"", nbd.ACK),
                (nbd.STRUCTURED_REPLY, b"", nbd.INVALID),
                (nbd.SET_META, struct.pack(">II", 0, 0xffffffff), nbd.INVALID),
                (nbd.SET_META, client.contexts("base:allocation", name="other"), nbd.UNKNOWN),
                (nbd.SET_META, client.contexts("other:context"), nbd.ACK)]:
            assert client.option(option, data)[-1][0] == answer, (option, data[:40])
        assert client.option(nbd.LIST_META, client.contexts())[0][1][4:] == b"base:allocation"
        client.go()
        client.request(nbd.BLOCK_STATUS, 0, 4096)  # which was not agreed on in the end
        assert client.chunk()[3][:4] == struct.pack(">I", nbd.EINVAL)
        client.send(b"\0" * 28)
        try:
            client.chunk()
            raise AssertionError("a request that is none is answered")
        except Gone:
            pass

        client = Client("socket")
        client.go()
        for command, offset, size, flags, error in [
                (nbd.READ, SIZE, 512, 0, nbd.EINVAL), (nbd.READ, 2 ** 64 - 512, 1024, 0, nbd.EINVAL),
                (nbd.READ, 0, 64 * MIB, 0, nbd.EINVAL), (99, 0, 0, 0, nbd.EINVAL),
                (nbd.TRIM, SIZE - 512, 1024, 0, nbd.EINVAL),
                (nbd.WRITE_ZEROES, SIZE, 512, 0, nbd.ENOSPC),
                (nbd.WRITE_ZEROES, 0, 512, 0x80, nbd.EINVAL),
                (nbd.CACHE, SIZE, 1, 0, nbd.EINVAL), (nbd.BLOCK_STATUS, 0, 512, 0, nbd.EINVAL)]:
            assert client.ask(command, offset, size, flags=flags) == error, (command, offset)
        assert client.ask(nbd.WRITE, SIZE - 512, data=bytes(1024)) == nbd.ENOSPC
        client.request(nbd.WRITE, 0, 33 * MIB)
        try:
            client.simple_reply()
            raise AssertionError("it waits for as much data as that")
        except Gone:
            pass
    with work.server("-r", "disk.raw"):
        client = Client("socket")
        client.go()
        assert client.ask(nbd.WRITE, 0, data=bytes(512)) == nbd.EPERM
        assert client.ask(nbd.TRIM, 0, 512) == nbd.EPERM
        assert client.ask(nbd.FLUSH) == 0
    assert pathlib.Path("disk.raw").read_bytes() == work.content


def answers(work):
    """Each command, with replies of both kinds and with requests of any length."""
    with work.server("-t", "-e", "0", "--discard=unmap", "disk.raw"):
        client = Client("socket")
        assert client.go(structured=True)[0] == SIZE
        cookie = client.request(nbd.READ, 511, 1025, flags=nbd.DF)
        flags, kind, answered, data = client.chunk()
        assert (flags, kind, answered) == (1, 1, cookie)
        assert data == struct.pack(">Q", 511) + work.content[511:1536]
        client.request(nbd.READ, SIZE, 512)
        flags, kind, _, data = client.chunk()
        assert (flags, kind, data) == (1, 0x8001, struct.pack(">IH", nbd.EINVAL, 0))
        assert client.ask(nbd.WRITE, 1001, data=b"y" * 9, flags=nbd.FUA) == 0
        assert client.ask(nbd.CACHE, 0, SIZE) == 0
        assert client.ask(nbd.WRITE_ZEROES, MIB, MIB, flags=nbd.NO_HOLE | nbd.FUA) == 0
        assert client.ask(nbd.WRITE_ZEROES, 2 * MIB, MIB) == 0
        client.request(nbd.READ, MIB, 2 * MIB)
        assert client.chunk()[3][8:] == bytes(2 * MIB)
        client.request(nbd.BLOCK_STATUS, 0, SIZE)
        data = client.chunk()[3]
        parts = list(struct.iter_unpack(">II", data[4:]))
        # Whether zeroes that keep their place are data is the file system's to say.
        assert data[:4] == b"\0\0\0\1" and parts[0] in ((MIB, 0), (2 * MIB, 0)), parts
        assert sum(size for size, _ in parts) == SIZE and parts[-1][1] == 3, parts
        client.request(nbd.BLOCK_STATUS, 0, SIZE, flags=nbd.REQ_ONE)
        assert len(client.chunk()[3]) == 12
        assert client.ask(nbd.TRIM, 0, MIB) == 0
        # An old client.
        client = Client("socket", flags=0)
        client.send(struct.pack(">QII", nbd.OPTION, nbd.EXPORT_NAME, 0))
        size, flags, zeroes = struct.unpack(">QH124s", client.take(134))
        assert size == SIZE and flags & 1 and not any(zeroes)
        client.request(nbd.READ, 1000, 12)
        assert client.simple_reply(12)[2] == bytes(12)


def background(work):
    words = [work.program, "--fork", "--pid-file=number", "-t", "-k", "socket", "disk.raw"]
    # It is ready when that has ended.
    assert subprocess.run(words, timeout=20).returncode == 0
    pid = int(pathlib.Path("number").read_text())
    client = Client("socket")
    client.go()
    assert client.ask(nbd.WRITE, 0, data=b"z" * 512) == 0
    assert "is open for writing" in work.refused("-f", "raw", "-k", "other", "disk.raw")
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not os.path.exists(f"/proc/{pid}"))
    assert not os.path.exists("socket") and not os.path.exists("number")
    assert pathlib.Path("disk.raw").read_bytes()[:512] == b"z" * 512
    # Its reason comes through from there.
    assert "nowhere.raw" in work.refused("--fork", "-k", "socket", "nowhere.raw")


def refuses(work):
    for words, part in [
            ([], "expects an image"), (["a", "b"], "'b' is too much"),
            (["-k", "s", "-p", "1", "disk.raw"], "expects one of them"),
            (["-k", "", "disk.raw"], "path of a socket"), (["-e", "x", "disk.raw"], "-e x"),
            (["-s", "-r", "disk.raw"], "expects one of them"),
            (["-f", "qcow2", "-k", "s", "disk.raw"], "qcow2"), (["--tls", "disk.raw"], "--tls"),
            (["--discard=x", "-k", "s", "disk.raw"], "discard"),
            (["--cache=x", "-k", "s", "disk.raw"], "cache mode 'x'"),
            (["-x", "n" * 5000, "disk.raw"], "4096"), (["-k", "no/where", "disk.raw"], "no/where"),
            (["-k", "p" * 200, "disk.raw"], "107"), (["-b", "256.1.1.1", "disk.raw"], "256.1.1.1"),
            (["-L", "-k", "nowhere"], "nowhere"), (["-L", "disk.raw"], "no image")]:
        said = work.refused(*words)
        assert part in said, (words, said)


@contextlib.contextmanager
def other_server(*words):
    process = subprocess.Popen(words)
    try:
        wait_until(lambda: listens() or process.poll() is not None)
        yield
    finally:
        process.terminate()
        process.wait(20)
        pathlib.Path("socket").unlink(missing_ok=True)


def uses_qemus(work):
    need("qemu-nbd", "qemu-img")
    for form in ("raw", "qcow2"):
        run("qemu-img", "create", "-q", "-f", form, f"far.{form}", str(SIZE))
        with other_server("qemu-nbd", "-t", "-e", "4", "-k", os.path.abspath("socket"), "-f", form,
                          "--discard=unmap", f"far.{form}"):
            run(work.img, "convert", "-n", "-O", "raw", "disk.raw", work.uri)
            run(work.img, "compare", "-f", "raw", "-F", "raw", "disk.raw", work.uri)
            parts = json.loads(run(work.img, "map", "-f", "raw", "--output=json", work.uri))
            assert parts[0]["data"] and parts[-1]["zero"], parts
            run(work.img, "convert", "-O", "qcow2", work.uri, "back.qcow2")
            run("qemu-img", "compare", "disk.raw", "back.qcow2")
            about = json.loads(run(work.img, "info", "--output=json", work.uri))
            assert about["format"] == "raw" and about["virtual-size"] == SIZE, about
        run("qemu-img", "compare", "-f", "raw", "-F", form, "disk.raw", f"far.{form}")
    # Which one client uses, and what it is, is found out, too.
    with other_server("qemu-nbd", "-k", os.path.abspath("socket"), "-f", "raw", "-x", "one",
                      "-r", "back.qcow2"):
        run(work.img, "compare", work.uri.replace("///", "///one"), "disk.raw")


def uses_nbdkits(work):
    """A server that knows less, one that is slow, and one whose disk is broken."""
    need("nbdkit", "qemu-img")
    for options in (["--no-sr"], ["--mask-handshake=0"], ["--filter=nozero"],
                    ["--filter=delay", "delay-read=5ms"], ["--filter=noextents"]):
        words = [word for word in options if word.startswith("-")]
        with other_server("nbdkit", "-f", "-U", "socket", *words, "file", "disk.raw",
                          *[word for word in options if not word.startswith("-")]):
            run(work.img, "compare", "-f", "raw", "-F", "raw", work.uri, "disk.raw")
    with other_server("nbdkit", "-f", "-U", "socket", "--filter=error", "file", "disk.raw",
                      "error-pread=EIO", "error-pread-rate=100%"):
        ran = subprocess.run([work.img, "compare", "-f", "raw", work.uri, "disk.raw"],
                             capture_output=True, text=True, timeout=20)
        assert ran.returncode == 4 and "socket" in ran.stderr, ran


def stands_on_a_server(work):
    """What a server has goes on to others."""
    need("nbdinfo", "nbdcopy")
    with work.server("-t", "-e", "0", "disk.raw"):
        # As systemd would start it: with a socket that listens.
        words = [work.program, "-f", "raw", work.uri]
        assert int(run("nbdinfo", "--size", "--", "[", *words, "]")) == SIZE
        run("nbdcopy", "--", "[", *words, "]", "back.raw")
        assert pathlib.Path("back.raw").read_bytes() == work.content


# Says so on the serial line, writes itself to the second sector, and resets the machine.
BOOT_SECTOR = bytes.fromhex("31c08ed88ec0fcbe2c7cbaf803ac84c07403eeebf8"
                            "b80103bb007cb90200ba8000cd13b0fee664f4ebfd0000") + b"booted\n\0"


def boots(work):
    sector = BOOT_SECTOR.ljust(510, b"\0") + b"\x55\xaa"
    with open("disk.raw", "r+b") as file:
        file.write(sector)
    with work.server("-t", "-f", "raw", "disk.raw"):
        for options in (["-drive", f"file={work.uri},format=raw"],
                        ["-blockdev", "driver=nbd,node-name=far,server.type=unix,server.path=socket",
                         "-device", "virtio-blk-pci,drive=far"],
                        ["-drive", "file.driver=nbd,file.path=socket,format=raw,if=ide"]):
            with open("disk.raw", "r+b") as file:
                file.seek(512)
                file.write(bytes(512))
            words = [work.machine, "-accel", "tcg", "-m", "32", "-display", "none", "-no-reboot",
                     "-serial", "stdio", *options]
            ran = subprocess.run(words, capture_output=True, text=True, timeout=60,
                                 stdin=subprocess.DEVNULL)
            # A reset that is not to be is what it ends with.
            assert ran.returncode == 2 and "booted" in ran.stdout, (options, ran)
            assert pathlib.Path("disk.raw").read_bytes()[512:1024] == sector, options


def forgets(work):
    """-snapshot: the guest reads what it has written, and the image is as it was."""
    sector = BOOT_SECTOR.ljust(510, b"\0") + b"\x55\xaa"
    content = sector + bytes(512) + sector[:100].ljust(MIB - 1024, b"n")
    pathlib.Path("disk.raw").write_bytes(content)
    os.environ["TMPDIR"] = os.getcwd()
    words = [work.machine, "-accel", "tcg", "-m", "32", "-display", "none", "-no-reboot", "-serial",
             "stdio"]
    for options in (["-snapshot", "-hda", "disk.raw"],
                    ["-drive", "file=disk.raw,format=raw,snapshot=on"]):
        ran = subprocess.run([*words, *options], capture_output=True, text=True, timeout=60,
                             stdin=subprocess.DEVNULL)
        assert ran.returncode == 2 and "booted" in ran.stdout, (options, ran)
        assert pathlib.Path("disk.raw").read_bytes() == content, options
        assert os.listdir() == ["disk.raw"], os.listdir()
    ran = subprocess.run([*words, "-snapshot", "-drive", "file=disk.raw,format=raw,snapshot=off"],
                         capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert pathlib.Path("disk.raw").read_bytes()[512:1024] == sector, ran
    ran = subprocess.run([work.machine, "-S", "-display", "none", "-snapshot", "-hda", "disk.raw",
                          "-monitor", "stdio"], capture_output=True, text=True, timeout=60,
                         input="savestate state\nmigrate file:state\nquit\n")
    assert ran.stdout.count("forgets what is written to it") == 2, ran
    assert not os.path.exists("state"), "a machine without its disk was saved"


def copies_onto_what_is_there(work):
    """convert to a server's disk without -n: what was there is gone, also where there are zeroes."""
    pathlib.Path("old.raw").write_bytes(os.urandom(MIB))
    pathlib.Path("new.raw").write_bytes(b"hello".ljust(MIB, b"\0"))
    with work.server("-t", "-f", "raw", "old.raw"):
        run(work.img, "convert", "-f", "raw", "-O", "raw", "new.raw", work.uri)
    assert pathlib.Path("old.raw").read_bytes() == pathlib.Path("new.raw").read_bytes()


def hears_of_a_wrong_place(work):
    assert "port '99999': expects 1 to 65535" in work.refused("-p", "99999", "disk.raw")
    assert "-L looks at a server" in work.refused("-L", "-r", "-k", "socket")
    with open(os.devnull) as nothing:
        said = subprocess.run(["/bin/sh", "-c", 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" "$@" 3<&0',
                               work.program, "disk.raw"], stdin=nothing, capture_output=True,
                              text=True, timeout=20)
    assert said.returncode == 1 and "is no socket that listens" in said.stderr, said


def main():
    parser = argparse.ArgumentParser()
    for program in ("--program", "--img", "--machine"):
        parser.add_argument(program, type=os.path.abspath, required=True)
    parser.add_argument("case")
    arguments = parser.parse_args()
    case = globals()[arguments.case]
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        case(Workplace(arguments.program, arguments.img, arguments.machine))


if __name__ == "__main__":
    main()

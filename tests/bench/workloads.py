"""The workloads: a shell command each, run the same way natively and in the guests."""

import re
import sys
from dataclasses import dataclass

# In the guest: runs each line that it is sent.
AGENT = r"""
exec </dev/ttyS1
echo ready
while read -r line; do
  sh -c "$line" </dev/null 2>&1
  echo "ended with $?"
done
"""

# AVX-512 of every kind, which no guest has: the bits of EBX and, above them, of ECX that CPUID's
# leaf 7 answers.
AVX512 = 0x5842_d023_0000
ADX = 1 << 19
# What keeps programs from it that look for what a processor has: openssl, and what the C library
# copies and compares with.
GUESTS_FEATURES = {
    "OPENSSL_ia32cap": f":~{AVX512:#x}",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,-AVX512CD,-AVX512DQ",
}
# Hides what openssl looks for beyond the base of x86-64.
NO_EXTENSIONS = "OPENSSL_ia32cap=0x0:0x0 "
# Without ADX its RSA multiplies in vectors of AVX2.
NO_ADX = f"OPENSSL_ia32cap=:~{AVX512 | ADX:#x} "


@dataclass(frozen=True)
class Workload:
    name: str
    group: str
    command: str
    # Where a command runs for a time instead of doing fixed work: what finds in
    # its output how much it did. The cost is then for that much.
    amount: str = ""
    phases: int = 1  # it runs that long so many times, and the first is counted

    def done(self, output):
        if not self.amount:
            return 1
        return int(re.search(self.amount, output)[1]) * self.phases


@dataclass(frozen=True)
class Threaded:
    """A program of which one thread and two do the same work, and print the same."""

    name: str
    command: str

    def with_threads(self, count):
        return self.command.format(threads=count)


def speed(arguments, amount, seconds=1):
    return f"openssl speed -elapsed -seconds {seconds} {arguments} 2>&1", amount


def digest(name, seconds=1):
    return speed(f"-bytes 16384 -evp {name}", r"16384 size blocks: (\d+)", seconds)


def plain(command, amount):
    return NO_EXTENSIONS + command, amount


RSA = speed("rsa2048", r"private rsa's for 1s: (\d+)")
FLAC = ("flac --silent --force-raw-format --endian=little --sign=signed --channels=2 --bps=16 "
        "--sample-rate=44100 -8 -c /bench/samples | md5sum")

# Natively about 0.3 s each, less where QEMU takes a hundred times as long.
WORKLOADS = [
    Workload("gzip", "integer", "gzip -6 -c /bench/texts | md5sum"),
    Workload("xz", "integer", "head -c 6000000 /bench/texts | xz -2 -T1 | md5sum"),
    Workload("zstd", "integer", "zstd -11 -T1 -q -c /bench/texts | md5sum"),
    Workload("sort", "integer", "/bench/programs sort 3000"),
    Workload("sha256 plain", "integer", *plain(*digest("sha256"))),
    Workload("aes plain", "integer", *plain(*digest("aes-128-cbc"))),
    Workload("rsa2048 plain", "integer", *plain(*RSA), phases=2),
    Workload("python", "interpreter", "python3 /bench/workload.py 3"),
    Workload("perl", "interpreter", "perl /bench/workload.pl 4"),
    Workload("lua", "interpreter", "lua5.4 /bench/workload.lua 30"),
    Workload("luajit", "interpreter", "luajit /bench/workload.lua 150"),
    Workload("sqlite", "interpreter", "sqlite3 :memory: </bench/workload.sql"),
    Workload("sha256", "vector", *digest("sha256")),
    Workload("aes", "vector", *digest("aes-128-cbc")),
    Workload("rsa2048", "vector", *RSA, phases=2),
    Workload("rsa2048 avx2", "vector", NO_ADX + RSA[0], RSA[1], phases=2),
    Workload("flac", "vector", FLAC),
    Workload("nbody sse2", "vector", "/bench/programs nbody 5000"),
    Workload("matmul avx2", "vector", "/bench/programs-avx2 matmul 100"),
    Workload("nbody x87", "x87", "/bench/programs-x87 nbody 2000"),
    Workload("mandelbrot x87", "x87", "/bench/programs-x87 mandelbrot 1200"),
    Workload("fork and exec", "kernel",
             "i=0; while [ $i -lt 600 ]; do /bin/true; i=$((i + 1)); done"),
    Workload("dd bs=1", "kernel", "dd if=/dev/zero of=/dev/null bs=1 count=900000 2>/dev/null"),
    Workload("pipe", "kernel", "dd if=/dev/zero bs=512 count=250000 2>/dev/null | cat >/dev/null"),
    Workload("page faults", "kernel", "/bench/programs page-faults 24"),
    Workload("mmap storm", "kernel", "/bench/programs mmap-storm 20"),
    Workload("fault storm", "kernel", "/bench/programs fault-storm 300"),
]

# Natively 10 s and more each, so that what it takes to begin is nothing beside it.
LONG = [
    Workload("xz", "long", "cat /bench/texts /bench/texts /bench/texts /bench/texts | "
             "xz -6 -T1 | md5sum"),
    Workload("aes plain", "long", *plain(*digest("aes-128-cbc", 10))),
    Workload("python", "long", "python3 /bench/workload.py 100"),
    Workload("perl", "long", "perl /bench/workload.pl 160"),
    Workload("luajit", "long", "luajit /bench/workload.lua 9000"),
    Workload("sha256", "long", *digest("sha256", 10)),
    Workload("nbody sse2", "long", "/bench/programs nbody 220000"),
    Workload("mandelbrot x87", "long", "/bench/programs-x87 mandelbrot 11000"),
]

# Natively about a second by one thread. (xz -T+1 is one of several, which writes the same as two.)
THREADED = [
    Threaded("xz", "xz -6 -T+{threads} --block-size=1MiB -c /bench/text | md5sum"),
    Threaded("zstd", "zstd -15 -T{threads} -B1M -q -c /bench/text | md5sum"),
]

# What the translator once left to the interpreter and does not any more, as `info jit` names it,
# and how often each may still be interpreted in one workload (what is rare about them: operands in
# devices, pages that fault; a page with code that is cleared counts each byte). One that comes back
# is, many times as often.
TRANSLATED = (
    "ldmxcsr", "stmxcsr", "vldmxcsr", "vstmxcsr", "loop", "loope", "loopne", "jrcxz", "jecxz",
    "prefetchnta", "prefetcht0", "prefetcht1", "prefetcht2", "prefetch", "prefetchw",
    "movsb", "movsw", "movsd", "movsq", "stosb", "stosw", "stosd", "stosq",
    "rdfsbase", "rdgsbase", "wrfsbase", "wrgsbase", "swapgs", "mov cr", "mov sreg", "invlpg",
    "xsave", "xsave64", "xsavec", "xsavec64", "xsaveopt", "xsaveopt64", "xrstor", "xrstor64",
    "cld", "std", "iretq", "syscall", "sysret",
)
INTERPRETED_MOST = 50000


def select(names, known):
    """Those of known that are named, by themselves or by their group; all if none is."""
    if not names:
        return known
    wanted = [name.strip() for part in names for name in part.split(",")]
    words = {w.name for w in known} | {w.group for w in known}
    for name in wanted:
        if name not in words:
            sys.exit(f"bench: no workload or group '{name}' (see --list)")
    return [w for w in known if w.name in wanted or w.group in wanted]

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

# Hides what openssl looks for beyond the base of x86-64.
NO_EXTENSIONS = "OPENSSL_ia32cap=0x0:0x0 "


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


def speed(arguments, amount):
    return f"openssl speed -elapsed -seconds 1 {arguments} 2>&1", amount


def digest(name):
    return speed(f"-bytes 16384 -evp {name}", r"16384 size blocks: (\d+)")


RSA = speed("rsa2048", r"private rsa's for 1s: (\d+)")

WORKLOADS = [
    Workload("gzip", "integer", "gzip -6 -c /bench/text | md5sum"),
    Workload("xz", "integer", "head -c 1000000 /bench/text | xz -2 -T1 | md5sum"),
    Workload("sort", "integer", "/bench/programs sort"),
    Workload("sha256 plain", "integer", NO_EXTENSIONS + digest("sha256")[0], digest("sha256")[1]),
    Workload("aes plain", "integer", NO_EXTENSIONS + digest("aes-128-cbc")[0],
             digest("aes-128-cbc")[1]),
    Workload("rsa2048 plain", "integer", NO_EXTENSIONS + RSA[0], RSA[1], phases=2),
    Workload("python", "interpreter", "python3 /bench/workload.py"),
    Workload("perl", "interpreter", "perl /bench/workload.pl"),
    Workload("sqlite", "interpreter", "sqlite3 :memory: </bench/workload.sql"),
    Workload("sha256", "vector", *digest("sha256")),
    Workload("aes", "vector", *digest("aes-128-cbc")),
    Workload("rsa2048", "vector", *RSA, phases=2),
    Workload("nbody sse2", "vector", "/bench/programs nbody"),
    Workload("matmul avx2", "vector", "/bench/programs-avx2 matmul"),
    Workload("nbody x87", "x87", "/bench/programs-x87 nbody"),
    Workload("fork and exec", "kernel",
             "i=0; while [ $i -lt 300 ]; do /bin/true; i=$((i + 1)); done"),
    Workload("dd bs=1", "kernel", "dd if=/dev/zero of=/dev/null bs=1 count=300000 2>/dev/null"),
    Workload("pipe", "kernel", "dd if=/dev/zero bs=512 count=100000 2>/dev/null | cat >/dev/null"),
    Workload("page faults", "kernel", "/bench/programs page-faults"),
]

# At least so many times QEMU's speed in the mean of a group, and in no workload below it.
BARS = {"integer": 2, "interpreter": 2, "vector": 8, "x87": 8, "kernel": 1}
START_MS = 15
# CPU time of a guest that does nothing, and of one that is stopped: milliseconds in a second, at
# most.
QUIET_MS = {"idle": 5, "stopped": 1}
IDLE_ACCELERATORS = ("tcg", "kvm")
# What the translator once left to the interpreter and does not any more, as `info jit` names it,
# and how often each may still be interpreted in a boot and all workloads (what is rare about them:
# operands in devices, pages that fault). One that comes back is, many times as often.
TRANSLATED = (
    "ldmxcsr", "stmxcsr", "vldmxcsr", "vstmxcsr", "loop", "loope", "loopne", "jrcxz", "jecxz",
    "prefetchnta", "prefetcht0", "prefetcht1", "prefetcht2", "prefetch", "prefetchw",
    "movsb", "movsw", "movsd", "movsq", "stosb", "stosw", "stosd", "stosq",
    "rdfsbase", "rdgsbase", "wrfsbase", "wrgsbase", "swapgs", "mov cr", "mov sreg", "invlpg",
    "xsave", "xsave64", "xsavec", "xsavec64", "xsaveopt", "xsaveopt64", "xrstor", "xrstor64",
    "cld", "std", "iretq", "syscall", "sysret",
)
INTERPRETED_MOST = 5000
# With the native tier each takes at most so much of the CPU time without it.
NATIVE_MOST = 1.03


def select(names):
    if not names:
        return WORKLOADS
    wanted = [name.strip() for part in names for name in part.split(",")]
    known = {w.name for w in WORKLOADS} | {w.group for w in WORKLOADS}
    for name in wanted:
        if name not in known:
            sys.exit(f"bench: no workload or group '{name}' (see --list)")
    return [w for w in WORKLOADS if w.name in wanted or w.group in wanted]

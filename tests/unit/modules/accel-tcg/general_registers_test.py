#!/usr/bin/env python3
"""Looks into module files whether what translated code calls with the guest's
vector registers in place leaves them alone.

Compiling a file with -mgeneral-regs-only does not suffice: it may call a
function of the library, or one of a header whose copy in another file was
linked.
"""

import re
import subprocess
import sys
from pathlib import Path

# The ways in, as the stubs know them, by the module that has them.
WAYS_IN = {
    "accel-tcg.so": r"backplane::tcg::TcgVcpu::fast_\w+\(",
    "target-x86.so": r"backplane::x86::(syscall|sysret|iret_to_code64|deliver_to_kernel64|load_data_segment64|far_jump_to_code)\(",
}
# Where an exception is thrown, or the program ends, no guest goes on; the system call that sleeps
# and wakes changes no vector register; what a CPU's vendor is depends on its class, which is asked
# for outside of 64-bit code only.
HARMLESS = re.compile(r"(__cxa_\w+|_Unwind_\w+|__stack_chk_fail|abort|__assert_fail|syscall|"
                      r"std::__throw_\w+|operator delete|__clang_call_terminate|std::terminate|"
                      r"backplane::Object::find_class)\b")
VECTOR = re.compile(r"%([xyz]?mm|st\b|st\(|k[0-7]\b)")
FUNCTION = re.compile(r"^[0-9a-f]+ <(.+)>:$")
BRANCH = re.compile(r"\t(?:call|jmp|j[a-z]+) +[0-9a-f]+ <(.+?)(?:\+0x[0-9a-f]+)?>$")


def functions(module):
    """Of each function of a module file, its instructions."""
    text = subprocess.run(["objdump", "-d", "-C", "--no-show-raw-insn", module], text=True,
                          check=True, stdout=subprocess.PIPE).stdout
    found, lines = {}, []
    for line in text.splitlines():
        if match := FUNCTION.match(line):
            lines = found.setdefault(match[1], [])
        else:
            lines.append(line)
    return found


def reached(code, start):
    """Every function that can be reached, and by whom."""
    callers = {name: "translated code" for name in start}
    waiting = list(start)
    while waiting:
        name = waiting.pop()
        for line in code.get(name, []):
            if match := BRANCH.search(line):
                if match[1] not in callers:
                    callers[match[1]] = name
                    waiting.append(match[1])
    return callers


def check(module):
    code = functions(module)
    start = [name for name in code if re.match(WAYS_IN[module.name], name)]
    if not start:
        yield f"{module.name}: no way in was found"
    others = re.compile("|".join(WAYS_IN.values()))
    for name, caller in reached(code, start).items():
        plain = name.removesuffix("@plt")
        if name.endswith("@plt"):
            if not HARMLESS.match(plain) and not others.match(plain):
                yield f"{module.name}: {caller} calls {plain}, of another file"
        for line in code.get(name, []) if not name.endswith("@plt") else []:
            if VECTOR.search(line):
                yield f"{module.name}: {name}, called by {caller}: {line.strip()}"
                break


def main():
    failures = [text for path in sys.argv[1:] for text in check(Path(path))]
    print(*failures, sep="\n")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()

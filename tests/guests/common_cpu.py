# SPDX-License-Identifier: MIT
"""The CPU model that two accelerators have in common on this host."""

import re
import subprocess
import tempfile
from pathlib import Path


def common_cpu(emulator, *accelerators):
    """`max` without what not all of the accelerators show the guest, for -cpu: asks the emulator,
    which says so when one is to go on with what another has saved."""
    machine = [str(emulator), "-M", "pc", "-m", "32", "-nodefaults", "-display", "none", "-S",
               "-monitor", "stdio"]
    without = []
    with tempfile.TemporaryDirectory() as directory:
        for accelerator in accelerators[1:]:
            for attempt in range(2):
                state = Path(directory) / f"state{attempt}"
                model = ["-cpu", ",".join(["max", *without])]
                subprocess.run([*machine, *model, "-accel", accelerators[0]],
                               input=f"savestate {state}\nquit\n".encode(), check=True,
                               capture_output=True, timeout=30)
                loaded = subprocess.run([*machine, *model, "-accel", accelerator,
                                         "-loadstate", str(state)],
                                        input=b"quit\n", capture_output=True, timeout=30)
                differs = re.search(r"the saved one differs by (\S+);", loaded.stderr.decode())
                if not differs:
                    break
                without += ["-" + feature[1:] for feature in differs[1].split(",")]
    return ",".join(["max", *without])

# SPDX-License-Identifier: MIT
"""That changes of the ABI are noticed: in a copy of the tree's headers and records."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

# What is changed in which header, and what has to be said of it.
CHANGES = [
    ("a virtual function in front of another one", "sdk/include/backplane/device.h",
     "  virtual void reset();\n\n  Bus* bus()", "  virtual void early() {}\n  virtual void reset();\n\n  Bus* bus()",
     ["~ class backplane::Device", "+ virtual backplane::Device::early", "raise the major number"]),
    ("a member more", "modules/hw-pci/include/backplane/pci/msi.h",
     "  u32 data = 0;\n", "  u32 data = 0;\n  u64 more = 0;\n",
     ["~ class backplane::MsiMessage", "+ size 24, alignment 8", "raise the major number"]),
    ("a value in front of others", "sdk/include/backplane/run_control.h",
     "enum class RunState { Stopped,", "enum class RunState { Early, Stopped,",
     ["~ enum backplane::RunState", "+ Early=0", "raise the major number"]),
    ("a class more", "sdk/include/backplane/room.h",
     "}  // namespace backplane", "struct Newcomer {\n  int x;\n};\n}  // namespace backplane",
     ["+ class backplane::Newcomer", "raise the minor number"]),
    ("a version that nobody explains", "sdk/include/backplane/abi.h",
     "#define BACKPLANE_SDK_MAJOR 0", "#define BACKPLANE_SDK_MAJOR 987",
     ["say why in CHANGELOG.md, in a line with 'ABI backplane 987."]),
]


def main():
    for name, header, old, new, expected in CHANGES:
        with tempfile.TemporaryDirectory() as directory:
            root = Path(directory)
            for folder in ["sdk/include", "sdk/abi", *(str(path.relative_to(ROOT)) for pattern in
                           ["modules/*/include", "modules/*/abi"] for path in ROOT.glob(pattern))]:
                shutil.copytree(ROOT / folder, root / folder)
            shutil.copy(ROOT / "CHANGELOG.md", root)
            text = (root / header).read_text()
            assert old in text, f"{name}: {header} has become another one"
            (root / header).write_text(text.replace(old, new, 1))
            done = subprocess.run(
                [sys.executable, HERE / "abi.py", "compare", "--root", root, *sys.argv[1:]],
                capture_output=True, text=True)
            said = done.stdout + done.stderr
            assert done.returncode == 1, f"{name}: status {done.returncode}\n{said}"
            for line in expected:
                assert line in said, f"{name}: '{line}' is not in:\n{said}"


if __name__ == "__main__":
    main()

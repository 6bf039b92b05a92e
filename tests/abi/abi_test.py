# SPDX-License-Identifier: MIT
"""That changes of the ABI are noticed: in a copy of the tree's headers and records."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

# Changes that are made together: header, old text, new text, and what has to be said.
ROUNDS = [
    [
        # A virtual function in front of another one.
        ("sdk/include/backplane/device.h", "  virtual void reset();\n\n  Bus* bus()",
         "  virtual void early() {}\n  virtual void reset();\n\n  Bus* bus()",
         ["~ class backplane::Device", "+ virtual backplane::Device::early",
          "it breaks modules of version"]),
        # A member more.
        ("modules/hw-pci/include/backplane/pci/msi.h", "  u32 data = 0;\n",
         "  u32 data = 0;\n  u64 more = 0;\n",
         ["~ class backplane::MsiMessage", "+ size 24, alignment 8", "raise the major number"]),
        # A value in front of others.
        ("sdk/include/backplane/run_control.h", "enum class RunState { Stopped,",
         "enum class RunState { Early, Stopped,", ["~ enum backplane::RunState", "+ Early=0"]),
    ],
    [
        # A class more.
        ("modules/hw-isa/include/backplane/isa/isa_device.h", "class IsaDevice;\n",
         "class IsaDevice;\nstruct Newcomer {\n  int x;\n};\n",
         ["+ class backplane::Newcomer", "raise the minor number"]),
        # A version that nobody explains.
        ("sdk/include/backplane/abi.h", "#define BACKPLANE_SDK_MAJOR 0",
         "#define BACKPLANE_SDK_MAJOR 987",
         ["say why in CHANGELOG.md, in a line with 'ABI backplane 987."]),
    ],
    [
        # A member in the place of room.
        ("sdk/include/backplane/device.h", "  Room<8> room;\n};",
         "  void (*more)() = nullptr;\n  Room<7> room;\n};",
         ["~ class backplane::DeviceClass", "it adds to version"]),
    ],
]


def copy_tree(root):
    folders = ["sdk/include", "sdk/abi"]
    for pattern in ["modules/*/include", "modules/*/abi"]:
        folders += [str(path.relative_to(ROOT)) for path in ROOT.glob(pattern)]
    for folder in folders:
        shutil.copytree(ROOT / folder, root / folder)
    shutil.copy(ROOT / "CHANGELOG.md", root)


def main():
    for changes in ROUNDS:
        with tempfile.TemporaryDirectory() as directory:
            root = Path(directory)
            copy_tree(root)
            for header, old, new, _ in changes:
                text = (root / header).read_text()
                assert old in text, f"{header} has become another one"
                (root / header).write_text(text.replace(old, new, 1))
            done = subprocess.run(
                [sys.executable, HERE / "abi.py", "compare", "--root", root, *sys.argv[1:]],
                capture_output=True, text=True)
            said = done.stdout + done.stderr
            assert done.returncode == 1, f"status {done.returncode}\n{said}"
            for line in [line for _, _, _, lines in changes for line in lines]:
                assert line in said, f"'{line}' is not in:\n{said}"


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: MIT
"""Puts the sources that backplane-new-module writes into docs/writing-a-module.md, in place of
those that are there. Its argument is the bin directory of an installed Backplane."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from new_module_test import KINDS, PAGE


def main():
    page = PAGE.read_text()
    with tempfile.TemporaryDirectory() as directory:
        for kind, (name, _, _) in KINDS.items():
            project = Path(directory) / name
            subprocess.run([Path(sys.argv[1]) / "backplane-new-module", project, "--kind", kind],
                           check=True, stdout=subprocess.DEVNULL)
            for source in project.glob("*.cpp"):
                shown = f"`{source.name}`:\n\n```cpp\n{source.read_text()}```\n"
                page = re.sub(rf"`{re.escape(source.name)}`:\n\n```cpp\n.*?```\n",
                              lambda _, text=shown: text, page, flags=re.S)
    PAGE.write_text(page)


if __name__ == "__main__":
    main()

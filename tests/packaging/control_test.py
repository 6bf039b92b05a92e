# SPDX-License-Identifier: MIT
"""Compares packaging/debian with what the build knows: a package for each component, a dependency
for each group of the build."""

import argparse
import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
# What every Debian that builds packages has, or a clone alone needs.
NOT_NEEDED = {"g++", "git"}


def stanzas():
    text = (TOP / "packaging/debian/control").read_text()
    for stanza in text.split("\n\n"):
        fields = dict(re.findall(r"^(\S+): *((?:.*)(?:\n .*)*)", stanza, re.MULTILINE))
        yield fields


def names(field):
    return set(re.findall(r"^\s*([\w.+${}:-]+)", field.replace(",", "\n"), re.MULTILINE))


def modules_of_rules():
    """The modules that the packages are configured with."""
    rules = (TOP / "packaging/debian/rules").read_text()
    line = re.search(r"^modules := .*$", rules, re.MULTILINE)[0]
    made = subprocess.run(["make", "-s", "-f", "-"], input=f"{line}\nall:\n\t@echo $(modules)\n",
                          cwd=TOP, capture_output=True, text=True, check=True)
    return set(made.stdout.split())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--known-modules", required=True, type=Path)
    given = parser.parse_args()
    source, *packages = stanzas()
    wrong = []

    known = [line.split() for line in given.known_modules.read_text().splitlines()
             if not line.startswith("#")]
    of_modules = {package for _, package, *_ in known}
    all_modules = {module for module, *_ in known} - {"accel-whpx"}
    if (configured := modules_of_rules()) != all_modules:
        wrong.append(f"rules has other modules: {sorted(configured ^ all_modules)}")
    described = {package["Package"]: package for package in packages}
    for name in sorted(of_modules - described.keys()):
        wrong.append(f"control does not have {name}, which a module's metadata names")
    for name in sorted(of_modules & described.keys()):
        depends = names(described[name]["Depends"])
        for wanted in ["libbackplane0", "${backplane:Modules}", "${shlibs:Depends}"]:
            if wanted not in depends:
                wrong.append(f"{name} does not depend on {wanted}")
    others = {"backplane", "libbackplane0", "backplane-utils", "backplane-sdk-dev",
              "backplane-sdk-testing", "backplane-doc"}
    for name in sorted(described.keys() - of_modules - others):
        wrong.append(f"control has {name}, which no module's metadata names")

    built_with = names(source["Build-Depends"])
    listed = {line.split()[1] for line in (TOP / "debian-packages").read_text().splitlines()
              if line.startswith("build ")}
    for name in sorted(listed - built_with - NOT_NEEDED):
        wrong.append(f"Build-Depends does not have {name}, which debian-packages has")
    print("\n".join(wrong))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: MIT
"""The tables of what was measured, and what falls short of the bars."""

from math import exp, log

from bars import BOOT_S, IDLE_ACCELERATORS, QUIET_MS, SCALING, START_MS, TIMES_QEMU, USER_TIME
from measuring import number, ratio

LINE = "{:<16}{:<13}{:>14}{:>14}{:>14}{:>12}{:>12}{:>12}"
GROUP_LINE = "{:<16}{:<13}{:>11}{:>7}{:>7}{:>14}{:>12}"
RATIOS = ("backplane/native", "qemu/native", "qemu/backplane")


def mean(ratios):
    known = [value for value in ratios if value]
    return exp(sum(map(log, known)) / len(known)) if known else None


def times(value):
    return number(value, suffix="x")


def user_time_bars(options):
    return USER_TIME["translated" if options.native == "off" else "native"]


def cost_text(workload, seconds):
    if seconds is None:
        return "-"
    return f"{seconds * 1e6:.1f} us/op" if workload.amount else f"{seconds:.3f} s"


def summarize(results, options):
    """Rows of what the table shows; the JSON file has the same and every single cost."""
    rows = []
    for workload in options.workloads:
        native, ours, qemu = (results.median(workload.name, name)
                              for name in ("native", "backplane", "qemu"))
        rows.append({"workload": workload.name, "group": workload.group,
                     "native": native, "backplane": ours, "qemu": qemu,
                     "backplane/native": ratio(ours, native), "qemu/native": ratio(qemu, native),
                     "qemu/backplane": ratio(qemu, ours)})
    return rows


def print_workloads(rows, options):
    print(LINE.format("workload", "group", "native", "backplane", "qemu",
                      "bp/native", "qemu/native", "qemu/bp"))
    for row, workload in zip(rows, options.workloads):
        print(LINE.format(row["workload"], row["group"],
                          *(cost_text(workload, row[name])
                            for name in ("native", "backplane", "qemu")),
                          *(times(row[name]) for name in RATIOS)))


def by_group(rows):
    groups = {}
    for row in rows:
        groups.setdefault(row["group"], []).append(row)
    return groups


def print_groups(rows, options):
    bars = user_time_bars(options)
    print(f"\ngeometric means, native={options.native}")
    print(GROUP_LINE.format("group", "", "bp/native", "bar", "goal", "qemu/native", "qemu/bp"))
    for group, members in by_group(rows).items():
        ours, theirs, both = (mean(row[name] for row in members) for name in RATIOS)
        bar = bars.get(group)
        print(GROUP_LINE.format(group, f"{len(members)} workloads", times(ours),
                                number(bar.bar if bar else None),
                                number(bar.goal if bar else None), times(theirs), times(both)))


def print_interpreted(counts):
    """What the translator left to the interpreter, of the boots and all workloads."""
    most = [f"{name} {times}" for name, times in counts.most_common(16)]
    if most:
        print("\ninterpreted most often:", ", ".join(most))


def print_scaling(rows):
    print("\ntwo threads for one, times as fast" + f"{'native':>20}{'backplane':>12}{'bar':>7}")
    for row in rows:
        print(f"{row['program']:<42}{times(row['native']):>12}{times(row['backplane']):>12}"
              f"{number(SCALING):>7}")


def summarize_machine(results):
    rows = []
    idle = [f"{state} ms/s, {accel}" for accel in IDLE_ACCELERATORS for state in QUIET_MS]
    for what in ("start ms", "boot CPU s", "resident MiB", "peak MiB", *idle):
        ours, qemu = (results.median(what, name) for name in ("backplane", "qemu"))
        rows.append({"what": what, "backplane": ours, "qemu": qemu,
                     "qemu/backplane": ratio(qemu, ours)})
    return rows


def machine_bars(what):
    """Bar and goal of a row of the machine's; None for what has none."""
    quiet = QUIET_MS.get(what.split()[0])
    if quiet is not None:
        return quiet, None
    return {"start ms": (START_MS, None), "boot CPU s": (BOOT_S.bar, BOOT_S.goal)}.get(
        what, (None, None))


def print_machine(rows):
    print("\n" + LINE.format("machine", "", "backplane", "bar", "goal", "qemu", "", "qemu/bp"))
    for row in rows:
        print(LINE.format(row["what"], "", number(row["backplane"]),
                          *(number(bar) for bar in machine_bars(row["what"])), number(row["qemu"]),
                          "", times(row["qemu/backplane"])))


def missed_by_workloads(rows, options):
    for row in rows:
        if row["qemu/backplane"] and row["qemu/backplane"] < 1:
            yield f"{row['workload']}: slower than QEMU"
    for group, members in by_group(rows).items():
        bar = user_time_bars(options).get(group)
        # Of long runs each has to reach it.
        found = {row["workload"]: row["backplane/native"] for row in members} if group == "long" \
            else {group: mean(row["backplane/native"] for row in members)}
        for name, value in found.items():
            if bar and value and value > bar.bar:
                yield f"{name}: {value:.2f} times the CPU time of native, not {bar.bar}"
        compared = mean(row["qemu/backplane"] for row in members)
        if compared and compared < TIMES_QEMU.get(group, 0):
            yield f"{group}: {compared:.2f}x as fast as QEMU in the mean, not {TIMES_QEMU[group]}x"


def missed_by_machine(rows):
    for row in rows:
        bar, _ = machine_bars(row["what"])
        if bar and row["backplane"] is not None and row["backplane"] > bar:
            yield f"{row['what']}: {row['backplane']:.2f}, not {bar}"
        quiet = row["what"].split()[0] in QUIET_MS
        if not quiet and row["qemu/backplane"] and row["qemu/backplane"] < 1:
            yield f"{row['what']}: more than QEMU"


def missed_by_threads(rows):
    for row in rows:
        # Where this machine itself does not, it has no two processors free.
        if row.get("native") and row["native"] < SCALING:
            continue
        if row["backplane"] and row["backplane"] < SCALING:
            yield (f"{row['program']} with two threads: {row['backplane']:.2f}x as fast as with "
                   f"one, not {SCALING}x")

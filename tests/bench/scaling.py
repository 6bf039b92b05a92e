# SPDX-License-Identifier: MIT
"""How much faster programs are with two threads on two vCPUs."""

from statistics import median

from guest import Failure
from measuring import progress
from runners import Native, Worker
from workloads import THREADED


def run_threaded(program, runner, results, options):
    outputs = set()
    for threads in (1, 2):
        run = runner.run(program.with_threads(threads), options.timeout)
        outputs.add(run.output)
        results.costs.setdefault(f"{program.name}, threads: {threads}, elapsed", {}).setdefault(
            runner.name, []).append(run.elapsed)
    if len(outputs) > 1:
        raise Failure("two threads printed something else than one")


def run_scaling(emulator, options, work, results):
    """Measures the emulator, and natively what the host gives two threads."""
    worker = Worker(emulator, work, cpus=2)
    try:
        worker.ready()
        runners = [worker] if options.no_native else [Native(), worker]
        for repetition in range(options.repeat):
            for program in THREADED:
                progress(f"repetition {repetition + 1} of {options.repeat}: "
                         f"{program.name} with one thread and two")
                for runner in runners:
                    try:
                        run_threaded(program, runner, results, options)
                    except Failure as failure:
                        results.fail(f"{program.name} with two threads", runner.name, failure)
                        if runner is worker:
                            return
    except Failure as failure:
        results.fail("boot with two vCPUs", worker.name, failure)
    finally:
        worker.close()


def summarize_scaling(results):
    rows = []
    for program in THREADED:
        row = {"program": program.name}
        for name in ("native", "backplane"):
            one, two = (results.costs.get(f"{program.name}, threads: {threads}, elapsed", {}).get(
                name) for threads in (1, 2))
            row[name] = median(a / b for a, b in zip(one, two)) if one and two else None
        rows.append(row)
    return rows

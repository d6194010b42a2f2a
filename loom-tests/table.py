#!/usr/bin/env python3
"""Writes bounds, executions and times of a run of the loom tests into the tables of README.md.

    loom-tests/table.py [LOG]      # LOG: the output of such a run; without it the claims are run (some minutes)

Only figures are written: rows are made by hand, and `tests/loom_table.rs` says which are missing.
"""
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
UNITS = {"ns": 1e-6, "µs": 1e-3, "ms": 1.0, "s": 1e3}
COMMAND = "cargo nextest run --release -p loom-tests --target-dir target/loom --success-output final".split()


def log():
    if len(sys.argv) > 1:
        return open(sys.argv[1], encoding="utf-8").read()
    env = dict(os.environ, RUSTFLAGS="--cfg loom")
    run = subprocess.run(COMMAND + ["-E", "not test(twin_)"], cwd=os.path.dirname(HERE), env=env, capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(run.stderr[-2000:])
    return run.stdout + run.stderr


def figures(text):
    """claim -> (bound, executions, milliseconds), summed over the parts of a claim."""
    found = {}
    pattern = r"claim (\w+): (\d+) executions, ([\d.]+)(\w*[µm]?s), preemptions: (\w+)"
    for name, executions, time, unit, bound in set(re.findall(pattern, text)):
        _, e, t = found.get(name, (bound, 0, 0.0))
        found[name] = (bound, e + int(executions), t + float(time) * UNITS[unit])
    return found


def duration(ms):
    return "<1 ms" if ms < 1 else f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.1f} s"


def main():
    found = figures(log())
    path = os.path.join(HERE, "README.md")
    lines = open(path, encoding="utf-8").read().split("\n")
    for i, line in enumerate(lines):
        if (row := re.match(r"\| `(\w+)` \|", line)) and row.group(1) in found:
            cells = line.split(" | ")
            bound, executions, ms = found.pop(row.group(1))
            lines[i] = " | ".join(cells[:2] + [bound, f"{executions:,}", duration(ms)] + cells[5:])
    open(path, "w", encoding="utf-8").write("\n".join(lines))
    for name in found:
        print(f"no row for {name}")


main()

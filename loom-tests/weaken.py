#!/usr/bin/env python3
"""Takes away each ordering and fence of the protocol sources, one at a time, and expects a loom claim to fail.

    loom-tests/weaken.py [FILE...]        # default: the files of FILES; exit status 1 if one weakening goes unnoticed

Works on a copy under target/weaken. Some 10 to 40 seconds for each of about 90 weakenings.
"""
import os
import re
import shutil
import subprocess
import sys

# Source file -> the test files that hold its claims.
FILES = {
    "src/object/flags.rs": ["public_field"],
    "src/object/reference.rs": ["public_field", "compare_exchange", "two_looks", "barrier"],
    "src/heap/kind.rs": ["lazy_sweep", "two_looks"],
    "src/heap/sweep.rs": ["lazy_sweep"],
    "src/heap/pool.rs": ["index_stack"],
    "src/mutator/ask.rs": ["cycle_number"],
    "src/mutator/handshake.rs": ["handshake", "nursery_limit", "attach_or_ask"],
    "src/mutator/registry.rs": ["registry", "attach_or_ask"],
    "src/mutator/cells.rs": ["cell_table"],
    "src/mutator/bell.rs": ["dead_queue"],
    "src/mutator/gate.rs": ["weak_gate", "assist"],
    "src/mutator/request.rs": ["publish_request"],
    "src/handle/link_word.rs": ["crossings"],
    "src/handle/refcount.rs": ["refcount", "dead_queue", "resurrect", "root_scan"],
    "src/handle/slot_word.rs": ["handle_slot"],
    "src/handle/slab/remote.rs": ["slab_page"],
    "src/handle/slab/scan.rs": ["slab_scan"],
}
WEAKER = {"AcqRel": ["Acquire", "Release"], "Acquire": ["Relaxed"], "Release": ["Relaxed"]}
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COPY = os.path.join(ROOT, "target", "weaken")


def weakenings(source):
    """Yields (line number, function, what, weakened source)."""
    lines = source.split("\n")
    function, importing = "?", False
    for i, line in enumerate(lines):
        text = line.strip()
        if text.startswith("#[cfg(all(test"):
            return
        importing |= text.startswith("use ")
        if importing:
            importing = ";" not in text
            continue
        if text.startswith("//"):
            continue
        if found := re.search(r"\bfn (\w+)", line):
            function = found.group(1)
        changed = []
        if text.startswith("fence(") or text == "fence(Ordering::SeqCst);":
            changed.append(("no fence", ""))
        else:
            for found in re.finditer(r"\b(AcqRel|Acquire|Release)\b", line):
                for weak in WEAKER[found.group(1)]:
                    what = f"{found.group(1)} -> {weak}"
                    before = line[: found.start()]
                    path = "" if before.endswith("Ordering::") else "crate::sync::atomic::Ordering::"
                    changed.append((what, before + path + weak + line[found.end() :]))
        for what, new in changed:
            yield i + 1, function, what, "\n".join(lines[:i] + [new] + lines[i + 1 :])


def claims(tests):
    """The first claim that fails, None when all hold."""
    command = ["cargo", "nextest", "run", "--cargo-quiet", "--release", "-p", "loom-tests", "--build-jobs", "1"]
    command += ["-E", "not test(twin_) and not test(two_mutators_and_the_collector)"]
    for test in tests:
        command += ["--test", test]
    env = dict(os.environ, RUSTFLAGS="--cfg loom", CARGO_PROFILE_RELEASE_DEBUG="0")
    env["CARGO_TARGET_DIR"] = os.path.join(COPY, "target")
    run = subprocess.run(command, cwd=COPY, env=env, capture_output=True, text=True)
    failed = re.search(r"(?:FAIL|SIG\w+|TIMEOUT).*loom-tests::(\S+ \S+)", run.stderr + run.stdout)
    if run.returncode != 0 and failed is None:
        sys.exit(run.stderr[-2000:])
    return failed.group(1) if run.returncode != 0 else None


def main():
    files = sys.argv[1:] or list(FILES)
    for part in os.listdir(COPY) if os.path.isdir(COPY) else []:
        if part != "target":
            path = os.path.join(COPY, part)
            shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
    ignore = shutil.ignore_patterns("target", ".git")
    shutil.copytree(ROOT, COPY, ignore=ignore, dirs_exist_ok=True)
    unnoticed = 0
    for file in files:
        path = os.path.join(COPY, file)
        source = open(path, encoding="utf-8").read()
        for line, function, what, weak in weakenings(source):
            open(path, "w", encoding="utf-8").write(weak)
            noticed = claims(FILES[file])
            unnoticed += noticed is None
            print(f"{file}:{line} {function}: {what}: {noticed or 'UNNOTICED'}", flush=True)
        open(path, "w", encoding="utf-8").write(source)
    print(f"{unnoticed} unnoticed")
    sys.exit(unnoticed != 0)


main()

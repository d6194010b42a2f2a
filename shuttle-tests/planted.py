#!/usr/bin/env python3
"""Plants bugs in the collector, one at a time, and expects a scenario of shuttle-tests to fail.

    shuttle-tests/planted.py [NAME...]      # default: all of BUGS; exit status 1 if one is not found

Works on a copy under target/planted-shuttle. Each bug breaks a rule that several threads keep together: single-threaded
tests do not see it. About 20 seconds each, most of it compiling.
"""
import os
import re
import shutil
import subprocess
import sys
import time

# Name, file, the text, what stands there instead, the scenario that must fail.
BUGS = [
    ("deletion-barrier", "src/mutator/barrier.rs",
     "        unsafe { self.shade(local, old) };\n", "        let _ = old;\n", "shared_graph"),
    ("no-arming", "src/collector/cycle.rs",
     "        self.handshake(Demand::Arm, epoch);\n", "", "shared_graph"),
    ("weak-loads-do-not-ask", "src/mutator/gate.rs",
     "        match self.weak_load() {", "        match WeakLoad::Shade {", "weak"),
    ("attached-and-not-asked", "src/mutator/record.rs",
     "        let word = self.shared().asked.adopt();\n"
     "        // SAFETY: [L1] running now, and this is its thread.\n"
     "        Self::adopt(unsafe { self.local() }, &self.barrier, Ask::decode(word));\n"
     "        self.answered.give(word);\n", "", "attach"),
    ("leaves-and-publishes-the-dead", "src/mutator/record.rs",
     "let object = unsafe { self.take_unseen(object) };", "", "leaving"),
    ("two-handles-of-one-object", "src/handle/slot_word.rs",
     "self.0.compare_exchange(0, handle, Release, Relaxed).is_ok()", "self.0.swap(handle, Release) < usize::MAX",
     "one_handle"),
    ("nobody-is-woken", "src/collector/driver.rs",
     "        state.completed = number;\n        self.changed.notify_all();\n", "        state.completed = number;\n",
     "native"),
    ("private-behind-public", "src/mutator/publish.rs",
     "next.replace(target)", "next.filter(|_| false)", "crossing"),
    ("rest-of-an-array-forgotten", "src/collector/mark.rs",
     "if items - from > PIECE { self.continue_at(object, from + PIECE) } else { items };", "items.min(from + PIECE);",
     "long_array"),
    ("old-beside-young-is-young", "src/heap/mod.rs",
     "return kind.is_young(|| self.blocks.is_young_line(address));", "return kind.is_young(|| true);", "holes"),
    ("shared-work-is-lost", "src/collector/mark.rs",
     "            self.shared.grey.push(older);\n", "            drop(older);\n", "shared_graph"),
]
# Executions of one scenario that find nothing, or seconds. The rarest bug takes one in 7,000: so many miss it once in a
# million times.
EXECUTIONS = "100000"
LIMIT = 900
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COPY = os.path.join(ROOT, "target", "planted-shuttle")


def found(scenario):
    """What the scenario says of the bug, None when it finds nothing."""
    command = ["cargo", "test", "--quiet", "--release", "-p", "shuttle-tests", "--test", scenario]
    env = dict(os.environ, RUSTFLAGS="--cfg shuttle", CARGO_PROFILE_RELEASE_DEBUG="0", RUST_BACKTRACE="0",
               CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS="true")
    env.setdefault("HANDFAST_SHUTTLE_ITERATIONS", EXECUTIONS)
    env["CARGO_TARGET_DIR"] = os.path.join(COPY, "target")
    quiet = dict(cwd=COPY, env=env, capture_output=True, text=True, errors="replace")
    build = subprocess.run(command + ["--no-run"], **quiet)
    if build.returncode != 0:
        sys.exit(build.stderr[-3000:])
    try:
        run = subprocess.run(command + ["--", "--test-threads", "2", "--nocapture"], timeout=LIMIT, **quiet)
    except subprocess.TimeoutExpired:
        return None
    text = run.stderr + run.stdout
    if run.returncode == 0:
        return None
    message = re.search(r"panicked at [^\n]*\n([^\n]*)|(invalid memory reference)", text)
    token = re.search(r"HANDFAST_SHUTTLE_REPLAY=(\S+)", text)
    signal = f"status {run.returncode}"
    return f"{(message.group(1) or message.group(2)) if message else signal} ({token.group(1) if token else 'no token'})"


def main():
    names = sys.argv[1:]
    unknown = set(names) - {name for name, *_ in BUGS}
    if unknown:
        sys.exit(f"no such bug: {', '.join(sorted(unknown))}")
    for part in os.listdir(COPY) if os.path.isdir(COPY) else []:
        if part != "target":
            path = os.path.join(COPY, part)
            shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
    shutil.copytree(ROOT, COPY, ignore=shutil.ignore_patterns("target", ".git", "corpus"), dirs_exist_ok=True)
    missed = 0
    for name, file, old, new, scenario in BUGS:
        if names and name not in names:
            continue
        path = os.path.join(COPY, file)
        with open(path) as f:
            source = f.read()
        if source.count(old) != 1:
            sys.exit(f"{name}: {file} has changed; its text is there {source.count(old)} times")
        start = time.time()
        with open(path, "w") as f:
            f.write(source.replace(old, new))
        what = found(scenario)
        with open(path, "w") as f:
            f.write(source)
        missed += what is None
        print(f"{name:32} {scenario:14} {what or 'NOT FOUND'}  {time.time() - start:.0f} s", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

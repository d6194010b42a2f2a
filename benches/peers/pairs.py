"""Prints CPU nanoseconds an operation: the same workloads as the `handle` rows, on the interpreter that runs this."""
import platform
import sys
import time

sys.path.insert(0, sys.argv[1])
import pairs


class Obj:
    pass


keep = [None]


def python_take(ob):
    keep[0] = ob


def loop(function, n):
    best = None
    for _ in range(5):
        start = time.process_time()
        for _ in range(n):
            function(Obj())
        ns = (time.process_time() - start) / n * 1e9
        best = ns if best is None else min(best, ns)
    return best


N = 1000000
name = platform.python_implementation()
objects = [Obj() for _ in range(N)]
first = pairs.each(objects)
rows = [
    ("object made, passed to a Python function, dropped", loop(python_take, N)),
    ("object made, passed to a C function, dropped", loop(pairs.take, N)),
    ("C object made and dropped", min(pairs.make_and_drop(N) for _ in range(5))),
    ("incref and decref", min(pairs.up_and_down(keep) for _ in range(3))),
    ("item of a list of a million, first time", first),
    ("item of a list of a million, again", min(pairs.each(objects) for _ in range(3))),
]
for text, ns in rows:
    print(f"{name:<8} {text:<52} {ns:9.2f} ns")

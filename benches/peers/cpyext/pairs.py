"""H on the interpreter that runs this: calls of a C extension. usage: pairs.py FOLDER WHAT N

FOLDER holds the extension. Prints the words that all programs here print; CPU time of the whole process."""
import gc
import sys
import time

sys.path.insert(0, sys.argv[1])
import pairs


class Obj:
    pass


kept = [None]


def python_take(ob):
    kept[0] = ob


def timed(function, *arguments):
    start, before = time.perf_counter(), time.process_time()
    function(*arguments)
    return time.perf_counter() - start, time.process_time() - before


def known(n):
    take, ob = pairs.take, kept
    for _ in range(n):
        take(ob)


def fresh(n):
    take = pairs.take
    for _ in range(n):
        take(Obj())


def passed(n):
    for _ in range(n):
        python_take(Obj())


def full(n):
    """The longest of five full collections while C holds n objects, in seconds."""
    objects = [Obj() for _ in range(n)]
    pairs.hold(objects)
    return max(timed(gc.collect) for _ in range(5))


def main():
    what, n = sys.argv[2], int(sys.argv[3])
    figure = None
    if what in ("full", "full_us"):
        wall, cpu = full(n)
        figure = wall * (1e3 if what == "full" else 1e6)
    elif what in ("first", "again", "hold"):
        objects = [Obj() for _ in range(n)]
        if what == "again":
            pairs.each(objects)
        wall, cpu = timed(pairs.hold if what == "hold" else pairs.each, objects)
    elif what == "counts":
        wall, cpu = timed(pairs.up_and_down, kept, n)
    elif what == "make":
        wall, cpu = timed(pairs.make_and_drop, n)
    else:
        work = {"known": known, "fresh": fresh, "passed": passed}[what]
        work(n // 10)  # what compiles loops has compiled them now
        wall, cpu = timed(work, n)
    if figure is None:
        figure = wall * 1e9 / n
    print("figure=%.5f wall=%.6f cpu=%.6f ops=%d" % (figure, wall, cpu, n))


main()

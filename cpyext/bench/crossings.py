"""The rows of `handfast-cpyext bench` on the interpreter that runs this. usage: crossings.py FOLDER

FOLDER holds the extension `crossings`. Prints a name and nanoseconds of CPU time a line. Loops of calls are less what
a loop costs that makes nothing and touches nothing: so what is made for a call, or fetched, is in the figure, as on
handfast. What compiles loops has seen each of them before it is measured."""
import gc
import sys
import time
from itertools import repeat

sys.path.insert(0, sys.argv[1])
import crossings

OBJECTS, CALLS = 300_000, 2_000_000


class Obj:
    def __init__(self, v):
        self.v = v


kept = [None]


def loop_of_nothing(n, f, objects):
    for _ in repeat(None, n):
        pass


def loop_none(n, f, objects):
    for _ in repeat(None, n):
        f()


def loop_same(n, f, objects):
    one = objects[0]
    for _ in repeat(None, n):
        f(one)


def loop_each(n, f, objects):
    for one in objects:
        f(one)


def loop_fresh(n, f, objects):
    for i in range(n):
        f(Obj(i))


def loop_ints(n, f, objects):
    for i in range(1000, 1000 + n):
        f(i)


def cost(loop, n, f, objects):
    loop(n, f, objects)
    start = time.process_time()
    loop(n, f, objects)
    return (time.process_time() - start) / n * 1e9


def row(name, nanoseconds):
    print("%s %.3f" % (name, nanoseconds), flush=True)


def main():
    objects = [Obj(i) for i in range(OBJECTS)]
    empty = cost(loop_of_nothing, CALLS, None, objects)
    row("call_nothing", cost(loop_none, CALLS, crossings.nothing, objects) - empty)
    row("call_same", cost(loop_same, CALLS, crossings.same, objects) - empty)
    row("call_each", cost(loop_each, OBJECTS, crossings.same, objects) - empty)
    row("call_fresh", cost(loop_fresh, OBJECTS, crossings.same, objects) - empty)
    row("call_ints", cost(loop_ints, OBJECTS, crossings.same, objects) - empty)
    for name in ("nodes", "leaves", "ints", "floats", "strings", "tuples", "lists", "dicts"):
        churn = getattr(crossings, "churn_" + name)
        churn(OBJECTS // 10)
        row("churn_" + name, churn(OBJECTS))
    for name in ("list_of_nodes", "list_of_leaves"):
        row(name, getattr(crossings, name)(OBJECTS))
        crossings.forget()
    row("counts", crossings.counts(objects[0]))
    row("attribute_one", crossings.attribute_one(objects[0]))
    row("dict_get", crossings.dict_get({"key%d" % i: i for i in range(20)}))
    row("call_back", crossings.call_back(crossings.same))
    del objects
    gc.collect()
    objects = [Obj(i) for i in range(OBJECTS)]
    row("items_first", crossings.items(objects))
    row("items_again", crossings.items(objects))
    row("attribute_each", crossings.attribute_each(objects))
    row("hold", crossings.hold(objects))
    row("release", crossings.release())


main()

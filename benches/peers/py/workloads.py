"""W2 to W5 in Python, for PyPy. usage: workloads.py {w2 OBJECTS | w3 DEPTH | w4 SHRINK | w5 SLOTS TURNS} 1"""
import sys
import time


class Node:
    __slots__ = ("left", "right")

    def __init__(self, left, right):
        self.left = left
        self.right = right


class GcNode:
    __slots__ = ("left", "right", "i", "j")

    def __init__(self, left=None, right=None):
        self.left = left
        self.right = right
        self.i = self.j = 0


class Entry:
    __slots__ = ("link", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10")

    def __init__(self, value):
        self.link = None
        self.v0 = self.v1 = self.v2 = self.v3 = self.v4 = self.v5 = value
        self.v6 = self.v7 = self.v8 = self.v9 = self.v10 = value


kept = [None]


def w2(objects):
    for _ in range(objects):
        kept[0] = Node(None, None)
    return objects


def bottom_up(depth):
    return Node(None, None) if depth == 0 else Node(bottom_up(depth - 1), bottom_up(depth - 1))


def check(node):
    return 1 if node.left is None else 1 + check(node.left) + check(node.right)


def w3(depth_of_all):
    nodes = check(bottom_up(depth_of_all + 1))
    long_lived = bottom_up(depth_of_all)
    for depth in range(4, depth_of_all + 1, 2):
        for _ in range(1 << (depth_of_all - depth + 4)):
            nodes += check(bottom_up(depth))
    return nodes + check(long_lived)


def fill(node, depth):
    if depth == 0:
        return
    node.left = GcNode()
    node.right = GcNode()
    fill(node.left, depth - 1)
    fill(node.right, depth - 1)


def gc_bottom_up(depth):
    return GcNode() if depth == 0 else GcNode(gc_bottom_up(depth - 1), gc_bottom_up(depth - 1))


def w4(shrink):
    stretch = 20 - shrink
    gc_bottom_up(stretch)
    keep = GcNode()
    fill(keep, 18 - shrink)
    numbers = [0.0] * 2000000
    for i in range(1000000):
        numbers[i] = 1.0 / (i + 1)
    for depth in range(4, 19 - shrink, 2):
        count = 2 * ((2 << stretch) - 1) // ((2 << depth) - 1)
        for _ in range(count):
            fill(GcNode(), depth)
        for _ in range(count):
            gc_bottom_up(depth)
    return check(keep) + int(numbers[1000] * 1e6)


def w5(slots, turns):
    """The wall and CPU time of the replacements alone, and the gaps in seconds."""
    table = [Entry(i) for i in range(slots)]
    clock = time.perf_counter
    gaps = [0.0] * (turns // 16)
    state, total = 88172645463325252 & 0x7FFFFFFF, 0
    before, start = time.process_time(), clock()
    last = start
    for tick in range(turns // 16):
        for _ in range(16):
            # 31 bits: arithmetic on more would be on big integers.
            state ^= (state << 13) & 0x7FFFFFFF
            state ^= state >> 17
            state ^= (state << 5) & 0x7FFFFFFF
            at = state % slots
            total += table[at].v0
            table[at] = Entry(tick)
        now = clock()
        gaps[tick] = now - last
        last = now
    return clock() - start, time.process_time() - before, gaps


def lowest(ns):
    """Where the bucket of a gap begins: sixteen linear steps in each power of two."""
    if ns < 16:
        return ns
    shift = ns.bit_length() - 5
    return ns >> shift << shift


def gap_words(gaps):
    gaps.sort()
    words = ["gap_%s_us=%.2f" % (name, gaps[int(len(gaps) * part)] * 1e6)
             for name, part in [("p50", .5), ("p99", .99), ("p999", .999), ("p9999", .9999)]]
    counts = {}
    for gap in gaps:
        at = lowest(int(gap * 1e9))
        counts[at] = counts.get(at, 0) + 1
    hist = "".join("%d:%d;" % pair for pair in sorted(counts.items()))
    return " ".join(words + ["gap_max_us=%.2f" % (gaps[-1] * 1e6), "gap_hist=" + hist])


def main():
    workload, numbers = sys.argv[1], [int(word) for word in sys.argv[2:-1]]
    more = ""
    if workload == "w5":
        wall, cpu, gaps = w5(*numbers)
        ops, more = numbers[1], " " + gap_words(gaps)
    else:
        start, before = time.perf_counter(), time.process_time()
        ops = {"w2": w2, "w3": w3, "w4": w4}[workload](*numbers)
        if workload == "w4":
            ops, more = 1, " sum=%d" % ops
        wall, cpu = time.perf_counter() - start, time.process_time() - before
    figure = wall if workload == "w4" else wall * 1e9 / ops
    print("figure=%.5f wall=%.6f cpu=%.6f ops=%d%s" % (figure, wall, cpu, ops, more))


main()

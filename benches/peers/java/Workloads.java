// W2 to W5 on the JVM. usage: java Workloads {w2 OBJECTS | w3 DEPTH | w4 SHRINK | w5 SLOTS TURNS | w5s SLOTS TURNS} THREADS
//
// w5: each thread has its part of the slots and of the turns, in a table of its own. w5s: one table for all. With
// -XX:-UseCompressedOops -XX:-UseCompressedClassPointers a Node has 32 bytes, a GcNode 40, an Entry 112.
import com.sun.management.OperatingSystemMXBean;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;

public class Workloads {
    static final class Node {
        Node left, right;

        Node(Node left, Node right) {
            this.left = left;
            this.right = right;
        }
    }

    static final class GcNode {
        GcNode left, right;
        int i, j;

        GcNode() {}

        GcNode(GcNode left, GcNode right) {
            this.left = left;
            this.right = right;
        }
    }

    static final class Entry {
        Entry link;
        long v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10;

        Entry(long value) {
            v0 = v1 = v2 = v3 = v4 = v5 = v6 = v7 = v8 = v9 = v10 = value;
        }
    }

    // Powers of two with sixteen linear steps in each.
    static final class Gaps {
        final long[] buckets = new long[64 * 16];
        long count, longest;

        void add(long ns) {
            int at = (int) ns;
            if (ns >= 16) {
                int power = 60 - Long.numberOfLeadingZeros(ns);
                at = power * 16 + (int) ((ns >> (power - 1)) & 15);
            }
            buckets[at]++;
            count++;
            longest = Math.max(longest, ns);
        }

        static long lowest(int at) {
            return at < 16 ? at : (16L + (at & 15)) << (at / 16 - 1);
        }

        double us(double part) {
            long wanted = (long) (count * part), seen = 0;
            for (int at = 0; at < buckets.length; at++) {
                seen += buckets[at];
                if (seen > wanted) {
                    return lowest(at) / 1e3;
                }
            }
            return longest / 1e3;
        }

        void merge(Gaps other) {
            for (int at = 0; at < buckets.length; at++) {
                buckets[at] += other.buckets[at];
            }
            count += other.count;
            longest = Math.max(longest, other.longest);
        }

        String words() {
            StringBuilder words = new StringBuilder(String.format(
                    "gap_p50_us=%.2f gap_p99_us=%.2f gap_p999_us=%.2f gap_p9999_us=%.2f gap_max_us=%.2f gap_hist=",
                    us(.5), us(.99), us(.999), us(.9999), longest / 1e3));
            for (int at = 0; at < buckets.length; at++) {
                if (buckets[at] > 0) {
                    words.append(lowest(at)).append(':').append(buckets[at]).append(';');
                }
            }
            return words.toString();
        }
    }

    // A result of a thread.
    static final class Job {
        long ops, sum;
        double wall, cpu;
        final Gaps gaps = new Gaps();
    }

    static volatile Object sink; // volatile: every object is really made
    static final Node[][] kept = new Node[64][16];
    static final OperatingSystemMXBean system =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

    static long w2(long objects, int number) {
        Node[] slot = kept[number];
        for (long done = 0; done < objects; done += 1000000) {
            some(slot, (int) Math.min(1000000, objects - done));
        }
        return objects;
    }

    static void some(Node[] slot, int objects) {
        for (int i = 0; i < objects; i++) {
            slot[0] = new Node(null, null);
        }
    }

    static Node bottomUp(int depth) {
        return depth == 0 ? new Node(null, null) : new Node(bottomUp(depth - 1), bottomUp(depth - 1));
    }

    static long check(Node node) {
        return node.left == null ? 1 : 1 + check(node.left) + check(node.right);
    }

    static long w3(int max) {
        long nodes = check(bottomUp(max + 1));
        Node longLived = bottomUp(max);
        for (int depth = 4; depth <= max; depth += 2) {
            for (long i = 0; i < 1L << (max - depth + 4); i++) {
                nodes += check(bottomUp(depth));
            }
        }
        return nodes + check(longLived);
    }

    static void fill(GcNode node, int depth) {
        if (depth == 0) {
            return;
        }
        node.left = new GcNode();
        node.right = new GcNode();
        fill(node.left, depth - 1);
        fill(node.right, depth - 1);
    }

    static GcNode gcBottomUp(int depth) {
        return depth == 0 ? new GcNode() : new GcNode(gcBottomUp(depth - 1), gcBottomUp(depth - 1));
    }

    static long gcCheck(GcNode node) {
        return node.left == null ? 1 : 1 + gcCheck(node.left) + gcCheck(node.right);
    }

    static long w4(int shrink) {
        int stretch = 20 - shrink;
        sink = gcBottomUp(stretch);
        sink = null;
        GcNode keep = new GcNode();
        fill(keep, 18 - shrink);
        double[] numbers = new double[2000000];
        for (int i = 0; i < 1000000; i++) {
            numbers[i] = 1.0 / (i + 1);
        }
        long some = 0;
        for (int depth = 4; depth <= 18 - shrink; depth += 2) {
            long count = 2 * ((2L << stretch) - 1) / ((2L << depth) - 1);
            for (long i = 0; i < count; i++) {
                fill(new GcNode(), depth);
            }
            for (long i = 0; i < count; i++) {
                some += gcBottomUp(depth).i;
            }
        }
        return some + gcCheck(keep) + (long) (numbers[1000] * 1e6);
    }

    static Entry[] table(int slots) {
        Entry[] table = new Entry[slots];
        for (int i = 0; i < slots; i++) {
            table[i] = new Entry(i);
        }
        return table;
    }

    // A tick is sixteen replacements.
    static void replace(Entry[] table, long turns, int number, Job job) {
        int slots = table.length;
        long state = 88172645463325252L + slots + number, sum = 0;
        long start = System.nanoTime(), before = system.getProcessCpuTime(), last = start;
        for (long turn = 0; turn < turns; turn++) {
            state ^= state << 13;
            state ^= state >>> 7;
            state ^= state << 17;
            int at = (int) ((state >>> 20) % slots);
            Entry old = table[at];
            sum += old.v0;
            table[at] = new Entry(turn);
            if ((turn & 15) == 15) {
                long now = System.nanoTime();
                job.gaps.add(now - last);
                last = now;
            }
        }
        job.wall = (System.nanoTime() - start) / 1e9;
        job.cpu = (system.getProcessCpuTime() - before) / 1e9;
        job.sum = sum;
        job.ops = turns;
    }

    public static void main(String[] words) throws Exception {
        String workload = words[0];
        int threads = Integer.parseInt(words[words.length - 1]);
        long a = Long.parseLong(words[1]), turns = workload.startsWith("w5") ? Long.parseLong(words[2]) / threads : 0;
        Entry[] shared = workload.equals("w5s") ? table((int) a) : null;
        Thread[] running = new Thread[threads];
        Job[] jobs = new Job[threads];
        long start = System.nanoTime(), before = system.getProcessCpuTime();
        for (int i = 0; i < threads; i++) {
            int number = i;
            Job job = jobs[i] = new Job();
            running[i] = new Thread(() -> {
                switch (workload) {
                    case "w2" -> job.ops = w2(a, number);
                    case "w3" -> job.ops = w3((int) a);
                    case "w4" -> {
                        job.sum = w4((int) a);
                        job.ops = 1;
                    }
                    case "w5" -> replace(table((int) a / threads), turns, 0, job);
                    case "w5s" -> replace(shared, turns, number, job);
                    default -> throw new IllegalArgumentException(workload);
                }
            });
            running[i].start();
        }
        long ops = 0, sum = 0, collections = 0;
        for (int i = 0; i < threads; i++) {
            running[i].join();
            ops += jobs[i].ops;
            sum += jobs[i].sum;
        }
        double wall = (System.nanoTime() - start) / 1e9, cpu = (system.getProcessCpuTime() - before) / 1e9;
        if (workload.startsWith("w5")) {
            wall = cpu = 0;
            for (Job job : jobs) {
                wall = Math.max(wall, job.wall);
                cpu = Math.max(cpu, job.cpu);
            }
        }
        for (GarbageCollectorMXBean bean : ManagementFactory.getGarbageCollectorMXBeans()) {
            collections += bean.getCollectionCount();
        }
        double figure = workload.equals("w4") ? wall : wall * 1e9 / ops;
        StringBuilder line = new StringBuilder(String.format(
                "figure=%.5f wall=%.6f cpu=%.6f ops=%d sum=%d cycles=%d", figure, wall, cpu, ops, sum, collections));
        if (workload.startsWith("w5")) {
            for (int i = 1; i < threads; i++) {
                jobs[0].gaps.merge(jobs[i].gaps);
            }
            line.append(' ').append(jobs[0].gaps.words());
        }
        System.out.println(line);
    }
}

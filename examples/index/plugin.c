/*
 * A plug-in for the index: keeps the N most frequent words that it is offered.
 *
 * A word comes as a PyObject: the head that handfast knows, then this plug-in's own fields. Of a word that it keeps, the
 * plug-in owns one counted reference, so the word lives, with its other half on the garbage-collected heap, whatever else
 * becomes of the index; the address never changes, so it serves as the word's identity. Any attached thread may call.
 *
 * The kept words are a binary heap with the least frequent on top; each knows its place in it. One mutex guards heap and
 * places. Nothing here can collect, so no thread waits for a collection with the mutex in its hands.
 */
#include <handfast.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* What `examples/index/plugin.rs` lays out. */
typedef struct word {
    hf_pyobject head;
    size_t place; /* in the heap, counted from 1; 0: not kept */
    size_t length;
    char text[];
} word;

typedef struct kept {
    hf_pyobject *ob;
    uint64_t count;
} kept;

/* Its address is the ob_type of the words. */
const char index_word_type[] = "word";

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static kept *heap;
static size_t kept_now, kept_most;
static _Atomic uint64_t least; /* a word with a smaller count would not be kept */

static word *word_of(hf_pyobject *ob) { return (word *)(void *)ob; }

/* Whether a is less frequent than b; of two that are equally frequent, whether it comes later in the alphabet. */
static bool is_less(const kept *a, const kept *b) {
    const word *x = word_of(a->ob), *y = word_of(b->ob);
    size_t common = x->length < y->length ? x->length : y->length;
    int order;
    if (a->count != b->count)
        return a->count < b->count;
    order = memcmp(x->text, y->text, common);
    return order != 0 ? order > 0 : x->length > y->length;
}

static void put(size_t place, kept entry) {
    heap[place - 1] = entry;
    word_of(entry.ob)->place = place;
}

static void sift_up(size_t place, kept entry) {
    while (place > 1 && is_less(&entry, &heap[place / 2 - 1])) {
        put(place, heap[place / 2 - 1]);
        place /= 2;
    }
    put(place, entry);
}

static void sift_down(size_t place, kept entry) {
    for (;;) {
        size_t child = 2 * place;
        if (child > kept_now)
            break;
        if (child < kept_now && is_less(&heap[child], &heap[child - 1]))
            child++;
        if (!is_less(&heap[child - 1], &entry))
            break;
        put(place, heap[child - 1]);
        place = child;
    }
    put(place, entry);
}

/* Before anything else: how many words to keep. Returns 0, or -1 if there is no memory for them. */
int index_plugin_start(size_t most) {
    heap = calloc(most, sizeof *heap);
    kept_most = heap == NULL ? 0 : most;
    kept_now = 0;
    atomic_store(&least, 0);
    return heap == NULL && most > 0 ? -1 : 0;
}

/* Whether a word with this count would be kept now. Without the mutex: the answer only ever turns from yes to no. */
bool index_plugin_wants(uint64_t count) {
    return kept_most > 0 && count >= atomic_load_explicit(&least, memory_order_relaxed);
}

/* Offers a word with its count so far, which never falls. The reference is the caller's: to keep the word, take one. */
void index_plugin_offer(hf_pyobject *ob, uint64_t count) {
    kept entry = {ob, count};
    hf_pyobject *dropped = NULL;
    if (ob == NULL || ob->ob_type != (const void *)index_word_type)
        return;
    pthread_mutex_lock(&lock);
    if (word_of(ob)->place != 0) {
        size_t place = word_of(ob)->place;
        if (count > heap[place - 1].count)
            sift_down(place, entry);
    } else if (kept_now < kept_most) {
        hf_incref(ob);
        sift_up(++kept_now, entry);
    } else if (kept_most > 0 && is_less(&heap[0], &entry)) {
        dropped = heap[0].ob;
        word_of(dropped)->place = 0;
        hf_incref(ob);
        sift_down(1, entry);
    }
    if (kept_now > 0 && kept_now == kept_most)
        atomic_store_explicit(&least, heap[0].count, memory_order_relaxed);
    pthread_mutex_unlock(&lock);
    hf_decref(dropped);
}

/* Hands back the least frequent word of those that are left, with its reference and its count; NULL when none is left. */
hf_pyobject *index_plugin_take(uint64_t *count) {
    kept least_of_all = {NULL, 0};
    pthread_mutex_lock(&lock);
    if (kept_now > 0) {
        kept last = heap[--kept_now];
        least_of_all = heap[0];
        word_of(least_of_all.ob)->place = 0;
        if (kept_now > 0)
            sift_down(1, last);
    }
    if (kept_now == 0) {
        free(heap);
        heap = NULL;
        kept_most = 0;
    }
    pthread_mutex_unlock(&lock);
    *count = least_of_all.count;
    return least_of_all.ob;
}

/* Rule 6: a C-only object's dealloc runs on the decref that reaches zero; in the dead queue, and after it, an object may
 * be increfed and decrefed without a second one. */
#include "check.h"

static hf_pyobject *expected;
static int calls;

static void count(hf_pyobject *ob, void *arg) {
    (void)arg;
    CHECK(ob == expected);
    calls++;
    hf_pyobject_free(ob);
}

int main(void) {
    world w;
    hf_pyobject *ob;
    size_t size;
    open_world(&w, 0);
    hf_set_dealloc(w.heap, count, NULL);

    for (size = sizeof(hf_pyobject); size < 100000; size = size * 3 + 1) {
        size_t i;
        int before = calls;
        ob = expected = hf_pyobject_new(w.me, size, &w);
        CHECK(ob != NULL);
        CHECK(ob->ob_type == &w);
        for (i = sizeof(hf_pyobject); i < size; i++)
            CHECK(((char *)ob)[i] == 0);
        memset(ob + 1, 0xee, size - sizeof *ob);
        CHECK(hf_is_unique(ob));
        hf_incref(ob);
        CHECK(hf_refcnt(ob) == 2);
        CHECK(!hf_is_unique(ob));
        hf_decref(ob);
        CHECK(calls == before);
        minor(&w);
        full(&w);
        CHECK(calls == before);
        hf_decref(ob);
        CHECK(calls == before + 1);
    }

    /* A pair dies; its handle waits in the queue, still in somebody's table. */
    calls = 0;
    ob = expected = hf_handle(w.me, new_node(&w, w.node, 1), 64, NULL, 0);
    CHECK(ob != NULL);
    hf_decref(ob);
    full(&w);
    CHECK(ob->ob_refcnt == 1);
    CHECK(ob->ob_pypy_link == 0);
    hf_incref(ob);
    hf_decref(ob);
    CHECK(calls == 0);
    CHECK(hf_next_dead(w.heap) == ob);
    hf_incref(ob);
    hf_decref(ob);
    CHECK(calls == 0);
    hf_decref(ob);
    CHECK(calls == 1);
    CHECK(hf_next_dead(w.heap) == NULL);

    /* Without a callback the memory is simply freed. */
    hf_set_dealloc(w.heap, NULL, NULL);
    hf_decref(new_ob(&w));
    CHECK(calls == 1);
    close_world(&w);
    puts("ok");
    return 0;
}

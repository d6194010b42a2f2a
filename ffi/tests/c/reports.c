/* What C does wrong with counts is reported on stderr, once, with the function's name, and corrupts nothing; a count that
 * grows absurdly becomes immortal instead of overflowing. */
#include <unistd.h>

#include "check.h"

#if defined(CHECKED_BUILD)
/* A checked build may stop at these: those of misuse_*.c. */
int main(void) {
    puts("ok");
    return 0;
}
#else
static FILE *said;

static void listen_to_stderr(void) {
    said = tmpfile();
    CHECK(said != NULL);
    CHECK(dup2(fileno(said), STDERR_FILENO) == STDERR_FILENO);
}

/* What has been said since the last call: how many lines; the last of them contains `text`. */
static int lines_with(const char *text) {
    static long from;
    char line[512] = "";
    int lines = 0;
    CHECK(fseek(said, from, SEEK_SET) == 0);
    while (fgets(line, sizeof line, said) != NULL)
        lines++;
    from = ftell(said);
    if (lines > 0 && strstr(line, text) == NULL)
        return -1;
    return lines;
}

/* The last call that failed says so here, too, and names the function that was called. */
static bool last_error_is(const char *text) {
    return strcmp(hf_last_error(), text) == 0;
}

int main(void) {
    static const intptr_t absurd = (intptr_t)1 << (HF_IMMORTAL_BIT - 1);
    world w;
    hf_pyobject *ob;
    size_t scope;
    hf_object **p, **other;
    hf_global *globals[3];
    hf_weak *weaks[3];
    int i;
    open_world(&w, 0);
    listen_to_stderr();

    /* Overflow: C-only, and linked. */
    ob = new_ob(&w);
    ob->ob_refcnt = absurd - 3;
    for (i = 0; i < 10; i++)
        hf_incref(ob);
    CHECK(lines_with("it is immortal from now on") == 1);
    CHECK((ob->ob_refcnt & ((intptr_t)1 << HF_IMMORTAL_BIT)) != 0);
    for (i = 0; i < 100; i++)
        hf_decref(ob);
    CHECK(w.deallocs == 0);
    CHECK(lines_with("") == 0); /* said once */

    scope = hf_scope_open(w.me);
    p = hf_root(w.me, new_node(&w, w.node, 1));
    ob = hf_handle(w.me, *p, 64, NULL, 0);
    ob->ob_refcnt = absurd - 1;
    hf_incref(ob);
    CHECK(lines_with("it is immortal from now on") == 1);
    *p = NULL;
    full(&w);
    CHECK(number(hf_to_obj(w.me, ob)) == 1);

    /* Underflow of a linked object: the link's count is not C's to drop. */
    *p = new_node(&w, w.node, 2);
    ob = hf_handle(w.me, *p, 64, NULL, 0);
    hf_decref(ob);
    CHECK(lines_with("") == 0);
    for (i = 1; i <= 3; i++) {
        hf_decref(ob);
        CHECK(lines_with("more references were dropped than taken") == 1);
        CHECK(last_error_is("hf_decref: more references were dropped than taken; the link's count has been restored"));
        CHECK(ob->ob_refcnt == 1);
    }
    CHECK(w.deallocs == 0);
    CHECK(hf_from_obj(w.me, *p) == ob);
    CHECK(hf_to_obj(w.me, ob) == *p);
    *p = NULL;
    full(&w);
    expect_dead(&w, ob, 0);

    /* Underflow of an object that dealloc has not freed. */
    hf_set_dealloc(w.heap, NULL, NULL);
    ob = new_ob(&w);
    ob->ob_refcnt = 0;
    hf_decref(ob);
    CHECK(lines_with("its count was zero already") == 1);
    CHECK(last_error_is("hf_decref: its count was zero already"));
    CHECK(ob->ob_refcnt == 0);
    hf_pyobject_free(ob);

    /* Freeing what is linked still. */
    *p = new_node(&w, w.node, 3);
    ob = hf_handle(w.me, *p, 64, NULL, 0);
    hf_pyobject_free(ob);
    CHECK(lines_with("it is linked still; nothing was done") == 1);
    CHECK(last_error_is("hf_pyobject_free: it is linked still; nothing was done"));
    CHECK(hf_to_obj(w.me, ob) == *p);
    hf_decref(ob);

    /* Global roots and weak references that are freed twice: nobody shares a cell with another afterwards. */
    other = hf_root(w.me, new_node(&w, w.node, 4));
    OK(hf_global_new(w.me, *p, &globals[0]));
    OK(hf_weak_new(w.me, *p, &weaks[0]));
    for (i = 0; i < 2; i++) {
        hf_global_free(w.me, globals[0]);
        hf_weak_free(w.me, weaks[0]);
    }
    CHECK(last_error_is("hf_weak_free: weak has been freed already, or is another heap's"));
    hf_global_free(w.me, globals[0]);
    CHECK(last_error_is("hf_global_free: global has been freed already, or is another heap's"));
    for (i = 0; i < 3; i++) {
        OK(hf_global_new(w.me, i == 0 ? *p : NULL, &globals[i]));
        OK(hf_weak_new(w.me, i == 0 ? *p : *other, &weaks[i]));
    }
    CHECK(hf_global_get(w.me, globals[0]) == *p && hf_global_get(w.me, globals[1]) == NULL);
    CHECK(hf_weak_get(w.me, weaks[0]) == *p && hf_weak_get(w.me, weaks[1]) == *other);
    CHECK(globals[0] != globals[1] && globals[1] != globals[2] && globals[0] != globals[2]);
    CHECK(weaks[0] != weaks[1] && weaks[1] != weaks[2] && weaks[0] != weaks[2]);
    for (i = 0; i < 3; i++) {
        hf_global_free(w.me, globals[i]);
        hf_weak_free(w.me, weaks[i]);
    }
    hf_scope_close(w.me, scope);
    OK(hf_heap_verify(w.heap));
    OK(hf_detach(w.me));
    OK(hf_heap_free(w.heap, NULL)); /* two immortals */
    puts("ok");
    return 0;
}
#endif

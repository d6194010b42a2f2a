/* Rule 5: the same for objects that are old, large, public or without a handle slot, and for very many pairs. */
#include "check.h"

enum { MANY = 1000000, LARGE = 1 << 20 };

enum kind { OLD, BIG, PUBLIC, SLOTLESS, SLOTLESS_OLD, KINDS };

static void lives_and_dies(world *w, enum kind kind, uint32_t flags) {
    size_t scope = hf_scope_open(w->me);
    hf_object **p = hf_root(w->me, NULL);
    hf_pyobject *ob;
    hf_weak *weak;
    int i;

    if (kind == BIG) {
        *p = hf_alloc_items(w->me, w->bytes, LARGE);
        CHECK(*p != NULL);
        CHECK(hf_items(*p) == LARGE);
        ((char *)hf_payload(*p))[LARGE - 1] = 'z';
    } else {
        *p = new_node(w, kind == SLOTLESS || kind == SLOTLESS_OLD ? w->slotless : w->node, 31);
    }
    if (kind == PUBLIC) {
        OK(hf_publish(w->me, *p));
        CHECK(hf_is_public(w->me, *p));
    }
    if (kind == OLD || kind == SLOTLESS_OLD) {
        full(w);
        CHECK(!hf_is_young(w->me, *p));
    }
    ob = hf_handle(w->me, *p, 100, NULL, flags);
    CHECK(ob != NULL);
    CHECK(hf_refcnt(ob) == 1);
    OK(hf_weak_new(w->me, *p, &weak));
    hf_scope_close(w->me, scope); /* from here on C alone holds it */
    for (i = 0; i < 4; i++) {
        hf_object *q;
        if (i & 1)
            full(w);
        else
            minor(w);
        q = hf_to_obj(w->me, ob);
        CHECK(q != NULL);
        CHECK(hf_from_obj(w->me, q) == ob);
        CHECK(hf_weak_get(w->me, weak) == q);
        if (kind == BIG)
            CHECK(((char *)hf_payload(q))[LARGE - 1] == 'z');
        else
            CHECK(number(q) == 31);
    }
    hf_decref(ob);
    full(w);
    CHECK(hf_weak_get(w->me, weak) == NULL);
    expect_dead(w, ob, flags);
    hf_weak_free(w->me, weak);
}

/* MANY pairs at once: half of them C drops, then the other half. */
static void many(world *w, uint32_t flags) {
    hf_pyobject **obs = (hf_pyobject **)malloc(MANY * sizeof *obs);
    hf_stats before = stats_of(w);
    long i, dead = 0;
    hf_pyobject *ob;
    CHECK(obs != NULL);
    for (i = 0; i < MANY; i++) {
        obs[i] = hf_handle(w->me, new_node(w, i & 1 ? w->node : w->slotless, i), sizeof(hf_pyobject), NULL, flags);
        CHECK(obs[i] != NULL);
    }
    full(w);
    CHECK(stats_of(w).links == before.links + MANY);
    for (i = 0; i < MANY; i++) {
        CHECK(number(hf_to_obj(w->me, obs[i])) == i);
        if (i % 2 == 0)
            hf_decref(obs[i]);
    }
    full(w);
    CHECK(stats_of(w).links == before.links + MANY / 2);
    for (i = 1; i < MANY; i += 2) {
        CHECK(number(hf_to_obj(w->me, obs[i])) == i);
        hf_decref(obs[i]);
    }
    full(w);
    CHECK(stats_of(w).links == before.links);
    while ((ob = hf_next_dead(w->heap)) != NULL) {
        CHECK(ob->ob_refcnt == 1);
        hf_decref(ob);
        dead++;
    }
    CHECK(dead == (flags & HF_LINK_LIGHT ? 0 : MANY));
    free(obs);
}

int main(void) {
    world w;
    int kind;
    open_world(&w, 0);
    for (kind = 0; kind < KINDS; kind++) {
        lives_and_dies(&w, (enum kind)kind, 0);
        lives_and_dies(&w, (enum kind)kind, HF_LINK_LIGHT);
    }
    many(&w, 0);
    CHECK(w.deallocs == MANY);
    many(&w, HF_LINK_LIGHT);
    CHECK(w.deallocs == MANY);
    close_world(&w);
    puts("ok");
    return 0;
}

/* Rule 4: whatever holds a pair (a root, a count, both, a global, a field of an old or of a young object) keeps both
 * sides, and both die after the last holder lets go. */
#include "check.h"

enum holder { ROOT, ROOT_AND_COUNT, GLOBAL, OLD_FIELD, YOUNG_FIELD, OLD_ITEM, HOLDERS };

static void holds(world *w, enum holder holder, uint32_t flags) {
    size_t scope = hf_scope_open(w->me);
    hf_object **keeper = hf_root(w->me, NULL);
    hf_global *global = NULL;
    hf_pyobject *ob;
    int notices = w->notices, i;

    /* The holders first: allocation may collect. */
    if (holder == OLD_FIELD || holder == YOUNG_FIELD)
        *keeper = new_node(w, w->node, 0);
    if (holder == OLD_ITEM)
        *keeper = hf_alloc_items(w->me, w->array, 3);
    if (holder == OLD_FIELD || holder == OLD_ITEM)
        full(w);
    if (holder == YOUNG_FIELD)
        CHECK(hf_is_young(w->me, *keeper));
    {
        hf_object *p = new_node(w, w->node, 21);
        ob = new_ob(w);
        OK(hf_link_gc_owned(w->me, p, ob, flags));
        switch (holder) {
        case ROOT:
        case ROOT_AND_COUNT:
            *keeper = p;
            break;
        case GLOBAL:
            OK(hf_global_new(w->me, p, &global));
            break;
        case OLD_ITEM:
            hf_store(w->me, *keeper, 2 * sizeof(void *), p);
            break;
        default:
            hf_store(w->me, *keeper, RIGHT, p);
            break;
        }
        if (holder != ROOT_AND_COUNT)
            hf_decref(ob);
    }

    for (i = 0; i < 6; i++) {
        hf_object *p;
        if (i % 3 == 2)
            full(w);
        else
            minor(w);
        p = hf_to_obj(w->me, ob); /* ob is there: its object is held */
        CHECK(p != NULL);
        CHECK(number(p) == 21);
        CHECK(hf_from_obj(w->me, p) == ob);
        CHECK(hf_refcnt(ob) == (holder == ROOT_AND_COUNT));
        if (holder == GLOBAL)
            CHECK(hf_global_get(w->me, global) == p);
        else if (holder == OLD_ITEM)
            CHECK(hf_load(w->me, *keeper, 2 * sizeof(void *)) == p);
        else if (holder == OLD_FIELD || holder == YOUNG_FIELD)
            CHECK(hf_load(w->me, *keeper, RIGHT) == p);
        else
            CHECK(*keeper == p);
    }

    if (holder == ROOT_AND_COUNT) { /* one of two lets go: nothing happens */
        hf_decref(ob);
        full(w);
        CHECK(hf_to_obj(w->me, ob) == *keeper);
    }
    CHECK(w->notices == notices);
    switch (holder) {
    case GLOBAL:
        hf_global_set(w->me, global, NULL);
        CHECK(hf_global_get(w->me, global) == NULL);
        break;
    case OLD_ITEM:
        hf_store(w->me, *keeper, 2 * sizeof(void *), NULL);
        break;
    case OLD_FIELD:
    case YOUNG_FIELD:
        hf_store(w->me, *keeper, RIGHT, NULL);
        break;
    default:
        *keeper = NULL;
        break;
    }
    full(w);
    CHECK(w->notices == notices + (flags & HF_LINK_LIGHT ? 0 : 1));
    expect_dead(w, ob, flags);
    hf_global_free(w->me, global);
    hf_scope_close(w->me, scope);
}

int main(void) {
    world w;
    int holder;
    open_world(&w, 0);
    for (holder = 0; holder < HOLDERS; holder++) {
        holds(&w, (enum holder)holder, 0);
        holds(&w, (enum holder)holder, HF_LINK_LIGHT);
    }
    close_world(&w);
    puts("ok");
    return 0;
}

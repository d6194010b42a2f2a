/* Rule 3: a young pair of which C holds one reference survives minors and full collections. C drops it: a minor keeps it,
 * the next full collection kills it; silently if light, else with one notice and one delivery. */
#include "check.h"

static void held(world *w, uint32_t flags, hf_type type) {
    hf_object *p = new_node(w, type, 11);
    hf_pyobject *ob = new_ob(w);
    hf_weak *weak;
    int notices = w->notices, i;

    OK(hf_link_gc_owned(w->me, p, ob, flags));
    OK(hf_weak_new(w->me, p, &weak));
    for (i = 0; i < 3; i++) {
        minor(w);
        CHECK(number(hf_to_obj(w->me, ob)) == 11);
        full(w);
        CHECK(number(hf_to_obj(w->me, ob)) == 11);
        CHECK(hf_from_obj(w->me, hf_to_obj(w->me, ob)) == ob);
        CHECK(hf_weak_get(w->me, weak) == hf_to_obj(w->me, ob));
        CHECK(hf_refcnt(ob) == 1);
    }
    hf_decref(ob);
    minor(w);
    CHECK(hf_weak_get(w->me, weak) != NULL); /* old by now: not a minor's business */
    CHECK(w->notices == notices);
    CHECK(hf_next_dead(w->heap) == NULL);
    full(w);
    CHECK(hf_weak_get(w->me, weak) == NULL);
    CHECK(w->notices == notices + (flags & HF_LINK_LIGHT ? 0 : 1));
    expect_dead(w, ob, flags);
    full(w);
    CHECK(w->notices == notices + (flags & HF_LINK_LIGHT ? 0 : 1));
    CHECK(hf_next_dead(w->heap) == NULL);
    hf_weak_free(w->me, weak);
}

int main(void) {
    world w;
    open_world(&w, 0);
    held(&w, 0, w.node);
    held(&w, HF_LINK_LIGHT, w.node);
    held(&w, 0, w.slotless);
    held(&w, HF_LINK_LIGHT, w.slotless);
    CHECK(w.deallocs == 0); /* the queue's handles were freed, not released */
    close_world(&w);
    puts("ok");
    return 0;
}

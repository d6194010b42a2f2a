/* Rule 2: a young light pair that nobody refers to dies at the first minor, both sides, silently. */
#include "check.h"

enum { PAIRS = 1000 };

int main(void) {
    world w;
    hf_stats before, after;
    int i;
    open_world(&w, 0);
    minor(&w);
    before = stats_of(&w);
    for (i = 0; i < PAIRS; i++) {
        hf_pyobject *ob;
        if (i & 1) {
            hf_object *p = new_node(&w, i & 2 ? w.node : w.slotless, i);
            ob = new_ob(&w);
            OK(hf_link_gc_owned(w.me, p, ob, HF_LINK_LIGHT));
        } else {
            ob = hf_handle(w.me, new_node(&w, i & 2 ? w.node : w.slotless, i), 64, NULL, HF_LINK_LIGHT);
            CHECK(ob != NULL);
        }
        CHECK(ob->ob_refcnt == 2);
        hf_decref(ob);
    }
    CHECK(stats_of(&w).minor_collections == before.minor_collections); /* they are young still */
    CHECK(stats_of(&w).links == before.links + PAIRS);
    minor(&w);
    after = stats_of(&w);
    CHECK(after.links == before.links);
    CHECK(after.links_freed_by_minor == before.links_freed_by_minor + PAIRS);
    CHECK(after.cycles == before.cycles);
    CHECK(after.dead_queued == before.dead_queued);
    CHECK(w.notices == 0);
    CHECK(w.deallocs == 0);
    CHECK(hf_next_dead(w.heap) == NULL);
    close_world(&w);
    puts("ok");
    return 0;
}

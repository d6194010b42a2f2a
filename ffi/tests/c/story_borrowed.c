/* PyList_GetItem's story: C asks a container for an item and gets a borrowed reference, which is good as long as the
 * container holds the item, whatever collects and moves meanwhile; and no longer. */
#include "check.h"

#define ITEMS 1000

/* A borrowed reference to an item: the item's pair lives as long as the item is reachable. */
static hf_pyobject *get_item(world *w, hf_object *list, size_t i) {
    hf_pyobject *ob = hf_handle(w->me, hf_load(w->me, list, i * sizeof(void *)), 64, (void *)i, 0);
    CHECK(ob != NULL);
    hf_decref(ob);
    return ob;
}

static void story(world *w, hf_type items, int publish) {
    static hf_pyobject *borrowed[ITEMS];
    size_t scope = hf_scope_open(w->me), i;
    hf_object **list = hf_root(w->me, hf_alloc_items(w->me, w->array, ITEMS));
    hf_global *global = NULL;
    int round;
    CHECK(*list != NULL);
    if (publish)
        OK(hf_global_new(w->me, *list, &global));
    for (i = 0; i < ITEMS; i++) {
        hf_object *item = new_node(w, items, (intptr_t)i);
        hf_store(w->me, *list, i * sizeof(void *), item);
    }
    for (i = 0; i < ITEMS; i++) {
        borrowed[i] = get_item(w, *list, i);
        memset(borrowed[i] + 1, (int)i, 40);
    }
    for (round = 0; round < 4; round++) {
        if (round % 2 == 0)
            minor(w);
        else
            full(w);
        for (i = 0; i < ITEMS; i++) {
            CHECK(hf_refcnt(borrowed[i]) == 0);
            CHECK(get_item(w, *list, i) == borrowed[i]);
            CHECK(borrowed[i]->ob_type == (void *)i);
            CHECK(((unsigned char *)(borrowed[i] + 1))[39] == (unsigned char)i);
            CHECK(number(hf_to_obj(w->me, borrowed[i])) == (intptr_t)i);
        }
        CHECK(hf_next_dead(w->heap) == NULL);
    }
    /* C makes two of them its own; the list lets go of all. */
    hf_incref(borrowed[3]);
    hf_incref(borrowed[4]);
    for (i = 0; i < ITEMS; i++)
        hf_store(w->me, *list, i * sizeof(void *), NULL);
    full(w);
    for (i = 0; i < ITEMS - 2; i++) {
        hf_pyobject *dead = hf_next_dead(w->heap);
        CHECK(dead != NULL);
        CHECK(dead != borrowed[3] && dead != borrowed[4]);
        hf_decref(dead);
    }
    CHECK(hf_next_dead(w->heap) == NULL);
    CHECK(number(hf_to_obj(w->me, borrowed[3])) == 3);
    /* One goes back into the list, and is borrowed again. */
    hf_store(w->me, *list, 0, hf_to_obj(w->me, borrowed[4]));
    hf_decref(borrowed[3]);
    hf_decref(borrowed[4]);
    full(w);
    CHECK(hf_next_dead(w->heap) == borrowed[3]);
    CHECK(hf_next_dead(w->heap) == NULL);
    hf_decref(borrowed[3]);
    CHECK(hf_from_obj(w->me, hf_load(w->me, *list, 0)) == borrowed[4]);
    hf_global_free(w->me, global);
    hf_scope_close(w->me, scope);
    full(w);
    CHECK(hf_next_dead(w->heap) == borrowed[4]);
    hf_decref(borrowed[4]);
    CHECK(hf_next_dead(w->heap) == NULL);
}

int main(void) {
    world w;
    open_world(&w, 0);
    story(&w, w.node, 0);
    story(&w, w.slotless, 0);
    story(&w, w.node, 1);
    story(&w, w.slotless, 1);
    CHECK(w.deallocs == 4 * ITEMS);
    close_world(&w);
    puts("ok");
    return 0;
}

/* A C extension and its runtime. The extension sees reference-counted objects at fixed addresses and nothing of the
 * collector; the runtime sees objects that move. Each pair lives while either side refers to it.
 *
 *   cc -std=c11 -Iffi/include ffi/examples/extension.c target/release/libhandfast.a -lpthread -ldl -lm -o extension && ./extension
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handfast.h"

/* ---- What the extension knows ---- */

typedef struct word {
    hf_pyobject base; /* first, always */
    char text[16];    /* the extension's own */
} word;

static word *longest; /* a reference that the extension keeps between calls */

static void keep_longest(word *w) { /* w is borrowed */
    if (longest == NULL || strlen(w->text) > strlen(longest->text)) {
        hf_incref(&w->base);
        if (longest != NULL)
            hf_decref(&longest->base);
        longest = w;
    }
}

/* ---- The runtime ---- */

typedef struct string {
    void *handle; /* the handle slot: the library's word */
    char text[16];
} string;

static int deallocs, notices;

/* An unlinked handle has lost its last reference. */
static void on_dealloc(hf_pyobject *ob, void *arg) {
    (void)arg;
    deallocs++;
    hf_pyobject_free(ob);
}

/* Some pairs have died, and their handles want to be taken care of. */
static void on_dead(void *heap) {
    hf_pyobject *ob;
    notices++;
    while ((ob = hf_next_dead((hf_heap *)heap)) != NULL) {
        printf("dead: %s\n", ((word *)ob)->text);
        hf_decref(ob); /* the last reference: on_dealloc */
    }
}

static hf_object *new_string(hf_mutator *me, hf_type type, const char *text) {
    hf_object *p = hf_alloc(me, type);
    if (p != NULL)
        strncpy(((string *)hf_payload(p))->text, text, sizeof(((string *)0)->text) - 1);
    return p;
}

/* Calls the extension with the handle of an object, which is made on the way out. */
static int call_extension(hf_mutator *me, hf_object *p) {
    word *w = (word *)hf_handle(me, p, sizeof(word), NULL, 0);
    if (w == NULL)
        return 0;
    memcpy(w->text, ((string *)hf_payload(p))->text, sizeof w->text);
    keep_longest(w);
    hf_decref(&w->base);
    return 1;
}

int main(void) {
    static const char *const words[] = {"hand", "fast", "handfast", "quick"};
    hf_heap *heap;
    hf_mutator *me;
    hf_type_info info;
    hf_type type;
    hf_object *p;
    size_t i;

    hf_type_info_init(&info);
    info.name = "string";
    info.size = sizeof(string);
    info.handle_slot = offsetof(string, handle);
    if (hf_heap_new(NULL, &heap) != HF_OK || hf_attach(heap, &me) != HF_OK || hf_type_new(heap, &info, &type) != HF_OK) {
        fprintf(stderr, "%s\n", hf_last_error());
        return 1;
    }
    hf_set_dealloc(heap, on_dealloc, NULL);
    hf_set_dead_notifier(heap, on_dead, heap);

    for (i = 0; i < sizeof words / sizeof *words; i++) {
        p = new_string(me, type, words[i]);
        if (p == NULL || !call_extension(me, p)) {
            fprintf(stderr, "%s\n", hf_last_error());
            return 1;
        }
    }
    /* The runtime has forgotten all four; the extension holds one of them. */
    if (hf_collect_full(me) != HF_OK)
        return 1;
    p = hf_to_obj(me, &longest->base);
    printf("kept: %s, in the runtime %s\n", longest->text, ((string *)hf_payload(p))->text);
    hf_decref(&longest->base);
    if (hf_collect_full(me) != HF_OK)
        return 1;
    hf_safepoint(me);
    printf("deallocs: %d\n", deallocs);
    if (hf_detach(me) != HF_OK || hf_heap_free(heap, NULL) != HF_OK)
        return 1;
    return deallocs == 4 && notices > 0 ? 0 : 1;
}

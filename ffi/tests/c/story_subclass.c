/* numpy's story: a type written in C (a buffer with a virtual method) is subclassed on the GC side. The instance is a
 * pair: the C struct has the base's fields, the object has the subclass's attributes. C's methods see both, neither side
 * outlives the other, and the base's dealloc runs once. */
#include "check.h"

typedef struct buffer_type {
    intptr_t (*total)(world *, hf_pyobject *); /* virtual */
    int dealloced;
} buffer_type;

typedef struct buffer {
    hf_pyobject base;
    size_t len;
    intptr_t *items; /* malloc's */
} buffer;

static intptr_t base_total(world *w, hf_pyobject *ob) {
    buffer *self = (buffer *)ob;
    intptr_t sum = 0;
    size_t i;
    (void)w;
    for (i = 0; i < self->len; i++)
        sum += self->items[i];
    return sum;
}

/* The subclass: attributes `left` (a scale, an object of its own) and `number` (an offset). It calls its super. */
static intptr_t sub_total(world *w, hf_pyobject *ob) {
    hf_object *self = hf_to_obj(w->me, ob);
    hf_object *scale;
    CHECK(self != NULL);
    scale = hf_load(w->me, self, LEFT);
    return base_total(w, ob) * number(scale) + number(self);
}

static buffer_type base_type = {base_total, 0}, sub_type = {sub_total, 0};

static void dealloc_buffer(hf_pyobject *ob, void *arg) {
    (void)arg;
    ((buffer_type *)ob->ob_type)->dealloced++;
    free(((buffer *)ob)->items);
    hf_pyobject_free(ob);
}

static void init_buffer(hf_pyobject *ob, size_t len) {
    buffer *self = (buffer *)ob;
    size_t i;
    CHECK(self != NULL);
    self->len = len;
    self->items = (intptr_t *)calloc(len, sizeof(intptr_t));
    CHECK(self->items != NULL);
    for (i = 0; i < len; i++)
        self->items[i] = (intptr_t)i;
}

static intptr_t total(world *w, hf_pyobject *ob) { return ((buffer_type *)ob->ob_type)->total(w, ob); }

/* Makes an instance of the subclass; the object side is returned. */
static hf_object *new_sub(world *w, size_t len, intptr_t offset) {
    size_t scope = hf_scope_open(w->me);
    hf_object **scale = hf_root(w->me, new_node(w, w->node, 2));
    hf_object *self = new_node(w, w->node, offset);
    hf_pyobject *ob = hf_pyobject_new(w->me, sizeof(buffer), &sub_type);
    init_buffer(ob, len);
    hf_store(w->me, self, LEFT, *scale);
    OK(hf_link_gc_owned(w->me, self, ob, 0));
    hf_decref(ob); /* the link's own count is left */
    hf_scope_close(w->me, scope);
    return self;
}

int main(void) {
    world w;
    size_t scope, inner, i;
    hf_object **self, **other;
    hf_pyobject *base, *held;
    hf_object *fresh;
    open_world(&w, 0);
    hf_set_dealloc(w.heap, dealloc_buffer, NULL);
    scope = hf_scope_open(w.me);

    /* An instance of the base is C's alone. */
    base = hf_pyobject_new(w.me, sizeof(buffer), &base_type);
    init_buffer(base, 11);
    CHECK(total(&w, base) == 55);
    CHECK(hf_to_obj(w.me, base) == NULL);
    hf_decref(base);
    CHECK(base_type.dealloced == 1);

    /* An instance of the subclass, used by C while only the GC side refers to it. */
    self = hf_root(w.me, new_sub(&w, 11, 7));
    for (i = 0; i < 3; i++) {
        CHECK(total(&w, hf_from_obj(w.me, *self)) == 117);
        minor(&w);
        full(&w);
    }
    CHECK(hf_refcnt(hf_from_obj(w.me, *self)) == 0);

    /* C keeps one that the GC side has forgotten: the attributes live as long. */
    inner = hf_scope_open(w.me);
    other = hf_root(w.me, new_sub(&w, 101, -50));
    held = hf_from_obj(w.me, *other);
    hf_incref(held);
    hf_scope_close(w.me, inner);
    for (i = 0; i < 3; i++) {
        full(&w);
        CHECK(total(&w, held) == 5050 * 2 - 50);
        /* The GC side changes an attribute through C's reference. */
        fresh = new_node(&w, w.node, 2);
        hf_store(w.me, hf_to_obj(w.me, held), LEFT, fresh);
        minor(&w);
    }
    CHECK(hf_next_dead(w.heap) == NULL);
    hf_decref(held);
    CHECK(sub_type.dealloced == 0);
    full(&w);
    CHECK(w.notices == 1);
    CHECK(hf_next_dead(w.heap) == held);
    CHECK(((buffer *)held)->len == 101); /* the base's fields are whole until its dealloc has run */
    hf_decref(held);
    CHECK(sub_type.dealloced == 1);

    /* Many, dropped at once by their list. */
    inner = hf_scope_open(w.me);
    other = hf_root(w.me, NULL);
    for (i = 0; i < 2000; i++) {
        hf_object *sub = new_sub(&w, 3, (intptr_t)i);
        hf_store(w.me, sub, RIGHT, *other);
        *other = sub;
    }
    full(&w);
    CHECK(hf_next_dead(w.heap) == NULL);
    hf_scope_close(w.me, inner);
    full(&w);
    for (i = 0; (held = hf_next_dead(w.heap)) != NULL; i++)
        hf_decref(held);
    CHECK(i == 2000);
    CHECK(sub_type.dealloced == 2001);
    CHECK(total(&w, hf_from_obj(w.me, *self)) == 117);
    hf_scope_close(w.me, scope);
    close_world(&w);
    CHECK(sub_type.dealloced == 2002); /* freeing the heap runs what is left */
    CHECK(base_type.dealloced == 1);
    puts("ok");
    return 0;
}

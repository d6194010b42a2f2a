/* lxml's other story: a tree of plain C structs, and proxies that are made when somebody asks for a node. A struct knows
 * its proxy without counting it; the proxy, a pair, keeps the document by a count. A proxy that only C holds lives; one
 * that nobody holds dies, and its struct gets a new one when it is asked again. */
#include "check.h"

#define NODES 300

typedef struct document {
    hf_pyobject base; /* C-only: counted by the proxies */
    struct element *elements;
} document;

typedef struct element {
    intptr_t number;
    struct proxy *proxy; /* not counted */
    document *document;
} element;

typedef struct proxy {
    hf_pyobject base;
    element *element;
} proxy;

static char document_type, proxy_type;
static int documents, proxies;

static void dealloc(hf_pyobject *ob, void *arg) {
    (void)arg;
    if (ob->ob_type == &document_type) {
        documents--;
        free(((document *)ob)->elements);
        hf_pyobject_free(ob);
    } else {
        proxy *p = (proxy *)ob;
        document *d = p->element->document;
        CHECK(ob->ob_type == &proxy_type);
        CHECK(p->element->proxy == p);
        proxies--;
        p->element->proxy = NULL;
        hf_pyobject_free(ob);
        hf_decref(&d->base);
    }
}

static document *new_document(world *w) {
    document *d = (document *)hf_pyobject_new(w->me, sizeof(document), &document_type);
    intptr_t i;
    CHECK(d != NULL);
    documents++;
    d->elements = (element *)calloc(NODES, sizeof(element));
    CHECK(d->elements != NULL);
    for (i = 0; i < NODES; i++) {
        d->elements[i].number = i;
        d->elements[i].document = d;
    }
    return d;
}

/* A new reference to the proxy of an element. */
static proxy *proxy_of(world *w, element *e) {
    if (e->proxy != NULL) {
        hf_incref(&e->proxy->base); /* may be queued already: it comes back to life */
        return e->proxy;
    }
    e->proxy = (proxy *)hf_handle(w->me, new_node(w, w->node, e->number), sizeof(proxy), &proxy_type, 0);
    CHECK(e->proxy != NULL);
    proxies++;
    e->proxy->element = e;
    hf_incref(&e->document->base);
    return e->proxy;
}

static int drain(world *w) {
    hf_pyobject *ob;
    int n = 0;
    for (; (ob = hf_next_dead(w->heap)) != NULL; n++)
        hf_decref(ob);
    return n;
}

int main(void) {
    world w;
    document *d;
    proxy *held, *p;
    size_t scope;
    hf_object **root;
    int i;
    open_world(&w, 0);
    hf_set_dealloc(w.heap, dealloc, NULL);
    scope = hf_scope_open(w.me);
    d = new_document(&w);
    held = proxy_of(&w, &d->elements[1]);
    p = proxy_of(&w, &d->elements[2]);
    root = hf_root(w.me, hf_to_obj(w.me, &p->base)); /* held by the GC side */
    hf_decref(&p->base);
    CHECK(hf_refcnt(&d->base) == 3);

    /* Held by C alone, by the GC side alone: both stay, each the only one of its struct. */
    for (i = 0; i < 3; i++) {
        minor(&w);
        full(&w);
        CHECK(drain(&w) == 0);
        CHECK(proxy_of(&w, &d->elements[1]) == held);
        hf_decref(&held->base);
        CHECK(proxy_of(&w, &d->elements[2]) == p);
        hf_decref(&p->base);
        CHECK(number(hf_to_obj(w.me, &held->base)) == 1);
        CHECK(hf_to_obj(w.me, &p->base) == *root);
    }

    /* A walk over the tree makes a proxy for each element and drops it at once. */
    for (i = 0; i < NODES; i++)
        hf_decref(&proxy_of(&w, &d->elements[i])->base);
    CHECK(proxies == NODES);
    full(&w);
    /* Between death and delivery an element is asked for again: the same proxy, without its object, is used on. */
    p = proxy_of(&w, &d->elements[7]);
    CHECK(p->base.ob_pypy_link == 0);
    CHECK(drain(&w) == NODES - 2);
    CHECK(proxies == 3);
    CHECK(d->elements[7].proxy == p);
    CHECK(d->elements[8].proxy == NULL);
    CHECK(hf_is_unique(&p->base));
    OK(hf_link_c_owned(w.me, new_node(&w, w.node, 7), &p->base, 0)); /* and gets a new object */
    full(&w);
    CHECK(number(hf_to_obj(w.me, &p->base)) == 7);

    /* The last counts go: the elements' proxies first, the document with the last of them. */
    hf_decref(&p->base);
    hf_decref(&d->base);
    hf_decref(&held->base);
    full(&w);
    CHECK(drain(&w) == 2);
    CHECK(documents == 1);
    hf_scope_close(w.me, scope);
    full(&w);
    CHECK(documents == 1);
    CHECK(drain(&w) == 1);
    CHECK(documents == 0);
    CHECK(proxies == 0);
    close_world(&w);
    puts("ok");
    return 0;
}

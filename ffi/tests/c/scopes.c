/* Scopes of roots: closing one closes those inside of it, and a number that is no open scope closes nothing. */
#include "check.h"

enum { DEPTH = 2000 };

static size_t scopes[DEPTH];

/* Whether a call that was wrong has said so, and the roots are as they were. */
static void refused(world *w, size_t scope, hf_object **root, intptr_t n) {
    hf_scope_close(w->me, scope);
    CHECK(strstr(hf_last_error(), "not an open scope") != NULL);
    minor(w);
    CHECK(number(*root) == n);
}

int main(void) {
    world w, other;
    hf_object **root, **inner_root;
    size_t outer, inner, same;
    int i;
    open_world(&w, 0);

    /* In order, deeply, with roots in between or without. */
    for (i = 0; i < DEPTH; i++) {
        scopes[i] = hf_scope_open(w.me);
        if (i % 3 == 0)
            CHECK(hf_root(w.me, new_node(&w, w.node, i)) != NULL);
    }
    for (i = DEPTH - 1; i >= 0; i--)
        hf_scope_close(w.me, scopes[i]);

    outer = hf_scope_open(w.me);
    root = hf_root(w.me, new_node(&w, w.node, 1));
#if !defined(CHECKED_BUILD) /* which stops at each of these: misuse_scope_*.c */
    /* The outer one closes those inside. */
    for (i = 0; i < DEPTH; i++)
        CHECK(hf_scope_open(w.me) != HF_NO_SCOPE);
    inner = hf_scope_open(w.me);
    inner_root = hf_root(w.me, new_node(&w, w.node, 2));
    CHECK(inner_root != NULL);
    hf_scope_close(w.me, outer);
    outer = hf_scope_open(w.me);
    root = hf_root(w.me, new_node(&w, w.node, 3));
    (void)inner;

    /* Two that begin at the same height are two. */
    inner = hf_scope_open(w.me);
    same = hf_scope_open(w.me);
    CHECK(hf_root(w.me, new_node(&w, w.node, 4)) != NULL);
    hf_scope_close(w.me, same);
    hf_scope_close(w.me, inner);
    refused(&w, inner, root, 3);

    /* Below the top, but none. */
    CHECK(hf_root(w.me, new_node(&w, w.node, 5)) != NULL);
    refused(&w, outer + 1, root, 3);
    refused(&w, outer + 2, root, 3);
    refused(&w, 1u << 20, root, 3);
    refused(&w, HF_NO_SCOPE, root, 3);

    /* Another heap's are its own. */
    open_world(&other, 0);
    CHECK(hf_root(other.me, new_node(&other, other.node, 1)) != NULL);
    CHECK(hf_root(other.me, new_node(&other, other.node, 1)) != NULL);
    inner = hf_scope_open(other.me);
    hf_scope_close(w.me, inner);
    CHECK(strstr(hf_last_error(), "not an open scope") != NULL);
    hf_scope_close(other.me, inner);
    close_world(&other);
    minor(&w);
    CHECK(number(*root) == 3);
#else
    (void)other, (void)inner_root, (void)inner, (void)same, (void)refused;
    CHECK(number(*root) == 1);
#endif
    hf_scope_close(w.me, outer);
    close_world(&w);
    puts("ok");
    return 0;
}

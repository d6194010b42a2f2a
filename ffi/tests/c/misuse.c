/* What a checked build (feature `debug`) stops at: ./misuse CASE aborts, and says the function and what is wrong. Without
 * an argument it does nothing: the cases are harmless in other builds, and null.c runs them there. */
#include "check.h"

static world w;

static void *use_from_another_thread(void *mutator) {
    hf_safepoint((hf_mutator *)mutator);
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t thread;
    const char *which = argc > 1 ? argv[1] : "";
    open_world(&w, 0);
    if (strcmp(which, "detached") == 0) {
        OK(hf_detach(w.me));
        hf_alloc(w.me, w.node);
    } else if (strcmp(which, "foreign") == 0) {
        CHECK(pthread_create(&thread, NULL, use_from_another_thread, w.me) == 0);
        pthread_join(thread, NULL);
    } else if (strcmp(which, "native") == 0) {
        hf_native_enter(w.me);
        hf_root(w.me, NULL);
    } else if (strcmp(which, "scope") == 0) {
        size_t outer = hf_scope_open(w.me), inner;
        hf_root(w.me, NULL);
        inner = hf_scope_open(w.me);
        hf_scope_close(w.me, outer); /* and with it the inner one */
        hf_scope_close(w.me, inner);
    } else if (which[0] != 0) {
        return 2;
    } else {
        close_world(&w);
    }
    puts("ok");
    return 0;
}

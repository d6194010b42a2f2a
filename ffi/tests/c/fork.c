/* A child of fork has no collector threads and no other mutators: the heap is the parent's. The child is told so, can make
 * a heap of its own, and harms nothing. */
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static void in_the_child(world *w) {
    world own;
    hf_mutator *me;
    long i;
    CHECK(hf_collect_minor(w->me) == HF_ERR_FORKED);
    CHECK(hf_collect_full(w->me) == HF_ERR_FORKED);
    CHECK(hf_attach(w->heap, &me) == HF_ERR_FORKED);
    CHECK(me == NULL);
    /* What is left of the nursery can be used; then it is over. */
    for (i = 0; i < 10000000 && hf_alloc(w->me, w->node) != NULL; i++)
        ;
    CHECK(i < 10000000);
    CHECK(strstr(hf_last_error(), "fork") != NULL);
    for (i = 0; i < 100; i++)
        (void)hf_alloc_items(w->me, w->bytes, 1 << 20);
    CHECK(hf_heap_free(w->heap, NULL) == HF_ERR_FORKED);
    open_world(&own, 1);
    set_number(*hf_root(own.me, new_node(&own, own.node, 1)), 2);
    full(&own);
    close_world(&own);
}

int main(void) {
    uint32_t gc_threads;
    for (gc_threads = 0; gc_threads < 2; gc_threads++) {
        world w;
        hf_object **root;
        pid_t child;
        int status = 0;
        open_world(&w, gc_threads);
        root = hf_root(w.me, new_node(&w, w.node, 81));
        full(&w);
        child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            in_the_child(&w);
            _exit(0);
        }
        CHECK(waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        full(&w);
        CHECK(number(*root) == 81);
        close_world(&w);
    }
    puts("ok");
    return 0;
}

/* Another thread's mutator. */
#include "check.h"

static void *use(void *arg) {
    world *w = (world *)arg;
    (void)(hf_alloc)(w->me, w->node);
    return NULL;
}

int main(void) {
    world w;
    pthread_t thread;
    open_world(&w, 0);
    CHECK(pthread_create(&thread, NULL, use, &w) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    puts("not stopped");
    return 0;
}

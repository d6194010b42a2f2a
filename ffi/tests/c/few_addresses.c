/* A thread attaches where there are no addresses, and takes roots until there is no memory: a status and a NULL that name the
 * function and the cause, and all goes on. */
#include "check.h"
#include <sys/resource.h>

/* Lets the process have what it has now of a resource, and so much more. */
static void limit(int resource, const char *line, size_t more, struct rlimit *before) {
    char text[256];
    size_t kib = 0;
    struct rlimit now;
    FILE *status = fopen("/proc/self/status", "r");
    CHECK(status != NULL);
    while (fgets(text, sizeof text, status) != NULL)
        if (strncmp(text, line, strlen(line)) == 0)
            kib = strtoul(text + strlen(line), NULL, 10);
    fclose(status);
    CHECK(kib != 0 && getrlimit(resource, before) == 0);
    now = *before;
    now.rlim_cur = (rlim_t)(kib << 10) + more;
    CHECK(setrlimit(resource, &now) == 0);
}

static void *attach(void *arg) {
    world *w = arg;
    struct rlimit before;
    hf_mutator *mutator = w->me;
    hf_status refused;
    limit(RLIMIT_AS, "VmSize:", 32 << 10, &before);
    refused = hf_attach(w->heap, &mutator);
    CHECK(setrlimit(RLIMIT_AS, &before) == 0);
    CHECK(refused == HF_ERR_OS);
    CHECK(mutator == NULL);
    CHECK(strstr(hf_last_error(), "hf_attach: reserving addresses for the roots of a thread: ") == hf_last_error());
    OK(hf_attach(w->heap, &mutator));
    CHECK(hf_root(mutator, NULL) != NULL);
    OK(hf_detach(mutator));
    return NULL;
}

int main(void) {
    world w;
    pthread_t thread;
    struct rlimit before;
    hf_object **kept;
    size_t scope;
    size_t roots = 0;
    open_world(&w, 0);
    kept = hf_root(w.me, new_node(&w, w.node, 7));
    scope = hf_scope_open(w.me);
    limit(RLIMIT_DATA, "VmData:", 16 << 20, &before);
    while (hf_root(w.me, *kept) != NULL)
        roots++;
    CHECK(setrlimit(RLIMIT_DATA, &before) == 0);
    CHECK(strstr(hf_last_error(), "hf_root: memory for the roots of a thread: ") == hf_last_error());
    CHECK(roots > 1000000);
    full(&w);
    CHECK(number(*kept) == 7);
    hf_scope_close(w.me, scope);
    CHECK(hf_root(w.me, *kept) != NULL);
    CHECK(pthread_create(&thread, NULL, attach, &w) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    close_world(&w);
    puts("ok");
    return 0;
}

/* A heap that touches all its memory when it is made: how much that is must be said, and then it is there. */
#include "check.h"

int main(void) {
    hf_config config;
    hf_heap *heap = NULL;
    hf_mutator *me;
    hf_stats stats;
    hf_config_init(&config);
    CHECK(!config.touch_memory);
    config.touch_memory = true;
    /* All of how much? Not of most of the machine. */
    CHECK(hf_heap_new(&config, &heap) == HF_ERR_INVALID_CONFIG);
    CHECK(heap == NULL);
    CHECK(strstr(hf_last_error(), "touch_memory") != NULL);

    config.max_heap_bytes = 8 << 20;
    OK(hf_heap_new(&config, &heap));
    me = NULL;
    OK(hf_attach(heap, &me));
    OK(hf_collect_full(me));
    stats.struct_size = sizeof stats;
    OK(hf_stats_get(heap, &stats));
    CHECK(stats.committed_bytes >= 8 << 20);
    OK(hf_detach(me));
    OK(hf_heap_free(heap, NULL));
    puts("ok");
    return 0;
}

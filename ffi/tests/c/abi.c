/* Versions, messages, struct sizes: what a program can find out about the library before it uses it. */
#include "check.h"

int main(void) {
    char version[64];
    int status;
    hf_config small;
    hf_stats stats;
    hf_heap *heap;

    CHECK(hf_last_error()[0] == 0);
    CHECK(hf_next_dead(NULL) == NULL); /* before anything is set up */
    snprintf(version, sizeof version, "%d.%d.%d", HF_VERSION_MAJOR, HF_VERSION_MINOR, HF_VERSION_PATCH);
    CHECK(strcmp(version, hf_version()) == 0);
    OK(hf_abi_check(sizeof(hf_pyobject), HF_ABI));
    CHECK(hf_abi_check(sizeof(hf_pyobject), HF_ABI + 1) == HF_ERR_ABI);
    CHECK(hf_abi_check(sizeof(hf_pyobject) - 8, HF_ABI) == HF_ERR_ABI);
    CHECK(strstr(hf_last_error(), "hf_abi_check: ") == hf_last_error());

    CHECK(HF_OK == 0);
    for (status = HF_OK; status <= HF_ERR_CORRUPT; status++) {
        const char *text = hf_status_message((hf_status)status);
        CHECK(text != NULL && text[0] != 0);
        CHECK(strcmp(text, "unknown status") != 0);
    }
    CHECK(strcmp(hf_status_message((hf_status)1000), "unknown status") == 0);

    /* A program of the first version has a shorter hf_config and hf_stats. */
    memset(&small, 0xff, sizeof small);
    (hf_config_init)(&small);
    CHECK(small.struct_size == offsetof(hf_config, min_trigger_bytes));
    CHECK(small.min_trigger_bytes == SIZE_MAX); /* not ours to write */
    OK(hf_heap_new(&small, &heap));
    memset(&stats, 0xff, sizeof stats);
    stats.struct_size = offsetof(hf_stats, live_objects);
    OK(hf_stats_get(heap, &stats));
    CHECK(stats.minor_collections == 0);
    CHECK(stats.longest_pause_ns != UINT64_MAX);
    CHECK(stats.live_objects == UINT64_MAX);
    OK(hf_heap_free(heap, NULL));
    puts("ok");
    return 0;
}

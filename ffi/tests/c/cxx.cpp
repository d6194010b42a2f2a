// The header from C++: inline functions, macros, callbacks without captures.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "handfast.h"
#include "handfast_rawrefcount.h"

#define CHECK(condition)                                                              \
    do {                                                                              \
        if (!(condition)) {                                                           \
            std::fprintf(stderr, "%d: not true: %s (%s)\n", __LINE__, #condition, hf_last_error()); \
            std::exit(1);                                                             \
        }                                                                             \
    } while (0)

namespace {
struct pair {
    hf_object *first, *second;
};
int deallocs = 0;
} // namespace

int main() {
    hf_heap *heap = nullptr;
    hf_mutator *me = nullptr;
    hf_type type = HF_NO_TYPE;
    hf_type_info info;
    const size_t refs[] = {offsetof(pair, first), offsetof(pair, second)};
    CHECK(hf_heap_new(nullptr, &heap) == HF_OK);
    CHECK(hf_attach(heap, &me) == HF_OK);
    hf_type_info_init(&info);
    info.name = "pair";
    info.size = sizeof(pair);
    info.ref_offsets = refs;
    info.ref_offsets_len = 2;
    CHECK(hf_type_new(heap, &info, &type) == HF_OK);
    hf_set_dealloc(
        heap,
        [](hf_pyobject *ob, void *) {
            deallocs++;
            hf_pyobject_free(ob);
        },
        nullptr);

    const size_t scope = hf_scope_open(me);
    hf_object **root = hf_root(me, hf_alloc(me, type));
    CHECK(root != nullptr && *root != nullptr);
    hf_store(me, *root, offsetof(pair, second), *root);
    CHECK(hf_load(me, *root, offsetof(pair, second)) == *root);
    hf_pyobject *ob = hf_pyobject_new(me, 64, nullptr);
    CHECK(rawrefcount_create_link_pypy(me, *root, ob) == HF_OK);
    hf_incref(ob);
    hf_decref(ob);
    hf_decref(ob);
    hf_scope_close(me, scope);
    CHECK(hf_collect_full(me) == HF_OK); // a cycle is no obstacle
    CHECK(rawrefcount_next_dead(heap) == ob);
    hf_decref(ob);
    CHECK(deallocs == 1);
    CHECK(hf_detach(me) == HF_OK);
    CHECK(hf_heap_free(heap, nullptr) == HF_OK);
    CHECK(std::string(hf_status_message(HF_OK)) == "ok");
    std::puts("ok");
    return 0;
}

/*
 * What an extension pays: an ordinary extension module, compiled unmodified against the Python.h of each runtime.
 *
 * Functions that measure answer nanoseconds of the thread's CPU time for one operation. The others are what the drivers
 * call (crossings.py on CPython and PyPy, src/host/rows.rs on handfast).
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <time.h>

static double cpu(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static PyObject *since(double start, Py_ssize_t operations) {
    return PyFloat_FromDouble((cpu() - start) / (double)(operations > 0 ? operations : 1));
}

/* ---- Two types: with a reference and garbage collection, and with neither. ---- */

typedef struct node {
    PyObject_HEAD
    PyObject *next;
    long number;
} node;

static int node_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(((node *)self)->next);
    return 0;
}

static int node_clear(PyObject *self) {
    Py_CLEAR(((node *)self)->next);
    return 0;
}

static void node_dealloc(PyObject *self) {
    PyObject_GC_UnTrack(self);
    Py_CLEAR(((node *)self)->next);
    Py_TYPE(self)->tp_free(self);
}

static PyTypeObject node_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "crossings.Node",
    .tp_basicsize = sizeof(node),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = node_traverse,
    .tp_clear = node_clear,
    .tp_dealloc = node_dealloc,
    .tp_new = PyType_GenericNew,
    .tp_free = PyObject_GC_Del,
};

typedef struct leaf {
    PyObject_HEAD
    long a, b;
} leaf;

static PyTypeObject leaf_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "crossings.Leaf",
    .tp_basicsize = sizeof(leaf),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
};

/* ---- What drivers call. ---- */

static PyObject *nothing(PyObject *self, PyObject *unused) {
    (void)self;
    (void)unused;
    Py_RETURN_NONE;
}

static PyObject *same(PyObject *self, PyObject *ob) {
    (void)self;
    Py_INCREF(ob);
    return ob;
}

/* ---- Objects that are made and dropped at once. ---- */

#define CHURN(name, make)                                   \
    static PyObject *name(PyObject *self, PyObject *count) { \
        Py_ssize_t n = PyLong_AsSsize_t(count), i;          \
        double start = cpu();                               \
        (void)self;                                         \
        for (i = 0; i < n; i++) {                           \
            PyObject *ob = make;                            \
            if (ob == NULL)                                 \
                return NULL;                                \
            Py_DECREF(ob);                                  \
        }                                                   \
        return since(start, n);                             \
    }

CHURN(churn_nodes, node_type.tp_alloc(&node_type, 0))
CHURN(churn_leaves, leaf_type.tp_alloc(&leaf_type, 0))
CHURN(churn_ints, PyLong_FromLong(100000 + (long)i))
CHURN(churn_floats, PyFloat_FromDouble((double)i))
CHURN(churn_strings, PyUnicode_FromStringAndSize("crossing", 8))
CHURN(churn_tuples, PyTuple_Pack(2, Py_None, Py_True))
CHURN(churn_lists, PyList_New(2))
CHURN(churn_dicts, PyDict_New())

/* ---- Objects that stay: what makes them is measured, what frees them is not. ---- */

static PyObject *made; /* by the function before; dropped by `forget` */

static PyObject *make_list(PyTypeObject *type, PyObject *count) {
    Py_ssize_t n = PyLong_AsSsize_t(count), i;
    double start = cpu();
    made = PyList_New(n);
    for (i = 0; made != NULL && i < n; i++) {
        PyObject *ob = type->tp_alloc(type, 0);
        if (ob == NULL)
            return NULL;
        PyList_SET_ITEM(made, i, ob);
    }
    return made == NULL ? NULL : since(start, n);
}

static PyObject *list_of_nodes(PyObject *self, PyObject *count) {
    (void)self;
    return make_list(&node_type, count);
}

static PyObject *list_of_leaves(PyObject *self, PyObject *count) {
    (void)self;
    return make_list(&leaf_type, count);
}

static PyObject *forget(PyObject *self, PyObject *unused) {
    (void)self;
    (void)unused;
    Py_CLEAR(made);
    Py_RETURN_NONE;
}

/* ---- Objects that the runtime made. ---- */

static PyObject *counts(PyObject *self, PyObject *ob) {
    const long n = 10000000;
    long i;
    double start = cpu();
    (void)self;
    for (i = 0; i < n; i++) {
        Py_INCREF(ob);
        __asm__ volatile("" : : "r"(ob) : "memory");
        Py_DECREF(ob);
        __asm__ volatile("" : : "r"(ob) : "memory");
    }
    return since(start, n);
}

static PyObject *items(PyObject *self, PyObject *list) {
    Py_ssize_t n = PyList_Size(list), i;
    double start = cpu();
    (void)self;
    for (i = 0; i < n; i++)
        if (PyList_GetItem(list, i) == Py_None)
            return PyErr_Format(PyExc_ValueError, "None in the list");
    return since(start, n);
}

static PyObject **held;
static Py_ssize_t held_count;

static PyObject *hold(PyObject *self, PyObject *list) {
    Py_ssize_t n = PyList_Size(list), i;
    double start;
    (void)self;
    held = malloc((size_t)n * sizeof *held + 1);
    if (held == NULL)
        return PyErr_NoMemory();
    held_count = n;
    for (i = 0; i < n; i++) /* the array is memory by now, as in a second round */
        held[i] = NULL;
    start = cpu();
    for (i = 0; i < n; i++) {
        held[i] = PyList_GetItem(list, i);
        Py_INCREF(held[i]);
    }
    return since(start, n);
}

static PyObject *release(PyObject *self, PyObject *unused) {
    Py_ssize_t n = held_count, i;
    PyObject *answer;
    double start = cpu();
    (void)self;
    (void)unused;
    for (i = 0; i < n; i++)
        Py_DECREF(held[i]);
    answer = since(start, n);
    free(held);
    held = NULL;
    held_count = 0;
    return answer;
}

static PyObject *attribute_each(PyObject *self, PyObject *list) {
    Py_ssize_t n = PyList_Size(list), i;
    PyObject *name = PyUnicode_InternFromString("v"), *answer;
    double start = cpu();
    (void)self;
    for (i = 0; i < n; i++) {
        PyObject *value = PyObject_GetAttr(PyList_GetItem(list, i), name);
        if (value == NULL)
            return NULL;
        Py_DECREF(value);
    }
    answer = since(start, n);
    Py_DECREF(name);
    return answer;
}

static PyObject *attribute_one(PyObject *self, PyObject *ob) {
    const Py_ssize_t n = 1000000;
    Py_ssize_t i;
    PyObject *name = PyUnicode_InternFromString("v"), *answer;
    double start = cpu();
    (void)self;
    for (i = 0; i < n; i++) {
        PyObject *value = PyObject_GetAttr(ob, name);
        if (value == NULL)
            return NULL;
        Py_DECREF(value);
    }
    answer = since(start, n);
    Py_DECREF(name);
    return answer;
}

static PyObject *dict_get(PyObject *self, PyObject *dict) {
    const Py_ssize_t n = 1000000;
    Py_ssize_t i;
    PyObject *key = PyUnicode_InternFromString("key7"), *answer;
    double start = cpu();
    (void)self;
    for (i = 0; i < n; i++)
        if (PyDict_GetItem(dict, key) == NULL)
            return PyErr_Format(PyExc_KeyError, "key7");
    answer = since(start, n);
    Py_DECREF(key);
    return answer;
}

static PyObject *call_back(PyObject *self, PyObject *callable) {
    const Py_ssize_t n = 1000000;
    Py_ssize_t i;
    double start = cpu();
    (void)self;
    for (i = 0; i < n; i++) {
        PyObject *answer = PyObject_CallFunctionObjArgs(callable, Py_None, NULL);
        if (answer == NULL)
            return NULL;
        Py_DECREF(answer);
    }
    return since(start, n);
}

#define FUNCTION(name) {#name, name, METH_O, NULL}
static PyMethodDef methods[] = {
    {"nothing", nothing, METH_NOARGS, NULL},
    FUNCTION(same),
    FUNCTION(churn_nodes),
    FUNCTION(churn_leaves),
    FUNCTION(churn_ints),
    FUNCTION(churn_floats),
    FUNCTION(churn_strings),
    FUNCTION(churn_tuples),
    FUNCTION(churn_lists),
    FUNCTION(churn_dicts),
    FUNCTION(list_of_nodes),
    FUNCTION(list_of_leaves),
    {"forget", forget, METH_NOARGS, NULL},
    FUNCTION(counts),
    FUNCTION(items),
    FUNCTION(hold),
    {"release", release, METH_NOARGS, NULL},
    FUNCTION(attribute_each),
    FUNCTION(attribute_one),
    FUNCTION(dict_get),
    FUNCTION(call_back),
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "crossings", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_crossings(void) {
    if (PyType_Ready(&node_type) < 0 || PyType_Ready(&leaf_type) < 0)
        return NULL;
    return PyModule_Create(&module);
}

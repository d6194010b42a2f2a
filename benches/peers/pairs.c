/* What handfast's `handle` and `crossing` rows are compared with, as a C extension for CPython and for PyPy alike. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <time.h>

static double cpu(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

typedef struct thing {
    PyObject_HEAD
    long a, b;
} thing;

static PyTypeObject thing_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "pairs.Thing",
    .tp_basicsize = sizeof(thing),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
};

/* Called with an object: the crossing is all there is. */
static PyObject *take(PyObject *self, PyObject *ob) {
    (void)self;
    (void)ob;
    Py_RETURN_NONE;
}

/* Nanoseconds to make an object of a C type and drop it. */
static PyObject *make_and_drop(PyObject *self, PyObject *count) {
    long n = PyLong_AsLong(count), i;
    double start = cpu();
    (void)self;
    for (i = 0; i < n; i++) {
        PyObject *ob = thing_type.tp_alloc(&thing_type, 0);
        if (ob == NULL)
            return NULL;
        Py_DECREF(ob);
    }
    return PyFloat_FromDouble((cpu() - start) / (double)n);
}

/* Nanoseconds to count an object up and down. */
static PyObject *up_and_down(PyObject *self, PyObject *ob) {
    const long n = 50000000;
    long i;
    double start = cpu();
    (void)self;
    for (i = 0; i < n; i++) {
        Py_INCREF(ob);
        __asm__ volatile("" : : "r"(ob) : "memory");
        Py_DECREF(ob);
        __asm__ volatile("" : : "r"(ob) : "memory");
    }
    return PyFloat_FromDouble((cpu() - start) / (double)n);
}

/* Nanoseconds for each item of a list: made into something that C can hold, the first time; found again, the second. */
static PyObject *each(PyObject *self, PyObject *list) {
    Py_ssize_t n = PyList_Size(list), i, seen = 0;
    double start = cpu();
    (void)self;
    for (i = 0; i < n; i++)
        seen += PyList_GetItem(list, i) != Py_None;
    if (seen != n)
        return PyErr_Format(PyExc_ValueError, "None in the list");
    return PyFloat_FromDouble((cpu() - start) / (double)n);
}

static PyMethodDef methods[] = {
    {"take", take, METH_O, NULL},
    {"make_and_drop", make_and_drop, METH_O, NULL},
    {"up_and_down", up_and_down, METH_O, NULL},
    {"each", each, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "pairs", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_pairs(void) {
    return PyType_Ready(&thing_type) < 0 ? NULL : PyModule_Create(&module);
}

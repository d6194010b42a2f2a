/* What handfast's H workloads are compared with, as a C extension for CPython and for PyPy alike. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

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

/* Makes objects of a C type and drops them. */
static PyObject *make_and_drop(PyObject *self, PyObject *count) {
    long n = PyLong_AsLong(count), i;
    (void)self;
    for (i = 0; i < n; i++) {
        PyObject *ob = thing_type.tp_alloc(&thing_type, 0);
        if (ob == NULL)
            return NULL;
        Py_DECREF(ob);
    }
    Py_RETURN_NONE;
}

/* Counts an object up and down. */
static PyObject *up_and_down(PyObject *self, PyObject *arguments) {
    PyObject *ob;
    long n, i;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "Ol", &ob, &n))
        return NULL;
    for (i = 0; i < n; i++) {
        Py_INCREF(ob);
        __asm__ volatile("" : : "r"(ob) : "memory");
        Py_DECREF(ob);
        __asm__ volatile("" : : "r"(ob) : "memory");
    }
    Py_RETURN_NONE;
}

/* Each item of a list: made into something that C can hold, the first time; found again, the second. */
static PyObject *each(PyObject *self, PyObject *list) {
    Py_ssize_t n = PyList_Size(list), i;
    (void)self;
    for (i = 0; i < n; i++)
        if (PyList_GetItem(list, i) == Py_None)
            return PyErr_Format(PyExc_ValueError, "None in the list");
    Py_RETURN_NONE;
}

/* The same, and C keeps a counted reference, for good. */
static PyObject *hold(PyObject *self, PyObject *list) {
    Py_ssize_t n = PyList_Size(list), i;
    (void)self;
    for (i = 0; i < n; i++) {
        PyObject *ob = PyList_GetItem(list, i);
        Py_INCREF(ob);
    }
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"take", take, METH_O, NULL},
    {"make_and_drop", make_and_drop, METH_O, NULL},
    {"up_and_down", up_and_down, METH_VARARGS, NULL},
    {"each", each, METH_O, NULL},
    {"hold", hold, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "pairs", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_pairs(void) {
    return PyType_Ready(&thing_type) < 0 ? NULL : PyModule_Create(&module);
}

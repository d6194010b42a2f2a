/*
 * Instances of types that are made at run time, as an extension sees them: their dict, and weak references to them.
 * tests/subclasses.rs compiles it and calls its functions.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define CHECK(condition)                                                                     \
    do {                                                                                     \
        if (!(condition)) {                                                                  \
            if (!PyErr_Occurred())                                                           \
                PyErr_Format(PyExc_AssertionError, "%s:%d: %s", __func__, __LINE__, #condition); \
            return NULL;                                                                     \
        }                                                                                    \
    } while (0)

static PyObject *subclass(PyObject *base) {
    return PyObject_CallFunction((PyObject *)&PyType_Type, "s(O){}", "Sub", base);
}

/* Whether the error is of this type, and gone. */
static int raised(PyObject *type) {
    int matches = PyErr_Occurred() != NULL && PyErr_ExceptionMatches(type);
    PyErr_Clear();
    return matches;
}

/* ---- Callbacks of weak references ---- */

static long called;
static PyObject *called_with; /* its address only */

static PyObject *on_death(PyObject *module, PyObject *weak) {
    (void)module;
    called++;
    called_with = PyWeakref_GetObject(weak) == Py_None ? weak : NULL;
    Py_RETURN_NONE;
}

static PyMethodDef on_death_def = {"on_death", on_death, METH_O, NULL};

/* A weak reference with a callback. */
static PyObject *watch(PyObject *module, PyObject *ob) {
    PyObject *callback = PyCFunction_New(&on_death_def, module);
    PyObject *weak = callback == NULL ? NULL : PyWeakref_NewRef(ob, callback);
    Py_XDECREF(callback);
    return weak;
}

static PyObject *target(PyObject *module, PyObject *weak) {
    (void)module;
    return Py_NewRef(PyWeakref_GetObject(weak));
}

/* How often a callback was called since the last time. */
static PyObject *calls(PyObject *module, PyObject *unused) {
    (void)module, (void)unused;
    long count = called;
    called = 0;
    return PyLong_FromLong(count);
}

/* ---- The dict of an instance ---- */

/* Instances of subtypes of what has its value in C's memory, with items and without, have a dict. What is in it lives as
 * long as they do, and the value stays what it was. */
static PyObject *dicts(PyObject *module, PyObject *unused) {
    (void)unused;
    PyTypeObject *bases[] = {&PyLong_Type, &PyLong_Type, &PyFloat_Type, &PyBytes_Type, &PyUnicode_Type,
                             &PyTuple_Type, &PyList_Type};
    PyObject *values[] = {
        PyLong_FromString("-123456789012345678901234567890", NULL, 10), PyLong_FromLong(0), PyFloat_FromDouble(2.5),
        PyBytes_FromString("seventeen bytes.."), PyUnicode_FromString("some text"),
        Py_BuildValue("(ils)", 1, 5000000000L, "three"), Py_BuildValue("[is]", 1, "two"),
    };
    PyObject *plain = subclass((PyObject *)&PyBaseObject_Type);
    CHECK(plain != NULL);
    for (size_t i = 0; i < Py_ARRAY_LENGTH(bases); i++) {
        PyObject *type = subclass((PyObject *)bases[i]);
        CHECK(type != NULL && values[i] != NULL);
        PyObject *sub = PyObject_CallFunctionObjArgs(type, values[i], NULL);
        CHECK(sub != NULL && Py_TYPE(sub) == (PyTypeObject *)type);
        CHECK(((PyTypeObject *)type)->tp_dictoffset != 0 && bases[i]->tp_dictoffset == 0);
        PyObject **place = _PyObject_GetDictPtr(sub);
        CHECK(place != NULL && (uintptr_t)place % sizeof *place == 0);
        CHECK(_PyObject_GetDictPtr(values[i]) == NULL);
        CHECK(PyObject_SetAttrString(values[i], "kept", Py_None) < 0 && raised(PyExc_AttributeError));

        PyObject *kept = PyObject_CallNoArgs(plain), *weak = watch(module, kept);
        CHECK(kept != NULL && weak != NULL && PyObject_SetAttrString(sub, "kept", kept) == 0);
        Py_DECREF(kept);
        CHECK(PyObject_SetAttrString(sub, "number", Py_True) == 0);
        PyGC_Collect();
        /* Also once something on the heap refers to it. */
        PyObject *holder = PyDict_New();
        CHECK(holder != NULL && PyDict_SetItemString(holder, "sub", sub) == 0);
        Py_DECREF(sub);
        PyGC_Collect();
        sub = Py_NewRef(PyDict_GetItemString(holder, "sub"));
        CHECK(PyObject_RichCompareBool(sub, values[i], Py_EQ) == 1);
        CHECK(PyWeakref_GetObject(weak) == kept && called == 0);
        PyObject *back = PyObject_GetAttrString(sub, "kept"), *dict = PyObject_GetAttrString(sub, "__dict__");
        CHECK(back == kept && dict != NULL && dict == *_PyObject_GetDictPtr(sub) && PyDict_Size(dict) == 2);
        Py_DECREF(dict);
        Py_DECREF(back);
        CHECK(PyObject_DelAttrString(sub, "number") == 0 && PyDict_Size(*_PyObject_GetDictPtr(sub)) == 1);
        CHECK(PyObject_GetAttrString(sub, "number") == NULL && raised(PyExc_AttributeError));

        Py_DECREF(holder);
        Py_DECREF(sub);
        PyGC_Collect();
        CHECK(PyWeakref_GetObject(weak) == Py_None && called == 1 && called_with == weak);
        called = 0;
        Py_DECREF(weak);
        Py_DECREF(values[i]);
    }
    Py_RETURN_NONE;
}

/* ---- Weak references to instances ---- */

static PyObject *weak(PyObject *module, PyObject *unused) {
    (void)unused;
    PyObject *type = subclass((PyObject *)&PyBaseObject_Type), *of_int = subclass((PyObject *)&PyLong_Type);
    CHECK(type != NULL && of_int != NULL);
    /* To what C alone knows: until its last decref. */
    PyObject *one = PyObject_CallNoArgs(type), *first = watch(module, one), *second = watch(module, one);
    PyObject *silent = PyWeakref_NewRef(one, NULL);
    CHECK(one != NULL && first != NULL && second != NULL && silent != NULL);
    CHECK(PyWeakref_GetObject(first) == one && PyWeakref_GetObject(silent) == one && PyWeakref_Check(first));
    Py_DECREF(second); /* a reference that is dropped calls nobody */
    PyObject *again = PyObject_CallNoArgs(first);
    CHECK(again == one);
    Py_DECREF(again);
    Py_DECREF(one);
    CHECK(called == 1 && called_with == first && PyWeakref_GetObject(silent) == Py_None);
    called = 0;
    Py_DECREF(first);
    Py_DECREF(silent);
    /* To what is in a dict: as long as the dict. */
    PyObject *dict = PyDict_New();
    one = PyObject_CallNoArgs(type);
    first = watch(module, one);
    CHECK(dict != NULL && first != NULL && PyDict_SetItemString(dict, "one", one) == 0);
    Py_DECREF(one);
    PyGC_Collect();
    CHECK(PyWeakref_GetObject(first) == one && called == 0);
    Py_DECREF(dict);
    PyGC_Collect();
    CHECK(PyWeakref_GetObject(first) == Py_None && called == 1);
    called = 0;
    Py_DECREF(first);
    /* As in CPython, none to instances of subtypes of what has items. */
    PyObject *number = PyObject_CallFunction(of_int, "i", 7);
    CHECK(number != NULL && PyWeakref_NewRef(number, NULL) == NULL && raised(PyExc_TypeError));
    Py_DECREF(number);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"dicts", dicts, METH_NOARGS, NULL}, {"weak", weak, METH_NOARGS, NULL}, {"watch", watch, METH_O, NULL},
    {"target", target, METH_O, NULL}, {"calls", calls, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL},
};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "subclasses", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_subclasses(void) { return PyModule_Create(&definition); }

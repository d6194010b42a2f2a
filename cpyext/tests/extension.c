/*
 * An extension of our own, for what the rungs do not say: each function checks one thing and raises what is wrong.
 * tests/extension.rs compiles it and calls them all, with collections between.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#define CHECK(condition)                                                                     \
    do {                                                                                     \
        if (!(condition)) {                                                                  \
            if (!PyErr_Occurred())                                                           \
                PyErr_Format(PyExc_AssertionError, "%s:%d: %s", __func__, __LINE__, #condition); \
            return NULL;                                                                     \
        }                                                                                    \
    } while (0)

static Py_ssize_t freed;

/* ---- A type with a reference, a member, a computed attribute, weak references ---- */

typedef struct {
    PyObject_HEAD
    PyObject *next;
    long number;
    PyObject *weak;
} Node;

static void node_dealloc(Node *self) {
    freed++;
    if (self->weak != NULL)
        PyObject_ClearWeakRefs((PyObject *)self);
    Py_CLEAR(self->next);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyObject *node_double(PyObject *self, void *closure) {
    (void)closure;
    return PyLong_FromLong(((Node *)self)->number * 2);
}

static int node_set_double(PyObject *self, PyObject *value, void *closure) {
    (void)closure;
    long number = PyLong_AsLong(value);
    if (number == -1 && PyErr_Occurred())
        return -1;
    ((Node *)self)->number = number / 2;
    return 0;
}

static int node_init(PyObject *self, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"number", "next", NULL};
    PyObject *next = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "l|O:Node", names, &((Node *)self)->number, &next))
        return -1;
    Py_XINCREF(next);
    Py_XSETREF(((Node *)self)->next, next);
    return 0;
}

static PyObject *node_add(PyObject *a, PyObject *b);
static PyNumberMethods node_number = {.nb_add = node_add};
static PyMemberDef node_members[] = {
    {"next", T_OBJECT, offsetof(Node, next), 0, NULL},
    {"number", T_LONG, offsetof(Node, number), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};
static PyGetSetDef node_getset[] = {{"double", node_double, node_set_double, NULL, NULL}, {NULL, NULL, NULL, NULL, NULL}};
static PyTypeObject NodeType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "extension.Node",
    .tp_basicsize = sizeof(Node),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_dealloc = (destructor)node_dealloc,
    .tp_members = node_members,
    .tp_getset = node_getset,
    .tp_as_number = &node_number,
    .tp_init = node_init,
    .tp_new = PyType_GenericNew,
    .tp_weaklistoffset = offsetof(Node, weak),
};

static PyObject *node_add(PyObject *a, PyObject *b) {
    if (!PyObject_TypeCheck(a, &NodeType) || !PyObject_TypeCheck(b, &NodeType))
        Py_RETURN_NOTIMPLEMENTED;
    return PyObject_CallFunction((PyObject *)&NodeType, "l", ((Node *)a)->number + ((Node *)b)->number);
}

/* ---- Who dies when ---- */

/* What C alone has dies at its last decref; what a dict has, after the dict. */
static PyObject *deaths(PyObject *module, PyObject *unused) {
    (void)module, (void)unused;
    freed = 0;
    PyObject *node = PyObject_CallFunction((PyObject *)&NodeType, "l", 1L);
    CHECK(node != NULL);
    Py_DECREF(node);
    CHECK(freed == 1);
    PyObject *dict = PyDict_New();
    for (long i = 0; i < 100; i++) {
        node = PyObject_CallFunction((PyObject *)&NodeType, "l", i);
        PyObject *key = PyLong_FromLong(i * 1000);
        CHECK(node != NULL && PyDict_SetItem(dict, key, node) == 0);
        Py_DECREF(key);
        Py_DECREF(node);
    }
    PyGC_Collect();
    CHECK(freed == 1);
    for (long i = 0; i < 100; i++) {
        PyObject *key = PyLong_FromLong(i * 1000);
        node = PyDict_GetItemWithError(dict, key); /* borrowed */
        CHECK(node != NULL && ((Node *)node)->number == i);
        Py_DECREF(key);
    }
    Py_DECREF(dict);
    PyGC_Collect();
    CHECK(freed == 101);
    Py_RETURN_NONE;
}

/* A cycle through a dict and a tuple is found: neither counts what is on the heap. */
static PyObject *cycles(PyObject *module, PyObject *unused) {
    (void)module, (void)unused;
    freed = 0;
    PyObject *dict = PyDict_New(), *node = PyObject_CallFunction((PyObject *)&NodeType, "l", 1L);
    PyObject *tuple = Py_BuildValue("(ON)", dict, node);
    CHECK(tuple != NULL && PyDict_SetItemString(dict, "tuple", tuple) == 0);
    Py_DECREF(tuple);
    Py_DECREF(dict);
    CHECK(freed == 0);
    PyGC_Collect();
    CHECK(freed == 1);
    Py_RETURN_NONE;
}

/* Items of a tuple are where they were after it has got an object on the heap, and can be set still. */
static PyObject *tuples(PyObject *module, PyObject *unused) {
    (void)module, (void)unused;
    PyObject *dict = PyDict_New(), *tuple = PyTuple_New(3);
    PyTuple_SET_ITEM(tuple, 0, PyLong_FromLong(123456));
    CHECK(PyDict_SetItemString(dict, "t", tuple) == 0);
    PyTuple_SET_ITEM(tuple, 1, PyUnicode_FromString("later"));
    CHECK(PyTuple_SetItem(tuple, 2, PyFloat_FromDouble(2.5)) == 0);
    Py_DECREF(tuple);
    PyGC_Collect();
    tuple = PyDict_GetItemString(dict, "t");
    CHECK(tuple != NULL && PyLong_AsLong(PyTuple_GET_ITEM(tuple, 0)) == 123456);
    CHECK(PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(tuple, 1), "later") == 0);
    CHECK(PyFloat_AsDouble(PyTuple_GET_ITEM(tuple, 2)) == 2.5);
    Py_DECREF(dict);
    Py_RETURN_NONE;
}

/* A weak reference answers its object while that lives, wherever it is kept from. */
static PyObject *weak_references(PyObject *module, PyObject *unused) {
    (void)module, (void)unused;
    PyObject *dict = PyDict_New(), *node = PyObject_CallFunction((PyObject *)&NodeType, "l", 7L);
    PyObject *weak = PyWeakref_NewRef(node, NULL);
    CHECK(weak != NULL && PyDict_SetItemString(dict, "node", node) == 0);
    Py_DECREF(node);
    PyGC_Collect();
    CHECK(PyWeakref_GetObject(weak) == node && ((Node *)node)->number == 7);
    Py_DECREF(dict);
    PyGC_Collect();
    CHECK(PyWeakref_GetObject(weak) == Py_None);
    Py_DECREF(weak);
    Py_RETURN_NONE;
}

/* ---- Values ---- */

static int equals(PyObject *ob, const char *repr) {
    PyObject *text = ob == NULL ? NULL : PyObject_Repr(ob);
    int same = text != NULL && PyUnicode_CompareWithASCIIString(text, repr) == 0;
    if (!same && text != NULL)
        PyErr_Format(PyExc_AssertionError, "%U is not %s", text, repr);
    Py_XDECREF(text);
    Py_XDECREF(ob);
    return same;
}

static PyObject *values(PyObject *module, PyObject *unused) {
    (void)module, (void)unused;
    CHECK(equals(Py_BuildValue("(i,s,y#,[d,O],{s:n})", -3, "h\1", "a\0b", (Py_ssize_t)3, 0.5, Py_None, "k", (Py_ssize_t)9),
                 "(-3, 'h\\x01', b'a\\x00b', [0.5, None], {'k': 9})"));
    CHECK(equals(PyLong_FromString("-0x123456789abcdef0123456789", NULL, 0), "-90144042682896311822508713865"));
    CHECK(equals(PyUnicode_FromFormat("%5d|%-4s|%.2s|%05d|%x|%zd|%R|%c", -7, "ab", "xyz", 42, 255, (Py_ssize_t)8, Py_None, 'q'),
                 "'   -7|ab  |xy|00042|ff|8|None|q'"));
    PyObject *big = PyLong_FromUnsignedLongLong(ULLONG_MAX), *square = PyNumber_Multiply(big, big);
    CHECK(PyLong_AsUnsignedLongLong(big) == ULLONG_MAX);
    CHECK(PyLong_AsLong(big) == -1 && PyErr_ExceptionMatches(PyExc_OverflowError));
    PyErr_Clear();
    CHECK(equals(square, "340282366920938463426481119284349108225"));
    Py_DECREF(big);
    Py_RETURN_NONE;
}

/* Characters of each kind, in place. */
static PyObject *characters(PyObject *module, PyObject *unused) {
    (void)module, (void)unused;
    static const char *const texts[] = {"plain", "caf\xc3\xa9", "\xce\xbb", "\xf0\x9f\x98\x80 x"};
    static const int kinds[] = {1, 1, 2, 4};
    static const Py_UCS4 last[] = {'n', 0xe9, 0x3bb, 'x'};
    for (int i = 0; i < 4; i++) {
        PyObject *text = PyUnicode_FromString(texts[i]);
        CHECK(text != NULL && (int)PyUnicode_KIND(text) == kinds[i]);
        CHECK(PyUnicode_READ_CHAR(text, PyUnicode_GET_LENGTH(text) - 1) == last[i]);
        CHECK(strcmp(PyUnicode_AsUTF8(text), texts[i]) == 0);
        Py_DECREF(text);
    }
    CHECK(PyUnicode_FromString("\xff") == NULL && PyErr_ExceptionMatches(PyExc_UnicodeDecodeError));
    PyErr_Clear();
    Py_RETURN_NONE;
}

/* ---- Arguments ---- */

static PyObject *arguments(PyObject *module, PyObject *unused) {
    (void)module, (void)unused;
    int i = 0;
    const char *text = NULL, *bytes = NULL;
    Py_ssize_t size = 0, x = 0, y = 0;
    Py_buffer view;
    PyObject *args = Py_BuildValue("(iszy#y#(nn))", 5, "s", (char *)NULL, "by", (Py_ssize_t)2, "view", (Py_ssize_t)4,
                                   (Py_ssize_t)1, (Py_ssize_t)2);
    const char *none = "set";
    CHECK(args != NULL && PyArg_ParseTuple(args, "iszy#y*(nn):f", &i, &text, &none, &bytes, &size, &view, &x, &y));
    CHECK(i == 5 && strcmp(text, "s") == 0 && none == NULL && size == 2 && view.len == 4 && x == 1 && y == 2);
    PyBuffer_Release(&view);
    CHECK(!PyArg_ParseTuple(args, "i:f", &i));
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    CHECK(type == PyExc_TypeError);
    CHECK(PyUnicode_CompareWithASCIIString(value, "f() takes exactly 1 argument (6 given)") == 0);
    PyErr_NormalizeException(&type, &value, &trace);
    CHECK(PyObject_TypeCheck(value, (PyTypeObject *)PyExc_TypeError));
    Py_DECREF(type);
    Py_DECREF(value);
    Py_XDECREF(trace);
    Py_DECREF(args);
    Py_RETURN_NONE;
}

/* ---- Types ---- */

static PyObject *types(PyObject *module, PyObject *unused) {
    (void)module, (void)unused;
    PyObject *node = PyObject_CallFunction((PyObject *)&NodeType, "l", 21L);
    PyObject *doubled = PyObject_GetAttrString(node, "double");
    CHECK(doubled != NULL && PyLong_AsLong(doubled) == 42);
    Py_DECREF(doubled);
    CHECK(PyObject_SetAttrString(node, "number", Py_True) == 0 && ((Node *)node)->number == 1);
    CHECK(PyObject_SetAttrString(node, "missing", Py_None) < 0 && PyErr_ExceptionMatches(PyExc_AttributeError));
    PyErr_Clear();
    PyObject *sum = PyNumber_Add(node, node);
    CHECK(sum != NULL && ((Node *)sum)->number == 2);
    Py_DECREF(sum);
    CHECK(PyNumber_Add(node, Py_None) == NULL && PyErr_ExceptionMatches(PyExc_TypeError));
    PyErr_Clear();
    /* A subtype made at run time inherits, and has a dict. */
    PyObject *subtype = PyObject_CallFunction((PyObject *)&PyType_Type, "s(O){}", "Sub", &NodeType);
    CHECK(subtype != NULL);
    PyObject *sub = PyObject_CallFunction(subtype, "l", 3L);
    CHECK(sub != NULL && PyObject_SetAttrString(sub, "extra", node) == 0);
    CHECK(PyObject_IsInstance(sub, (PyObject *)&NodeType) == 1 && ((Node *)sub)->number == 3);
    freed = 0;
    Py_DECREF(node);
    Py_DECREF(sub);
    PyGC_Collect();
    CHECK(freed == 2);
    Py_DECREF(subtype);
    Py_RETURN_NONE;
}

/* Subtypes of what has its value in C's memory: the value is the base's, the type is not. */
static PyObject *subtypes(PyObject *module, PyObject *unused) {
    (void)module, (void)unused;
    PyTypeObject *bases[] = {&PyLong_Type, &PyFloat_Type, &PyBytes_Type, &PyUnicode_Type};
    PyObject *values[] = {
        PyLong_FromString("-123456789012345678901234567890", NULL, 10), PyFloat_FromDouble(2.5),
        PyBytes_FromString("some bytes"), PyUnicode_FromString("some text"),
    };
    for (size_t i = 0; i < Py_ARRAY_LENGTH(bases); i++) {
        PyObject *type = PyObject_CallFunction((PyObject *)&PyType_Type, "s(O){}", "Sub", bases[i]);
        CHECK(type != NULL && values[i] != NULL);
        PyObject *sub = PyObject_CallFunctionObjArgs(type, values[i], NULL);
        CHECK(sub != NULL && Py_TYPE(sub) == (PyTypeObject *)type && sub != values[i]);
        CHECK(PyObject_IsInstance(sub, (PyObject *)bases[i]) == 1);
        CHECK(PyObject_RichCompareBool(sub, values[i], Py_EQ) == 1);
        CHECK(PyObject_Hash(sub) == PyObject_Hash(values[i]));
        /* A key is found by an equal one of the other type, also after collections. */
        PyObject *dict = PyDict_New();
        CHECK(PyDict_SetItem(dict, sub, Py_True) == 0);
        Py_DECREF(sub);
        PyGC_Collect();
        CHECK(PyDict_GetItem(dict, values[i]) == Py_True);
        Py_DECREF(dict);
        /* Back to the base: a copy of the very type. */
        sub = PyObject_CallFunctionObjArgs(type, values[i], NULL);
        PyObject *back = PyObject_CallFunctionObjArgs((PyObject *)bases[i], sub, NULL);
        CHECK(back != NULL && PyObject_RichCompareBool(back, values[i], Py_EQ) == 1);
        CHECK(Py_IS_TYPE(back, bases[i]));
        Py_DECREF(back);
        Py_DECREF(sub);
        Py_DECREF(type);
        Py_DECREF(values[i]);
    }
    Py_RETURN_NONE;
}

/* What is nested deep is freed all the same; pieces of text, types with arguments, lists that grow. */
static PyObject *pieces(PyObject *module, PyObject *unused) {
    (void)module, (void)unused;
    freed = 0;
    PyObject *chain = Py_NewRef(Py_None);
    for (long i = 0; i < 100000; i++) {
        PyObject *node = PyObject_CallFunction((PyObject *)&NodeType, "lN", i, chain);
        CHECK(node != NULL);
        chain = node;
    }
    Py_DECREF(chain);
    CHECK(freed == 100000);
    _PyUnicodeWriter writer;
    _PyUnicodeWriter_Init(&writer);
    writer.overallocate = 1;
    PyObject *wide = PyUnicode_FromString("x\xe2\x82\xacy");
    CHECK(_PyUnicodeWriter_WriteASCIIString(&writer, "abc", 2) == 0 && _PyUnicodeWriter_WriteStr(&writer, wide) == 0);
    CHECK(_PyUnicodeWriter_WriteASCIIString(&writer, "d", -1) == 0 && _PyUnicodeWriter_WriteChar(&writer, 'e') == 0);
    CHECK(_PyUnicodeWriter_WriteSubstring(&writer, wide, 1, 2) == 0);
    PyObject *written = _PyUnicodeWriter_Finish(&writer);
    CHECK(written != NULL && strcmp(PyUnicode_AsUTF8(written), "abx\xe2\x82\xacyde\xe2\x82\xac") == 0);
    Py_DECREF(written);
    CHECK(_PyUnicodeWriter_WriteStr(&writer, wide) == 0);
    _PyUnicodeWriter_Dealloc(&writer);
    Py_DECREF(wide);
    PyObject *alias = Py_GenericAlias((PyObject *)&PyList_Type, (PyObject *)&PyLong_Type);
    PyObject *text = PyObject_Repr(alias), *origin = PyObject_GetAttrString(alias, "__origin__");
    CHECK(text != NULL && strcmp(PyUnicode_AsUTF8(text), "list[int]") == 0 && origin == (PyObject *)&PyList_Type);
    PyObject *list = PyObject_CallFunction(alias, NULL), *more = Py_BuildValue("(ii)", 1, 2);
    CHECK(list != NULL && PyList_CheckExact(list));
    PyObject *none = _PyList_Extend((PyListObject *)list, more);
    CHECK(none == Py_None && PyList_GET_SIZE(list) == 2 && PyLong_AsLong(PyList_GET_ITEM(list, 1)) == 2);
    CHECK(_PyList_Extend((PyListObject *)list, Py_None) == NULL && PyErr_ExceptionMatches(PyExc_TypeError));
    PyErr_Clear();
    Py_DECREF(none);
    Py_DECREF(more);
    Py_DECREF(list);
    Py_DECREF(origin);
    Py_DECREF(text);
    Py_DECREF(alias);
    Py_RETURN_NONE;
}

/* Memory of the extension's own becomes an object. */
static PyObject *own_memory(PyObject *module, PyObject *unused) {
    (void)module, (void)unused;
    PyObject *dict = PyDict_New();
    freed = 0;
    Node *node = PyObject_Malloc(sizeof(Node));
    memset((void *)node, 0, sizeof(Node));
    PyObject_Init((PyObject *)node, &NodeType);
    CHECK(PyDict_SetItemString(dict, "node", (PyObject *)node) == 0);
    Py_DECREF(node);
    Py_DECREF(dict);
    PyGC_Collect();
    CHECK(freed == 1);
    Py_RETURN_NONE;
}

/* Another thread may come in while this one lets it. */
static PyObject *threads(PyObject *module, PyObject *unused) {
    (void)module, (void)unused;
    PyThread_type_lock lock = PyThread_allocate_lock();
    CHECK(PyThread_acquire_lock(lock, NOWAIT_LOCK) == 1 && PyThread_acquire_lock(lock, NOWAIT_LOCK) == 0);
    PyThread_release_lock(lock);
    PyThread_free_lock(lock);
    PyObject *text = PyUnicode_FromString("held");
    Py_BEGIN_ALLOW_THREADS
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *list = PyList_New(0);
    PyList_Append(list, text);
    Py_DECREF(list);
    PyGILState_Release(state);
    Py_END_ALLOW_THREADS
    CHECK(Py_REFCNT(text) == 1);
    Py_DECREF(text);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"deaths", deaths, METH_NOARGS, NULL}, {"cycles", cycles, METH_NOARGS, NULL}, {"tuples", tuples, METH_NOARGS, NULL},
    {"weak_references", weak_references, METH_NOARGS, NULL}, {"values", values, METH_NOARGS, NULL},
    {"characters", characters, METH_NOARGS, NULL}, {"arguments", arguments, METH_NOARGS, NULL},
    {"types", types, METH_NOARGS, NULL}, {"own_memory", own_memory, METH_NOARGS, NULL},
    {"threads", threads, METH_NOARGS, NULL}, {"subtypes", subtypes, METH_NOARGS, NULL},
    {"pieces", pieces, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL},
};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "extension", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_extension(void) {
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL || PyModule_AddType(module, &NodeType) < 0)
        return NULL;
    return module;
}

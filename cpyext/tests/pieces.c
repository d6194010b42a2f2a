/*
 * Functions of the API that no rung calls: each is called here, and its answer compared with what CPython's manual says.
 * tests/pieces.rs compiles it and calls its functions.
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

static int raised(PyObject *type) {
    int matches = PyErr_Occurred() != NULL && PyErr_ExceptionMatches(type);
    PyErr_Clear();
    return matches;
}

/* ---- Buffers of two dimensions ---- */

static char grid[] = "abcdef"; /* two rows of three; or three columns of two */

static PyObject *buffers(PyObject *module, PyObject *unused) {
    (void)module, (void)unused;
    Py_ssize_t shape[] = {2, 3}, rows[] = {3, 1}, columns[] = {1, 2}, last[] = {1, 2};
    Py_buffer view = {.buf = grid, .len = 6, .itemsize = 1, .ndim = 2, .shape = shape, .strides = rows, .readonly = 1};
    char to[6];
    CHECK(PyBuffer_IsContiguous(&view, 'C') && !PyBuffer_IsContiguous(&view, 'F') && PyBuffer_IsContiguous(&view, 'A'));
    CHECK(*(char *)PyBuffer_GetPointer(&view, last) == 'f');
    CHECK(PyBuffer_ToContiguous(to, &view, 6, 'C') == 0 && memcmp(to, "abcdef", 6) == 0);
    CHECK(PyBuffer_ToContiguous(to, &view, 6, 'F') == 0 && memcmp(to, "adbecf", 6) == 0);
    CHECK(PyBuffer_ToContiguous(to, &view, 5, 'C') < 0 && raised(PyExc_ValueError));
    view.strides = columns;
    CHECK(!PyBuffer_IsContiguous(&view, 'C') && PyBuffer_IsContiguous(&view, 'F'));
    CHECK(*(char *)PyBuffer_GetPointer(&view, last) == 'f');
    CHECK(PyBuffer_ToContiguous(to, &view, 6, 'C') == 0 && memcmp(to, "acebdf", 6) == 0);
    CHECK(PyBuffer_ToContiguous(to, &view, 6, 'A') == 0 && memcmp(to, "abcdef", 6) == 0);

    /* A memoryview has shape and strides of its own. */
    PyObject *of = PyMemoryView_FromBuffer(&view);
    CHECK(of != NULL && PyMemoryView_Check(of));
    columns[0] = 100;
    Py_buffer again;
    CHECK(PyObject_GetBuffer(of, &again, PyBUF_FULL_RO) == 0);
    CHECK(again.ndim == 2 && again.strides[0] == 1 && again.shape[1] == 3 && again.buf == grid);
    PyBuffer_Release(&again);
    PyObject *same = PyMemoryView_GetContiguous(of, PyBUF_READ, 'F'), *copy = PyMemoryView_GetContiguous(of, PyBUF_READ, 'C');
    CHECK(same != NULL && copy != NULL);
    Py_DECREF(of);
    CHECK(PyObject_GetBuffer(same, &again, PyBUF_FULL_RO) == 0 && again.buf == grid);
    PyBuffer_Release(&again);
    CHECK(PyObject_GetBuffer(copy, &again, PyBUF_FULL_RO) == 0);
    CHECK(PyBuffer_IsContiguous(&again, 'C') && memcmp(again.buf, "acebdf", 6) == 0 && again.strides[0] == 3);
    PyBuffer_Release(&again);
    CHECK(PyMemoryView_GetContiguous(same, PyBUF_WRITE, 'C') == NULL && raised(PyExc_BufferError));
    Py_DECREF(same);
    Py_DECREF(copy);
    view.buf = NULL;
    CHECK(PyMemoryView_FromBuffer(&view) == NULL && raised(PyExc_ValueError));
    Py_RETURN_NONE;
}

/* ---- Methods of types ---- */

static PyObject *named(PyObject *self, PyObject *unused) {
    (void)unused;
    return Py_NewRef(self);
}
static PyMethodDef named_def = {"named", named, METH_NOARGS, NULL};

static PyObject *methods_of_types(PyObject *module, PyObject *unused) {
    (void)unused;
    PyObject *function = PyCFunction_New(&named_def, module);
    PyObject *by_type = PyClassMethod_New((PyObject *)&PyType_Type), *plain = PyStaticMethod_New(function);
    PyObject *type = PyObject_CallFunction((PyObject *)&PyType_Type, "s(){sOsO}", "T", "kind", by_type, "same", plain);
    CHECK(type != NULL && Py_IS_TYPE(plain, &PyStaticMethod_Type) && Py_IS_TYPE(by_type, &PyClassMethod_Type));
    PyObject *one = PyObject_CallNoArgs(type);
    CHECK(one != NULL);
    /* type, bound to T: T is what it is called with, whose type is `type`. */
    PyObject *kind = PyObject_CallMethod(one, "kind", NULL), *kind_of_type = PyObject_CallMethod(type, "kind", NULL);
    CHECK(kind == (PyObject *)&PyType_Type && kind_of_type == kind);
    Py_DECREF(kind);
    Py_DECREF(kind_of_type);
    PyObject *same = PyObject_GetAttrString(one, "same"), *wrapped = PyObject_GetAttrString(plain, "__func__");
    CHECK(same == function && wrapped == function);
    Py_DECREF(same);
    Py_DECREF(wrapped);
    PyObject *called = PyObject_CallNoArgs(plain);
    CHECK(called == module);
    Py_DECREF(called);
    /* A descriptor of a table's method. */
    PyObject *descriptor = PyDescr_NewClassMethod((PyTypeObject *)type, &named_def);
    CHECK(descriptor != NULL && PyObject_SetAttrString(type, "me", descriptor) == 0);
    PyObject *me = PyObject_CallMethod(one, "me", NULL);
    CHECK(me == type);
    Py_DECREF(me);
    Py_DECREF(descriptor);
    Py_DECREF(one);
    Py_DECREF(plain);
    Py_DECREF(by_type);
    /* What Python code makes: nothing is one. */
    CHECK(!PyFunction_Check(function) && !PyTraceBack_Check(function));
    CHECK(PyObject_CallNoArgs((PyObject *)&PyFunction_Type) == NULL && raised(PyExc_TypeError));
    Py_DECREF(function);
    Py_RETURN_NONE;
}

/* ---- Attributes ---- */

static PyObject *attributes(PyObject *module, PyObject *ob) {
    (void)module;
    PyObject *name = PyUnicode_InternFromString("v"), *mine = PyDict_New(), *number = PyLong_FromLong(77777);
    CHECK(name != NULL && mine != NULL && number != NULL && PyDict_SetItem(mine, name, number) == 0);
    PyObject *own = PyObject_GenericGetAttr(ob, name), *other = _PyObject_GenericGetAttrWithDict(ob, name, mine, 0);
    CHECK(own != NULL && other != NULL && other != own && PyObject_RichCompareBool(other, number, Py_EQ) == 1);
    Py_DECREF(other);
    other = _PyObject_GenericGetAttrWithDict(ob, name, NULL, 1);
    CHECK(other != NULL && PyObject_RichCompareBool(other, own, Py_EQ) == 1);
    Py_DECREF(other);
    PyObject *absent = PyUnicode_InternFromString("absent");
    CHECK(_PyObject_GenericGetAttrWithDict(ob, absent, mine, 1) == NULL && !PyErr_Occurred());
    CHECK(_PyObject_GenericGetAttrWithDict(ob, absent, NULL, 0) == NULL && raised(PyExc_AttributeError));
    /* Another dict, also through the attribute; it stays while the object does. */
    CHECK(PyObject_GenericSetDict(ob, name, NULL) < 0 && raised(PyExc_TypeError));
    CHECK(PyObject_GenericSetDict(ob, NULL, NULL) < 0 && raised(PyExc_TypeError));
    CHECK(PyObject_SetAttrString(ob, "__dict__", mine) == 0);
    Py_DECREF(mine);
    PyGC_Collect();
    other = PyObject_GetAttr(ob, name);
    CHECK(other != NULL && PyObject_RichCompareBool(other, number, Py_EQ) == 1);
    mine = _PyDict_NewPresized(100);
    CHECK(mine != NULL && PyDict_Size(mine) == 0 && PyObject_GenericSetDict(ob, mine, NULL) == 0);
    Py_DECREF(mine);
    PyGC_Collect();
    CHECK(PyObject_GetAttr(ob, name) == NULL && raised(PyExc_AttributeError));
    CHECK(PyObject_SetAttr(ob, name, own) == 0 && PyObject_HasAttr(ob, name));
    Py_DECREF(other);
    Py_DECREF(own);
    Py_DECREF(number);
    Py_DECREF(absent);
    Py_DECREF(name);
    Py_RETURN_NONE;
}

/* ---- Arrays of characters, bytes of floats, single look-ups ---- */

static PyObject *copies(PyObject *module, PyObject *unused) {
    (void)unused;
    const Py_UCS4 wanted[] = {'a', 0xe4, 0x1f600, 'a', 0};
    Py_UCS4 room[5];
    wchar_t wide[5];
    PyObject *text = PyUnicode_FromWideChar(L"a\u00e4\U0001f600a", -1), *none = PyUnicode_FromWideChar(NULL, 0);
    CHECK(text != NULL && PyUnicode_GET_LENGTH(text) == 4 && none != NULL && PyUnicode_GET_LENGTH(none) == 0);
    CHECK(PyUnicode_AsUCS4(text, room, 5, 1) == room && memcmp(room, wanted, sizeof wanted) == 0);
    CHECK(PyUnicode_AsUCS4(text, room, 4, 1) == NULL && raised(PyExc_SystemError));
    Py_UCS4 *copy = PyUnicode_AsUCS4Copy(text);
    CHECK(copy != NULL && memcmp(copy, wanted, sizeof wanted) == 0);
    PyMem_Free(copy);
    CHECK(PyUnicode_AsWideChar(text, NULL, 0) == 5 && PyUnicode_AsWideChar(text, wide, 5) == 4 && wide[4] == 0);
    CHECK(PyUnicode_AsWideChar(text, wide, 2) == 2 && wide[1] == 0xe4);
    Py_ssize_t size;
    wchar_t *all = PyUnicode_AsWideCharString(text, &size);
    CHECK(all != NULL && size == 4 && all[2] == 0x1f600 && all[4] == 0);
    PyMem_Free(all);
    CHECK(PyUnicode_FindChar(text, 'a', 0, 4, 1) == 0 && PyUnicode_FindChar(text, 'a', 0, 4, -1) == 3);
    CHECK(PyUnicode_FindChar(text, 'a', 1, -1, 1) == -1 && PyUnicode_FindChar(text, 0x1f600, -3, 99, 1) == 2);
    Py_DECREF(none);
    none = PyUnicode_FromWideChar(L"\0x", 2);
    CHECK(PyUnicode_AsWideCharString(none, NULL) == NULL && raised(PyExc_ValueError));
    Py_DECREF(none);
    Py_DECREF(text);
    text = PyUnicode_DecodeFSDefault("name");
    CHECK(text != NULL && PyUnicode_CompareWithASCIIString(text, "name") == 0);
    CHECK(strcmp(PyUnicode_GetDefaultEncoding(), "utf-8") == 0 && Py_Version == PY_VERSION_HEX && !_Py_IsFinalizing());
    Py_DECREF(text);

    char bytes[8];
    CHECK(PyFloat_Pack4(-2.5, bytes, 0) == 0 && memcmp(bytes, "\xc0\x20\0\0", 4) == 0 && PyFloat_Unpack4(bytes, 0) == -2.5);
    CHECK(PyFloat_Pack8(1.0, bytes, 1) == 0 && memcmp(bytes, "\0\0\0\0\0\0\xf0\x3f", 8) == 0);
    CHECK(PyFloat_Unpack8(bytes, 1) == 1.0 && PyFloat_Pack4(1e300, bytes, 1) < 0 && raised(PyExc_OverflowError));

    text = PyUnicode_FromString("-ff");
    PyObject *number = PyLong_FromUnicodeObject(text, 16);
    CHECK(number != NULL && PyLong_AsLong(number) == -255);
    PyObject *dict = PyDict_New();
    CHECK(_PyDict_SetItem_KnownHash(dict, text, number, PyObject_Hash(text)) == 0);
    CHECK(_PyDict_GetItem_KnownHash(dict, text, PyObject_Hash(text)) == number);
    CHECK(_PyDict_GetItem_KnownHash(dict, number, PyObject_Hash(number)) == NULL && !PyErr_Occurred());
    PyObject *popped = _PyDict_Pop(dict, text, NULL), *missing = _PyDict_Pop(dict, text, Py_None);
    CHECK(popped == number && missing == Py_None && PyDict_Size(dict) == 0);
    CHECK(_PyDict_Pop(dict, text, NULL) == NULL && raised(PyExc_KeyError));
    Py_DECREF(missing);
    Py_DECREF(popped);
    Py_DECREF(dict);
    Py_DECREF(text);
    Py_DECREF(number);
    PyObject *list = Py_BuildValue("[iiii]", 0, 1, 2, 3);
    CHECK(PySequence_DelSlice(list, 1, 3) == 0 && PyList_GET_SIZE(list) == 2);
    CHECK(PyLong_AsLong(PyList_GET_ITEM(list, 1)) == 3);
    Py_DECREF(list);

    /* Modules that are loaded; a capsule in one, by its name. */
    PyObject *name = PyUnicode_FromString("pieces"), *absent = PyUnicode_FromString("no_such_module");
    PyObject *found = PyImport_GetModule(name), *capsule = PyCapsule_New(grid, "pieces.grid", NULL);
    CHECK(found == module && PyImport_GetModule(absent) == NULL && !PyErr_Occurred());
    CHECK(capsule != NULL && PyObject_SetAttrString(module, "grid", capsule) == 0);
    CHECK(PyCapsule_Import("pieces.grid", 0) == grid);
    CHECK(PyObject_SetAttrString(module, "other", capsule) == 0);
    CHECK(PyCapsule_Import("pieces.other", 0) == NULL && raised(PyExc_AttributeError));
    CHECK(PyObject_DelAttrString(module, "other") == 0 && PyObject_DelAttrString(module, "grid") == 0);
    Py_DECREF(capsule);
    Py_DECREF(found);
    Py_DECREF(name);
    Py_DECREF(absent);
    Py_RETURN_NONE;
}

/* ---- Texts, arguments, the system ---- */

static PyObject *others(PyObject *module, PyObject *unused) {
    (void)module, (void)unused;
    PyObject *text = PyUnicode_FromString("crossing"), *head = PyUnicode_FromString("cross"), *tail = PyUnicode_FromString("ing");
    CHECK(PyUnicode_Tailmatch(text, head, 0, PY_SSIZE_T_MAX, -1) == 1);
    CHECK(PyUnicode_Tailmatch(text, tail, 0, PY_SSIZE_T_MAX, 1) == 1);
    CHECK(PyUnicode_Tailmatch(text, tail, 0, -1, 1) == 0 && PyUnicode_Tailmatch(text, tail, -3, 8, -1) == 1);
    CHECK(PyUnicode_Tailmatch(text, head, 9, 20, -1) == 0 && PyUnicode_Tailmatch(Py_None, head, 0, 1, 1) == -1);
    CHECK(raised(PyExc_TypeError));
    Py_DECREF(text);
    Py_DECREF(head);
    Py_DECREF(tail);
    text = PyUnicode_DecodeFSDefaultAndSize("a\xff\xc3\xa4", 4);
    CHECK(text != NULL && PyUnicode_GET_LENGTH(text) == 3);
    CHECK(PyUnicode_READ_CHAR(text, 1) == 0xdcff && PyUnicode_READ_CHAR(text, 2) == 0xe4);
    Py_DECREF(text);

    PyObject *dict = PyDict_New();
    CHECK(_PyArg_NoKeywords("f", NULL) && _PyArg_NoKeywords("f", dict));
    CHECK(PyDict_SetItemString(dict, "x", Py_None) == 0 && !_PyArg_NoKeywords("f", dict) && raised(PyExc_TypeError));
    Py_DECREF(dict);

    _PyTime_t before = _PyTime_GetMonotonicClock(), now = _PyTime_GetSystemClock();
    CHECK(_PyTime_GetMonotonicClock() >= before && now > (_PyTime_t)1700000000 * 1000000000);
    unsigned char bytes[64] = {0};
    unsigned sum = 0;
    CHECK(_PyOS_URandomNonblock(bytes, sizeof bytes) == 0);
    for (size_t i = 0; i < sizeof bytes; i++)
        sum += bytes[i];
    CHECK(sum > 0 && Py_OptimizeFlag == 0);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"buffers", buffers, METH_NOARGS, NULL}, {"methods_of_types", methods_of_types, METH_NOARGS, NULL},
    {"attributes", attributes, METH_O, NULL}, {"others", others, METH_NOARGS, NULL},
    {"copies", copies, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL},
};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "pieces", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_pieces(void) { return PyModule_Create(&definition); }

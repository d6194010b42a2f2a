/*
 * Objects made by a format: Py_BuildValue.
 *
 * One unit makes one object; several make a tuple; parentheses, brackets and braces nest.
 */
#include <Python.h>

typedef struct {
    va_list list;
    const char *format;
} Build;

static PyObject *build_one(Build *from);

/* Units until `end`. An error is remembered, and the rest is read all the same: N gives references away. */
static PyObject *build_list(Build *from, char end) {
    PyObject *items = PyList_New(0);
    int failed = items == NULL;
    for (;;) {
        while (*from->format == ',' || *from->format == ' ' || *from->format == '\t' || *from->format == ':')
            from->format++;
        if (*from->format == end)
            break;
        if (*from->format == 0) {
            PyErr_SetString(PyExc_SystemError, "unmatched paren in format");
            failed = 1;
            break;
        }
        PyObject *item = build_one(from);
        if (item == NULL || failed || PyList_Append(items, item) < 0)
            failed = 1;
        Py_XDECREF(item);
    }
    if (*from->format != 0)
        from->format++;
    if (failed)
        Py_CLEAR(items);
    return items;
}

static PyObject *build_tuple(Build *from, char end) {
    PyObject *items = build_list(from, end);
    PyObject *tuple = items == NULL ? NULL : PyList_AsTuple(items);
    Py_XDECREF(items);
    return tuple;
}

static PyObject *build_dict(Build *from) {
    PyObject *items = build_list(from, '}');
    PyObject *dict = items == NULL ? NULL : PyDict_New();
    for (Py_ssize_t i = 0; dict != NULL && i + 1 < PyList_GET_SIZE(items); i += 2)
        if (PyDict_SetItem(dict, PyList_GET_ITEM(items, i), PyList_GET_ITEM(items, i + 1)) < 0)
            Py_CLEAR(dict);
    Py_XDECREF(items);
    return dict;
}

static PyObject *build_text(Build *from, int bytes) {
    const char *text = va_arg(from->list, const char *);
    Py_ssize_t length = -1;
    if (*from->format == '#') {
        from->format++;
        length = va_arg(from->list, Py_ssize_t);
    }
    if (text == NULL)
        return Py_NewRef(Py_None);
    if (length < 0)
        length = (Py_ssize_t)strlen(text);
    return bytes ? PyBytes_FromStringAndSize(text, length) : PyUnicode_FromStringAndSize(text, length);
}

static PyObject *build_one(Build *from) {
    switch (*from->format++) {
    case '(':
        return build_tuple(from, ')');
    case '[':
        return build_list(from, ']');
    case '{':
        return build_dict(from);
    case 'b': case 'h': case 'i':
        return PyLong_FromLong(va_arg(from->list, int));
    case 'B': case 'H':
        return PyLong_FromLong(va_arg(from->list, int));
    case 'I':
        return PyLong_FromUnsignedLong(va_arg(from->list, unsigned int));
    case 'l':
        return PyLong_FromLong(va_arg(from->list, long));
    case 'k':
        return PyLong_FromUnsignedLong(va_arg(from->list, unsigned long));
    case 'L':
        return PyLong_FromLongLong(va_arg(from->list, long long));
    case 'K':
        return PyLong_FromUnsignedLongLong(va_arg(from->list, unsigned long long));
    case 'n':
        return PyLong_FromSsize_t(va_arg(from->list, Py_ssize_t));
    case 'p':
        return PyBool_FromLong(va_arg(from->list, int));
    case 'd': case 'f':
        return PyFloat_FromDouble(va_arg(from->list, double));
    case 'c': {
        char c = (char)va_arg(from->list, int);
        return PyBytes_FromStringAndSize(&c, 1);
    }
    case 'C':
        return PyUnicode_FromOrdinal(va_arg(from->list, int));
    case 's': case 'z': case 'U':
        return build_text(from, 0);
    case 'y':
        return build_text(from, 1);
    case 'N': case 'S': case 'O': {
        char unit = from->format[-1];
        if (*from->format == '&') {
            typedef PyObject *(*Converter)(void *);
            Converter converter = va_arg(from->list, Converter);
            void *argument = va_arg(from->list, void *);
            from->format++;
            return converter(argument);
        }
        PyObject *ob = va_arg(from->list, PyObject *);
        if (ob == NULL && !PyErr_Occurred())
            PyErr_SetString(PyExc_SystemError, "NULL object passed to Py_BuildValue");
        if (unit != 'N')
            Py_XINCREF(ob);
        return ob;
    }
    default:
        PyErr_SetString(PyExc_SystemError, "bad format char passed to Py_BuildValue");
        return NULL;
    }
}

PyObject *Py_VaBuildValue(const char *format, va_list list) {
    Build from;
    va_copy(from.list, list);
    from.format = format;
    PyObject *tuple = build_tuple(&from, 0);
    va_end(from.list);
    if (tuple == NULL)
        return NULL;
    PyObject *value = tuple;
    if (PyTuple_GET_SIZE(tuple) == 0)
        value = Py_NewRef(Py_None);
    else if (PyTuple_GET_SIZE(tuple) == 1)
        value = Py_NewRef(PyTuple_GET_ITEM(tuple, 0));
    if (value != tuple)
        Py_DECREF(tuple);
    return value;
}

PyObject *Py_BuildValue(const char *format, ...) {
    va_list list;
    va_start(list, format);
    PyObject *value = Py_VaBuildValue(format, list);
    va_end(list);
    return value;
}

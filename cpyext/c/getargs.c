/*
 * Arguments taken apart by a format: PyArg_ParseTuple and its kin.
 *
 * The format is read twice: once to count what it wants, once while arguments are converted. Buffers that were filled,
 * and what converters ask to undo, are undone when a later argument fails.
 */
#include <Python.h>

#define UNDO_MAX 40

typedef struct {
    Py_buffer *buffer; /* to release; or else */
    int (*converter)(PyObject *, void *);
    void *place;
} Undo;

typedef struct {
    va_list list;
    const char *format;
    const char *name;    /* of the function, or NULL */
    const char *message; /* instead of all others, or NULL */
    Undo undo[UNDO_MAX];
    int undos;
} Parse;

static void undo_all(Parse *from) {
    for (int i = 0; i < from->undos; i++) {
        if (from->undo[i].buffer != NULL)
            PyBuffer_Release(from->undo[i].buffer);
        else
            from->undo[i].converter(NULL, from->undo[i].place);
    }
    from->undos = 0;
}

static int remember(Parse *from, Py_buffer *buffer, int (*converter)(PyObject *, void *), void *place) {
    if (from->undos == UNDO_MAX) {
        PyErr_SetString(PyExc_SystemError, "too many buffers in one format");
        return 0;
    }
    from->undo[from->undos++] = (Undo){buffer, converter, place};
    return 1;
}

/* The function's name for messages: "name()" or `otherwise`. */
static const char *shown(const Parse *from, const char *otherwise, char *room, size_t size) {
    if (from->name == NULL)
        return otherwise;
    snprintf(room, size, "%.150s()", from->name);
    return room;
}

static const char *kind_of(PyObject *ob) {
    return ob == Py_None ? "None" : Py_TYPE(ob)->tp_name;
}

/* A TypeError for argument `at` (from 1; 0 for the only one), unless something is raised already. Answers 0. */
static int wrong(Parse *from, int at, const char *wanted, PyObject *ob) {
    char room[200], place[40] = "argument";
    if (PyErr_Occurred())
        return 0;
    if (from->message != NULL) {
        PyErr_SetString(PyExc_TypeError, from->message);
        return 0;
    }
    if (at > 0)
        snprintf(place, sizeof place, "argument %d", at);
    const char *name = shown(from, "", room, sizeof room);
    PyErr_Format(PyExc_TypeError, "%s%s%s must be %s, not %s", name, *name != 0 ? " " : "", place, wanted, kind_of(ob));
    return 0;
}

static int convert(Parse *from, PyObject *ob, int at);

static int is_unit(char c) {
    return isalpha((unsigned char)c) || c == '(';
}

/* The number of units in a format until its end or the matching parenthesis; and where the optional ones begin. */
static int count_units(const char *format, int *optional, int *keyword_only) {
    int depth = 0, units = 0;
    *optional = *keyword_only = -1;
    for (; *format != 0 && *format != ':' && *format != ';'; format++) {
        if (*format == ')') {
            if (depth == 0)
                break;
            depth--;
        } else if (*format == '(') {
            units += depth == 0;
            depth++;
        } else if (depth > 0) {
            continue;
        } else if (*format == '|') {
            *optional = units;
        } else if (*format == '$') {
            *keyword_only = units;
        } else if (*format == 'e' && (format[1] == 's' || format[1] == 't')) {
            units++;
            format++;
        } else if (is_unit(*format)) {
            units++;
        }
    }
    if (*optional < 0)
        *optional = units;
    return units;
}

static int convert_nested(Parse *from, PyObject *ob, int at) {
    int optional, keyword_only;
    int units = count_units(from->format, &optional, &keyword_only);
    char wanted[60];
    if (!PySequence_Check(ob) || PyBytes_Check(ob) || PyUnicode_Check(ob) || PySequence_Size(ob) != units) {
        snprintf(wanted, sizeof wanted, "%d-item sequence", units);
        return wrong(from, at, wanted, ob);
    }
    for (int i = 0; i < units; i++) {
        PyObject *item = PySequence_GetItem(ob, i);
        if (item == NULL)
            return 0;
        /* Borrowed from the sequence, as CPython has it. */
        int done = convert(from, item, at);
        Py_DECREF(item);
        if (!done)
            return 0;
    }
    if (*from->format == ')')
        from->format++;
    return 1;
}

static int fill_buffer(Parse *from, PyObject *ob, int at, int flags) {
    Py_buffer *view = va_arg(from->list, Py_buffer *);
    if (PyObject_GetBuffer(ob, view, flags) != 0)
        return wrong(from, at, flags == PyBUF_WRITABLE ? "read-write bytes-like object" : "bytes-like object", ob);
    if (!PyBuffer_IsContiguous(view, 'C')) {
        PyBuffer_Release(view);
        return wrong(from, at, "contiguous buffer", ob);
    }
    return remember(from, view, NULL, NULL);
}

/* s, z and y, with what follows them. */
static int convert_text(Parse *from, PyObject *ob, int at, char unit) {
    const char *text = NULL;
    Py_ssize_t length = 0;
    char next = *from->format;
    const char *wanted = unit == 'y' ? "bytes" : unit == 'z' ? "str or None" : "str";
    if (next == '*') {
        from->format++;
        if (unit == 'y' || (!PyUnicode_Check(ob) && !(unit == 'z' && ob == Py_None)))
            return fill_buffer(from, ob, at, PyBUF_SIMPLE);
        Py_buffer *view = va_arg(from->list, Py_buffer *);
        if (ob == Py_None)
            return PyBuffer_FillInfo(view, NULL, NULL, 0, 1, 0) == 0;
        text = PyUnicode_AsUTF8AndSize(ob, &length);
        if (text == NULL || PyBuffer_FillInfo(view, ob, (void *)(uintptr_t)text, length, 1, 0) != 0)
            return 0;
        return remember(from, view, NULL, NULL);
    }
    if (ob == Py_None && unit == 'z') {
        text = NULL;
    } else if (unit != 'y' && PyUnicode_Check(ob)) {
        text = PyUnicode_AsUTF8AndSize(ob, &length);
        if (text == NULL)
            return 0;
    } else if (PyBytes_Check(ob) && (unit == 'y' || next == '#')) {
        text = PyBytes_AS_STRING(ob);
        length = PyBytes_GET_SIZE(ob);
    } else if (next == '#') {
        /* Only what cannot change or go away while nobody holds a view. */
        Py_buffer view;
        PyBufferProcs *table = Py_TYPE(ob)->tp_as_buffer;
        if (table == NULL || table->bf_getbuffer == NULL || table->bf_releasebuffer != NULL)
            return wrong(from, at, "read-only bytes-like object", ob);
        if (PyObject_GetBuffer(ob, &view, PyBUF_SIMPLE) != 0)
            return 0;
        text = view.buf;
        length = view.len;
        PyBuffer_Release(&view);
    } else {
        return wrong(from, at, wanted, ob);
    }
    *va_arg(from->list, const char **) = text;
    if (next == '#') {
        from->format++;
        *va_arg(from->list, Py_ssize_t *) = length;
    } else if (text != NULL && strlen(text) != (size_t)length) {
        PyErr_SetString(PyExc_ValueError, unit == 'y' ? "embedded null byte" : "embedded null character");
        return 0;
    }
    return 1;
}

static int bounded(PyObject *ob, long least, long most, const char *kind, long *value) {
    *value = PyLong_AsLong(ob);
    if (*value == -1 && PyErr_Occurred())
        return 0;
    if (*value < least || *value > most) {
        PyErr_Format(PyExc_OverflowError, "%s is %s than %s", kind, *value < least ? "less" : "greater",
                     *value < least ? "minimum" : "maximum");
        return 0;
    }
    return 1;
}

static int convert_object(Parse *from, PyObject *ob, int at) {
    if (*from->format == '!') {
        PyTypeObject *type = va_arg(from->list, PyTypeObject *);
        PyObject **place = va_arg(from->list, PyObject **);
        from->format++;
        if (!PyObject_TypeCheck(ob, type))
            return wrong(from, at, type->tp_name, ob);
        *place = ob;
        return 1;
    }
    if (*from->format == '&') {
        typedef int (*Converter)(PyObject *, void *);
        Converter converter = va_arg(from->list, Converter);
        void *place = va_arg(from->list, void *);
        from->format++;
        int answer = converter(ob, place);
        if (answer == 0)
            return wrong(from, at, "(unspecified)", ob);
        return answer != Py_CLEANUP_SUPPORTED || remember(from, NULL, converter, place);
    }
    *va_arg(from->list, PyObject **) = ob;
    return 1;
}

/* Converts one argument; the format is behind its unit afterwards. */
static int convert(Parse *from, PyObject *ob, int at) {
    char unit = *from->format++;
    long value;
    switch (unit) {
    case '(':
        return convert_nested(from, ob, at);
    case 'b':
        if (!bounded(ob, 0, UCHAR_MAX, "unsigned byte integer", &value))
            return 0;
        *va_arg(from->list, unsigned char *) = (unsigned char)value;
        return 1;
    case 'B':
        *va_arg(from->list, unsigned char *) = (unsigned char)PyLong_AsUnsignedLongMask(ob);
        return !PyErr_Occurred();
    case 'h':
        if (!bounded(ob, SHRT_MIN, SHRT_MAX, "signed short integer", &value))
            return 0;
        *va_arg(from->list, short *) = (short)value;
        return 1;
    case 'H':
        *va_arg(from->list, unsigned short *) = (unsigned short)PyLong_AsUnsignedLongMask(ob);
        return !PyErr_Occurred();
    case 'i':
        if (!bounded(ob, INT_MIN, INT_MAX, "signed integer", &value))
            return 0;
        *va_arg(from->list, int *) = (int)value;
        return 1;
    case 'I':
        *va_arg(from->list, unsigned int *) = (unsigned int)PyLong_AsUnsignedLongMask(ob);
        return !PyErr_Occurred();
    case 'l':
        *va_arg(from->list, long *) = PyLong_AsLong(ob);
        return !PyErr_Occurred();
    case 'k':
        if (!PyLong_Check(ob))
            return wrong(from, at, "int", ob);
        *va_arg(from->list, unsigned long *) = PyLong_AsUnsignedLongMask(ob);
        return !PyErr_Occurred();
    case 'L':
        *va_arg(from->list, long long *) = PyLong_AsLongLong(ob);
        return !PyErr_Occurred();
    case 'K':
        if (!PyLong_Check(ob))
            return wrong(from, at, "int", ob);
        *va_arg(from->list, unsigned long long *) = PyLong_AsUnsignedLongLongMask(ob);
        return !PyErr_Occurred();
    case 'n':
        *va_arg(from->list, Py_ssize_t *) = PyNumber_AsSsize_t(ob, PyExc_OverflowError);
        return !PyErr_Occurred();
    case 'f':
        *va_arg(from->list, float *) = (float)PyFloat_AsDouble(ob);
        return !PyErr_Occurred();
    case 'd':
        *va_arg(from->list, double *) = PyFloat_AsDouble(ob);
        return !PyErr_Occurred();
    case 'p': {
        int truth = PyObject_IsTrue(ob);
        *va_arg(from->list, int *) = truth;
        return truth >= 0;
    }
    case 'c':
        if (!PyBytes_Check(ob) || PyBytes_GET_SIZE(ob) != 1)
            return wrong(from, at, "a byte string of length 1", ob);
        *va_arg(from->list, char *) = PyBytes_AS_STRING(ob)[0];
        return 1;
    case 'C':
        if (!PyUnicode_Check(ob) || PyUnicode_GET_LENGTH(ob) != 1)
            return wrong(from, at, "a unicode character", ob);
        *va_arg(from->list, int *) = (int)PyUnicode_READ_CHAR(ob, 0);
        return 1;
    case 's': case 'z': case 'y':
        return convert_text(from, ob, at, unit);
    case 'w':
        if (*from->format != '*')
            break;
        from->format++;
        return fill_buffer(from, ob, at, PyBUF_WRITABLE);
    case 'S':
        if (!PyBytes_Check(ob))
            return wrong(from, at, "bytes", ob);
        *va_arg(from->list, PyObject **) = ob;
        return 1;
    case 'Y':
        if (!PyByteArray_Check(ob))
            return wrong(from, at, "bytearray", ob);
        *va_arg(from->list, PyObject **) = ob;
        return 1;
    case 'U':
        if (!PyUnicode_Check(ob))
            return wrong(from, at, "str", ob);
        *va_arg(from->list, PyObject **) = ob;
        return 1;
    case 'O':
        return convert_object(from, ob, at);
    }
    PyErr_Format(PyExc_SystemError, "bad format char '%c' passed to PyArg_Parse*", unit);
    return 0;
}

/* Passes a unit and the places that belong to it. */
static void skip(Parse *from) {
    char unit = *from->format++;
    if (unit == '(') {
        while (*from->format != 0 && *from->format != ')')
            skip(from);
        if (*from->format == ')')
            from->format++;
        return;
    }
    (void)va_arg(from->list, void *);
    char next = *from->format;
    if ((unit == 'O' && (next == '!' || next == '&')) || ((unit == 's' || unit == 'z' || unit == 'y') && next == '#')) {
        (void)va_arg(from->list, void *);
        from->format++;
    } else if ((unit == 's' || unit == 'z' || unit == 'y' || unit == 'w') && next == '*') {
        from->format++;
    }
}

static void pass_marks(Parse *from) {
    while (*from->format == '|' || *from->format == '$')
        from->format++;
}

static void begin(Parse *from, const char *format, va_list list) {
    const char *end = strpbrk(format, ":;");
    from->format = format;
    from->name = end != NULL && *end == ':' ? end + 1 : NULL;
    from->message = end != NULL && *end == ';' ? end + 1 : NULL;
    from->undos = 0;
    va_copy(from->list, list);
}

static int finish(Parse *from, int done) {
    if (!done)
        undo_all(from);
    va_end(from->list);
    return done;
}

int PyArg_VaParse(PyObject *args, const char *format, va_list list) {
    Parse from;
    int least, keyword_only, most = count_units(format, &least, &keyword_only);
    char room[200];
    if (args == NULL || !PyTuple_Check(args)) {
        PyErr_SetString(PyExc_SystemError, "new style getargs format but argument is not a tuple");
        return 0;
    }
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    begin(&from, format, list);
    if (count < least || count > most) {
        int bound = count < least ? least : most;
        if (from.message != NULL)
            PyErr_SetString(PyExc_TypeError, from.message);
        else if (most == 0)
            PyErr_Format(PyExc_TypeError, "%s takes no arguments", shown(&from, "function", room, sizeof room));
        else
            PyErr_Format(PyExc_TypeError, "%s takes %s %d argument%s (%zd given)",
                         shown(&from, "function", room, sizeof room),
                         least == most ? "exactly" : count < least ? "at least" : "at most", bound, bound == 1 ? "" : "s",
                         count);
        return finish(&from, 0);
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        pass_marks(&from);
        if (!convert(&from, PyTuple_GET_ITEM(args, i), (int)i + 1))
            return finish(&from, 0);
    }
    return finish(&from, 1);
}

int PyArg_ParseTuple(PyObject *args, const char *format, ...) {
    va_list list;
    va_start(list, format);
    int done = PyArg_VaParse(args, format, list);
    va_end(list);
    return done;
}

int PyArg_Parse(PyObject *ob, const char *format, ...) {
    Parse from;
    va_list list;
    va_start(list, format);
    begin(&from, format, list);
    int done = finish(&from, convert(&from, ob, 0));
    va_end(list);
    return done;
}

/* The keywords that name no parameter: the first of them raises. */
static int check_names(Parse *from, PyObject *kwargs, char **names, int positional_only, int most) {
    Py_ssize_t at = 0;
    PyObject *key, *value;
    char room[200];
    while (PyDict_Next(kwargs, &at, &key, &value)) {
        int known = 0;
        if (!PyUnicode_Check(key)) {
            PyErr_SetString(PyExc_TypeError, "keywords must be strings");
            return 0;
        }
        for (int i = positional_only; i < most && !known; i++)
            known = PyUnicode_CompareWithASCIIString(key, names[i]) == 0;
        if (!known) {
            PyErr_Format(PyExc_TypeError, "'%S' is an invalid keyword argument for %s", key,
                         shown(from, "this function", room, sizeof room));
            return 0;
        }
    }
    return 1;
}

int PyArg_VaParseTupleAndKeywords(PyObject *args, PyObject *kwargs, const char *format, char **names, va_list list) {
    Parse from;
    int least, keyword_only, units = count_units(format, &least, &keyword_only), positional_only = 0, most = 0;
    char room[200];
    while (names[positional_only] != NULL && *names[positional_only] == 0)
        positional_only++;
    for (most = positional_only; names[most] != NULL;)
        most++;
    begin(&from, format, list);
    if (units != most) {
        PyErr_SetString(PyExc_SystemError, "more argument specifiers than keyword list entries, or fewer");
        return finish(&from, 0);
    }
    Py_ssize_t count = PyTuple_GET_SIZE(args), named = kwargs == NULL ? 0 : PyDict_Size(kwargs);
    int positional = keyword_only < 0 ? most : keyword_only;
    if (count + named > most) {
        PyErr_Format(PyExc_TypeError, "%s takes %s %d %sargument%s (%zd given)",
                     shown(&from, "function", room, sizeof room), least == most ? "exactly" : "at most", most,
                     count == 0 ? "keyword " : "", most == 1 ? "" : "s", count + named);
        return finish(&from, 0);
    }
    if (count > positional) {
        if (positional == 0)
            PyErr_Format(PyExc_TypeError, "%s takes no positional arguments", shown(&from, "function", room, sizeof room));
        else
            PyErr_Format(PyExc_TypeError, "%s takes %s %d positional argument%s (%zd given)",
                         shown(&from, "function", room, sizeof room), least < positional ? "at most" : "exactly", positional,
                         positional == 1 ? "" : "s", count);
        return finish(&from, 0);
    }
    for (int i = 0; i < most; i++) {
        PyObject *ob = i < count ? PyTuple_GET_ITEM(args, i) : NULL;
        PyObject *by_name = named > 0 && i >= positional_only ? PyDict_GetItemString(kwargs, names[i]) : NULL;
        if (ob != NULL && by_name != NULL) {
            PyErr_Format(PyExc_TypeError, "argument for %s given by name ('%s') and position (%d)",
                         shown(&from, "function", room, sizeof room), names[i], i + 1);
            return finish(&from, 0);
        }
        if (ob == NULL)
            ob = by_name;
        pass_marks(&from);
        if (ob != NULL) {
            if (!convert(&from, ob, i + 1))
                return finish(&from, 0);
        } else if (i < least) {
            if (named > 0 && !check_names(&from, kwargs, names, positional_only, most))
                return finish(&from, 0);
            if (i < positional_only)
                PyErr_Format(PyExc_TypeError, "%s takes %s %d positional argument%s (%zd given)",
                             shown(&from, "function", room, sizeof room), least < positional ? "at least" : "exactly", least,
                             least == 1 ? "" : "s", count);
            else
                PyErr_Format(PyExc_TypeError, "%s missing required argument '%s' (pos %d)",
                             shown(&from, "function", room, sizeof room), names[i], i + 1);
            return finish(&from, 0);
        } else {
            skip(&from);
        }
    }
    return finish(&from, named == 0 || check_names(&from, kwargs, names, positional_only, most));
}

int PyArg_ParseTupleAndKeywords(PyObject *args, PyObject *kwargs, const char *format, char **names, ...) {
    va_list list;
    va_start(list, names);
    int done = PyArg_VaParseTupleAndKeywords(args, kwargs, format, names, list);
    va_end(list);
    return done;
}

/*
 * Texts made by a format: PyUnicode_FromFormat, PyErr_Format and what else is like printf.
 *
 * The text is gathered as UTF-8. Conversions are CPython's: those of C for numbers and pointers, %s and %c, and %S %R %A %U
 * %V for objects; width and precision count characters.
 */
#include <Python.h>

typedef struct {
    char *text;
    size_t length, room;
    int failed;
} Writer;

static void put(Writer *to, const char *text, size_t length) {
    if (to->failed)
        return;
    if (to->length + length + 1 > to->room) {
        size_t room = (to->length + length + 1) * 2;
        char *more = realloc(to->text, room);
        if (more == NULL) {
            to->failed = 1;
            PyErr_NoMemory();
            return;
        }
        to->text = more;
        to->room = room;
    }
    memcpy(to->text + to->length, text, length);
    to->length += length;
    to->text[to->length] = 0;
}

/* Bytes of the first `count` characters of UTF-8, and how many characters there were. */
static size_t characters(const char *text, size_t length, Py_ssize_t count, Py_ssize_t *found) {
    size_t at = 0;
    *found = 0;
    while (at < length && (count < 0 || *found < count)) {
        at++;
        while (at < length && ((unsigned char)text[at] & 0xC0) == 0x80)
            at++;
        ++*found;
    }
    return at;
}

static void put_padded(Writer *to, const char *text, size_t length, Py_ssize_t width, Py_ssize_t precision, int left) {
    Py_ssize_t count;
    size_t bytes = characters(text, length, precision, &count);
    if (!left)
        for (Py_ssize_t i = count; i < width; i++)
            put(to, " ", 1);
    put(to, text, bytes);
    if (left)
        for (Py_ssize_t i = count; i < width; i++)
            put(to, " ", 1);
}

static void put_object(Writer *to, PyObject *text, Py_ssize_t width, Py_ssize_t precision, int left) {
    Py_ssize_t length = 0;
    const char *utf8 = text == NULL ? NULL : PyUnicode_AsUTF8AndSize(text, &length);
    if (utf8 == NULL)
        to->failed = 1;
    else
        put_padded(to, utf8, (size_t)length, width, precision, left);
}

/* One conversion; `*at` is behind the '%'. The list comes by a struct, since an array type decays as an argument. */
typedef struct {
    va_list list;
} Arguments;

static void convert(Writer *to, const char **at, Arguments *arguments) {
    const char *format = *at;
    int left = 0, zero = 0, longs = 0, size = 0;
    Py_ssize_t width = -1, precision = -1;
    char spec[32], number[160];
    for (;; format++) {
        if (*format == '-')
            left = 1;
        else if (*format == '0')
            zero = 1;
        else
            break;
    }
    if (*format == '*') {
        width = va_arg(arguments->list, int);
        if (width < 0) {
            left = 1;
            width = -width;
        }
        format++;
    } else if (isdigit((unsigned char)*format)) {
        for (width = 0; isdigit((unsigned char)*format) && width < 100000; format++)
            width = width * 10 + (*format - '0');
    }
    if (*format == '.') {
        format++;
        if (*format == '*') {
            precision = va_arg(arguments->list, int);
            format++;
        } else {
            for (precision = 0; isdigit((unsigned char)*format) && precision < 100000; format++)
                precision = precision * 10 + (*format - '0');
        }
    }
    for (;; format++) {
        if (*format == 'l')
            longs++;
        else if (*format == 'z' || *format == 't' || *format == 'j')
            size = 1;
        else
            break;
    }
    *at = *format == 0 ? format : format + 1;
    switch (*format) {
    case '%':
        put(to, "%", 1);
        return;
    case 'd': case 'i': case 'u': case 'x': case 'X': case 'o': {
        int is_signed = *format == 'd' || *format == 'i';
        long long value;
        if (size || longs)
            value = va_arg(arguments->list, long long);
        else if (is_signed)
            value = va_arg(arguments->list, int);
        else
            value = va_arg(arguments->list, unsigned int);
        snprintf(spec, sizeof spec, "%%%s%s%sll%c", left ? "-" : "", zero && !left ? "0" : "",
                 width >= 0 ? "*.*" : ".*", *format);
        if (width > 100)
            width = 100;
        if (precision > 50)
            precision = 50;
        /* With a precision the 0 has no meaning, and a negative one is none. */
        if (width >= 0)
            snprintf(number, sizeof number, spec, (int)width, (int)precision, value);
        else
            snprintf(number, sizeof number, spec, (int)precision, value);
        put(to, number, strlen(number));
        return;
    }
    case 'p':
        snprintf(number, sizeof number, "%p", va_arg(arguments->list, void *));
        put_padded(to, number, strlen(number), width, -1, left);
        return;
    case 'c': {
        int c = va_arg(arguments->list, int);
        PyObject *text = PyUnicode_FromOrdinal(c);
        put_object(to, text, width, -1, left);
        Py_XDECREF(text);
        return;
    }
    case 's': {
        const char *text = va_arg(arguments->list, const char *);
        size_t length = 0;
        if (text == NULL)
            text = "(null)";
        /* A precision bounds what is read. */
        while ((precision < 0 || length < (size_t)precision * 4) && text[length] != 0)
            length++;
        put_padded(to, text, length, width, precision, left);
        return;
    }
    case 'U':
        put_object(to, va_arg(arguments->list, PyObject *), width, precision, left);
        return;
    case 'V': {
        PyObject *ob = va_arg(arguments->list, PyObject *);
        const char *text = va_arg(arguments->list, const char *);
        if (ob != NULL)
            put_object(to, ob, width, precision, left);
        else
            put_padded(to, text, strlen(text), width, precision, left);
        return;
    }
    case 'S': case 'R': case 'A': {
        PyObject *ob = va_arg(arguments->list, PyObject *);
        PyObject *text = *format == 'S' ? PyObject_Str(ob) : *format == 'R' ? PyObject_Repr(ob) : PyObject_ASCII(ob);
        put_object(to, text, width, precision, left);
        Py_XDECREF(text);
        return;
    }
    default:
        to->failed = 1;
        PyErr_SetString(PyExc_SystemError, "invalid format string");
    }
}

static int write_format(Writer *to, const char *format, va_list list) {
    Arguments arguments;
    va_copy(arguments.list, list);
    put(to, "", 0);
    while (*format != 0 && !to->failed) {
        size_t plain = strcspn(format, "%");
        put(to, format, plain);
        format += plain;
        if (*format == '%') {
            format++;
            convert(to, &format, &arguments);
        }
    }
    va_end(arguments.list);
    return to->failed ? -1 : 0;
}

PyObject *PyUnicode_FromFormatV(const char *format, va_list list) {
    Writer to = {0};
    PyObject *text = NULL;
    if (write_format(&to, format, list) == 0)
        text = PyUnicode_DecodeUTF8(to.text, (Py_ssize_t)to.length, "replace");
    free(to.text);
    return text;
}

PyObject *PyUnicode_FromFormat(const char *format, ...) {
    va_list list;
    va_start(list, format);
    PyObject *text = PyUnicode_FromFormatV(format, list);
    va_end(list);
    return text;
}

PyObject *PyBytes_FromFormat(const char *format, ...) {
    Writer to = {0};
    PyObject *bytes = NULL;
    va_list list;
    va_start(list, format);
    if (write_format(&to, format, list) == 0)
        bytes = PyBytes_FromStringAndSize(to.text, (Py_ssize_t)to.length);
    va_end(list);
    free(to.text);
    return bytes;
}

PyObject *PyErr_FormatV(PyObject *type, const char *format, va_list list) {
    PyErr_Clear();
    PyObject *text = PyUnicode_FromFormatV(format, list);
    if (text != NULL) {
        PyErr_SetObject(type, text);
        Py_DECREF(text);
    }
    return NULL;
}

PyObject *PyErr_Format(PyObject *type, const char *format, ...) {
    va_list list;
    va_start(list, format);
    PyErr_FormatV(type, format, list);
    va_end(list);
    return NULL;
}

int PyErr_WarnFormat(PyObject *category, Py_ssize_t stack_level, const char *format, ...) {
    va_list list;
    va_start(list, format);
    PyObject *text = PyUnicode_FromFormatV(format, list);
    va_end(list);
    if (text == NULL)
        return -1;
    const char *utf8 = PyUnicode_AsUTF8(text);
    int answer = utf8 == NULL ? -1 : PyErr_WarnEx(category, utf8, stack_level);
    Py_DECREF(text);
    return answer;
}

int PyOS_snprintf(char *to, size_t size, const char *format, ...) {
    va_list list;
    va_start(list, format);
    int length = vsnprintf(to, size, format, list);
    va_end(list);
    if (size > 0)
        to[size - 1] = 0;
    return length;
}

void PySys_WriteStdout(const char *format, ...) {
    va_list list;
    va_start(list, format);
    vprintf(format, list);
    va_end(list);
}

void PySys_WriteStderr(const char *format, ...) {
    va_list list;
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
}

void Py_FatalError(const char *text) {
    fprintf(stderr, "Fatal Python error: %s\n", text);
    if (PyErr_Occurred())
        PyErr_Print();
    abort();
}

int PyObject_Print(PyObject *ob, FILE *file, int flags) {
    PyObject *text = (flags & Py_PRINT_RAW) != 0 ? PyObject_Str(ob) : PyObject_Repr(ob);
    const char *utf8 = text == NULL ? NULL : PyUnicode_AsUTF8(text);
    int answer = utf8 == NULL || fputs(utf8, file) < 0 ? -1 : 0;
    Py_XDECREF(text);
    return answer;
}

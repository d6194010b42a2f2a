/* Calls whose arguments are given by a format, or as a list that ends with NULL; and PyTuple_Pack, PyArg_UnpackTuple. */
#include <Python.h>

static PyObject *call_built(PyObject *callable, const char *format, va_list list) {
    if (callable == NULL)
        return NULL;
    if (format == NULL || *format == 0)
        return PyObject_CallNoArgs(callable);
    PyObject *args = Py_VaBuildValue(format, list);
    if (args == NULL)
        return NULL;
    PyObject *answer = PyTuple_Check(args) ? PyObject_Call(callable, args, NULL) : PyObject_CallOneArg(callable, args);
    Py_DECREF(args);
    return answer;
}

PyObject *PyObject_CallFunction(PyObject *callable, const char *format, ...) {
    va_list list;
    va_start(list, format);
    PyObject *answer = call_built(callable, format, list);
    va_end(list);
    return answer;
}

PyObject *PyObject_CallMethod(PyObject *ob, const char *name, const char *format, ...) {
    PyObject *callable = PyObject_GetAttrString(ob, name);
    va_list list;
    va_start(list, format);
    PyObject *answer = call_built(callable, format, list);
    va_end(list);
    Py_XDECREF(callable);
    return answer;
}

PyObject *_PyObject_CallMethod(PyObject *ob, PyObject *name, const char *format, ...) {
    PyObject *callable = PyObject_GetAttr(ob, name);
    va_list list;
    va_start(list, format);
    PyObject *answer = call_built(callable, format, list);
    va_end(list);
    Py_XDECREF(callable);
    return answer;
}

static PyObject *call_objects(PyObject *callable, va_list list) {
    va_list again;
    Py_ssize_t count = 0;
    if (callable == NULL)
        return NULL;
    va_copy(again, list);
    while (va_arg(again, PyObject *) != NULL)
        count++;
    va_end(again);
    PyObject *few[8];
    if (count <= (Py_ssize_t)Py_ARRAY_LENGTH(few)) {
        for (Py_ssize_t i = 0; i < count; i++)
            few[i] = va_arg(list, PyObject *);
        return PyObject_Vectorcall(callable, few, (size_t)count, NULL);
    }
    PyObject *args = PyTuple_New(count);
    if (args == NULL)
        return NULL;
    for (Py_ssize_t i = 0; i < count; i++)
        PyTuple_SET_ITEM(args, i, Py_NewRef(va_arg(list, PyObject *)));
    PyObject *answer = PyObject_Call(callable, args, NULL);
    Py_DECREF(args);
    return answer;
}

PyObject *PyObject_CallFunctionObjArgs(PyObject *callable, ...) {
    va_list list;
    va_start(list, callable);
    PyObject *answer = call_objects(callable, list);
    va_end(list);
    return answer;
}

PyObject *PyObject_CallMethodObjArgs(PyObject *ob, PyObject *name, ...) {
    PyObject *callable = PyObject_GetAttr(ob, name);
    va_list list;
    va_start(list, name);
    PyObject *answer = call_objects(callable, list);
    va_end(list);
    Py_XDECREF(callable);
    return answer;
}

PyObject *PyTuple_Pack(Py_ssize_t count, ...) {
    PyObject *tuple = PyTuple_New(count);
    va_list list;
    if (tuple == NULL)
        return NULL;
    va_start(list, count);
    for (Py_ssize_t i = 0; i < count; i++)
        PyTuple_GET_ITEM(tuple, i) = Py_NewRef(va_arg(list, PyObject *)); /* not linked: nobody has seen it */
    va_end(list);
    return tuple;
}

int PyArg_UnpackTuple(PyObject *args, const char *name, Py_ssize_t least, Py_ssize_t most, ...) {
    Py_ssize_t count = PyTuple_Size(args);
    va_list list;
    if (count < 0)
        return 0;
    if (count < least || count > most) {
        Py_ssize_t bound = count < least ? least : most;
        const char *how = least == most ? "" : count < least ? "at least " : "at most ";
        PyErr_Format(PyExc_TypeError, "%s expected %s%zd argument%s, got %zd", name == NULL ? "unpacked tuple" : name, how,
                     bound, bound == 1 ? "" : "s", count);
        return 0;
    }
    va_start(list, most);
    for (Py_ssize_t i = 0; i < count; i++)
        *va_arg(list, PyObject **) = PyTuple_GET_ITEM(args, i);
    va_end(list);
    return 1;
}

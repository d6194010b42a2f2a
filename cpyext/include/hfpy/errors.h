/* Exceptions and warnings. */
#ifndef HFPY_ERRORS_H
#define HFPY_ERRORS_H
HFPY_BEGIN

extern PyObject *PyExc_BaseException, *PyExc_Exception, *PyExc_GeneratorExit, *PyExc_KeyboardInterrupt,
    *PyExc_SystemExit, *PyExc_ArithmeticError, *PyExc_FloatingPointError, *PyExc_OverflowError,
    *PyExc_ZeroDivisionError, *PyExc_AssertionError, *PyExc_AttributeError, *PyExc_BufferError, *PyExc_EOFError,
    *PyExc_ImportError, *PyExc_ModuleNotFoundError, *PyExc_LookupError, *PyExc_IndexError, *PyExc_KeyError,
    *PyExc_MemoryError, *PyExc_NameError, *PyExc_UnboundLocalError, *PyExc_OSError, *PyExc_FileNotFoundError,
    *PyExc_PermissionError, *PyExc_TimeoutError, *PyExc_ConnectionError, *PyExc_ReferenceError, *PyExc_RuntimeError,
    *PyExc_NotImplementedError, *PyExc_RecursionError, *PyExc_StopIteration, *PyExc_StopAsyncIteration,
    *PyExc_SyntaxError, *PyExc_SystemError, *PyExc_TypeError, *PyExc_ValueError, *PyExc_UnicodeError,
    *PyExc_UnicodeDecodeError, *PyExc_UnicodeEncodeError, *PyExc_Warning, *PyExc_DeprecationWarning,
    *PyExc_FutureWarning, *PyExc_PendingDeprecationWarning, *PyExc_ResourceWarning, *PyExc_RuntimeWarning,
    *PyExc_UserWarning;
#define PyExc_IOError PyExc_OSError
#define PyExc_EnvironmentError PyExc_OSError

#define PyExceptionInstance_Check(ob) PyType_HasFeature(Py_TYPE(ob), Py_TPFLAGS_BASE_EXC_SUBCLASS)
#define PyExceptionClass_Check(ob) (PyType_Check(ob) && PyType_HasFeature(ob, Py_TPFLAGS_BASE_EXC_SUBCLASS))

PyAPI_FUNC(PyObject *) PyErr_Occurred(void);
PyAPI_FUNC(void) PyErr_Clear(void);
PyAPI_FUNC(void) PyErr_SetNone(PyObject *);
PyAPI_FUNC(void) PyErr_SetString(PyObject *, const char *);
PyAPI_FUNC(void) PyErr_SetObject(PyObject *, PyObject *);
PyAPI_FUNC(PyObject *) PyErr_Format(PyObject *, const char *, ...);
PyAPI_FUNC(PyObject *) PyErr_FormatV(PyObject *, const char *, va_list);
PyAPI_FUNC(PyObject *) PyErr_NoMemory(void);
PyAPI_FUNC(PyObject *) PyErr_SetFromErrno(PyObject *);
PyAPI_FUNC(int) PyErr_BadArgument(void);
PyAPI_FUNC(void) PyErr_BadInternalCall(void);
PyAPI_FUNC(int) PyErr_ExceptionMatches(PyObject *);
PyAPI_FUNC(int) PyErr_GivenExceptionMatches(PyObject *, PyObject *);
PyAPI_FUNC(void) PyErr_Fetch(PyObject **, PyObject **, PyObject **);
PyAPI_FUNC(void) PyErr_Restore(PyObject *, PyObject *, PyObject *);
PyAPI_FUNC(void) PyErr_NormalizeException(PyObject **, PyObject **, PyObject **);
PyAPI_FUNC(PyObject *) PyErr_NewException(const char *, PyObject *, PyObject *);
PyAPI_FUNC(PyObject *) PyErr_NewExceptionWithDoc(const char *, const char *, PyObject *, PyObject *);
PyAPI_FUNC(int) PyErr_WarnEx(PyObject *, const char *, Py_ssize_t);
PyAPI_FUNC(int) PyErr_WarnFormat(PyObject *, Py_ssize_t, const char *, ...);
#define PyErr_Warn(category, text) PyErr_WarnEx((category), (text), 1)
PyAPI_FUNC(void) PyErr_Print(void);
PyAPI_FUNC(void) PyErr_WriteUnraisable(PyObject *);
PyAPI_FUNC(int) PyErr_CheckSignals(void);
PyAPI_FUNC(void) PyException_SetCause(PyObject *, PyObject *);
PyAPI_FUNC(void) PyException_SetContext(PyObject *, PyObject *);
PyAPI_FUNC(PyObject *) PyException_GetCause(PyObject *);
PyAPI_FUNC(PyObject *) PyException_GetContext(PyObject *);
PyAPI_FUNC(PyObject *) PyException_GetTraceback(PyObject *);
PyAPI_FUNC(int) PyException_SetTraceback(PyObject *, PyObject *);
PyAPI_FUNC(void) Py_FatalError(const char *) __attribute__((noreturn));

HFPY_END
#endif

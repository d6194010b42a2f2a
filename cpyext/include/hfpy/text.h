/* str, bytes, bytearray. */
#ifndef HFPY_TEXT_H
#define HFPY_TEXT_H
HFPY_BEGIN

typedef struct {
    PyObject_HEAD
    Py_ssize_t length;
    Py_hash_t hash;
    struct {
        unsigned int interned : 2;
        unsigned int kind : 3;
        unsigned int compact : 1;
        unsigned int ascii : 1;
        unsigned int ready : 1;
        unsigned int : 24;
    } state;
} PyASCIIObject;

typedef struct {
    PyASCIIObject _base;
    Py_ssize_t utf8_length;
    char *utf8;
} PyCompactUnicodeObject;

/* A str of a subtype is not compact: its text is elsewhere. */
typedef struct {
    PyCompactUnicodeObject _base;
    union {
        void *any;
        Py_UCS1 *latin1;
        Py_UCS2 *ucs2;
        Py_UCS4 *ucs4;
    } data;
} PyUnicodeObject;

typedef struct {
    PyObject_VAR_HEAD
    Py_hash_t ob_shash;
    char ob_sval[1];
} PyBytesObject;

enum PyUnicode_Kind { PyUnicode_1BYTE_KIND = 1, PyUnicode_2BYTE_KIND = 2, PyUnicode_4BYTE_KIND = 4 };

extern PyTypeObject PyUnicode_Type, PyBytes_Type, PyByteArray_Type;
#define PyUnicode_Check(ob) PyType_HasFeature(Py_TYPE(ob), Py_TPFLAGS_UNICODE_SUBCLASS)
#define PyUnicode_CheckExact(ob) Py_IS_TYPE(ob, &PyUnicode_Type)
#define PyUnicode_READY(ob) 0
#define PyUnicode_IS_READY(ob) 1
#define PyUnicode_GET_LENGTH(ob) (((PyASCIIObject *)(ob))->length)
#define PyUnicode_KIND(ob) ((enum PyUnicode_Kind)((PyASCIIObject *)(ob))->state.kind)
#define PyUnicode_IS_ASCII(ob) (((PyASCIIObject *)(ob))->state.ascii)
#define PyUnicode_IS_COMPACT(ob) (((PyASCIIObject *)(ob))->state.compact)
#define PyUnicode_IS_COMPACT_ASCII(ob) (PyUnicode_IS_ASCII(ob) && PyUnicode_IS_COMPACT(ob))
static inline void *hfpy_unicode_data(PyObject *ob) {
    if (!PyUnicode_IS_COMPACT(ob))
        return ((PyUnicodeObject *)(void *)ob)->data.any;
    if (PyUnicode_IS_ASCII(ob))
        return (void *)((PyASCIIObject *)(void *)ob + 1);
    return (void *)((PyCompactUnicodeObject *)(void *)ob + 1);
}
#define PyUnicode_DATA(ob) hfpy_unicode_data(_PyObject_CAST(ob))
#define PyUnicode_1BYTE_DATA(ob) ((Py_UCS1 *)PyUnicode_DATA(ob))
#define PyUnicode_2BYTE_DATA(ob) ((Py_UCS2 *)PyUnicode_DATA(ob))
#define PyUnicode_4BYTE_DATA(ob) ((Py_UCS4 *)PyUnicode_DATA(ob))
static inline Py_UCS4 hfpy_unicode_read(int kind, const void *data, Py_ssize_t at) {
    if (kind == PyUnicode_1BYTE_KIND)
        return ((const Py_UCS1 *)data)[at];
    if (kind == PyUnicode_2BYTE_KIND)
        return ((const Py_UCS2 *)data)[at];
    return ((const Py_UCS4 *)data)[at];
}
static inline void hfpy_unicode_write(int kind, void *data, Py_ssize_t at, Py_UCS4 c) {
    if (kind == PyUnicode_1BYTE_KIND)
        ((Py_UCS1 *)data)[at] = (Py_UCS1)c;
    else if (kind == PyUnicode_2BYTE_KIND)
        ((Py_UCS2 *)data)[at] = (Py_UCS2)c;
    else
        ((Py_UCS4 *)data)[at] = c;
}
#define PyUnicode_READ(kind, data, at) hfpy_unicode_read((kind), (data), (at))
#define PyUnicode_READ_CHAR(ob, at) hfpy_unicode_read(PyUnicode_KIND(ob), PyUnicode_DATA(ob), (at))
#define PyUnicode_WRITE(kind, data, at, c) hfpy_unicode_write((kind), (data), (at), (c))
#define PyUnicode_MAX_CHAR_VALUE(ob)                       \
    (PyUnicode_IS_ASCII(ob) ? 0x7fU                        \
     : PyUnicode_KIND(ob) == PyUnicode_1BYTE_KIND ? 0xffU  \
     : PyUnicode_KIND(ob) == PyUnicode_2BYTE_KIND ? 0xffffU : 0x10ffffU)

PyAPI_FUNC(PyObject *) PyUnicode_New(Py_ssize_t, Py_UCS4);
PyAPI_FUNC(int) _PyUnicode_Ready(PyObject *);
PyAPI_FUNC(PyObject *) PyUnicode_FromString(const char *);
PyAPI_FUNC(PyObject *) PyUnicode_FromStringAndSize(const char *, Py_ssize_t);
PyAPI_FUNC(PyObject *) PyUnicode_InternFromString(const char *);
PyAPI_FUNC(void) PyUnicode_InternInPlace(PyObject **);
PyAPI_FUNC(PyObject *) PyUnicode_FromKindAndData(int, const void *, Py_ssize_t);
PyAPI_FUNC(PyObject *) PyUnicode_FromOrdinal(int);
PyAPI_FUNC(PyObject *) PyUnicode_FromObject(PyObject *);
PyAPI_FUNC(PyObject *) PyUnicode_FromFormat(const char *, ...);
PyAPI_FUNC(PyObject *) PyUnicode_FromFormatV(const char *, va_list);
PyAPI_FUNC(PyObject *) PyUnicode_FromEncodedObject(PyObject *, const char *, const char *);
PyAPI_FUNC(Py_ssize_t) PyUnicode_GetLength(PyObject *);
PyAPI_FUNC(Py_UCS4) PyUnicode_ReadChar(PyObject *, Py_ssize_t);
PyAPI_FUNC(int) PyUnicode_WriteChar(PyObject *, Py_ssize_t, Py_UCS4);
PyAPI_FUNC(const char *) PyUnicode_AsUTF8(PyObject *);
PyAPI_FUNC(const char *) PyUnicode_AsUTF8AndSize(PyObject *, Py_ssize_t *);
PyAPI_FUNC(PyObject *) PyUnicode_AsUTF8String(PyObject *);
PyAPI_FUNC(PyObject *) PyUnicode_AsASCIIString(PyObject *);
PyAPI_FUNC(PyObject *) PyUnicode_AsLatin1String(PyObject *);
PyAPI_FUNC(PyObject *) PyUnicode_AsEncodedString(PyObject *, const char *, const char *);
PyAPI_FUNC(PyObject *) PyUnicode_Decode(const char *, Py_ssize_t, const char *, const char *);
PyAPI_FUNC(PyObject *) PyUnicode_DecodeUTF8(const char *, Py_ssize_t, const char *);
PyAPI_FUNC(PyObject *) PyUnicode_DecodeASCII(const char *, Py_ssize_t, const char *);
PyAPI_FUNC(PyObject *) PyUnicode_DecodeLatin1(const char *, Py_ssize_t, const char *);
PyAPI_FUNC(int) PyUnicode_Compare(PyObject *, PyObject *);
PyAPI_FUNC(int) PyUnicode_CompareWithASCIIString(PyObject *, const char *);
PyAPI_FUNC(PyObject *) PyUnicode_RichCompare(PyObject *, PyObject *, int);
PyAPI_FUNC(PyObject *) PyUnicode_Concat(PyObject *, PyObject *);
PyAPI_FUNC(PyObject *) PyUnicode_Substring(PyObject *, Py_ssize_t, Py_ssize_t);
PyAPI_FUNC(PyObject *) PyUnicode_Join(PyObject *, PyObject *);
PyAPI_FUNC(int) PyUnicode_Contains(PyObject *, PyObject *);
PyAPI_FUNC(Py_ssize_t) PyUnicode_Tailmatch(PyObject *, PyObject *, Py_ssize_t, Py_ssize_t, int);
PyAPI_FUNC(PyObject *) PyUnicode_DecodeFSDefaultAndSize(const char *, Py_ssize_t);
PyAPI_FUNC(PyObject *) PyUnicode_DecodeFSDefault(const char *);
PyAPI_FUNC(const char *) PyUnicode_GetDefaultEncoding(void);
PyAPI_FUNC(Py_ssize_t) PyUnicode_FindChar(PyObject *, Py_UCS4, Py_ssize_t, Py_ssize_t, int);
PyAPI_FUNC(Py_UCS4 *) PyUnicode_AsUCS4(PyObject *, Py_UCS4 *, Py_ssize_t, int);
PyAPI_FUNC(Py_UCS4 *) PyUnicode_AsUCS4Copy(PyObject *);
PyAPI_FUNC(Py_ssize_t) PyUnicode_AsWideChar(PyObject *, wchar_t *, Py_ssize_t);
PyAPI_FUNC(wchar_t *) PyUnicode_AsWideCharString(PyObject *, Py_ssize_t *);
PyAPI_FUNC(PyObject *) PyUnicode_FromWideChar(const wchar_t *, Py_ssize_t);

#define PyBytes_Check(ob) PyType_HasFeature(Py_TYPE(ob), Py_TPFLAGS_BYTES_SUBCLASS)
#define PyBytes_CheckExact(ob) Py_IS_TYPE(ob, &PyBytes_Type)
#define PyBytes_AS_STRING(ob) (((PyBytesObject *)(ob))->ob_sval)
#define PyBytes_GET_SIZE(ob) Py_SIZE(ob)
PyAPI_FUNC(PyObject *) PyBytes_FromStringAndSize(const char *, Py_ssize_t);
PyAPI_FUNC(PyObject *) PyBytes_FromString(const char *);
PyAPI_FUNC(PyObject *) PyBytes_FromObject(PyObject *);
PyAPI_FUNC(PyObject *) PyBytes_FromFormat(const char *, ...);
PyAPI_FUNC(Py_ssize_t) PyBytes_Size(PyObject *);
PyAPI_FUNC(char *) PyBytes_AsString(PyObject *);
PyAPI_FUNC(int) PyBytes_AsStringAndSize(PyObject *, char **, Py_ssize_t *);
PyAPI_FUNC(void) PyBytes_Concat(PyObject **, PyObject *);
PyAPI_FUNC(int) _PyBytes_Resize(PyObject **, Py_ssize_t);

#define PyByteArray_Check(ob) PyObject_TypeCheck(ob, &PyByteArray_Type)
#define PyByteArray_CheckExact(ob) Py_IS_TYPE(ob, &PyByteArray_Type)
#define PyByteArray_GET_SIZE(ob) PyByteArray_Size(_PyObject_CAST(ob))
#define PyByteArray_AS_STRING(ob) PyByteArray_AsString(_PyObject_CAST(ob))
PyAPI_FUNC(PyObject *) PyByteArray_FromStringAndSize(const char *, Py_ssize_t);
PyAPI_FUNC(PyObject *) PyByteArray_FromObject(PyObject *);
PyAPI_FUNC(Py_ssize_t) PyByteArray_Size(PyObject *);
PyAPI_FUNC(char *) PyByteArray_AsString(PyObject *);
PyAPI_FUNC(int) PyByteArray_Resize(PyObject *, Py_ssize_t);

/* A str that is written piece by piece. */
typedef struct {
    void *text;
    Py_ssize_t min_length;
    Py_UCS4 min_char;
    unsigned char overallocate;
} _PyUnicodeWriter;
PyAPI_FUNC(void) _PyUnicodeWriter_Init(_PyUnicodeWriter *);
PyAPI_FUNC(int) _PyUnicodeWriter_WriteChar(_PyUnicodeWriter *, Py_UCS4);
PyAPI_FUNC(int) _PyUnicodeWriter_WriteStr(_PyUnicodeWriter *, PyObject *);
PyAPI_FUNC(int) _PyUnicodeWriter_WriteSubstring(_PyUnicodeWriter *, PyObject *, Py_ssize_t, Py_ssize_t);
PyAPI_FUNC(int) _PyUnicodeWriter_WriteASCIIString(_PyUnicodeWriter *, const char *, Py_ssize_t);
PyAPI_FUNC(PyObject *) _PyUnicodeWriter_Finish(_PyUnicodeWriter *);
PyAPI_FUNC(void) _PyUnicodeWriter_Dealloc(_PyUnicodeWriter *);

HFPY_END
#endif

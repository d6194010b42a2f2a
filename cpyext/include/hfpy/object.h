/* Objects, their counts, what every object can do, and the objects that exist once. */
#ifndef HFPY_OBJECT_H
#define HFPY_OBJECT_H
HFPY_BEGIN

typedef struct _typeobject PyTypeObject;

typedef struct _object {
    Py_ssize_t ob_refcnt;
    uintptr_t ob_pypy_link;
    PyTypeObject *ob_type;
} PyObject;

typedef struct {
    PyObject ob_base;
    Py_ssize_t ob_size;
} PyVarObject;

HF_STATIC_ASSERT(sizeof(PyObject) == sizeof(hf_pyobject), "the head is handfast's");

#define PyObject_HEAD PyObject ob_base;
#define PyObject_VAR_HEAD PyVarObject ob_base;
/* Static objects are immortal: a count to which any number of references may be added, or taken away. */
#define HFPY_FOREVER ((Py_ssize_t)((uintptr_t)5 << (HF_IMMORTAL_BIT - 2)))
#define PyObject_HEAD_INIT(type) {HFPY_FOREVER, 0, type},
#define PyVarObject_HEAD_INIT(type, size) {PyObject_HEAD_INIT(type) size},

#define _PyObject_CAST(ob) ((PyObject *)(ob))
#define _PyVarObject_CAST(ob) ((PyVarObject *)(ob))
#define Py_TYPE(ob) (_PyObject_CAST(ob)->ob_type)
#define Py_SIZE(ob) (_PyVarObject_CAST(ob)->ob_size)
#define Py_IS_TYPE(ob, type) (Py_TYPE(ob) == (type))
#define Py_SET_TYPE(ob, type) ((void)(_PyObject_CAST(ob)->ob_type = (type)))
#define Py_SET_SIZE(ob, size) ((void)(_PyVarObject_CAST(ob)->ob_size = (size)))

static inline Py_ssize_t hfpy_refcnt(PyObject *ob) {
    Py_ssize_t count = __atomic_load_n(&ob->ob_refcnt, __ATOMIC_RELAXED);
    return count & ~(Py_ssize_t)((uintptr_t)1 << HF_IMMORTAL_BIT);
}
#define Py_REFCNT(ob) hfpy_refcnt(_PyObject_CAST(ob))

/* Counts change under the extension lock only, so no exchange is needed (README, "Counts"). The collector reads them
 * meanwhile, hence a single store each, which for a decrement comes after all that was done before. A negative one is
 * an object that was freed, or a mistake: reported. */
PyAPI_FUNC(void) _HfPy_NegativeCount(PyObject *);
/* What follows a decref that reached zero, or less. */
PyAPI_FUNC(void) _Py_Dealloc(PyObject *);

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HFPY_SANITIZED 1
#endif
#endif
#if defined(__x86_64__) && defined(__GCC_ASM_FLAG_OUTPUTS__) && !defined(__SANITIZE_ADDRESS__) && !defined(HFPY_SANITIZED)
/* One instruction on memory and a branch on its flags, which compilers do not make of an atomic load and store. */
static inline void hfpy_incref(PyObject *ob) {
    int negative;
    __asm__("addq $1, %0" : "+m"(ob->ob_refcnt), "=@ccs"(negative));
    if (!HF_LIKELY(!negative))
        _HfPy_NegativeCount(ob);
}
static inline void hfpy_decref(PyObject *ob) {
    int gone;
    __asm__ volatile("subq $1, %0" : "+m"(ob->ob_refcnt), "=@ccle"(gone) : : "memory");
    if (!HF_LIKELY(!gone))
        _Py_Dealloc(ob);
}
#else
static inline void hfpy_incref(PyObject *ob) {
    Py_ssize_t count = __atomic_load_n(&ob->ob_refcnt, __ATOMIC_RELAXED) + 1;
    __atomic_store_n(&ob->ob_refcnt, count, __ATOMIC_RELAXED);
    if (!HF_LIKELY(count >= 0))
        _HfPy_NegativeCount(ob);
}
static inline void hfpy_decref(PyObject *ob) {
    Py_ssize_t count = __atomic_load_n(&ob->ob_refcnt, __ATOMIC_RELAXED) - 1;
    __atomic_store_n(&ob->ob_refcnt, count, __ATOMIC_RELEASE);
    if (!HF_LIKELY(count > 0))
        _Py_Dealloc(ob);
}
#endif
static inline void hfpy_xincref(PyObject *ob) {
    if (ob != NULL)
        hfpy_incref(ob);
}
static inline void hfpy_xdecref(PyObject *ob) {
    if (ob != NULL)
        hfpy_decref(ob);
}
#define Py_INCREF(ob) hfpy_incref(_PyObject_CAST(ob))
#define Py_DECREF(ob) hfpy_decref(_PyObject_CAST(ob))
#define Py_XINCREF(ob) hfpy_xincref(_PyObject_CAST(ob))
#define Py_XDECREF(ob) hfpy_xdecref(_PyObject_CAST(ob))

static inline PyObject *hfpy_new_ref(PyObject *ob) {
    hfpy_incref(ob);
    return ob;
}
static inline PyObject *hfpy_xnew_ref(PyObject *ob) {
    hfpy_xincref(ob);
    return ob;
}
#define Py_NewRef(ob) hfpy_new_ref(_PyObject_CAST(ob))
#define Py_XNewRef(ob) hfpy_xnew_ref(_PyObject_CAST(ob))

#define Py_CLEAR(place)                              \
    do {                                             \
        PyObject *hfpy_old = _PyObject_CAST(place);  \
        if (hfpy_old != NULL) {                      \
            (place) = NULL;                          \
            Py_DECREF(hfpy_old);                     \
        }                                            \
    } while (0)
#define Py_SETREF(place, value)                      \
    do {                                             \
        PyObject *hfpy_old = _PyObject_CAST(place);  \
        (place) = (value);                           \
        Py_DECREF(hfpy_old);                         \
    } while (0)
#define Py_XSETREF(place, value)                     \
    do {                                             \
        PyObject *hfpy_old = _PyObject_CAST(place);  \
        (place) = (value);                           \
        Py_XDECREF(hfpy_old);                        \
    } while (0)

PyAPI_FUNC(void) Py_IncRef(PyObject *);
PyAPI_FUNC(void) Py_DecRef(PyObject *);

typedef PyObject *(*unaryfunc)(PyObject *);
typedef PyObject *(*binaryfunc)(PyObject *, PyObject *);
typedef PyObject *(*ternaryfunc)(PyObject *, PyObject *, PyObject *);
typedef int (*inquiry)(PyObject *);
typedef Py_ssize_t (*lenfunc)(PyObject *);
typedef PyObject *(*ssizeargfunc)(PyObject *, Py_ssize_t);
typedef int (*ssizeobjargproc)(PyObject *, Py_ssize_t, PyObject *);
typedef int (*objobjproc)(PyObject *, PyObject *);
typedef int (*objobjargproc)(PyObject *, PyObject *, PyObject *);
typedef int (*visitproc)(PyObject *, void *);
typedef int (*traverseproc)(PyObject *, visitproc, void *);
typedef void (*freefunc)(void *);
typedef void (*destructor)(PyObject *);
typedef PyObject *(*getattrfunc)(PyObject *, char *);
typedef PyObject *(*getattrofunc)(PyObject *, PyObject *);
typedef int (*setattrfunc)(PyObject *, char *, PyObject *);
typedef int (*setattrofunc)(PyObject *, PyObject *, PyObject *);
typedef PyObject *(*reprfunc)(PyObject *);
typedef Py_hash_t (*hashfunc)(PyObject *);
typedef PyObject *(*richcmpfunc)(PyObject *, PyObject *, int);
typedef PyObject *(*getiterfunc)(PyObject *);
typedef PyObject *(*iternextfunc)(PyObject *);
typedef PyObject *(*descrgetfunc)(PyObject *, PyObject *, PyObject *);
typedef int (*descrsetfunc)(PyObject *, PyObject *, PyObject *);
typedef int (*initproc)(PyObject *, PyObject *, PyObject *);
typedef PyObject *(*newfunc)(PyTypeObject *, PyObject *, PyObject *);
typedef PyObject *(*allocfunc)(PyTypeObject *, Py_ssize_t);
typedef PyObject *(*vectorcallfunc)(PyObject *, PyObject *const *, size_t, PyObject *);

#define Py_LT 0
#define Py_LE 1
#define Py_EQ 2
#define Py_NE 3
#define Py_GT 4
#define Py_GE 5

extern PyObject _Py_NoneStruct, _Py_NotImplementedStruct, _Py_EllipsisObject;
#define Py_None (&_Py_NoneStruct)
#define Py_NotImplemented (&_Py_NotImplementedStruct)
#define Py_Ellipsis (&_Py_EllipsisObject)
#define Py_IsNone(ob) ((PyObject *)(ob) == Py_None)
#define Py_Is(a, b) ((PyObject *)(a) == (PyObject *)(b))
#define Py_RETURN_NONE return Py_NewRef(Py_None)
#define Py_RETURN_NOTIMPLEMENTED return Py_NewRef(Py_NotImplemented)
#define Py_RETURN_RICHCOMPARE(a, b, op)               \
    do {                                              \
        switch (op) {                                 \
        case Py_EQ: if ((a) == (b)) Py_RETURN_TRUE; Py_RETURN_FALSE; \
        case Py_NE: if ((a) != (b)) Py_RETURN_TRUE; Py_RETURN_FALSE; \
        case Py_LT: if ((a) < (b)) Py_RETURN_TRUE; Py_RETURN_FALSE;  \
        case Py_GT: if ((a) > (b)) Py_RETURN_TRUE; Py_RETURN_FALSE;  \
        case Py_LE: if ((a) <= (b)) Py_RETURN_TRUE; Py_RETURN_FALSE; \
        case Py_GE: if ((a) >= (b)) Py_RETURN_TRUE; Py_RETURN_FALSE; \
        default: Py_UNREACHABLE();                    \
        }                                             \
    } while (0)

PyAPI_FUNC(PyObject *) PyObject_RichCompare(PyObject *, PyObject *, int);
PyAPI_FUNC(int) PyObject_RichCompareBool(PyObject *, PyObject *, int);
PyAPI_FUNC(Py_hash_t) PyObject_Hash(PyObject *);
PyAPI_FUNC(Py_hash_t) PyObject_HashNotImplemented(PyObject *);
PyAPI_FUNC(Py_hash_t) _Py_HashPointer(const void *);
PyAPI_FUNC(PyObject *) PyObject_Repr(PyObject *);
PyAPI_FUNC(PyObject *) PyObject_Str(PyObject *);
PyAPI_FUNC(PyObject *) PyObject_ASCII(PyObject *);
PyAPI_FUNC(PyObject *) PyObject_Bytes(PyObject *);
PyAPI_FUNC(int) PyObject_IsTrue(PyObject *);
PyAPI_FUNC(int) PyObject_Not(PyObject *);
PyAPI_FUNC(int) PyObject_IsInstance(PyObject *, PyObject *);
PyAPI_FUNC(int) PyObject_IsSubclass(PyObject *, PyObject *);
PyAPI_FUNC(PyObject *) PyObject_Type(PyObject *);
PyAPI_FUNC(int) PyCallable_Check(PyObject *);
PyAPI_FUNC(PyObject *) PyObject_SelfIter(PyObject *);
PyAPI_FUNC(int) PyObject_Print(PyObject *, FILE *, int);
#define Py_PRINT_RAW 1

PyAPI_FUNC(PyObject *) PyObject_GetAttr(PyObject *, PyObject *);
PyAPI_FUNC(PyObject *) PyObject_GetAttrString(PyObject *, const char *);
PyAPI_FUNC(int) PyObject_SetAttr(PyObject *, PyObject *, PyObject *);
PyAPI_FUNC(int) PyObject_SetAttrString(PyObject *, const char *, PyObject *);
PyAPI_FUNC(int) PyObject_HasAttr(PyObject *, PyObject *);
PyAPI_FUNC(int) PyObject_HasAttrString(PyObject *, const char *);
PyAPI_FUNC(int) _PyObject_LookupAttr(PyObject *, PyObject *, PyObject **);
#define PyObject_DelAttr(ob, name) PyObject_SetAttr((ob), (name), NULL)
#define PyObject_DelAttrString(ob, name) PyObject_SetAttrString((ob), (name), NULL)
PyAPI_FUNC(PyObject *) PyObject_GenericGetAttr(PyObject *, PyObject *);
PyAPI_FUNC(int) PyObject_GenericSetAttr(PyObject *, PyObject *, PyObject *);
PyAPI_FUNC(PyObject *) PyObject_GenericGetDict(PyObject *, void *);
PyAPI_FUNC(PyObject **) _PyObject_GetDictPtr(PyObject *);
PyAPI_FUNC(PyObject *) _PyObject_GenericGetAttrWithDict(PyObject *, PyObject *, PyObject *, int);
PyAPI_FUNC(int) PyObject_GenericSetDict(PyObject *, PyObject *, void *);

PyAPI_FUNC(int) Py_EnterRecursiveCall(const char *);
PyAPI_FUNC(void) Py_LeaveRecursiveCall(void);
PyAPI_FUNC(int) Py_ReprEnter(PyObject *);
PyAPI_FUNC(void) Py_ReprLeave(PyObject *);

/* Deallocs do not nest deep here: what is too deep waits for the outermost (src/type_alloc.rs). */
#define Py_TRASHCAN_BEGIN(ob, dealloc) do {
#define Py_TRASHCAN_END } while (0);

#define Py_VISIT(ob)                                          \
    do {                                                      \
        if (ob) {                                             \
            int hfpy_answer = visit(_PyObject_CAST(ob), arg); \
            if (hfpy_answer) return hfpy_answer;              \
        }                                                     \
    } while (0)

HFPY_END
#endif

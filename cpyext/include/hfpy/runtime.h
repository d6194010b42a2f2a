/* Memory, garbage collection, threads. */
#ifndef HFPY_RUNTIME_H
#define HFPY_RUNTIME_H
HFPY_BEGIN

PyAPI_FUNC(void *) PyMem_Malloc(size_t);
PyAPI_FUNC(void *) PyMem_Calloc(size_t, size_t);
PyAPI_FUNC(void *) PyMem_Realloc(void *, size_t);
PyAPI_FUNC(void) PyMem_Free(void *);
PyAPI_FUNC(void *) PyMem_RawMalloc(size_t);
PyAPI_FUNC(void *) PyMem_RawCalloc(size_t, size_t);
PyAPI_FUNC(void *) PyMem_RawRealloc(void *, size_t);
PyAPI_FUNC(void) PyMem_RawFree(void *);
PyAPI_FUNC(void *) PyObject_Malloc(size_t);
PyAPI_FUNC(void *) PyObject_Calloc(size_t, size_t);
PyAPI_FUNC(void *) PyObject_Realloc(void *, size_t);
PyAPI_FUNC(void) PyObject_Free(void *);
#define PyMem_New(type, count) \
    ((size_t)(count) > (size_t)PY_SSIZE_T_MAX / sizeof(type) ? NULL : (type *)PyMem_Malloc((count) * sizeof(type)))
#define PyMem_Resize(place, type, count)                                              \
    ((place) = (size_t)(count) > (size_t)PY_SSIZE_T_MAX / sizeof(type)                \
         ? NULL : (type *)PyMem_Realloc((place), (count) * sizeof(type)))
#define PyMem_NEW PyMem_New
#define PyMem_RESIZE PyMem_Resize
#define PyMem_MALLOC PyMem_Malloc
#define PyMem_REALLOC PyMem_Realloc
#define PyMem_FREE PyMem_Free
#define PyMem_Del PyMem_Free
#define PyMem_DEL PyMem_Free
#define PyObject_MALLOC PyObject_Malloc
#define PyObject_REALLOC PyObject_Realloc
#define PyObject_FREE PyObject_Free
#define PyObject_Del PyObject_Free
#define PyObject_DEL PyObject_Free

PyAPI_FUNC(PyObject *) _PyObject_New(PyTypeObject *);
PyAPI_FUNC(PyVarObject *) _PyObject_NewVar(PyTypeObject *, Py_ssize_t);
PyAPI_FUNC(PyObject *) _PyObject_GC_New(PyTypeObject *);
PyAPI_FUNC(PyVarObject *) _PyObject_GC_NewVar(PyTypeObject *, Py_ssize_t);
PyAPI_FUNC(PyObject *) PyObject_Init(PyObject *, PyTypeObject *);
PyAPI_FUNC(PyVarObject *) PyObject_InitVar(PyVarObject *, PyTypeObject *, Py_ssize_t);
#define PyObject_New(type, ob_type) ((type *)_PyObject_New(ob_type))
#define PyObject_NewVar(type, ob_type, count) ((type *)_PyObject_NewVar((ob_type), (count)))
#define PyObject_NEW PyObject_New
#define PyObject_NEW_VAR PyObject_NewVar
#define PyObject_GC_New(type, ob_type) ((type *)_PyObject_GC_New(ob_type))
#define PyObject_GC_NewVar(type, ob_type, count) ((type *)_PyObject_GC_NewVar((ob_type), (count)))
#define PyObject_INIT PyObject_Init
#define PyObject_INIT_VAR PyObject_InitVar

/* handfast's collector needs no list of objects: both do nothing. */
PyAPI_FUNC(void) PyObject_GC_Track(void *);
PyAPI_FUNC(void) PyObject_GC_UnTrack(void *);
#define _PyObject_GC_TRACK PyObject_GC_Track
#define _PyObject_GC_UNTRACK PyObject_GC_UnTrack
PyAPI_FUNC(void) PyObject_GC_Del(void *);
PyAPI_FUNC(Py_ssize_t) PyGC_Collect(void);
/* Nested deallocs are put off by handfast (past a depth of 50). */
#define Py_TRASHCAN_BEGIN(ob, dealloc) do {
#define Py_TRASHCAN_END } while (0);
#define Py_TRASHCAN_SAFE_BEGIN(ob) do {
#define Py_TRASHCAN_SAFE_END(ob) } while (0);

typedef struct hfpy_thread_state PyThreadState;
typedef enum { PyGILState_LOCKED, PyGILState_UNLOCKED } PyGILState_STATE;
PyAPI_FUNC(PyThreadState *) PyEval_SaveThread(void);
PyAPI_FUNC(void) PyEval_RestoreThread(PyThreadState *);
PyAPI_FUNC(PyThreadState *) PyThreadState_Get(void);
PyAPI_FUNC(PyGILState_STATE) PyGILState_Ensure(void);
PyAPI_FUNC(void) PyGILState_Release(PyGILState_STATE);
PyAPI_FUNC(int) PyGILState_Check(void);
#define Py_BEGIN_ALLOW_THREADS { PyThreadState *hfpy_saved = PyEval_SaveThread();
#define Py_BLOCK_THREADS PyEval_RestoreThread(hfpy_saved);
#define Py_UNBLOCK_THREADS hfpy_saved = PyEval_SaveThread();
#define Py_END_ALLOW_THREADS PyEval_RestoreThread(hfpy_saved); }

typedef void *PyThread_type_lock;
#define WAIT_LOCK 1
#define NOWAIT_LOCK 0
PyAPI_FUNC(PyThread_type_lock) PyThread_allocate_lock(void);
PyAPI_FUNC(void) PyThread_free_lock(PyThread_type_lock);
PyAPI_FUNC(int) PyThread_acquire_lock(PyThread_type_lock, int);
PyAPI_FUNC(void) PyThread_release_lock(PyThread_type_lock);
PyAPI_FUNC(unsigned long) PyThread_get_thread_ident(void);

PyAPI_FUNC(int) Py_IsInitialized(void);
PyAPI_FUNC(void) PySys_WriteStdout(const char *, ...);
PyAPI_FUNC(void) PySys_WriteStderr(const char *, ...);
PyAPI_FUNC(int) PyOS_snprintf(char *, size_t, const char *, ...);
extern int Py_OptimizeFlag;
extern const unsigned long Py_Version;
PyAPI_FUNC(int) _Py_IsFinalizing(void);
typedef int64_t _PyTime_t; /* nanoseconds */
PyAPI_FUNC(_PyTime_t) _PyTime_GetMonotonicClock(void);
PyAPI_FUNC(_PyTime_t) _PyTime_GetSystemClock(void);
PyAPI_FUNC(int) _PyOS_URandomNonblock(void *, Py_ssize_t);
extern PyTypeObject PyTraceBack_Type;
#define PyTraceBack_Check(ob) Py_IS_TYPE(ob, &PyTraceBack_Type)

HFPY_END
#endif

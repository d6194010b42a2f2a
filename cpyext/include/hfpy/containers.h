/* tuple, list, dict, slice, and iterators. */
#ifndef HFPY_CONTAINERS_H
#define HFPY_CONTAINERS_H
HFPY_BEGIN

typedef struct {
    PyObject_VAR_HEAD
    PyObject *ob_item[1];
} PyTupleObject;

typedef struct {
    PyObject_VAR_HEAD
    PyObject **ob_item;
    Py_ssize_t allocated;
} PyListObject;

typedef struct {
    PyObject_HEAD
    PyObject *start, *stop, *step;
} PySliceObject;

extern PyTypeObject PyTuple_Type, PyList_Type, PyDict_Type, PySlice_Type, PySeqIter_Type;

#define PyTuple_Check(ob) PyType_HasFeature(Py_TYPE(ob), Py_TPFLAGS_TUPLE_SUBCLASS)
#define PyTuple_CheckExact(ob) Py_IS_TYPE(ob, &PyTuple_Type)
#define PyTuple_GET_SIZE(ob) Py_SIZE(ob)
#define PyTuple_GET_ITEM(ob, at) (((PyTupleObject *)(ob))->ob_item[at])
PyAPI_FUNC(void) _HfTuple_SetLinkedItem(PyObject *, Py_ssize_t, PyObject *);
/* Of a tuple that nobody else has seen; but one that the heap knows already has to hear of it. */
static inline void hfpy_tuple_set_item(PyObject *ob, Py_ssize_t at, PyObject *item) {
    if (__atomic_load_n(&ob->ob_pypy_link, __ATOMIC_RELAXED) != 0)
        _HfTuple_SetLinkedItem(ob, at, item);
    else
        PyTuple_GET_ITEM(ob, at) = item;
}
#define PyTuple_SET_ITEM(ob, at, item) hfpy_tuple_set_item(_PyObject_CAST(ob), (at), _PyObject_CAST(item))
PyAPI_FUNC(PyObject *) PyTuple_New(Py_ssize_t);
PyAPI_FUNC(PyObject *) PyTuple_Pack(Py_ssize_t, ...);
PyAPI_FUNC(Py_ssize_t) PyTuple_Size(PyObject *);
PyAPI_FUNC(PyObject *) PyTuple_GetItem(PyObject *, Py_ssize_t);
PyAPI_FUNC(int) PyTuple_SetItem(PyObject *, Py_ssize_t, PyObject *);
PyAPI_FUNC(PyObject *) PyTuple_GetSlice(PyObject *, Py_ssize_t, Py_ssize_t);
PyAPI_FUNC(int) _PyTuple_Resize(PyObject **, Py_ssize_t);

#define PyList_Check(ob) PyType_HasFeature(Py_TYPE(ob), Py_TPFLAGS_LIST_SUBCLASS)
#define PyList_CheckExact(ob) Py_IS_TYPE(ob, &PyList_Type)
#define PyList_GET_SIZE(ob) Py_SIZE(ob)
#define PyList_GET_ITEM(ob, at) (((PyListObject *)(ob))->ob_item[at])
#define PyList_SET_ITEM(ob, at, item) ((void)(((PyListObject *)(ob))->ob_item[at] = (PyObject *)(item)))
PyAPI_FUNC(PyObject *) PyList_New(Py_ssize_t);
PyAPI_FUNC(Py_ssize_t) PyList_Size(PyObject *);
PyAPI_FUNC(PyObject *) PyList_GetItem(PyObject *, Py_ssize_t);
PyAPI_FUNC(int) PyList_SetItem(PyObject *, Py_ssize_t, PyObject *);
PyAPI_FUNC(int) PyList_Append(PyObject *, PyObject *);
PyAPI_FUNC(int) PyList_Insert(PyObject *, Py_ssize_t, PyObject *);
PyAPI_FUNC(PyObject *) PyList_GetSlice(PyObject *, Py_ssize_t, Py_ssize_t);
PyAPI_FUNC(int) PyList_SetSlice(PyObject *, Py_ssize_t, Py_ssize_t, PyObject *);
PyAPI_FUNC(PyObject *) PyList_AsTuple(PyObject *);
PyAPI_FUNC(int) PyList_Reverse(PyObject *);
PyAPI_FUNC(PyObject *) _PyList_Extend(PyListObject *, PyObject *);
PyAPI_FUNC(int) PyList_Sort(PyObject *);

#define PyDict_Check(ob) PyType_HasFeature(Py_TYPE(ob), Py_TPFLAGS_DICT_SUBCLASS)
#define PyDict_CheckExact(ob) Py_IS_TYPE(ob, &PyDict_Type)
#define PyDict_GET_SIZE(ob) PyDict_Size(_PyObject_CAST(ob))
PyAPI_FUNC(PyObject *) PyDict_New(void);
PyAPI_FUNC(PyObject *) _PyDict_NewPresized(Py_ssize_t);
PyAPI_FUNC(PyObject *) _PyDict_Pop(PyObject *, PyObject *, PyObject *);
PyAPI_FUNC(PyObject *) _PyDict_GetItem_KnownHash(PyObject *, PyObject *, Py_hash_t);
PyAPI_FUNC(int) _PyDict_SetItem_KnownHash(PyObject *, PyObject *, PyObject *, Py_hash_t);
PyAPI_FUNC(PyObject *) PyDict_GetItem(PyObject *, PyObject *);
PyAPI_FUNC(PyObject *) PyDict_GetItemWithError(PyObject *, PyObject *);
PyAPI_FUNC(PyObject *) PyDict_GetItemString(PyObject *, const char *);
PyAPI_FUNC(int) PyDict_SetItem(PyObject *, PyObject *, PyObject *);
PyAPI_FUNC(int) PyDict_SetItemString(PyObject *, const char *, PyObject *);
PyAPI_FUNC(int) PyDict_DelItem(PyObject *, PyObject *);
PyAPI_FUNC(int) PyDict_DelItemString(PyObject *, const char *);
PyAPI_FUNC(int) PyDict_Contains(PyObject *, PyObject *);
PyAPI_FUNC(void) PyDict_Clear(PyObject *);
PyAPI_FUNC(Py_ssize_t) PyDict_Size(PyObject *);
PyAPI_FUNC(int) PyDict_Next(PyObject *, Py_ssize_t *, PyObject **, PyObject **);
PyAPI_FUNC(PyObject *) PyDict_SetDefault(PyObject *, PyObject *, PyObject *);
PyAPI_FUNC(PyObject *) PyDict_Keys(PyObject *);
PyAPI_FUNC(PyObject *) PyDict_Values(PyObject *);
PyAPI_FUNC(PyObject *) PyDict_Items(PyObject *);
PyAPI_FUNC(PyObject *) PyDict_Copy(PyObject *);
PyAPI_FUNC(int) PyDict_Update(PyObject *, PyObject *);
PyAPI_FUNC(int) PyDict_Merge(PyObject *, PyObject *, int);

extern PyTypeObject PySet_Type, PyFrozenSet_Type;
#define PySet_Check(ob) PyObject_TypeCheck(ob, &PySet_Type)
#define PyFrozenSet_Check(ob) PyObject_TypeCheck(ob, &PyFrozenSet_Type)
#define PyAnySet_Check(ob) (PySet_Check(ob) || PyFrozenSet_Check(ob))
#define PyAnySet_CheckExact(ob) (Py_IS_TYPE(ob, &PySet_Type) || Py_IS_TYPE(ob, &PyFrozenSet_Type))
#define PySet_GET_SIZE(ob) PySet_Size(_PyObject_CAST(ob))
PyAPI_FUNC(PyObject *) PySet_New(PyObject *);
PyAPI_FUNC(PyObject *) PyFrozenSet_New(PyObject *);
PyAPI_FUNC(int) PySet_Add(PyObject *, PyObject *);
PyAPI_FUNC(int) PySet_Discard(PyObject *, PyObject *);
PyAPI_FUNC(int) PySet_Contains(PyObject *, PyObject *);
PyAPI_FUNC(int) PySet_Clear(PyObject *);
PyAPI_FUNC(Py_ssize_t) PySet_Size(PyObject *);
PyAPI_FUNC(PyObject *) PySet_Pop(PyObject *);

#define PySlice_Check(ob) Py_IS_TYPE(ob, &PySlice_Type)
PyAPI_FUNC(PyObject *) PySlice_New(PyObject *, PyObject *, PyObject *);
PyAPI_FUNC(int) PySlice_Unpack(PyObject *, Py_ssize_t *, Py_ssize_t *, Py_ssize_t *);
PyAPI_FUNC(Py_ssize_t) PySlice_AdjustIndices(Py_ssize_t, Py_ssize_t *, Py_ssize_t *, Py_ssize_t);
PyAPI_FUNC(int) PySlice_GetIndicesEx(PyObject *, Py_ssize_t, Py_ssize_t *, Py_ssize_t *, Py_ssize_t *, Py_ssize_t *);
PyAPI_FUNC(int) _PyEval_SliceIndex(PyObject *, Py_ssize_t *);

PyAPI_FUNC(PyObject *) PySeqIter_New(PyObject *);
PyAPI_FUNC(PyObject *) PyObject_GetIter(PyObject *);
PyAPI_FUNC(int) PyIter_Check(PyObject *);
PyAPI_FUNC(PyObject *) PyIter_Next(PyObject *);

HFPY_END
#endif

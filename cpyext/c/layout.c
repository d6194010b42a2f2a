/* Sizes and offsets as a C compiler sees them: src/layout.rs compares them with its own. */
#include <Python.h>
#include <structmember.h>

#define AT(type, field) offsetof(type, field)

const size_t hfpy_layout[] = {
    sizeof(PyObject), AT(PyObject, ob_type), sizeof(PyVarObject), AT(PyVarObject, ob_size), sizeof(PyTypeObject),
    AT(PyTypeObject, tp_name), AT(PyTypeObject, tp_as_number), AT(PyTypeObject, tp_hash), AT(PyTypeObject, tp_as_buffer),
    AT(PyTypeObject, tp_flags), AT(PyTypeObject, tp_weaklistoffset), AT(PyTypeObject, tp_methods), AT(PyTypeObject, tp_dict),
    AT(PyTypeObject, tp_dictoffset), AT(PyTypeObject, tp_new), AT(PyTypeObject, tp_free), AT(PyTypeObject, tp_mro),
    AT(PyTypeObject, tp_finalize), AT(PyTypeObject, tp_vectorcall), sizeof(PyHeapTypeObject), AT(PyHeapTypeObject, as_number),
    AT(PyHeapTypeObject, as_buffer), AT(PyHeapTypeObject, ht_module), sizeof(PyNumberMethods), AT(PyNumberMethods, nb_index),
    sizeof(PySequenceMethods), AT(PySequenceMethods, sq_contains), sizeof(PyMappingMethods), sizeof(PyAsyncMethods),
    sizeof(PyBufferProcs), sizeof(Py_buffer), AT(Py_buffer, shape), sizeof(PyMethodDef), sizeof(PyMemberDef),
    AT(PyMemberDef, flags), sizeof(PyGetSetDef), sizeof(PyType_Spec), AT(PyType_Spec, slots), sizeof(PyType_Slot),
    sizeof(PyModuleDef), AT(PyModuleDef, m_slots), sizeof(PyModuleDef_Slot), AT(PyASCIIObject, state),
    sizeof(PyASCIIObject), sizeof(PyCompactUnicodeObject), AT(PyBytesObject, ob_sval), AT(PyTupleObject, ob_item),
    AT(PyListObject, ob_item), AT(PyLongObject, ob_digit), AT(PyFloatObject, ob_fval), AT(PyMemoryViewObject, view),
    AT(PySliceObject, step),
};
const size_t hfpy_layout_count = sizeof hfpy_layout / sizeof hfpy_layout[0];

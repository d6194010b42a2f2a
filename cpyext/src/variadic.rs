//! The functions with a variable number of arguments, which are C's (`../c`), kept for the extensions that need them.

macro_rules! keep {
    ($($name:ident),* $(,)?) => {
        mod c {
            unsafe extern "C" {
                $(pub fn $name();)*
            }
        }
        /// Their addresses, so that the linker takes them into every program.
        #[used]
        static KEEP: [unsafe extern "C" fn(); COUNT] = [$(c::$name),*];
        const COUNT: usize = [$(stringify!($name)),*].len();
    };
}
keep! {
    PyArg_Parse, PyArg_ParseTuple, PyArg_ParseTupleAndKeywords, PyArg_VaParse, PyArg_VaParseTupleAndKeywords,
    PyArg_UnpackTuple, Py_BuildValue, Py_VaBuildValue, PyErr_Format, PyErr_FormatV, PyErr_WarnFormat,
    PyUnicode_FromFormat, PyUnicode_FromFormatV, PyBytes_FromFormat, PyOS_snprintf, PyTuple_Pack,
    PyObject_CallFunction, PyObject_CallMethod, PyObject_CallFunctionObjArgs, PyObject_CallMethodObjArgs, _PyObject_CallMethod,
    PySys_WriteStderr, PySys_WriteStdout, Py_FatalError, PyObject_Print,
}

/// What C code inlines of handfast's own interface, and falls back to.
#[used]
static HANDFAST: [unsafe extern "C" fn(*mut handfast_c::ctypes::HfPyobject); 3] =
    [handfast_c::handles::hf_incref, handfast_c::handles::hf_decref, handfast_c::handles::hf_decref_zero];

/* Names for what compilers and machines differ in. */
#ifndef HFPY_PORT_H
#define HFPY_PORT_H

#ifdef __cplusplus
#define HFPY_BEGIN extern "C" {
#define HFPY_END }
#define HFPY_CAST(type, value) static_cast<type>(value)
#else
#define HFPY_BEGIN
#define HFPY_END
#define HFPY_CAST(type, value) ((type)(value))
#endif

typedef ssize_t Py_ssize_t;
typedef Py_ssize_t Py_hash_t;
typedef size_t Py_uhash_t;
typedef uint32_t Py_UCS4;
typedef uint16_t Py_UCS2;
typedef uint8_t Py_UCS1;

#define PY_SSIZE_T_MAX ((Py_ssize_t)(((size_t)-1) >> 1))
#define PY_SSIZE_T_MIN (-PY_SSIZE_T_MAX - 1)
#define PY_FORMAT_SIZE_T "z"
#define PY_LLONG_MIN LLONG_MIN
#define PY_LLONG_MAX LLONG_MAX
#define PY_ULLONG_MAX ULLONG_MAX
#define PY_LONG_LONG long long
#define PY_UINT32_T uint32_t
#define PY_INT32_T int32_t
#define PY_UINT64_T uint64_t
#define PY_INT64_T int64_t
#define HAVE_LONG_LONG 1
#define SIZEOF_SHORT 2
#define SIZEOF_INT 4
#define SIZEOF_LONG 8
#define SIZEOF_LONG_LONG 8
#define SIZEOF_SIZE_T 8
#define SIZEOF_VOID_P 8
#define SIZEOF_FLOAT 4
#define SIZEOF_DOUBLE 8
#define PY_LITTLE_ENDIAN 1
#define PY_BIG_ENDIAN 0

#define PyAPI_FUNC(type) extern type
#define PyAPI_DATA(type) extern type
#ifdef __cplusplus
#define PyMODINIT_FUNC extern "C" __attribute__((visibility("default"))) PyObject *
#else
#define PyMODINIT_FUNC __attribute__((visibility("default"))) PyObject *
#endif

#define Py_MIN(a, b) (((a) > (b)) ? (b) : (a))
#define Py_MAX(a, b) (((a) > (b)) ? (a) : (b))
#define Py_ABS(a) ((a) < 0 ? -(a) : (a))
#define Py_STRINGIFY_(a) #a
#define Py_STRINGIFY(a) Py_STRINGIFY_(a)
#define Py_ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define Py_UNUSED(name) unused_##name __attribute__((unused))
#define Py_DEPRECATED(version) __attribute__((deprecated))
#define Py_GCC_ATTRIBUTE(list) __attribute__(list)
#define Py_ALIGNED(bytes) __attribute__((aligned(bytes)))
#define Py_CHARMASK(c) ((unsigned char)((c) & 0xff))
#define Py_LOCAL(type) static type
#define Py_LOCAL_INLINE(type) static inline type
#define Py_UNREACHABLE() __builtin_unreachable()
#define Py_SAFE_DOWNCAST(value, wide, narrow) ((narrow)(value))
#define Py_MEMCPY memcpy
#define Py_IS_NAN(x) isnan(x)
#define Py_IS_INFINITY(x) isinf(x)
#define Py_IS_FINITE(x) isfinite(x)
#define Py_HUGE_VAL HUGE_VAL
#define Py_NAN ((double)NAN)
#define PyDoc_VAR(name) static const char name[]
#define PyDoc_STR(text) text
#define PyDoc_STRVAR(name, text) PyDoc_VAR(name) = PyDoc_STR(text)

#endif

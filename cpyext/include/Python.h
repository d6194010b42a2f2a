/*
 * The Python C API on handfast, for extensions that were written for CPython 3.11.
 *
 * What is here works; what is not here does not compile. Objects have handfast's three words in front; counts are
 * handfast's inline ones, which are atomic. Everything else that C sees of an object is as in CPython: items of tuples and
 * lists, the characters of a str, the digits of an int. `Py_REFCNT` counts the heap's own reference as one, so that a count
 * of 1 means that nobody else has the object.
 */
#ifndef HFPY_PYTHON_H
#define HFPY_PYTHON_H

#define PY_MAJOR_VERSION 3
#define PY_MINOR_VERSION 11
#define PY_MICRO_VERSION 0
#define PY_RELEASE_LEVEL 0xF
#define PY_RELEASE_SERIAL 0
#define PY_VERSION "3.11.0"
#define PY_VERSION_HEX 0x030b00f0
/* Tells extensions which runtime this is. */
#define HANDFAST_CPYEXT 1

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <wchar.h>

#include "handfast.h"

#include "hfpy/port.h"
#include "hfpy/object.h"
#include "hfpy/type.h"
#include "hfpy/numbers.h"
#include "hfpy/text.h"
#include "hfpy/containers.h"
#include "hfpy/errors.h"
#include "hfpy/module.h"
#include "hfpy/call.h"
#include "hfpy/protocols.h"
#include "hfpy/buffer.h"
#include "hfpy/runtime.h"

#endif

/* The items of a list, for CPython's own modules. */
#ifndef HFPY_PYCORE_LIST_H
#define HFPY_PYCORE_LIST_H
#include "Python.h"
#define _PyList_ITEMS(ob) (((PyListObject *)(ob))->ob_item)
#endif

/* Locks are in Python.h already. */
#include "Python.h"

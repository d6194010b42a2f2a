"""Runs a test suite under pytest while its extension module is recorded (`record.sh` calls it).

    pytest -p plugin TESTS        with RECORD_MODULE (dotted name), RECORD_OUT (file; none: run without recording) and
                                  RECORD_BY_ADDRESS (JSON, see `Recorder`)

Makes each run alike: `random` and `os.urandom` are seeded before each test, the cycle collector runs between tests
only.
"""

import gc
import json
import os
import random

import recorder

_recorder = None


def _begin():
    # When this file is imported: a conftest.py is too, before any hook runs.
    global _recorder
    if os.environ.get("RECORD_OUT"):
        out = open(os.environ["RECORD_OUT"], "w")
        by_address = json.loads(os.environ.get("RECORD_BY_ADDRESS") or "{}")
        _recorder = recorder.install(out, os.environ["RECORD_MODULE"], by_address)
    os.urandom = random.Random(0).randbytes
    gc.disable()


_begin()


def pytest_runtest_setup(item):
    """Before each test."""
    random.seed(0)
    gc.collect()
    if _recorder is not None:
        _recorder.mark(item.nodeid)


def pytest_unconfigure(config):
    """After the last."""
    gc.collect()
    if _recorder is not None:
        _recorder.close()

"""Python values as JSON, exactly: what a recording can say, and what it cannot, with the reason.

    None, bool, str, list        themselves; a str with lone surrogates {"w": [code points]}
    int                          a number if it fits 53 bits, else {"i": "-0x1f..."}
    float                        {"f": "16 hex digits"}, its bits, so that NaN, -0.0 and the last bit count
    bytes, bytearray             {"b": hex} {"B": hex}; of a repeated unit {"b": hex of the unit, "n": times}
    memoryview (one dimension)   {"v": bytes} {"V": bytearray}: a view of such bytes; so any other buffer of bytes
    tuple, dict                  {"t": [...]} {"d": [[key, value]...]}
    iterator of list or tuple    {"it": [what is left]}
    a list that comes again      {"L": number}: of plain values, see `lists` in README.md
    an object of the module      {"o": number}; where a result brings a new one {"o": number, "T": name of its type}
    something of the module      {"m": "name"} or, of a module that is loaded again, {"m": "name", "l": load}
    object()                     {"p": number}; so a method wrapper, which is passed on and not called
    an int of a class of its own {"I": int, "n": number}: the same object for the same number
    UserList                     {"S": [items]}: a sequence that is no list
    a Python function            {"fn": number}: a stand-in that checks its calls
    a builtin type               {"c": "int"}

Anything else raises `Unreplayable`.
"""

import copy
import struct

PLAIN = {type(None), bool, int, float, str, bytes, bytearray, tuple, list, dict}
ITERATORS = {type(iter([])), type(iter(()))}
BUILTIN_TYPES = {int, float, str, bytes, bytearray, tuple, list, dict, object, type}


class Unreplayable(Exception):
    """The value has no form that another interpreter could rebuild; the text says which value, and is the same in
    each run."""


def scalar(value):
    """The JSON of None, bool, int, float, str, bytes or bytearray."""
    kind = type(value)
    if value is None or kind is bool:
        return value
    if kind is int:
        return value if abs(value) < 1 << 53 else {"i": hex(value)}
    if kind is float:
        return {"f": struct.pack(">d", value).hex()}
    if kind is str:
        if any(0xD800 <= ord(c) < 0xE000 for c in value):
            return {"w": [ord(c) for c in value]}
        return value
    return run_length("b" if kind is bytes else "B", bytes(value))


def run_length(tag, data):
    """Bytes; a long repetition of one unit as unit and count, since suites like `b"x" * 10_000_000`."""
    if len(data) > 64:
        period = (data + data).find(data, 1)
        if period < len(data):
            return {tag: data[:period].hex(), "n": len(data) // period}
    return {tag: data.hex()}


class Encoder:
    """Encodes values; `special(value)` is asked first, and answers with JSON or None."""

    def __init__(self, special):
        self.special = special

    def __call__(self, value):
        found = self.special(value)
        if found is not None:
            return found
        kind = type(value)
        if kind is list:
            return [self(item) for item in value]
        if kind is tuple:
            return {"t": [self(item) for item in value]}
        if kind is dict:
            return {"d": [[self(k), self(v)] for k, v in value.items()]}
        if kind in PLAIN:
            return scalar(value)
        if kind is memoryview:
            return self.memoryview(value)
        if kind in ITERATORS:
            return {"it": [self(item) for item in copy.copy(value)]}
        if kind is type and value in BUILTIN_TYPES:
            return {"c": value.__name__}
        if isinstance(value, type):
            raise Unreplayable(f"a class: {value.__name__}")
        return self.buffer(value)

    def buffer(self, value):
        """An array, a mapped file …: C looks at its bytes, so a view of such bytes stands for it."""
        try:
            with memoryview(value) as view:
                if view.ndim == 1 and view.c_contiguous:
                    return {"v" if view.readonly else "V": run_length("b", bytes(view))}
        except TypeError:
            pass
        raise Unreplayable(f"an instance of {type(value).__name__}")

    def memoryview(self, view):
        """A view as a view of a copy of its bytes: readable ones of bytes, writable ones of a bytearray."""
        if view.ndim != 1 or view.format != "B" or not view.c_contiguous:
            raise Unreplayable("a memoryview that is no plain row of bytes")
        return {"v" if view.readonly else "V": run_length("b", bytes(view))}

"""Stands between a test suite and the extension module that it tests, and writes down what passes.

A finder in front of all others hands out, in place of the real module, one whose functions, types and objects are
proxies. A proxy does to the real thing what is done to it, and writes a line of JSON: the operation, its arguments,
its result or exception. Objects of the module are numbered; a number is dropped when the suite lets go of its object.
So a recording can be replayed through the C-API alone, with no interpreter (`../replay`). README.md has the format.

How: each type T of the module gets a Python class whose instances hold one instance of T (`isinstance` in the suite
works); there is one proxy an object, so that identity is kept. Arguments are unwrapped on the way in, also inside
tuples, lists and dicts, and results wrapped on the way out. A Python function that is passed in is wrapped as well,
to record that it was called, with what, and what it answered.

Limits: what needs the interpreter cannot be replayed, and is written with the reason ("skip"): instances of Python
classes, generators' laziness, operations inside callbacks. A proxy is no buffer, and no subclass of the real type's
base. One thread: others wait (a lock), and what they do is recorded in the order in which they came.
"""

import collections
import importlib.abc
import importlib.machinery
import importlib.util
import json
import operator
import re
import sys
import threading
import types
import weakref

from encode import PLAIN, Encoder, Unreplayable

BINARY = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "truediv": operator.truediv,
    "floordiv": operator.floordiv, "mod": operator.mod, "lshift": operator.lshift, "rshift": operator.rshift,
    "and": operator.and_, "or": operator.or_, "xor": operator.xor, "pow": operator.pow, "matmul": operator.matmul,
    "divmod": divmod,
}
INPLACE = {
    "iadd": operator.iadd, "isub": operator.isub, "imul": operator.imul, "itruediv": operator.itruediv,
    "ior": operator.ior, "iand": operator.iand,
}
COMPARE = {
    "lt": operator.lt, "le": operator.le, "eq": operator.eq, "ne": operator.ne, "gt": operator.gt, "ge": operator.ge,
}
UNARY = {
    "neg": operator.neg, "pos": operator.pos, "abs": abs, "invert": operator.invert, "int": int, "float": float,
    "index": operator.index, "bool": bool, "len": len, "iter": iter, "next": next, "repr": repr, "str": str,
    "hash": hash,
}
ITEM = {"getitem": operator.getitem, "setitem": operator.setitem, "delitem": operator.delitem,
        "contains": operator.contains}
MUTABLE = {list, dict, bytearray, collections.UserList}
METHODS = (types.MethodDescriptorType, types.ClassMethodDescriptorType)
SCALARS = PLAIN - {tuple, list, dict, bytearray}
CALLBACKS = (types.FunctionType, types.MethodType, types.BuiltinFunctionType, types.MethodDescriptorType)
# What an int's subclass may have and still compare as an int does.
OF_A_CLASS = {"__module__", "__qualname__", "__doc__", "__dict__", "__weakref__", "__slots__", "__firstlineno__"}
# What the import system puts into each module.
OF_IMPORT = {"__file__", "__spec__", "__loader__", "__package__", "__name__", "__builtins__", "__cached__"}
ADDRESS = re.compile(r"0x[0-9a-f]{6,}")


def made_by_a_class_statement(kind):
    """Whether a type is Python's own work, not C's."""
    heap = kind.__flags__ & (1 << 9)
    return bool(heap) and any(name in base.__dict__ for base in kind.__mro__[:-1]
                              for name in ("__dict__", "__slots__", "__weakref__"))


def unchanging(value):
    """Whether a value is plain, and stays what it is."""
    return type(value) in SCALARS or type(value) is tuple and all(map(unchanging, value))


def is_int_by_another_name(kind):
    """Whether instances are ints with a class of the suite, which changes nothing about them."""
    return (issubclass(kind, int) and kind is not bool and kind.__mro__[1] is int
            and made_by_a_class_statement(kind) and not (kind.__dict__.keys() - OF_A_CLASS))


class Proxy:
    """Base of all proxies: `_raw` is the real object, `_number` its number in the recording."""

    _recorder = None

    def __del__(self):
        recorder = type(self)._recorder
        if recorder is not None and "_number" in self.__dict__:
            recorder.dropped(self._number)

    def __getattr__(self, name):
        return type(self)._recorder.attribute(self, name)

    def __setattr__(self, name, value):
        type(self)._recorder.operate("setattr", setattr, (self, name, value))

    def __delattr__(self, name):
        type(self)._recorder.operate("delattr", delattr, (self, name))

    def __init__(self, *args, **kwargs):
        pass


class Function:
    """A function of the module."""

    def __init__(self, recorder, raw, where):
        self.__dict__.update(_recorder=recorder, _raw=raw, _where=where)

    def __call__(self, /, *args, **kwargs):
        return self._recorder.call(self._where, self._raw, args, kwargs)

    def __getattribute__(self, name):
        if name in ("__doc__", "__name__", "__module__", "__qualname__", "__text_signature__"):
            return self._recorder.operate("getattr", getattr, (self, name))
        return object.__getattribute__(self, name)


class BoundMethod:
    """A method of an object of the module."""

    def __init__(self, proxy, name):
        self.proxy = proxy
        self.name = name
        self.__name__ = name

    def __call__(self, /, *args, **kwargs):
        return type(self.proxy)._recorder.method(self.proxy, self.name, args, kwargs)

    def __getattr__(self, name):
        return getattr(getattr(self.proxy._raw, self.name), name)


class Callback:
    """A Python function on its way into the module: its calls are part of the call that made them."""

    def __init__(self, recorder, function, number):
        self.recorder = recorder
        self.function = function
        self.number = number

    def __call__(self, /, *args, **kwargs):
        return self.recorder.called_back(self, args, kwargs)


class Tap:
    """A generator on its way into the module: what the module takes from it is noted."""

    def __init__(self, generator):
        self.generator = generator
        self.form = {"it": []}
        self.taken = []
        self.ended = False

    def __iter__(self):
        return self

    def __next__(self):
        try:
            item = next(self.generator)
        except StopIteration:
            self.ended = True
            raise
        self.taken.append(item)
        return item


class ProxyMeta(type):
    """The class of a type's proxies: class attributes come from the real type."""

    def __getattr__(cls, name):
        raw = cls.__dict__.get("_raw_type")
        if raw is None or name.startswith("_recorder"):
            raise AttributeError(name)
        found = getattr(raw, name)
        if isinstance(found, METHODS):
            return lambda proxy, *args, **kwargs: BoundMethod(proxy, name)(*args, **kwargs)
        return found


class Recorder:
    """One recording: the numbers of its objects, and the file that it goes to.

    `by_address` names what depends on addresses, in CPython too: "order", methods whose result is a tuple in any order,
    each with the methods that tell its items apart; "words", methods and operators whose text has its parts in any order.
    """

    def __init__(self, out, by_address=None):
        self.out = out
        self.order = (by_address or {}).get("order", {})
        self.words = (by_address or {}).get("words", [])
        self.taps = {}  # id of a generator -> its Tap, during the call that it is an argument of
        self.lock = threading.RLock()
        self.depth = 0
        self.callbacks = []
        self.nested = False
        self.next_number = 1
        self.alive = weakref.WeakValueDictionary()  # id of the real object -> its proxy
        self.numbers = {}  # id of a real object -> number, while its proxy lives
        self.classes = {}  # real type -> class of proxies
        self.named = {}  # id of a function or type of the module -> JSON that names it
        self.keep = []  # what `named`, `passed` and `functions` are keyed by
        self.passed = {}  # id of a plain object() of the suite -> its number
        self.functions = {}  # id of a Python function of the suite -> its Callback
        self.lists = {}  # id of a list of the suite -> (number, the list, what it held when last seen)
        self.loads = 0
        self.fresh = {}  # numbers that came up in the event being written -> name of the type
        self.encode = Encoder(self.special)

    # --- the module -----------------------------------------------------------------------------------------------

    def load(self, real, name):
        """The stand-in for a module just loaded."""
        load = self.loads
        self.loads += 1
        self.emit({"op": "load", "module": name, "l": load})
        proxy = types.ModuleType(real.__name__, real.__doc__)
        for attribute, value in list(vars(real).items()):
            where = {"m": attribute} if load == 0 else {"m": attribute, "l": load}
            if attribute in OF_IMPORT or isinstance(value, types.ModuleType):
                setattr(proxy, attribute, value)
            elif isinstance(value, type):
                self.keep.append(value)
                self.named.setdefault(id(value), where)
                stays = issubclass(value, BaseException) or made_by_a_class_statement(value)
                setattr(proxy, attribute, value if stays else self.class_of(value))
            elif isinstance(value, types.BuiltinFunctionType):
                self.keep.append(value)
                self.named[id(value)] = where
                setattr(proxy, attribute, Function(self, value, where))
            else:
                setattr(proxy, attribute, self.operate("attr", lambda _: value, (where,), literal=True))
        return proxy

    def class_of(self, raw_type):
        """The class of proxies for a type."""
        if raw_type in self.classes:
            return self.classes[raw_type]
        recorder = self

        def new(cls, /, *args, **kwargs):
            where = recorder.named.get(id(raw_type))
            if where is None:
                raise TypeError(f"cannot create {raw_type.__name__} objects")
            return recorder.call(where, raw_type, args, kwargs, as_class=cls)

        space = {"_raw_type": raw_type, "_recorder": self, "__new__": new, "__module__": raw_type.__module__,
                 "__doc__": raw_type.__doc__, "__qualname__": raw_type.__qualname__}

        def has(name):
            return any(name in base.__dict__ for base in raw_type.__mro__ if base is not object)

        def define(op, function, reflected=False):
            if reflected:
                return lambda self, other: recorder.operate(op, function, (other, self))
            return lambda *args: recorder.operate(op, function, args)

        for table in (UNARY, ITEM, INPLACE, BINARY, COMPARE):
            for op, function in table.items():
                name = f"__{op}__"
                if has(name) or op in ("repr", "str", "hash", "eq", "ne"):
                    space[name] = define(op, function)
                if table is BINARY and has(f"__r{op}__"):
                    space[f"__r{op}__"] = define(op, function, reflected=True)
        if has("__call__"):
            space["__call__"] = lambda self, /, *a, **k: recorder.call(recorder.encode(self), self._raw, a, k)
        made = ProxyMeta(raw_type.__name__, (Proxy,), space)
        self.classes[raw_type] = made
        return made

    # --- what is done to it ---------------------------------------------------------------------------------------

    def call(self, where, raw, args, kwargs, as_class=None):
        """A function, a type or a callable object is called."""
        return self.event({"op": "call", "f": where}, raw, args, kwargs, as_class)

    def method(self, proxy, name, args, kwargs):
        """A method of an object is called."""
        return self.event({"op": "method", "s": {"o": proxy._number}, "name": name}, getattr(proxy._raw, name), args,
                          kwargs)

    def attribute(self, proxy, name):
        """An attribute is read: methods are recorded when called, all else now."""
        if name.startswith("_recorder") or name in ("_raw", "_number"):
            raise AttributeError(name)
        if name.startswith("__") and not hasattr(type(proxy._raw), name):
            # Test runners look for such marks.
            raise AttributeError(name)
        for base in type(proxy._raw).__mro__:
            if isinstance(base.__dict__.get(name), METHODS):
                return BoundMethod(proxy, name)
        return self.operate("getattr", getattr, (proxy, name))

    def operate(self, op, function, args, literal=False):
        """An operator, or a function of Python like `len`, is applied."""
        return self.event({"op": op}, function, args, {}, literal=literal)

    def event(self, event, function, args, kwargs, as_class=None, literal=False):
        """Does it, and writes it."""
        with self.lock:
            if self.depth > 0:
                self.nested = True
            outer_callbacks, self.callbacks = self.callbacks, []
            named = [] if literal else self.name_lists(event, args)
            event["a"] = list(args) if literal else [self.argument(event, arg) for arg in args]
            if kwargs:
                event["k"] = {key: self.argument(event, value) for key, value in kwargs.items()}
            if self.depth > 0:
                event["skip"] = "inside a callback"
            raw_args = args if literal else [self.unwrap(arg) for arg in args]
            raw_kwargs = {key: self.unwrap(value) for key, value in kwargs.items()}
            self.depth += 1
            outer_fresh, self.fresh = self.fresh, {}
            try:
                outcome, failed = function(*raw_args, **raw_kwargs), None
            except BaseException as exception:  # noqa: BLE001 everything is recorded, and goes on its way
                outcome, failed = None, exception
            self.depth -= 1
            if self.depth == 0 and self.nested:
                self.nested = False
                event["skip"] = "its callbacks use the module"
            if self.callbacks:
                event["cb"] = self.callbacks
                if any("skip" in callback for callback in self.callbacks):
                    event["skip"] = "a callback gets or gives what cannot be replayed"
            self.callbacks = outer_callbacks
            if self.depth == 0:
                self.close_taps(event)
            result = self.record_outcome(event, outcome, failed, as_class)
            if not literal and "skip" not in event and any(type(arg) in MUTABLE for arg in args):
                self.record_arguments(event, args, named)
            self.fresh = outer_fresh
            self.emit(event)
        if failed is not None:
            raise failed.with_traceback(failed.__traceback__.tb_next)
        return result

    def argument(self, event, value):
        """The JSON of an argument; of one that has none, why the event is skipped."""
        try:
            return self.encode(value)
        except Unreplayable as reason:
            event.setdefault("skip", str(reason))
            return {"?": str(reason)}

    def name_lists(self, event, args):
        """Numbers the longer lists among the arguments: one that is passed again is said by its number, and only if
        the suite has changed it since by what it holds."""
        named = []
        for arg in args:
            if type(arg) is not list or not (id(arg) in self.lists or len(arg) > 16):
                continue
            if not all(map(unchanging, arg)):
                self.lists.pop(id(arg), None)
                continue
            number, _, seen = self.lists.get(id(arg), (len(self.lists) + 1, None, None))
            if seen is None or len(seen) != len(arg) or not all(map(operator.is_, seen, arg)):
                event.setdefault("lists", []).append([number, [self.encode(item) for item in arg]])
            self.lists[id(arg)] = number, arg, list(arg)
            named.append(arg)
        return named

    def close_taps(self, event):
        """Writes what generators gave during a call."""
        for tap in self.taps.values():
            try:
                tap.form["it"].extend(self.encode(item) for item in tap.taken)
            except Unreplayable as reason:
                event.setdefault("skip", str(reason))
            if not tap.ended:
                event.setdefault("skip", "a generator that is not run to its end")
        self.taps = {}

    def record_arguments(self, event, args, named):
        """Writes what the call has changed in its arguments."""
        for arg in named:
            number, _, seen = self.lists[id(arg)]
            if not all(map(unchanging, arg)):
                raise AssertionError("a list of plain values got another")
            changes = [[i, self.encode(item)] for i, item in enumerate(arg) if i >= len(seen) or seen[i] is not item]
            if changes or len(seen) != len(arg):
                event.setdefault("lists_after", []).append([number, len(arg), changes])
            self.lists[id(arg)] = number, arg, list(arg)
        if any(type(arg) is types.GeneratorType for arg in args):
            return
        after = [self.encode(arg) for arg in args]
        if after != event["a"]:
            event["after"] = after

    def record_outcome(self, event, outcome, failed, as_class=None):
        """Writes result or exception into the event, and gives the wrapped result."""
        result = None
        try:
            if failed is None:
                result = self.wrap(outcome, as_class)
                event["r"] = self.encode(result)
                if event["op"] == "hash" and isinstance(result, int):
                    event["r"] = {"any": "int"}
                text = event["r"]
                if isinstance(text, str) and ADDRESS.search(text):
                    event["r"] = {"re": ADDRESS.sub("0x?", text)}
                elif isinstance(text, str) and event.get("name", event["op"]) in self.words and text.count("*") > 1:
                    event["r"] = {"words": " ".join(sorted(text.split()))}
                elif event.get("name") in self.order and type(result) is tuple and len(result) > 1:
                    event["by"] = self.fingerprints(result, self.order[event["name"]])
            else:
                self.wrap_exception(failed)
                event["e"] = type(failed).__name__
                if not isinstance(failed, StopIteration) or failed.args:
                    event["msg"] = ADDRESS.sub("0x?", str(failed))
                    arguments = [self.encode(arg) for arg in failed.args]
                    if arguments != [str(failed)] and not ADDRESS.search(str(failed)):
                        event["x"] = arguments
        except Unreplayable as reason:
            event["skip"] = f"its result is {reason}"
        if self.fresh:
            event["new"] = [[number, name] for number, name in self.fresh.items()]
        return result

    def fingerprints(self, items, methods):
        """What tells the items of a result apart, that come in any order."""
        known = len(self.fresh)
        keys = [[self.encode(self.wrap(getattr(item._raw, method)())) for method in methods] for item in items]
        if len(self.fresh) != known:
            raise Unreplayable("told apart by objects that are new")
        return {"methods": methods, "keys": keys}

    def called_back(self, callback, args, kwargs):
        """C calls a Python function."""
        note = {"fn": callback.number}
        wrapped = [self.wrap(arg) for arg in args]
        try:
            if self.fresh:
                raise Unreplayable("a new object, in a callback")
            note["a"] = [self.encode(arg) for arg in wrapped]
            if kwargs:
                raise Unreplayable("keywords, in a callback")
        except Unreplayable as reason:
            note["skip"] = str(reason)
        try:
            answer = callback.function(*wrapped, **kwargs)
        except BaseException as exception:
            note["e"], note["msg"] = type(exception).__name__, str(exception)
            if made_by_a_class_statement(type(exception)):
                note["skip"] = "an exception of a Python class, in a callback"
            self.callbacks.append(note)
            raise
        try:
            note["r"] = self.encode(answer)
        except Unreplayable as reason:
            note["skip"] = str(reason)
        self.callbacks.append(note)
        return self.unwrap(answer)

    # --- values ---------------------------------------------------------------------------------------------------

    def special(self, value):
        """JSON for what only the recorder knows."""
        kind = type(value)
        if kind is list:
            return {"L": self.lists[id(value)][0]} if id(value) in self.lists else None
        if isinstance(value, Proxy):
            return {"o": value._number}
        if kind is Function:
            return value._where
        if isinstance(value, ProxyMeta):
            return self.named.get(id(value.__dict__.get("_raw_type")))
        if kind is BoundMethod:
            raise Unreplayable("a bound method of the module")
        if kind is object or kind is types.MethodWrapperType:
            # A method wrapper is passed on, and never called by what is recorded here.
            return {"p": self.number_passed(value)}
        if is_int_by_another_name(kind):
            return {"I": self.encode(int(value)), "n": self.number_passed(value)}
        if kind is collections.UserList:
            return {"S": [self.encode(item) for item in value.data]}
        if kind is types.GeneratorType:
            return self.taps.setdefault(id(value), Tap(value)).form
        if id(value) in self.named:
            return self.named[id(value)]
        if kind in CALLBACKS:
            return {"fn": self.callback(value).number}
        return None

    def number_passed(self, value):
        """The number of an object of the suite that is nothing but itself."""
        if id(value) not in self.passed:
            self.keep.append(value)
            self.passed[id(value)] = len(self.passed) + 1
        return self.passed[id(value)]

    def callback(self, function):
        """The one stand-in of a Python function."""
        # A bound method is a new object at each mention.
        key = (id(getattr(function, "__self__", None)), id(getattr(function, "__func__", function)))
        if key not in self.functions:
            self.keep.append(function)
            self.functions[key] = Callback(self, function, len(self.functions) + 1)
        return self.functions[key]

    def unwrap(self, value):
        """What the module gets for an argument."""
        kind = type(value)
        if isinstance(value, Proxy):
            return value._raw
        if kind is Function:
            return value._raw
        if isinstance(value, ProxyMeta) and "_raw_type" in value.__dict__:
            return value._raw_type
        if kind is types.GeneratorType and id(value) in self.taps:
            return self.taps[id(value)]
        if kind in CALLBACKS:
            return self.callback(value)
        if kind in (list, tuple):
            items = [self.unwrap(item) for item in value]
            return kind(items) if any(a is not b for a, b in zip(items, value)) else value
        if kind is dict:
            items = [(self.unwrap(k), self.unwrap(v)) for k, v in value.items()]
            changed = any(a is not c or b is not d for (a, b), (c, d) in zip(items, value.items()))
            return dict(items) if changed else value
        return value

    def wrap(self, value, as_class=None):
        """What the suite gets for a result."""
        kind = type(value)
        if kind is Callback:
            return value.function
        if kind in (list, tuple):
            items = [self.wrap(item) for item in value]
            return kind(items) if any(a is not b for a, b in zip(items, value)) else value
        if kind is dict:
            items = [(self.wrap(k), self.wrap(v)) for k, v in value.items()]
            changed = any(a is not c or b is not d for (a, b), (c, d) in zip(items, value.items()))
            return dict(items) if changed else value
        if kind in PLAIN or isinstance(value, (type, Proxy, Function)) or kind is object:
            return value
        if isinstance(value, BaseException) or kind in CALLBACKS or made_by_a_class_statement(kind):
            return value
        # Of the builtin types, these can come from the module; the rest, from the suite.
        if kind.__module__ == "builtins" and kind is not memoryview and not kind.__name__.endswith("iterator"):
            return value
        return self.proxy_of(value, as_class)

    def proxy_of(self, raw, as_class=None):
        """The one proxy of a real object."""
        proxy = self.alive.get(id(raw))
        if proxy is None:
            cls = self.class_of(type(raw))
            if as_class is not None and as_class.__mro__.count(cls):
                cls = as_class
            proxy = object.__new__(cls)
            number = self.next_number
            self.next_number += 1
            proxy.__dict__.update(_raw=raw, _number=number)
            self.alive[id(raw)] = proxy
            self.fresh[number] = type(raw).__name__
        return proxy

    def wrap_exception(self, exception):
        """Puts proxies for the module's objects into an exception's arguments and slots."""
        exception.args = tuple(self.wrap(arg) for arg in exception.args)
        for cls in type(exception).__mro__:
            for name in cls.__dict__.get("__slots__", ()):
                if hasattr(exception, name):
                    setattr(exception, name, self.wrap(getattr(exception, name)))
        for name, value in vars(exception).items():
            setattr(exception, name, self.wrap(value))

    # --- the file -------------------------------------------------------------------------------------------------

    def dropped(self, number):
        """The suite has let go of an object."""
        with self.lock:
            self.emit({"op": "drop", "o": number})

    def mark(self, test):
        """A test begins: lists of the one before are no longer the same."""
        self.lists = {}
        self.emit({"op": "test", "name": test})

    def emit(self, event):
        """Writes a line."""
        if self.out is not None:
            self.out.write(json.dumps(event, separators=(",", ":")) + "\n")

    def close(self):
        """What comes now, as the interpreter ends, is not recorded."""
        with self.lock:
            self.out.close()
            self.out = None


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the module that is recorded, and loads it behind its proxy."""

    def __init__(self, recorder, name):
        self.recorder = recorder
        self.name = name

    def find_spec(self, fullname, path, target=None):
        """The spec of the recorded module, with this loader in place of its own."""
        if fullname != self.name:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        if spec is None:
            return None
        self.real = spec
        return importlib.machinery.ModuleSpec(fullname, self, origin=spec.origin)

    def create_module(self, spec):
        """The proxy, around the real module."""
        real = importlib.util.module_from_spec(self.real)
        self.real.loader.exec_module(real)
        return self.recorder.load(real, self.name)

    def exec_module(self, module):
        """Nothing is left to do."""


def install(out, name, by_address=None):
    """Records module `name` from now on."""
    recorder = Recorder(out, by_address)
    sys.meta_path.insert(0, Finder(recorder, name))
    return recorder

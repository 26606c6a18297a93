"""``jit``: trace once for each combination of argument types and static values, run the program from then on."""

from __future__ import annotations

import functools
import inspect
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcli.engine.abstract import ShapeDtypeStruct
from gradcli.engine.array import Array
from gradcli.engine.control.call import call
from gradcli.engine.control.common import trace_tree
from gradcli.engine.custom import as_value
from gradcli.engine.errors import fail
from gradcli.engine.execute.plain import RAISED
from gradcli.engine.ir.program import Jaxpr
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.refs import Ref, RefsWritten, on_values, opened, put_all, refs_in, telling, threaded, values_of
from gradcli.engine.settings import settings
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import STATE, Tracer, tracing
from gradcli.engine.transforms.rules import evaluate_jaxpr
from gradcli.engine.tree import LEAF, TreeDef, tree_flatten, tree_structure, tree_unflatten

if TYPE_CHECKING:  # loaded when the first program is compiled
    from gradcli.engine.execute.compiled import Compiled

CACHE_SIZE = 256


class Program:
    """A traced program. Where it can be run without being compiled, it is compiled for its second run."""

    def __init__(self, jaxpr: Jaxpr, out_tree: TreeDef) -> None:
        self.jaxpr, self.out_tree = jaxpr, out_tree
        self.is_new = True

    @functools.cached_property
    def compiled(self) -> Compiled:
        """The program simplified and written as Python."""
        self.is_new = False
        compiled: Compiled = import_module("gradcli.engine.execute.compiled").compile_program(self.jaxpr)
        return compiled

    @functools.cached_property
    def closed(self) -> tuple[Jaxpr, tuple[Any, ...]]:
        """The program for an equation: always the same one, so that what is derived from it is kept."""
        return self.jaxpr.closed()

    def results(self, args: Sequence[Any]) -> Any:
        """Runs it on values without tracers, and builds its result."""
        outs: Any = None
        types: Sequence[ArrayType] = self.jaxpr.out_types
        if self.is_new:
            self.is_new = False
            outs = import_module("gradcli.engine.execute.first").first_run(self.jaxpr, args)
        if outs is None:
            outs, types = self.compiled(args), self.compiled.out_types
        values = [Array(x, t) for x, t in zip(outs, types, strict=True)]
        return values[0] if self.out_tree is LEAF else tree_unflatten(self.out_tree, values)


class Jitted:
    """A function under ``jit``. Its cache is bounded and safe to use from several threads."""

    def __init__(self, fun: Callable[..., Any], static_argnums: Sequence[int], static_argnames: Sequence[str]) -> None:
        functools.update_wrapper(self, fun, updated=())
        self.fun = fun
        self.static_argnums, self.static_argnames = _both_ways(fun, static_argnums, static_argnames)
        self._cache: OrderedDict[Any, Program] = OrderedDict()
        self._quick: dict[Any, Callable[..., Any]] = {}
        self._lock = threading.Lock()
        self._opened: Jitted | None = None  # for refs among the arguments
        self._around: dict[Any, tuple[Ref, ...]] = {}  # the refs from around the function, by the kind of arguments
        self._threaded: dict[tuple[Ref, ...], Jitted] = {}

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if kwargs or self.static_argnums or STATE.trace is not None or settings().checks_values:
            return self._general(args, kwargs)
        kinds: tuple[Any, ...] = tuple(map(type, args))
        if kinds not in _FLOATS:
            kinds = tuple([_kind(a) for a in args])
        key = kinds, settings().key
        found = self._quick.get(key)
        if found is not None:
            try:
                return found(*args)
            except RAISED:
                self._quick.pop(key, None)
        out = self._general(args, kwargs)
        self._remember(key, args)
        return out

    def _remember(self, key: Any, args: tuple[Any, ...]) -> None:
        """Makes the next call with numbers and arrays of these types find its program at once."""
        if not all(type(a) in (float, Array, np.ndarray) or isinstance(a, np.generic) for a in args):
            return
        found = self._cache.get(self._prepare(args, {})[1])
        if found is None or "compiled" not in found.__dict__ or not found.compiled.may_be_quick:
            return
        types = found.jaxpr.in_types
        if all(type(a) in (float, Array) or a.dtype == t.dtype for a, t in zip(args, types, strict=True)):
            with self._lock:
                if len(self._quick) >= CACHE_SIZE:
                    self._quick.clear()
                self._quick[key] = _direct(found.compiled, found.out_tree)

    def _general(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        refs = refs_in((args, kwargs))
        if refs:
            return self._of_refs(refs, args, kwargs)
        leaves, key, run = self._prepare(args, kwargs)
        if self._around and key in self._around:
            return self._with_refs(self._around[key], args, kwargs)
        found = self._cache.get(key)
        if found is None:
            try:
                found = self._trace(key, run, leaves)
            except RefsWritten as told:
                around = tuple(told.refs)
            else:
                around = ()
            if found is None:
                if not tracing():
                    self._around[key] = around
                return self._with_refs(around, args, kwargs)
        jaxpr = found.jaxpr
        if tracing() or any(isinstance(x, Tracer) for x in (*leaves, *jaxpr.consts)):
            closed, consts = found.closed
            return tree_unflatten(found.out_tree, call(closed, [*consts, *leaves], jaxpr.name))
        if settings().checks_values:
            return tree_unflatten(found.out_tree, evaluate_jaxpr(jaxpr, leaves))
        return found.results(leaves)

    def _of_refs(self, refs: Sequence[Ref], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call with refs among the arguments: their values go in and come out."""
        if self._opened is None:
            self._opened = type(self)(on_values(self.fun), self.static_argnums, self.static_argnames)
        out, values = self._opened(*opened(args), **opened(kwargs))
        put_all(refs, values)
        return out

    def _with_refs(self, refs: tuple[Ref, ...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call of a function that uses refs from around it."""
        found = self._threaded.get(refs)
        if found is None:
            numbers = [i + 1 if i >= 0 else i for i in self.static_argnums]
            found = type(self)(threaded(self.fun, refs), numbers, self.static_argnames)
            if not tracing():
                self._threaded[refs] = found
        values, out = found(values_of(refs), *args, **kwargs)
        put_all(refs, values)
        return out

    def _prepare(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], as_leaf: Callable[[Any], Any] = as_value
    ) -> tuple[list[Any], Any, Any]:
        static = {i % len(args): args[i] for i in self.static_argnums if -len(args) <= i < len(args)}
        static_kw = {k: v for k, v in kwargs.items() if k in self.static_argnames}
        dynamic = [a for i, a in enumerate(args) if i not in static]
        dynamic_kw = {k: v for k, v in kwargs.items() if k not in static_kw}
        leaves, tree = tree_flatten((dynamic, dynamic_kw))
        leaves = [as_leaf(x) for x in leaves]

        def run(new: list[Any], keywords: dict[str, Any]) -> Any:
            stream = iter(new)
            full = [static[i] if i in static else next(stream) for i in range(len(args))]
            return self.fun(*full, **keywords, **static_kw)

        if Ref.exist:
            run = telling(run)
        run.__name__ = getattr(self.fun, "__name__", "f")
        key = (tree, tuple(x.type for x in leaves), tuple(static.items()), tuple(sorted(static_kw.items())), settings())
        try:
            hash(key)
        except TypeError:
            raise fail(
                "G208", "Non-hashable static arguments are not supported. jit keeps programs by their values",
                hint="pass arrays and lists as ordinary arguments", location=user_location(), cls=ValueError,
            ) from None  # fmt: skip
        return leaves, key, (tree, run)

    def _trace(self, key: Any, run: Any, leaves: Sequence[Any]) -> Program:
        tree, f = run
        jaxpr, out_tree = trace_tree(f, tree, [x.type for x in leaves], f.__name__)
        found = Program(jaxpr, out_tree)
        if not any(isinstance(c, Tracer) for c in jaxpr.consts):  # what it closed over belongs to one trace only
            with self._lock:
                self._cache[key] = found
                while len(self._cache) > CACHE_SIZE:
                    self._cache.popitem(last=False)
        return found

    def lower(self, *args: Any, **kwargs: Any) -> Lowered:
        """The program for arguments of these types (arrays or shapes), to look at or to compile."""
        leaves, key, run = self._prepare(args, kwargs, lambda x: x if isinstance(x, ShapeDtypeStruct) else as_value(x))
        return Lowered(self._trace(key, run, leaves), key)

    trace = lower

    def eval_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The types of the result."""
        return self.lower(*args, **kwargs).out_info

    def clear_cache(self) -> None:
        """Forgets every program."""
        with self._lock:
            for table in (self._cache, self._quick, self._around, self._threaded):
                table.clear()


class Lowered:
    """A program for arguments of given types, not run yet."""

    def __init__(self, program: Program, key: Any) -> None:
        self._program, self._key = program, key

    @property
    def jaxpr(self) -> Jaxpr:
        """The program as it was traced."""
        return self._program.jaxpr

    @property
    def out_info(self) -> Any:
        """The types of the result."""
        types = [ShapeDtypeStruct(t.shape, t.dtype, t.weak_type) for t in self.jaxpr.out_types]
        return tree_unflatten(self._program.out_tree, types)

    @property
    def in_avals(self) -> Any:
        """The types of the arguments, as ``(args, kwargs)``."""
        args, kwargs = tree_unflatten(self._key[0], self.jaxpr.in_types)
        return tuple(args), kwargs

    @property
    def fun_name(self) -> str:
        """The name of the function."""
        return self.jaxpr.name

    def as_text(self, dialect: str | None = None) -> str:
        """The program as a jaxpr, the only dialect there is."""
        return str(self.jaxpr)

    def lower(self) -> Lowered:
        """Itself: tracing and lowering are one step here."""
        return self

    def compile(self) -> Executable:
        """The program as a function for arguments of these types."""
        return Executable(self._program, self._key)


class Executable:
    """A compiled program: it is never traced again, and refuses arguments of other types."""

    def __init__(self, program: Program, key: Any) -> None:
        self._program, self._in_tree, self._types = program, key[0], key[1]
        self._compiled = program.compiled

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        leaves, tree = tree_flatten((list(args), kwargs))
        leaves = [as_value(x) for x in leaves]
        types = tuple(x.type for x in leaves)
        if tree != self._in_tree or [t.strong() for t in types] != [t.strong() for t in self._types]:
            raise fail(
                "G206", f"a program compiled for {self._in_tree} of {', '.join(map(str, self._types))} was called with "
                f"{tree} of {', '.join(map(str, types))}", location=user_location(), cls=TypeError,
                hint="call the jitted function itself, which traces again for other types",
            )  # fmt: skip
        return self._program.results(leaves)

    def cost_analysis(self) -> dict[str, float]:
        """Nothing is counted."""
        return {}

    def memory_analysis(self) -> None:
        """Nothing is counted."""

    def as_text(self) -> str:
        """The simplified program that runs."""
        return str(self._compiled.jaxpr)


_FLOATS = {(float,) * n for n in range(9)}


def _kind(x: Any) -> Any:
    """What the program of an argument depends on: the type of an array of ours, shape and dtype of one of NumPy's."""
    if type(x) is Array:
        return x.type
    return (x.shape, x.dtype) if type(x) is np.ndarray else type(x)


def _direct(compiled: Compiled, out_tree: TreeDef) -> Callable[..., Any]:
    """The program as a function of numbers and arrays, without anything in between."""
    values = compiled.on_values
    if out_tree is LEAF:
        return lambda *args: values(*args)[0]
    if out_tree == tree_structure((0,) * out_tree.num_leaves):
        return values
    return lambda *args: tree_unflatten(out_tree, values(*args))


def _both_ways(fun: Any, argnums: Sequence[int], argnames: Sequence[str]) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Static arguments are static whether they are passed by position or by name."""
    try:
        names = list(inspect.signature(fun).parameters)
    except (TypeError, ValueError):
        return tuple(argnums), tuple(argnames)
    numbers = set(argnums) | {names.index(n) for n in argnames if n in names}
    all_names = set(argnames) | {names[i] for i in argnums if -len(names) <= i < len(names)}
    return tuple(sorted(numbers)), tuple(sorted(all_names))


def jit(
    fun: Callable[..., Any] | None = None, *, static_argnums: int | Sequence[int] | None = None,
    static_argnames: str | Sequence[str] | None = None, donate_argnums: Any = None, donate_argnames: Any = None,
    keep_unused: bool = False, inline: bool = False, device: Any = None, backend: Any = None, **_: Any,
) -> Any:  # fmt: skip
    """``fun``, traced once a signature and then run without Python in between. A decorator, with or without arguments.

    Static arguments (by position or name) are values that tracing may branch on; they must be hashable.

    >>> print(jit(lambda x: x * 2.0)(3.0))
    6.0
    """
    numbers = (static_argnums,) if isinstance(static_argnums, int) else tuple(static_argnums or ())
    names = (static_argnames,) if isinstance(static_argnames, str) else tuple(static_argnames or ())
    if fun is None:
        return functools.partial(jit, static_argnums=numbers, static_argnames=names)
    return Jitted(fun, numbers, names)

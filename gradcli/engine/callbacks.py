"""Python called from inside of programs: ``pure_callback``, ``io_callback``, and printing while a program runs."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import is_value, type_of
from gradcli.engine.control.scan import scan
from gradcli.engine.custom import as_value
from gradcli.engine.errors import RuleError, fail
from gradcli.engine.ir.types import ArrayType, array_type, canonical_dtype
from gradcli.engine.ops.cuts import concatenate, slice_in_dim
from gradcli.engine.ops.define import Primitive
from gradcli.engine.ops.shape import batch_to_front, expand_dims, moveaxis, squeeze
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import bind
from gradcli.engine.tree import TreeDef, tree_flatten, tree_map, tree_unflatten

Function = Callable[..., Any]
VMAP_METHODS = ("sequential", "sequential_unrolled", "expand_dims", "broadcast_all")


class CallbackError(RuleError, ValueError):
    """A transformation that a callback has no rule for: ValueError in JAX."""


class FlatCallback:
    """A user's function over flat NumPy arrays."""

    def __init__(self, function: Function, tree: TreeDef, objects: Sequence[Any] = ()) -> None:
        self.function, self.tree, self.objects = function, tree, tuple(objects)
        self.__name__ = getattr(function, "__name__", "callback")

    def __call__(self, *values: Any) -> Any:
        stream = iter(values)
        leaves = [np.asarray(next(stream)) if o is _ARRAY else o for o in self.objects]
        args, kwargs = tree_unflatten(self.tree, leaves)
        return self.function(*args, **kwargs)


_ARRAY: Any = object()


def _flat(function: Function, args: Any, kwargs: Any) -> tuple[FlatCallback, list[Any]]:
    """The function over flat arrays, and those; leaves that are no arrays (texts, say) stay with the function."""
    leaves, tree = tree_flatten((args, kwargs))
    objects = [_ARRAY if is_value(x) else x for x in leaves]
    return FlatCallback(function, tree, objects), [as_value(x) for x in leaves if is_value(x)]


# --- results ----------------------------------------------------------------------------------------------------------


def _shape_types(shapes: Any) -> tuple[list[ArrayType], TreeDef]:
    leaves, tree = tree_flatten(shapes)
    types = [
        array_type(tuple(x.shape), canonical_dtype(x.dtype)) if hasattr(x, "shape") and hasattr(x, "dtype")
        else type_of(x).strong()
        for x in leaves
    ]  # fmt: skip
    return types, tree


def _run(*args: Any, callback: FlatCallback, result_avals: tuple[ArrayType, ...], **_: Any) -> list[Any]:
    """Calls the user's function. Raises ValueError or TypeError where the results are not what was announced."""
    found, _tree = tree_flatten(callback(*args))
    if len(found) != len(result_avals):
        raise fail(
            "G206", f"the callback {callback.__name__} returned {len(found)} arrays where {len(result_avals)} were "
            "announced", location=user_location(), cls=ValueError,
        )  # fmt: skip
    out = []
    for value, t in zip(found, result_avals, strict=True):
        array = np.asarray(value)
        if array.shape != t.shape:
            raise fail(
                "G206", f"the callback {callback.__name__} returned an array of shape {array.shape} where {t} was "
                "announced", location=user_location(), cls=ValueError,
            )  # fmt: skip
        out.append(array.astype(t.dtype, copy=False)[()])
    return out


def _no_jvp(what: str) -> Function:
    def jvp(primals: Sequence[Any], tangents: Sequence[Any], callback: FlatCallback, **params: Any) -> Any:
        raise fail(
            "G203", f"{what} does not support differentiation: nothing is known of {callback.__name__}'s derivative",
            hint="put it into a function with a custom_jvp or custom_vjp rule", location=user_location(),
            cls=CallbackError,
        )  # fmt: skip

    return jvp


def _sequential(primitive: Primitive, size: int, args: Any, dims: Any, unrolled: bool, params: dict[str, Any]) -> Any:
    """One call a sample, in order."""
    batched = [moveaxis(x, d, 0) for x, d in zip(args, dims, strict=True) if d is not None]

    def one(rows: Sequence[Any]) -> list[Any]:
        stream = iter(rows)
        out: list[Any] = bind(primitive, *[x if d is None else next(stream) for x, d in zip(args, dims, strict=True)],
                              **params)  # fmt: skip
        return out

    _, out = scan(lambda _, rows: ((), one(rows)), (), batched, size, unroll=size if unrolled else 1)
    return out, [0] * len(out)


def _pure_batch(size: int, args: Any, dims: Any, **params: Any) -> Any:
    method = params["vmap_method"]
    if method in ("sequential", "sequential_unrolled"):
        return _sequential(pure_callback_p, size, args, dims, method != "sequential", params)
    if method is None:
        raise fail(
            "G203", "vmap of a pure_callback needs to know how the function can be called for a batch",
            hint=f"pass vmap_method, one of {', '.join(VMAP_METHODS)}", location=user_location(), cls=RuleError,
        )  # fmt: skip
    rows = [
        batch_to_front(size, x, d) if d is not None or method == "broadcast_all" else expand_dims(x, (0,))
        for x, d in zip(args, dims, strict=True)
    ]
    types = tuple(t.with_shape((size, *t.shape)) for t in params["result_avals"])
    out = bind(pure_callback_p, *rows, **{**params, "result_avals": types})
    return out, [0] * len(out)


pure_callback_p = Primitive(
    "pure_callback",
    type_rule=lambda *types, result_avals, **params: list(result_avals),
    impl=_run,
    jvp=_no_jvp("pure_callback"),
    batch=_pure_batch,
    multiple=True,
    family="callback",
)


def pure_callback(
    callback: Function, result_shape_dtypes: Any, *args: Any, sharding: Any = None, vmap_method: str | None = None,
    **kwargs: Any,
) -> Any:  # fmt: skip
    """The result of a Python function of NumPy arrays, called when the program runs; it must have no side effects.

    result_shape_dtypes: a pytree of what has shape and dtype (:class:`ShapeDtypeStruct`), like the result.
    vmap_method: how ``vmap`` calls it: ``sequential`` (a sample at a time), ``expand_dims`` (once, arguments without
    batch get an axis of size 1) or ``broadcast_all`` (once, all arguments with a batch axis).
    Raises ValueError where the result does not have the shapes announced.

    >>> from gradcli import ShapeDtypeStruct, jit
    >>> print(jit(lambda x: pure_callback(np.sinh, ShapeDtypeStruct((), float), x))(0.0))
    0.0
    """
    if vmap_method is not None and vmap_method not in VMAP_METHODS:
        raise ValueError(f"vmap_method must be one of {', '.join(VMAP_METHODS)}, not {vmap_method!r}")
    function, values = _flat(callback, args, kwargs)
    types, tree = _shape_types(result_shape_dtypes)
    out = bind(
        pure_callback_p, *values, callback=function, result_avals=tuple(types), sharding=None, vmap_method=vmap_method
    )
    return tree_unflatten(tree, out)


def _io_batch(size: int, args: Any, dims: Any, **params: Any) -> Any:
    if params["ordered"]:
        raise fail("G203", "an ordered io_callback cannot be used under vmap", location=user_location(),
                   hint="pass ordered=False", cls=CallbackError)  # fmt: skip
    rows = [_sample(args, dims, i) for i in range(size)]
    columns = [bind(io_callback_p, *row, **params) for row in rows]
    return [_stacked(column) for column in zip(*columns, strict=True)], [0] * len(params["result_avals"])


def _sample(args: Any, dims: Any, i: int) -> list[Any]:
    return [
        x if d is None else squeeze(slice_in_dim(x, i, i + 1, d), (d,)) for x, d in zip(args, dims, strict=True)
    ]


def _stacked(rows: Sequence[Any]) -> Any:
    from_rows = [expand_dims(r, (0,)) for r in rows]
    return concatenate(from_rows, 0)


io_callback_p = Primitive(
    "io_callback",
    type_rule=lambda *types, result_avals, **params: list(result_avals),
    impl=_run,
    jvp=_no_jvp("io_callback"),
    batch=_io_batch,
    multiple=True,
    effect=True,
    family="callback",
)


def io_callback(
    callback: Function, result_shape_dtypes: Any, *args: Any, sharding: Any = None, ordered: bool = False, **kwargs: Any
) -> Any:
    """As :func:`pure_callback`, for a function with side effects: it is called once, even where no result is used."""
    function, values = _flat(callback, args, kwargs)
    types, tree = _shape_types(result_shape_dtypes)
    out = bind(io_callback_p, *values, callback=function, result_avals=tuple(types), sharding=None, ordered=ordered)
    return tree_unflatten(tree, out)


# --- while debugging --------------------------------------------------------------------------------------------------


def _shown(*args: Any, callback: FlatCallback, **_: Any) -> list[Any]:
    callback(*args)
    return []


def _debug_primitive(name: str) -> Primitive:
    def batch(size: int, args: Any, dims: Any, **params: Any) -> Any:
        for i in range(size):
            bind(prim, *_sample(args, dims, i), **params)
        return [], []

    def jvp(primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> Any:
        return bind(prim, *primals, **params), []

    prim = Primitive(
        name,
        type_rule=lambda *types, **params: [],
        impl=_shown,
        jvp=jvp,
        batch=batch,
        multiple=True,
        effect=True,
        family="callback",
    )
    return prim


debug_callback_p, debug_print_p = _debug_primitive("debug_callback"), _debug_primitive("debug_print")


def debug_callback(
    callback: Function, *args: Any, ordered: bool = False, partitioned: bool = False, **kwargs: Any
) -> None:
    """Calls a Python function with NumPy arrays whenever the program runs: for each sample under ``vmap``.

    Derivatives are those of the program without it. Whatever it returns is dropped.
    """
    if not callable(callback):
        raise TypeError("debug.callback needs a callable")
    function, values = _flat(callback, args, kwargs)
    bind(debug_callback_p, *values, callback=function, ordered=ordered, partitioned=partitioned)


def debug_breakpoint(*, ordered: bool = False, **_: Any) -> None:
    """Stops in Python's debugger (``sys.breakpointhook``) whenever the program runs here."""
    debug_callback(lambda: breakpoint(), ordered=ordered)  # noqa: T100 - that is what it is for


class _Formatted(string.Formatter):
    """Formats strictly: all arguments must be used, and none may be missing."""

    def check_unused_args(self, used: Any, args: Any, kwargs: Any) -> None:
        unused = [str(i) for i in range(len(args)) if i not in used] + [k for k in kwargs if k not in used]
        if unused:
            raise ValueError(f"debug.print was given arguments that its text does not use: {', '.join(unused)}")


def debug_print(
    fmt: str | None = None, *args: Any, ordered: bool = False, partitioned: bool = False,
    skip_format_check: bool = False, **kwargs: Any,
) -> None:  # fmt: skip
    """Prints ``fmt.format(*args, **kwargs)`` whenever the program runs, with the values of then.

    Raises ValueError where the text does not use an argument, unless ``skip_format_check``.

    >>> from gradcli import jit
    >>> _ = jit(lambda x: debug_print("x is {}", x))(2.5)
    x is 2.5
    """
    text = "" if fmt is None else fmt
    if not skip_format_check:
        _Formatted().vformat(text, [_Anything()] * len(args), dict.fromkeys(kwargs, _Anything()))

    def show(*shown: Any, **named: Any) -> None:
        args, kwargs = tree_map(lambda x: as_value(x) if isinstance(x, np.ndarray) else x, (shown, named))
        print(text.format(*args, **kwargs))

    function, values = _flat(show, args, kwargs)
    bind(debug_print_p, *values, callback=function, fmt=text, ordered=ordered, partitioned=partitioned)


class _Anything:
    """Accepts every format, attribute and index."""

    def __format__(self, spec: str) -> str:
        return ""

    def __getattr__(self, name: str) -> _Anything:
        return self

    def __getitem__(self, key: Any) -> _Anything:
        return self

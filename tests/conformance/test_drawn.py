"""gradcli.numpy with drawn shapes, dtypes, axes and contents: NumPy's values, JAX's dtypes, both modes one map."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import gradcli.numpy as gnp
from gradcli.conformance.trial import value_of
from gradcli.engine.api import jvp, vjp

DTYPES = ("float64", "float32", "int32", "bool", "complex128", "complex64")
FLOATS = [0.0, -0.0, 1.0, -1.5, 2.25, 1e-3, 30.0, math.nan, math.inf, -math.inf]
CONTENTS: dict[str, list[Any]] = {
    "f": FLOATS, "i": [-3, -1, 0, 1, 2, 7], "b": [False, True], "c": [0j, 1 + 2j, -1.5 - 0.5j, 2.25j, 30.0 + 0j],
}  # fmt: skip
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
few = settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))


def floating(d: str) -> str:
    """The dtype of what is computed in floats."""
    return d if d[0] in "fc" else "float32"


def summed(d: str) -> str:
    """The dtype of sums."""
    return d if d[0] in "fc" else "int64"


def sized(d: str) -> str:
    """The dtype of absolute values."""
    return {"complex64": "float32", "complex128": "float64"}.get(d, d)


def together(d: str, e: str) -> str:
    """The dtype that two promote to: a float's width is not that of an integer."""
    kinds = {k: "bifc".index(k) for k in "bifc"}
    low, high = sorted((d, e), key=lambda t: (kinds[t[0]], np.dtype(t).itemsize))
    return "complex128" if (low, high) == ("float64", "complex64") else high


def same(d: str) -> str:
    """The operand's own dtype."""
    return d


def boolean(d: str) -> str:
    """Of comparisons."""
    return "bool"


def index(d: str) -> str:
    """Of places and counts."""
    return "int64"


def cumulated(d: str) -> str:
    """Of cumulative sums."""
    return "int64" if d == "bool" else d


# name: the dtype of the result, the kinds of operands, the dtype in which NumPy computes (None: that of the operand)
UNARY: dict[str, tuple[Callable[[str], str], str, Callable[[str], str]]] = {
    **{n: (floating, "fcib", floating) for n in (
        "sin", "cos", "exp", "tanh", "sinh", "sqrt", "log", "log1p", "expm1", "arctan", "arcsinh", "log2", "log10",
    )},
    **{n: (floating, "fib", floating) for n in ("cbrt", "exp2", "deg2rad", "reciprocal")},
    **{n: (same, "fci", same) for n in ("negative", "square", "positive", "conjugate")},
    "sign": (same, "fi", same), "absolute": (sized, "fci", same), "real": (sized, "fci", same),
    "imag": (sized, "fci", same),
    **{n: (same, "f", same) for n in ("floor", "ceil", "trunc", "rint", "fabs", "nan_to_num", "sinc")},
    **{n: (boolean, "fcib", same) for n in ("isnan", "isfinite", "isinf", "logical_not")},
    "signbit": (boolean, "f", same),
}  # fmt: skip
BINARY: dict[str, tuple[Callable[[str], str], str]] = {
    **{n: (same, "fci") for n in ("add", "subtract", "multiply")},
    **{n: (same, "fib") for n in ("maximum", "minimum", "fmax", "fmin")},
    **{n: (boolean, "fcib") for n in ("equal", "not_equal", "logical_and", "logical_or", "logical_xor")},
    **{n: (boolean, "fib") for n in ("less", "less_equal", "greater", "greater_equal")},
    **{n: (floating, "fi") for n in ("arctan2", "hypot", "copysign", "logaddexp", "true_divide")},
    **{n: (same, "f") for n in ("power", "fmod", "remainder", "floor_divide", "heaviside", "nextafter")},
}
REDUCTIONS: dict[str, tuple[Callable[[str], str], str]] = {
    **{n: (summed, "fcib") for n in ("sum", "prod", "nansum")}, **{n: (same, "fib") for n in ("max", "min")},
    **{n: (floating, "fci") for n in ("mean", "nanmean")}, "median": (floating, "fi"),
    **{n: (same, "fi") for n in ("nanmax", "nanmin")}, **{n: (floating, "fi") for n in ("nanvar", "nanstd")},
    "nanprod": (summed, "fcib"),  **{n: (floating, "fi") for n in ("var", "std")},
    **{n: (boolean, "fcib") for n in ("any", "all")}, "count_nonzero": (index, "fcib"), "ptp": (same, "fi"),
}  # fmt: skip
ALONG: dict[str, tuple[Callable[[str], str], str]] = {
    **{n: (index, "fib") for n in ("argmax", "argmin", "argsort")},
    **{n: (cumulated, "fcib") for n in ("cumsum", "cumprod", "nancumsum", "nancumprod")}, "sort": (same, "fib"),
}  # fmt: skip


@st.composite
def arrays(draw: Any, kinds: str = "fcib", shape: Any = SHAPES) -> Any:
    """An array of a drawn shape, dtype and contents."""
    dtype = draw(st.sampled_from([d for d in DTYPES if d[0] in kinds]))
    shape = shape if isinstance(shape, tuple) else draw(shape)
    return np.array(draw(hnp.arrays("O", shape, elements=st.sampled_from(CONTENTS[dtype[0]]))).tolist(), dtype).reshape(
        shape
    )


def agree(name: str, f: Callable[[Any], Any], args: list[Any], dtype: str, work: Callable[[str], str]) -> bool:
    """The value is NumPy's, the dtype as said; where NumPy refuses, gradcli does: whether there is a value."""
    with np.errstate(all="ignore"):
        try:
            expected = f(np)(*[a.astype(work(a.dtype.name)) for a in args])
        except (ValueError, TypeError) as error:
            with pytest.raises(type(error)):
                f(gnp)(*args)
            return False
        found = f(gnp)(*args)
    parts = zip(*(x if isinstance(x, (list, tuple)) else [x] for x in (found, expected)), strict=True)
    for mine, theirs in parts:
        value = value_of(mine)
        assert (value.shape, value.dtype) == (np.shape(theirs), dtype), name
        if value.dtype.kind == "i":
            theirs = np.asarray(theirs).astype(dtype)  # NumPy's cumulative sums are wider
        tol = 1e-5 if value.dtype in (np.float32, np.complex64) else 1e-10
        np.testing.assert_allclose(value, theirs, rtol=tol, atol=tol, err_msg=name)
    return True


def one_map(name: str, f: Callable[..., Any], args: list[Any]) -> None:
    """Forward and reverse mode agree, where all is finite."""
    if not all(a.dtype.kind == "f" for a in args):
        return
    tangents = [np.cos(np.arange(a.size)).astype(a.dtype).reshape(a.shape) + a.dtype.type(0.5) for a in args]
    with np.errstate(all="ignore"):
        out, dot = jvp(lambda *xs: f(*xs), tuple(args), tuple(tangents))
        if value_of(out).dtype.kind != "f":
            return
        ct = np.sin(np.arange(out.size) + 1.0).astype(out.dtype).reshape(out.shape)
        back = [value_of(g) for g in vjp(f, *args)[1](ct)]
        forward = np.sum(ct.astype(np.float64) * value_of(dot))
        reverse = sum(np.sum(g.astype(np.float64) * t) for g, t in zip(back, tangents, strict=True))
    assert [(g.shape, g.dtype) for g in back] == [(a.shape, a.dtype) for a in args], name
    if np.isfinite(forward) and np.isfinite(reverse):
        sizes = [float(np.sum(np.abs(g.astype(np.float64)), where=np.isfinite(g))) for g in back]
        tol = 1e-4 if any(a.dtype == np.float32 for a in args) else 1e-9
        np.testing.assert_allclose(reverse, forward, rtol=tol, atol=tol * (1 + sum(sizes)), err_msg=name)


@few
@given(st.data(), st.sampled_from(sorted(UNARY)))
def test_functions_of_one_array(data: Any, name: str) -> None:
    result, kinds, work = UNARY[name]
    x = data.draw(arrays(kinds))
    if agree(name, lambda m: getattr(m, name), [x], result(x.dtype.name), work):
        one_map(name, getattr(gnp, name), [x])


@few
@given(st.data(), st.sampled_from(sorted(BINARY)))
def test_functions_of_two_arrays_that_broadcast(data: Any, name: str) -> None:
    result, kinds = BINARY[name]
    shapes = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, min_side=0, max_side=3))
    x, y = (data.draw(arrays(kinds, shape)) for shape in shapes.input_shapes)
    common = together(x.dtype.name, y.dtype.name)
    dtype = result(common)
    work = floating(common) if result is floating else common
    agree(name, lambda m: getattr(m, name), [x, y], dtype, lambda _: work)
    one_map(name, getattr(gnp, name), [x, y])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@few
@given(st.data(), st.sampled_from(sorted(REDUCTIONS)), st.booleans())
def test_reductions(data: Any, name: str, keepdims: bool) -> None:
    result, kinds = REDUCTIONS[name]
    x = data.draw(arrays(kinds))
    axes = st.one_of(st.none(), st.sets(st.integers(0, max(x.ndim - 1, 0)), max_size=x.ndim).map(tuple))
    axis = data.draw(axes)
    if axis and data.draw(st.booleans()):
        axis = tuple(a - x.ndim for a in axis)
    if axis is not None and len(axis) == 1:
        axis = axis[0]
    assume(not (name == "ptp" and x.dtype.kind == "f" and np.isinf(x).any()))  # inf - inf
    assume(name != "median" or x.size)  # NumPy: nan; JAX and gradcli refuse
    work = (lambda d: "float64" if d == "int32" else d) if result is floating else same
    call = lambda m: lambda v: getattr(m, name)(v, axis=axis, keepdims=keepdims)  # noqa: E731
    if agree(name, call, [x], result(x.dtype.name), work):
        one_map(name, call(gnp), [x])


@few
@given(st.data(), st.sampled_from(sorted(ALONG)))
def test_along_an_axis(data: Any, name: str) -> None:
    result, kinds = ALONG[name]
    x = data.draw(arrays(kinds))
    axis = data.draw(st.one_of(st.none(), st.integers(-x.ndim, x.ndim - 1)) if x.ndim else st.none())
    stable = {"kind": "stable"} if name == "argsort" else {}
    call = lambda m: lambda v: getattr(m, name)(v, axis=axis, **(stable if m is np else {}))  # noqa: E731
    if agree(name, call, [x], result(x.dtype.name), same) and "cum" in name:
        one_map(name, call(gnp), [x])


def moved(draw: Any, n: int, x: Any) -> Callable[[Any], Any]:
    """One of the functions that move elements, with drawn arguments."""
    axis = draw(st.integers(-x.ndim, x.ndim - 1)) if x.ndim else None
    order = tuple(draw(st.permutations(range(x.ndim))))
    shift, end = draw(st.integers(-4, 4)), draw(st.integers(-x.ndim - 1, x.ndim))
    calls: list[Callable[[Any], Callable[[Any], Any]]] = [
        lambda m: m.ravel, lambda m: m.squeeze, lambda m: lambda v: m.transpose(v, order),
        lambda m: lambda v: m.flip(v, axis), lambda m: lambda v: m.roll(v, shift, axis),
        lambda m: lambda v: m.expand_dims(v, end), lambda m: lambda v: m.reshape(v, (*x.shape[1:], *x.shape[:1])),
        lambda m: lambda v: m.broadcast_to(v, (2, *x.shape)), lambda m: lambda v: m.tile(v, (2, 1)),
        lambda m: lambda v: m.repeat(v, 2, axis), lambda m: lambda v: m.pad(v, 1), lambda m: m.atleast_2d,
        lambda m: lambda v: m.stack([v, v], end), lambda m: lambda v: m.concatenate([v, v], axis),
        lambda m: lambda v: m.take(v, np.array([0, -1]), axis, mode="clip"), lambda m: lambda v: m.diagonal(v),
        lambda m: lambda v: m.moveaxis(v, axis, 0), lambda m: lambda v: m.swapaxes(v, axis, -1),
        lambda m: lambda v: m.array_split(v, 2, axis), lambda m: lambda v: m.diff(v, axis=axis),
        lambda m: lambda v: m.tril(v, shift), lambda m: lambda v: m.rot90(v, shift),
    ]  # fmt: skip
    return calls[n % len(calls)]


@few
@given(st.data(), st.integers(0, 21))
def test_functions_that_move_elements(data: Any, n: int) -> None:
    x = data.draw(arrays())
    call = moved(data.draw, n, x)
    assume(x.ndim or n not in (13, 14, 16, 17, 18))  # an axis is needed
    assume(n != 14 or 0 not in x.shape)  # there is nothing to take
    assume(n != 20 or x.ndim > 1)  # of a vector NumPy makes a matrix
    assume(n != 19 or x.dtype != bool)
    if agree(str(n), call, [x], x.dtype.name, same) and n != 18:
        one_map(str(n), call(gnp), [x])

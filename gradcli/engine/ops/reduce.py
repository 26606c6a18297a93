"""Reductions (extrema, product, logic, positions) and cumulative ones.

Products and cumulative operations are differentiated as a tree of combinations of pairs: no division, so zeros and
ties need no special case at any order, and the number of equations grows with the logarithm of the length.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import Value, type_of
from gradcli.engine.errors import fail
from gradcli.engine.ir.types import ArrayType, array_type, canonical_dtype
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.cuts import concatenate, pad, slice_in_dim
from gradcli.engine.ops.define import REGISTRY, Primitive, Rule, linear_jvp, zero_jvp
from gradcli.engine.ops.families import ALL, INEXACT, NUMBERS, ORDERED, Operation, same_type
from gradcli.engine.ops.shape import (
    bad_shape,
    batched_axes,
    broadcast_in_dim,
    canonical_axis,
    kept_axes,
    reduce_sum,
    reduced_type,
    reshape,
    rev,
    squeeze,
    transpose,
)
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import bind

# --- reductions over several axes -------------------------------------------------------------------------------------


def _reduction(name: str, impl: Callable[..., Any], kinds: str, doc: str, jvp: Rule | None = None) -> Operation:
    """Defines a reduction ``f(x, axes)`` of dtypes among ``kinds``; no ``jvp`` rule: the derivative is zero."""
    check = same_type(name, kinds)

    def apply(x: Any, axes: Sequence[int]) -> Any:
        if not axes and isinstance(x, Value):
            check(x.type)
            return x
        return bind(prim, x, axes=tuple(int(a) for a in axes))

    def batch(size: int, args: Any, dims: Any, axes: Sequence[int]) -> Any:
        moved, out = batched_axes(dims[0], axes, type_of(args[0]).ndim)
        return apply(args[0], moved), out

    prim = Primitive(
        name,
        type_rule=lambda x, axes: reduced_type(check(x), axes),
        impl=impl,
        jvp=jvp if jvp is not None else zero_jvp(apply),
        batch=batch,
        family="reduce",
    )
    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = f"{doc} over ``axes`` (non-negative, distinct)."
    return apply


def _extremum_impl(ufunc: np.ufunc, sign: int) -> Callable[..., Any]:
    """The extremum, nan where there is one; the least (greatest) value of the dtype for no elements."""

    def impl(x: Any, axes: Sequence[int]) -> Any:
        dtype = np.asarray(x).dtype
        if all(np.shape(x)[a] for a in axes):
            return ufunc.reduce(x, axis=axes)
        if dtype.kind == "b":
            empty: Any = sign < 0
        elif dtype.kind in "iu":
            empty = np.iinfo(dtype).max if sign < 0 else np.iinfo(dtype).min
        else:
            empty = -sign * math.inf
        return ufunc.reduce(x, axis=axes, initial=dtype.type(empty))

    return impl


def _extremum_jvp(reduce: Callable[..., Any]) -> Rule:
    """The mean of the tangents of all elements that are the extremum."""

    def jvp(primals: Sequence[Any], tangents: Sequence[Any], axes: Sequence[int]) -> tuple[Any, Any]:
        (x,), (t,) = primals, tangents
        out = reduce(x, axes)
        kept = tuple(1 if i in axes else n for i, n in enumerate(type_of(x).shape))
        chosen = e.convert_element_type(e.eq(x, reshape(out, kept)), type_of(t).dtype)
        count = reduce_sum(chosen, axes)
        mean = e.div(reduce_sum(e.mul(t, chosen), axes), count)
        return out, e.at_kink(lambda: e.gt(count, type_of(count).dtype.type(1)), mean)

    return jvp


def _product_jvp(primals: Sequence[Any], tangents: Sequence[Any], axes: Sequence[int]) -> tuple[Any, Any]:
    """Multiplies first and second half until one row is left, and the tangents along with them."""
    x, t = (_rows(v, axes) for v in (primals[0], tangents[0]))
    one, zero = type_of(x).dtype.type(1), type_of(x).dtype.type(0)
    n = type_of(x).shape[0]
    if not n:
        return broadcast_in_dim(one, type_of(x).shape[1:]), None
    while n > 1:
        half = (n + 1) // 2
        (a, b), (a_dot, b_dot) = ([slice_in_dim(v, *r, 0) for r in ((0, half), (half, n))] for v in (x, t))
        if n % 2:
            gap = [(0, 1, 0)] + [(0, 0, 0)] * (type_of(x).ndim - 1)
            b, b_dot = pad(b, one, gap), pad(b_dot, zero, gap)
        x, t = REGISTRY["mul"].rule("jvp")((a, b), (a_dot, b_dot))
        n = half
    return squeeze(x, (0,)), squeeze(t, (0,))


def _rows(x: Any, axes: Sequence[int]) -> Any:
    """The reduced axes as one, in front."""
    shape = type_of(x).shape
    kept = kept_axes(len(shape), axes)
    return reshape(transpose(x, (*axes, *kept)), (math.prod(shape[a] for a in axes), *(shape[i] for i in kept)))


reduce_max: Operation = _reduction(
    "reduce_max",
    _extremum_impl(np.maximum, 1),
    ALL,
    "The greatest element (the least value of the dtype where there is none)",
    _extremum_jvp(lambda x, axes: reduce_max(x, axes)),
)
reduce_min: Operation = _reduction(
    "reduce_min",
    _extremum_impl(np.minimum, -1),
    ALL,
    "The least element (the greatest value of the dtype where there is none)",
    _extremum_jvp(lambda x, axes: reduce_min(x, axes)),
)
reduce_prod = _reduction(
    "reduce_prod",
    lambda x, axes: np.prod(x, axis=axes, dtype=np.asarray(x).dtype),
    NUMBERS,
    "The product",
    _product_jvp,
)


def _bits_impl(ufunc: np.ufunc) -> Callable[..., Any]:
    return lambda x, axes: ufunc.reduce(x, axis=axes)


reduce_and = _reduction("reduce_and", _bits_impl(np.bitwise_and), "biu", "The bitwise (of bools: logical) and")
reduce_or = _reduction("reduce_or", _bits_impl(np.bitwise_or), "biu", "The bitwise (of bools: logical) or")
reduce_xor = _reduction("reduce_xor", _bits_impl(np.bitwise_xor), "biu", "The bitwise (of bools: logical) exclusive or")


# --- argmax and argmin ------------------------------------------------------------------------------------------------


def _position(name: str, find: Callable[..., Any]) -> Operation:
    """Defines ``f(x, axis, index_dtype)``, the index of the first extremum (or nan) along one axis."""
    check = same_type(name, ORDERED)

    def apply(x: Any, axis: int, index_dtype: Any) -> Any:
        axis = canonical_axis(axis, type_of(x).ndim)
        return bind(prim, x, axes=(axis,), index_dtype=canonical_dtype(index_dtype))

    def type_rule(x: ArrayType, axes: Sequence[int], index_dtype: np.dtype[Any]) -> ArrayType:
        if index_dtype.kind not in "iu":
            raise bad_shape(f"index_dtype of {name} must be an integer dtype, not {index_dtype}")
        reduced = reduced_type(check(x), axes)
        if not all(x.shape[a] for a in axes):
            raise fail("G206", f"{name} of {x} along axis {axes[0]}: there is no element", location=user_location(),
                       hint="the axis needs at least one element", cls=ValueError)  # fmt: skip
        return array_type(reduced.shape, index_dtype)

    def batch(size: int, args: Any, dims: Any, axes: Sequence[int], index_dtype: Any) -> Any:
        moved, out = batched_axes(dims[0], axes, type_of(args[0]).ndim)
        return bind(prim, args[0], axes=moved, index_dtype=index_dtype), out

    prim = Primitive(
        name,
        type_rule=type_rule,
        impl=lambda x, axes, index_dtype: find(x, axis=axes[0]).astype(index_dtype),
        jvp=zero_jvp(lambda x, **params: bind(prim, x, **params)),
        batch=batch,
        family="reduce",
    )
    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = f"The index of the first {name[3:]}imum (or nan) along ``axis``. Raises ValueError if it is empty."
    return apply


argmax, argmin = _position("argmax", np.argmax), _position("argmin", np.argmin)


# --- cumulative operations --------------------------------------------------------------------------------------------

Combine = Callable[[tuple[Any, Any], tuple[Any, Any]], tuple[Any, Any]]


def _cumulative(name: str, accumulate: Callable[..., Any], kinds: str, doc: str, combine: Combine | None) -> Operation:
    """Defines ``f(x, axis, reverse)``. ``combine`` is the jvp rule of one step; none: the operation is linear."""
    check = same_type(name, kinds)

    def apply(x: Any, axis: int = 0, reverse: bool = False) -> Any:
        return bind(prim, x, axis=canonical_axis(axis, type_of(x).ndim), reverse=bool(reverse))

    def type_rule(x: ArrayType, axis: int, reverse: bool) -> ArrayType:
        if not 0 <= axis < x.ndim:
            raise bad_shape(f"axis {axis} does not fit {x}")
        out: ArrayType = check(x)
        return out

    def impl(x: Any, axis: int, reverse: bool) -> Any:
        return np.flip(accumulate(np.flip(x, axis), axis), axis) if reverse else accumulate(x, axis)

    def jvp(primals: Sequence[Any], tangents: Sequence[Any], axis: int, reverse: bool) -> Any:
        assert combine is not None
        pair = (primals[0], tangents[0])
        if not reverse:
            return _scan(combine, pair, axis)
        out, dot = _scan(combine, (rev(pair[0], (axis,)), rev(pair[1], (axis,))), axis)
        return rev(out, (axis,)), rev(dot, (axis,))

    prim = Primitive(
        name,
        type_rule=type_rule,
        impl=impl,
        jvp=jvp if combine else linear_jvp(apply),
        transpose=None if combine else lambda ct, x, axis, reverse: (apply(ct, axis, not reverse),),
        batch=lambda size, args, dims, axis, reverse: (apply(args[0], axis + (dims[0] <= axis), reverse), dims[0]),
        family="cumulative",
    )
    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = f"{doc} along ``axis``, from the end if ``reverse``."
    return apply


def _scan(combine: Combine, pair: tuple[Any, Any], axis: int) -> tuple[Any, Any]:
    """Combines all prefixes of a (primal, tangent) pair: neighbours, then the odd places by recursion, then the even.

    The order of combination is that of JAX's associative_scan, so that ties of cummax are shared as JAX shares them.
    """
    n = type_of(pair[0]).shape[axis]
    if n < 2:
        return pair

    def cut(of: tuple[Any, Any], start: int, stop: int, step: int = 1) -> tuple[Any, Any]:
        return slice_in_dim(of[0], start, stop, axis, step), slice_in_dim(of[1], start, stop, axis, step)

    odd = _scan(combine, combine(cut(pair, 0, n - 1, 2), cut(pair, 1, n, 2)), axis)
    first = cut(pair, 0, 1)
    if n == 2:
        even = first
    else:
        before = cut(odd, 0, n // 2 - 1) if n % 2 == 0 else odd
        rest = combine(before, cut(pair, 2, n, 2))
        even = concatenate([first[0], rest[0]], axis), concatenate([first[1], rest[1]], axis)
    return _interleave(even[0], odd[0], axis), _interleave(even[1], odd[1], axis)


def _interleave(even: Any, odd: Any, axis: int) -> Any:
    """The elements of both in turn; ``even`` begins and may be longer by one."""
    t = type_of(even)
    equal = t.shape[axis] == type_of(odd).shape[axis]
    config = [(0, 0, 0)] * t.ndim
    at_even, at_odd = list(config), list(config)
    at_even[axis], at_odd[axis] = (0, int(equal), 1), (1, int(not equal), 1)
    zero = t.dtype.type(0)
    return e.add(pad(even, zero, at_even), pad(odd, zero, at_odd))


def _combine_by(primitive: str) -> Combine:
    def combine(first: tuple[Any, Any], second: tuple[Any, Any]) -> tuple[Any, Any]:
        (x, x_dot), (y, y_dot) = first, second
        out, dot = REGISTRY[primitive].rule("jvp")((x, y), (x_dot, y_dot))
        return out, dot

    return combine


def _combine_logaddexp(first: tuple[Any, Any], second: tuple[Any, Any]) -> tuple[Any, Any]:
    """log(exp x + exp y), and the tangents weighted by the shares, which are never nan for infinities of one sign."""
    (x, x_dot), (y, y_dot) = first, second
    gap = e.sub(x, y)
    undefined = e.ne(gap, gap)
    zero = type_of(gap).dtype.type(0)
    gap_or_0 = e.select_n(undefined, gap, zero)
    ahead = e.gt(e.real(gap_or_0) if zero.dtype.kind == "c" else gap_or_0, zero.real)
    # selects instead of max and abs, whose derivatives at a tie would not add up to the right second derivative
    above = e.add(e.select_n(ahead, y, x), e.log1p(e.exp(e.select_n(ahead, gap_or_0, e.neg(gap_or_0)))))
    out = e.select_n(undefined, above, e.add(x, y))
    share = e.select_n(e.bitwise_and(undefined, e.eq(x, y)), gap, zero)
    return _wrapped(out), e.add_any(e.mul(x_dot, e.logistic(share)), e.mul(y_dot, e.logistic(e.neg(share))))


def _wrapped(z: Any) -> Any:
    """Complex logarithms with the imaginary part brought to -pi … pi."""
    if type_of(z).dtype.kind != "c":
        return z
    turn = type_of(z).dtype.type(0).real.dtype.type(2 * math.pi)
    angle = e.imag(z)
    return e.complex(e.real(z), e.sub(angle, e.mul(e.round(e.div(angle, turn), 1), turn)))


def _accumulate_by(ufunc: np.ufunc) -> Callable[..., Any]:
    return lambda x, axis: ufunc.accumulate(x, axis=axis, dtype=x.dtype)


def _logsumexp_impl(x: Any, axis: int) -> Any:
    if x.dtype.kind != "c":
        return np.logaddexp.accumulate(x, axis=axis, dtype=x.dtype)
    out = np.moveaxis(x, axis, 0).copy()
    step = 1
    while step < len(out):  # doubling, as NumPy has no complex logaddexp
        a, b = out[:-step], out[step:]
        first = a.real >= b.real
        large, small = np.where(first, a, b), np.where(first, b, a)
        gone = np.isneginf(small.real)
        joined = large + np.log1p(np.exp(np.where(gone, 0, small - large)))
        out[step:] = np.where(gone, large, joined)
        step *= 2
    out.imag -= 2 * np.pi * np.rint(out.imag / (2 * np.pi))
    return np.moveaxis(out, 0, axis)


cumsum: Operation = _cumulative("cumsum", _accumulate_by(np.add), NUMBERS, "The sum of all elements so far", None)
cumprod = _cumulative(
    "cumprod", _accumulate_by(np.multiply), NUMBERS, "The product of all elements so far", _combine_by("mul")
)
cummax = _cumulative(
    "cummax", _accumulate_by(np.maximum), NUMBERS, "The greatest of all elements so far", _combine_by("max")
)
cummin = _cumulative(
    "cummin", _accumulate_by(np.minimum), NUMBERS, "The least of all elements so far", _combine_by("min")
)
cumlogsumexp = _cumulative(
    "cumlogsumexp",
    _logsumexp_impl,
    INEXACT,
    "The logarithm of the sum of the exponentials of all elements so far",
    _combine_logaddexp,
)

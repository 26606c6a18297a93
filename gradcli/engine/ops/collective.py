"""Operations between the samples of a ``vmap`` that has an axis name: sums, gathers, scatters.

While a named axis is being traced, its *lane* is a traced integer, the sample's own number. Every collective takes it
as an operand, so that it is batched exactly by the ``vmap`` that it belongs to, whatever programs lie in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from gradcli.engine.array import type_of
from gradcli.engine.errors import fail
from gradcli.engine.ir.types import ArrayType
from gradcli.engine.ops.define import Primitive
from gradcli.engine.ops.elementwise import mul
from gradcli.engine.ops.families import ORDERED, same_kind
from gradcli.engine.ops.reduce import reduce_max, reduce_min
from gradcli.engine.ops.shape import bad_shape, broadcast_in_dim, moveaxis, reduce_sum
from gradcli.engine.trace.source import user_location
from gradcli.engine.trace.tracer import bind

_axes: ContextVar[dict[Any, tuple[int, Any]]] = ContextVar("gradcli_axes", default={})  # noqa: B039 - never changed


@contextmanager
def named_axis(name: Any, size: int, lane: Any) -> Iterator[None]:
    """Makes an axis known by its name for the length of a trace."""
    token = _axes.set({**_axes.get(), name: (size, lane)})
    try:
        yield
    finally:
        _axes.reset(token)


def find_axis(name: Any) -> tuple[int, Any]:
    """Size and lane of a named axis. Raises NameError (G211) where no ``vmap`` around has that axis name."""
    found = _axes.get().get(name)
    if found is None:
        known = ", ".join(map(repr, _axes.get())) or "none"
        raise fail("G211", f"unbound axis name: {name} (axes in scope: {known})", location=user_location(),
                   hint=f"call the function under vmap(..., axis_name={name!r})", cls=NameError)  # fmt: skip
    return found


# --- sums and extrema -------------------------------------------------------------------------------------------------


def _reduction(name: str, reduce: Callable[..., Any], alone: Callable[[Any, int], Any], **rest: Any) -> Primitive:
    """A reduction over lanes: ``reduce`` over the batch axis, ``alone`` for an operand that is equal in all lanes."""

    def batch(size: int, args: Any, dims: Any, **params: Any) -> Any:
        (x, lane), (d, lane_d) = args, dims
        if lane_d is None:
            return bind(prim, x, lane, **params), d
        return (alone(x, size), None) if d is None else (reduce(x, (d,)), None)

    prim = Primitive(
        name,
        type_rule=lambda x, lane, **params: x,
        impl=_outside,
        batch=batch,
        family="collective",
        **rest,
    )
    return prim


def _outside(*args: Any, **params: Any) -> Any:
    raise fail("G211", f"a collective over axis {params.get('axis_name')} was run outside of its vmap", cls=NameError)


def _psum_jvp(primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> Any:
    return bind(psum_p, *primals, **params), bind(psum_p, tangents[0], primals[1], **params)


psum_p: Primitive = _reduction(
    "psum",
    reduce_sum,
    lambda x, size: mul(x, type_of(x).dtype.type(size)),
    jvp=_psum_jvp,
    transpose=lambda ct, x, lane, **params: (bind(psum_p, ct, lane, **params), None),
)


def _extremum(name: str, reduce: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    def apply(x: Any, axis_name: Any) -> Any:
        same_kind(name, [type_of(x)], ORDERED)
        return reduce(all_gather(x, axis_name, 0), (0,))

    return apply


def psum(x: Any, axis_name: Any) -> Any:
    """The sum over the lanes of one axis, the same in every lane."""
    return bind(psum_p, x, find_axis(axis_name)[1], axis_name=axis_name)


pmax, pmin = _extremum("pmax", reduce_max), _extremum("pmin", reduce_min)


# --- all_gather and its transpose -------------------------------------------------------------------------------------


def all_gather(x: Any, axis_name: Any, axis: int) -> Any:
    """The values of all lanes along a new axis, the same in every lane."""
    size, lane = find_axis(axis_name)
    return bind(all_gather_p, x, lane, all_gather_dimension=axis, axis_name=axis_name, axis_size=size)


def reduce_scatter(x: Any, axis_name: Any, axis: int) -> Any:
    """In lane i the sum over all lanes of element i along an axis (of the size of the named one), which is gone."""
    size, lane = find_axis(axis_name)
    return bind(reduce_scatter_p, x, lane, scatter_dimension=axis, axis_name=axis_name, axis_size=size)


def _gather_type(x: ArrayType, lane: ArrayType, all_gather_dimension: int, axis_name: Any, axis_size: int) -> ArrayType:
    d = all_gather_dimension
    if not 0 <= d <= x.ndim:
        raise bad_shape(f"all_gather of {x} cannot put the lanes at axis {d}")
    return x.with_shape((*x.shape[:d], axis_size, *x.shape[d:]))


def _gather_batch(size: int, args: Any, dims: Any, all_gather_dimension: int, **params: Any) -> Any:
    (x, lane), (d, lane_d) = args, dims
    at = all_gather_dimension
    if lane_d is None:
        return bind(all_gather_p, moveaxis(x, d, 0), lane, all_gather_dimension=at + 1, **params), 0
    if d is not None:
        return moveaxis(x, d, at), None
    shape = type_of(x).shape
    kept = tuple(i + (i >= at) for i in range(len(shape)))
    return broadcast_in_dim(x, (*shape[:at], size, *shape[at:]), kept), None


def _gather_jvp(primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> Any:
    return bind(all_gather_p, *primals, **params), bind(all_gather_p, tangents[0], primals[1], **params)


def _gather_transpose(ct: Any, x: Any, lane: Any, all_gather_dimension: int, **params: Any) -> Any:
    return bind(reduce_scatter_p, ct, lane, scatter_dimension=all_gather_dimension, **params), None


all_gather_p = Primitive(
    "all_gather",
    type_rule=_gather_type,
    impl=_outside,
    jvp=_gather_jvp,
    transpose=_gather_transpose,
    batch=_gather_batch,
    family="collective",
)


def _scatter_type(x: ArrayType, lane: ArrayType, scatter_dimension: int, axis_name: Any, axis_size: int) -> ArrayType:
    d = scatter_dimension
    if not 0 <= d < x.ndim or x.shape[d] != axis_size:
        raise bad_shape(f"scattering {x} over {axis_size} lanes along axis {d}: the sizes differ")
    return x.with_shape(x.shape[:d] + x.shape[d + 1 :])


def _scatter_batch(size: int, args: Any, dims: Any, scatter_dimension: int, **params: Any) -> Any:
    (x, lane), (d, lane_d) = args, dims
    if lane_d is None:
        return bind(reduce_scatter_p, moveaxis(x, d, 0), lane, scatter_dimension=scatter_dimension + 1, **params), 0
    if d is not None:
        return reduce_sum(moveaxis(x, d, 0), (0,)), scatter_dimension
    return mul(x, type_of(x).dtype.type(size)), scatter_dimension


def _scatter_jvp(primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> Any:
    return bind(reduce_scatter_p, *primals, **params), bind(reduce_scatter_p, tangents[0], primals[1], **params)


def _scatter_transpose(ct: Any, x: Any, lane: Any, scatter_dimension: int, **params: Any) -> Any:
    return bind(all_gather_p, ct, lane, all_gather_dimension=scatter_dimension, **params), None


reduce_scatter_p = Primitive(
    "reduce_scatter",
    type_rule=_scatter_type,
    impl=_outside,
    jvp=_scatter_jvp,
    transpose=_scatter_transpose,
    batch=_scatter_batch,
    family="collective",
)

"""Collectives by the names of ``jax.lax``: what the samples of ``vmap(..., axis_name=...)`` tell one another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.ir.types import INT32
from gradcli.engine.ops import collective as c
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.dynamic import dynamic_index_in_dim
from gradcli.engine.ops.reduce import reduce_max, reduce_min
from gradcli.engine.ops.shape import canonical_axis, moveaxis, reduce_sum, reshape
from gradcli.engine.trace.tracer import Tracer
from gradcli.engine.tree import tree_map
from gradcli.numpy._base import type_error, unsupported, value_error


def _names(axis_name: Any) -> tuple[Any, ...]:
    return tuple(axis_name) if isinstance(axis_name, (tuple, list)) else (axis_name,)


def _no_groups(axis_index_groups: Any) -> None:
    if axis_index_groups is not None:
        raise unsupported("axis_index_groups is not supported under vmap", "use two named axes")


def axis_size(axis_name: Any) -> int:
    """How many samples run along the axis (or the axes). Raises NameError for an unknown name."""
    out = 1
    for name in _names(axis_name):
        out *= c.find_axis(name)[0]
    return out


def axis_index(axis_name: Any) -> Any:
    """The sample's own number along the axis; over several axes row by row."""
    out: Any = None
    for name in _names(axis_name):
        size, lane = c.find_axis(name)
        out = lane if out is None else e.add(e.mul(out, np.int32(size)), lane)
    return out


def _over_axes(x: Any, axis_name: Any, one: Callable[[Any, Any], Any], reduce: Callable[..., Any]) -> Any:
    """A reduction over named axes, and over positions where a name is a number."""

    def leaf(v: Any) -> Any:
        places = [n for n in _names(axis_name) if isinstance(n, int)]
        if places:
            v = reduce(v, tuple(canonical_axis(p, type_of(v).ndim) for p in places))
        for name in _names(axis_name):
            if not isinstance(name, int):
                v = one(v, name)
        return v

    return tree_map(leaf, x)


def psum(x: Any, axis_name: Any, *, axis_index_groups: Any = None) -> Any:
    """The sum over all samples, of every leaf. Of a Python number it is that number times the size, known at once.

    >>> from gradcli import vmap
    >>> print(vmap(lambda x: x / psum(x, "i"), axis_name="i")(np.array([1.0, 3.0])))
    [0.25 0.75]
    """
    _no_groups(axis_index_groups)

    def one(v: Any, name: Any) -> Any:
        if not isinstance(v, Tracer) and not type_of(v).shape:
            size = c.find_axis(name)[0]
            return v * size if not isinstance(v, bool) else int(v) * size
        if type_of(v).dtype.kind == "b":
            v = e.convert_element_type(v, INT32)
        return c.psum(v, name)

    return _over_axes(x, axis_name, one, reduce_sum)


def pmean(x: Any, axis_name: Any, *, axis_index_groups: Any = None) -> Any:
    """The mean over all samples, of every leaf."""
    total = psum(x, axis_name, axis_index_groups=axis_index_groups)
    count = psum(1, axis_name, axis_index_groups=axis_index_groups)
    return tree_map(lambda v: v / count, total)


def pmax(x: Any, axis_name: Any, *, axis_index_groups: Any = None) -> Any:
    """The greatest over all samples, of every leaf."""
    _no_groups(axis_index_groups)
    return _over_axes(x, axis_name, c.pmax, reduce_max)


def pmin(x: Any, axis_name: Any, *, axis_index_groups: Any = None) -> Any:
    """The least over all samples, of every leaf."""
    _no_groups(axis_index_groups)
    return _over_axes(x, axis_name, c.pmin, reduce_min)


def all_gather(
    x: Any, axis_name: Any, *, axis_index_groups: Any = None, axis: int = 0, tiled: bool = False, to: str = "varying"
) -> Any:
    """The values of all samples along a new axis (``tiled``: joined along an existing one), of every leaf."""
    _no_groups(axis_index_groups)

    def leaf(v: Any) -> Any:
        if tiled and not type_of(v).ndim:
            raise value_error("all_gather with tiled=True needs leaves with an axis")
        place = canonical_axis(axis, type_of(v).ndim + (not tiled))
        for name in reversed(_names(axis_name)):
            gathered = c.all_gather(v, name, place)
            shape = type_of(gathered).shape
            joined = (*shape[:place], shape[place] * shape[place + 1], *shape[place + 2 :]) if tiled else None
            v = gathered if joined is None else reshape(gathered, joined)
        if not tiled and len(_names(axis_name)) > 1:
            shape = type_of(v).shape
            n = len(_names(axis_name))
            v = reshape(v, (*shape[:place], int(np.prod(shape[place : place + n])), *shape[place + n :]))
        return v

    return tree_map(leaf, x)


def psum_scatter(
    x: Any, axis_name: Any, *, scatter_dimension: int = 0, axis_index_groups: Any = None, tiled: bool = False
) -> Any:
    """In sample i part i, along ``scatter_dimension``, of the sum over all samples; ``tiled``: parts of several."""
    _no_groups(axis_index_groups)
    size = axis_size(axis_name)

    def leaf(v: Any) -> Any:
        d = canonical_axis(scatter_dimension, type_of(v).ndim)
        shape = type_of(v).shape
        if tiled:
            if shape[d] % size:
                raise value_error(f"psum_scatter: {size} samples do not divide an axis of {shape[d]}")
            v = reshape(v, (*shape[:d], size, shape[d] // size, *shape[d + 1 :]))
        return c.reduce_scatter(v, axis_name, d)

    return tree_map(leaf, x)


def ppermute(x: Any, axis_name: Any, perm: Sequence[tuple[int, int]]) -> Any:
    """Sends the values of sample ``a`` to sample ``b`` for every pair ``(a, b)``; who receives none has zeros."""
    size = axis_size(axis_name)
    sources = [a for a, _ in perm]
    targets = [b for _, b in perm]
    if len(set(sources)) != len(sources) or len(set(targets)) != len(targets):
        raise value_error(f"ppermute: sources and targets must be distinct, got {list(perm)}")
    if any(not 0 <= n < size for n in (*sources, *targets)):
        raise value_error(f"ppermute: {list(perm)} names samples that {size} samples do not have")
    origin = np.zeros(size, np.int32)
    known = np.zeros(size, bool)
    origin[targets], known[targets] = sources, True

    def leaf(v: Any) -> Any:
        everything = all_gather(v, axis_name)
        me = axis_index(axis_name)
        mine = dynamic_index_in_dim(everything, dynamic_index_in_dim(origin, me, 0, False), 0, False)
        if known.all():
            return mine
        has = dynamic_index_in_dim(known, me, 0, False)
        return e.select_n(has, e.mul(mine, type_of(mine).dtype.type(0)), mine)

    return tree_map(leaf, x)


def pshuffle(x: Any, axis_name: Any, perm: Sequence[int]) -> Any:
    """In sample i the values of sample ``perm[i]``."""
    if set(perm) != set(range(axis_size(axis_name))):
        raise value_error(f"pshuffle: {list(perm)} is no permutation of the samples")
    return ppermute(x, axis_name, list(zip(perm, range(len(perm)), strict=True)))


def all_to_all(
    x: Any, axis_name: Any, split_axis: int, concat_axis: int, *, axis_index_groups: Any = None, tiled: bool = False
) -> Any:
    """Sends part i along ``split_axis`` to sample i; what arrives is put together along ``concat_axis``."""
    _no_groups(axis_index_groups)
    size = axis_size(axis_name)

    def leaf(v: Any) -> Any:
        ndim = type_of(v).ndim
        at, to = canonical_axis(split_axis, ndim), canonical_axis(concat_axis, ndim)
        shape = type_of(v).shape
        if shape[at] % size or (not tiled and shape[at] != size):
            raise type_error(f"all_to_all over {size} samples does not fit axis {at} of {type_of(v)}")
        if tiled:
            v = reshape(v, (*shape[:at], size, shape[at] // size, *shape[at + 1 :]))
        everything = moveaxis(all_gather(v, axis_name), at + 1, 0)  # (part, from, …)
        mine = dynamic_index_in_dim(everything, axis_index(axis_name), 0, False)
        mine = moveaxis(mine, 0, to)
        if not tiled:
            return mine
        out = type_of(mine).shape
        return reshape(mine, (*out[:to], out[to] * out[to + 1], *out[to + 2 :]))

    return tree_map(leaf, x)


def pswapaxes(x: Any, axis_name: Any, axis: int, *, axis_index_groups: Any = None) -> Any:
    """Exchanges the named axis and a positional one of its size."""
    return all_to_all(x, axis_name, axis, axis, axis_index_groups=axis_index_groups)


def pbroadcast(x: Any, axis_name: Any, source: int) -> Any:
    """In every sample the values of sample ``source``."""
    return tree_map(lambda v: dynamic_index_in_dim(all_gather(v, axis_name), np.int32(source), 0, False), x)


def pcast(x: Any, axis_name: Any, *, to: str) -> Any:
    """The identity: whether values differ between samples is not tracked in types here."""
    for name in _names(axis_name):
        c.find_axis(name)
    return x

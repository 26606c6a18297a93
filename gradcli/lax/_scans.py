"""Maps and scans made of the loop primitives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradcli.engine.array import type_of
from gradcli.engine.control.scan import scan
from gradcli.engine.ops import cuts
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops import shape as s
from gradcli.engine.tree import tree_flatten, tree_leaves, tree_map, tree_unflatten
from gradcli.engine.vmap import vmap
from gradcli.numpy._base import type_error, value_error


def map(f: Callable[[Any], Any], xs: Any, *, batch_size: int | None = None) -> Any:
    """``f`` of every slice of ``xs`` along the first axis, one after the other; the results stacked.

    batch_size: so many slices at a time, by ``vmap``.
    """
    if batch_size is None:
        return scan(lambda _, x: ((), f(x)), (), xs)[1]
    if batch_size < 1:
        raise value_error(f"lax.map needs a positive batch_size, got {batch_size}")
    n = type_of(tree_leaves(xs)[0]).shape[0]
    whole = n - n % batch_size
    head = tree_map(lambda x: _part(x, 0, whole), xs)
    rows = tree_map(lambda x: s.reshape(x, (n // batch_size, batch_size, *type_of(x).shape[1:])), head)
    out = scan(lambda _, x: ((), vmap(f)(x)), (), rows)[1] if whole else None
    joined = tree_map(lambda x: s.reshape(x, (whole, *type_of(x).shape[2:])), out)
    if whole == n:
        return joined
    rest = vmap(f)(tree_map(lambda x: _part(x, whole, n), xs))
    return rest if not whole else tree_map(lambda a, b: cuts.concatenate([a, b], 0), joined, rest)


def _part(x: Any, start: int, stop: int, axis: int = 0, step: int = 1) -> Any:
    return cuts.slice_in_dim(x, start, max(start, stop), axis, step)


def associative_scan(fn: Callable[[Any, Any], Any], elems: Any, reverse: bool = False, axis: int = 0) -> Any:
    """All prefixes combined by an associative function of pytrees of arrays, in a logarithmic number of steps.

    ``fn`` gets slices of several elements and combines them element by element. Neighbours are combined, the odd
    places follow by recursion, the even ones from those (G. Blelloch, *Prefix sums and their applications*, 1990).
    Raises TypeError where the leaves have different sizes along ``axis``.

    >>> import numpy as np
    >>> print(associative_scan(lambda a, b: a * b, np.array([1.0, 2.0, 3.0, 4.0])))
    [ 1.  2.  6. 24.]
    """
    leaves, tree = tree_flatten(elems)
    if not callable(fn):
        raise type_error("associative_scan needs a function of two elements")
    axes = {s.canonical_axis(axis, type_of(x).ndim) for x in leaves}
    if len(axes) > 1:
        raise type_error("associative_scan needs an axis that is the same in all leaves")
    at = axes.pop()
    sizes = {type_of(x).shape[at] for x in leaves}
    if len(sizes) != 1:
        raise type_error(f"associative_scan needs leaves of one size along axis {axis}, got {sorted(sizes)}")

    def combine(x: list[Any], y: list[Any]) -> list[Any]:
        out, out_tree = tree_flatten(fn(tree_unflatten(tree, x), tree_unflatten(tree, y)))
        if out_tree != tree:
            raise type_error(f"the function of associative_scan must return {tree}, not {out_tree}")
        return out

    values = [s.rev(x, (at,)) for x in leaves] if reverse else leaves
    values = _prefixes(combine, values, at)
    return tree_unflatten(tree, [s.rev(x, (at,)) for x in values] if reverse else values)


def _prefixes(combine: Callable[[list[Any], list[Any]], list[Any]], xs: list[Any], axis: int) -> list[Any]:
    n = type_of(xs[0]).shape[axis]
    if n < 2:
        return xs

    def cut(of: list[Any], start: int, stop: int, step: int = 1) -> list[Any]:
        return [_part(x, start, stop, axis, step) for x in of]

    odd = _prefixes(combine, combine(cut(xs, 0, n - 1, 2), cut(xs, 1, n, 2)), axis)
    before = cut(odd, 0, n // 2 - 1) if n % 2 == 0 else odd
    later = combine(before, cut(xs, 2, n, 2))
    even = [cuts.concatenate([a, b], axis) for a, b in zip(cut(xs, 0, 1), later, strict=True)]
    return [_interleave(a, b, axis) for a, b in zip(even, odd, strict=True)]


def _interleave(even: Any, odd: Any, axis: int) -> Any:
    """The elements of both in turn; ``even`` begins and may be longer by one."""
    t = type_of(even)
    equal = t.shape[axis] == type_of(odd).shape[axis]
    at_even, at_odd = [(0, 0, 0)] * t.ndim, [(0, 0, 0)] * t.ndim
    at_even[axis], at_odd[axis] = (0, int(equal), 1), (1, int(not equal), 1)
    zero = t.dtype.type(0)
    join = e.bitwise_or if t.dtype.kind == "b" else e.add
    return join(cuts.pad(even, zero, at_even), cuts.pad(odd, zero, at_odd))

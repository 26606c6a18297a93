"""Einstein summation: parsed once, contracted pairwise in a good order, each pair one ``dot_general``."""

from __future__ import annotations

import functools
import string
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import type_of
from gradcli.engine.ir.types import canonical_dtype, promote_types
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops import shape as s
from gradcli.engine.ops.dot import dot_general
from gradcli.engine.ops.operators import multiply
from gradcli.engine.ops.shape import reduce_sum
from gradcli.numpy._base import arr, value_error
from gradcli.numpy._linear import diagonal
from gradcli.numpy._shapes import transpose

Term = tuple[Any, str]  # an operand and one letter for each of its axes


def einsum(
    subscripts: Any, /, *operands: Any, out: None = None, optimize: Any = "optimal", precision: Any = None,
    preferred_element_type: Any = None, **_: Any,
) -> Any:  # fmt: skip
    """Sums products over repeated indices, ``einsum("ij,jk->ik", a, b)``, or with lists of axes after each operand.

    Raises ValueError for subscripts that do not fit the operands.

    >>> import numpy as np
    >>> print(einsum("ij->j", np.ones((2, 3))))
    [2. 2. 2.]
    """
    if not isinstance(subscripts, str):
        subscripts, listed = _from_lists((subscripts, *operands))
        operands = tuple(listed)
    values = [arr(x) for x in operands]
    inputs, output = _parse(subscripts, tuple(v.ndim for v in values))
    sizes = _sizes(inputs, values)
    dtype = canonical_dtype(preferred_element_type) if preferred_element_type is not None else None
    dtype = dtype or promote_types(*(v.type for v in values))[0]
    weak = dtype == values[0].dtype and all(v.weak_type for v in values)
    terms: list[Term] = [
        _simplified(e.convert_element_type(v, dtype, weak), names)
        for v, names in zip(values, inputs, strict=True)
    ]
    for pair in _path(inputs, output, sizes, optimize):
        terms = _contract_step(terms, pair, output)
    result, names = _sum_alone(terms[0], output)
    return transpose(result, [names.index(c) for c in output])


def einsum_path(
    subscripts: Any, /, *operands: Any, optimize: bool | str | list[tuple[int, ...]] = "auto"
) -> tuple[list[Any], Any]:
    """In which order :func:`einsum` contracts: a list to be given as ``optimize``, and NumPy's description of the cost.

    >>> import numpy as np
    >>> einsum_path("ij,jk,kl", np.ones((2, 9)), np.ones((9, 9)), np.ones((9, 2)))[0]
    [(0, 1), (0, 1)]
    """
    if not isinstance(subscripts, str):
        subscripts, listed = _from_lists((subscripts, *operands))
        operands = tuple(listed)
    stand_ins = [np.broadcast_to(np.float64(0), type_of(x).shape) for x in operands]
    found = np.einsum_path(subscripts, *stand_ins, optimize="greedy" if optimize == "auto" else optimize)
    return list(found[0][1:]), found[1]  # without NumPy's word before the steps


def _from_lists(args: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    """The string form of ``einsum(a, [0, 1], b, [1, 2], [0, 2])``."""
    letters = string.ascii_letters

    def text(axes: Sequence[Any]) -> str:
        return "".join("..." if a is Ellipsis else letters[a] for a in axes)

    operands, lists = args[0 : len(args) - len(args) % 2 : 2], args[1::2]
    subscripts = ",".join(map(text, lists))
    return (f"{subscripts}->{text(args[-1])}" if len(args) % 2 else subscripts), operands


@functools.lru_cache(maxsize=256)
def _parse(subscripts: str, ranks: tuple[int, ...]) -> tuple[tuple[str, ...], str]:
    """Letters of each operand and of the result, ``...`` replaced by letters of their own."""
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    inputs = left.split(",")
    if len(inputs) != len(ranks):
        raise value_error(f"einsum {subscripts!r} names {len(inputs)} operands, {len(ranks)} are given")
    free = [c for c in string.ascii_letters if c not in subscripts]
    widths = [rank - len(t.replace("...", "")) if "..." in t else 0 for t, rank in zip(inputs, ranks, strict=True)]
    broadcast = "".join(free[: max(widths, default=0)])
    expanded = []
    for term, rank, width in zip(inputs, ranks, widths, strict=True):
        names = term.replace("...", broadcast[len(broadcast) - width :] if width > 0 else "")
        if len(names) != rank or width < 0:
            raise value_error(f"einsum {subscripts!r}: {term!r} does not fit an operand of {rank} dimensions")
        expanded.append(names)
    if arrow:
        output = right.replace("...", broadcast)
    else:
        counts = Counter(left.replace(",", "").replace(".", ""))
        output = broadcast + "".join(sorted(c for c, n in counts.items() if n == 1))
    known = set("".join(expanded))
    if len(set(output)) != len(output) or not set(output) <= known or not known <= set(string.ascii_letters):
        raise value_error(f"einsum {subscripts!r}: the result {output!r} repeats an index or names one of no operand")
    return tuple(expanded), output


def _sizes(inputs: Sequence[str], values: Sequence[Any]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for names, value in zip(inputs, values, strict=True):
        for c, n in zip(names, value.shape, strict=True):
            known = sizes.get(c, 1)
            if 1 not in (known, n) and known != n:
                raise value_error(f"einsum: index {c!r} has size {known} in one operand and {n} in another")
            sizes[c] = max(known, n) if 0 not in (known, n) else 0
    return sizes


def _path(inputs: Sequence[str], output: str, sizes: dict[str, int], optimize: Any) -> list[tuple[int, ...]]:
    """Which operands to contract, step by step; results go to the end of the list."""
    if len(inputs) == 1:
        return []
    if len(inputs) == 2:
        return [(0, 1)]
    if isinstance(optimize, (list, tuple)):
        return [tuple(step) for step in optimize if not isinstance(step, str)]
    mode = "optimal" if len(inputs) <= 5 and optimize is not False else "greedy"
    shapes = tuple(tuple(sizes[c] for c in names) for names in inputs)
    return _found_path(f"{','.join(inputs)}->{output}", shapes, mode)


@functools.lru_cache(maxsize=256)
def _found_path(subscripts: str, shapes: tuple[tuple[int, ...], ...], mode: str) -> list[tuple[int, ...]]:
    stand_ins = [np.broadcast_to(np.float64(0), shape) for shape in shapes]
    return [tuple(step) for step in np.einsum_path(subscripts, *stand_ins, optimize=mode)[0][1:]]


def _simplified(x: Any, names: str) -> Term:
    """The diagonal over each letter that an operand has twice; axes of size 1 stay, to be broadcast later."""
    for c in sorted(set(names)):
        while names.count(c) > 1:
            i = names.index(c)
            j = names.index(c, i + 1)
            x = diagonal(x, 0, i, j)
            names = names[:i] + names[i + 1 : j] + names[j + 1 :] + c
    return x, names


def _sum_alone(term: Term, keep: str) -> Term:
    """Sums over the axes that nothing else needs."""
    x, names = term
    gone = tuple(i for i, c in enumerate(names) if c not in keep)
    return reduce_sum(x, gone), "".join(c for c in names if c in keep)


def _contract_step(terms: list[Term], pair: Sequence[int], output: str) -> list[Term]:
    chosen = [terms[i] for i in sorted(pair)]
    rest = [t for i, t in enumerate(terms) if i not in pair]
    while len(chosen) > 1:
        first, second, *others = chosen
        needed = output + "".join(names for _, names in rest + others)
        chosen = [_contract(first, second, needed), *others]
    return rest + chosen


def _contract(first: Term, second: Term, needed: str) -> Term:
    """One pair: letters that only one operand has are summed first, shared ones are batch axes if still needed."""
    (a, left), (b, right) = _sum_alone(first, needed + second[1]), _sum_alone(second, needed + first[1])
    a, b, left, right = _drop_ones(a, left, b, right)
    (a, left), (b, right) = _sum_alone((a, left), needed + right), _sum_alone((b, right), needed + left)
    shared = [c for c in left if c in right]
    batch, contract = [c for c in shared if c in needed], [c for c in shared if c not in needed]
    if not shared and (not left or not right):
        return multiply(a, b), left + right
    numbers = tuple(
        (tuple(left.index(c) for c in group), tuple(right.index(c) for c in group)) for group in (contract, batch)
    )
    names = "".join(batch) + "".join(c for names in (left, right) for c in names if c not in shared)
    return dot_general(a, b, numbers), names


def _drop_ones(a: Any, left: str, b: Any, right: str) -> tuple[Any, Any, str, str]:
    """Where a shared index has size 1 in one operand only, that operand gives it up: the other one's decides."""
    for c in set(left) & set(right):
        n, m = type_of(a).shape[left.index(c)], type_of(b).shape[right.index(c)]
        if n == m:
            continue
        if n == 1:
            a, left = s.squeeze(a, (left.index(c),)), left.replace(c, "")
        else:
            b, right = s.squeeze(b, (right.index(c),)), right.replace(c, "")
    return a, b, left, right

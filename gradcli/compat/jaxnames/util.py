"""Small helpers by the names of ``jax.util``: ``safe_map`` and its like."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial as partial
from functools import reduce, wraps
from math import prod as prod
from typing import Any


def _same_length(sequences: Sequence[Sequence[Any]]) -> int:
    lengths = [len(s) for s in sequences]
    if len(set(lengths)) > 1:
        raise ValueError(f"length mismatch: {lengths}")
    return lengths[0] if lengths else 0


def safe_map(f: Callable[..., Any], *args: Iterable[Any]) -> list[Any]:
    """A list of ``f`` of each element. Raises ValueError where the lengths differ."""
    sequences = [list(a) for a in args]
    _same_length(sequences)
    return [f(*xs) for xs in zip(*sequences, strict=True)]


def safe_zip(*args: Iterable[Any]) -> list[tuple[Any, ...]]:
    """A list of tuples. Raises ValueError where the lengths differ."""
    sequences = [list(a) for a in args]
    _same_length(sequences)
    return list(zip(*sequences, strict=True))


def _unzip(n: int, pairs: Iterable[Sequence[Any]]) -> tuple[tuple[Any, ...], ...]:
    rows = list(pairs)
    return tuple(tuple(row[i] for row in rows) for i in range(n))


unzip2 = partial(_unzip, 2)
unzip3 = partial(_unzip, 3)


def split_list(args: Sequence[Any], ns: Sequence[int]) -> list[list[Any]]:
    """The list cut into pieces of these lengths, and what is left."""
    rest, pieces = list(args), []
    for n in ns:
        pieces.append(rest[:n])
        rest = rest[n:]
    return [*pieces, rest]


def partition_list(flags: Sequence[bool], items: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """The items whose flag is not set, and those whose flag is."""
    pairs = safe_zip(flags, items)
    return [x for flag, x in pairs if not flag], [x for flag, x in pairs if flag]


def concatenate(lists: Iterable[Iterable[Any]]) -> list[Any]:
    """The elements of all of the lists."""
    return [x for xs in lists for x in xs]


def compose(*functions: Callable[..., Any]) -> Callable[..., Any]:
    """The functions one after another, the first one first."""
    return reduce(lambda f, g: lambda *args: g(f(*args)), functions)


__all__ = [
    "compose", "concatenate", "partial", "partition_list", "prod", "safe_map", "safe_zip", "split_list", "unzip2",
    "unzip3", "wraps",
]  # fmt: skip

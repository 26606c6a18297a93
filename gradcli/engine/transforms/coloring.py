"""Colors for the columns of a Jacobian: columns of one color have no row in common, and are computed at once.

Curtis, Powell and Reid, *On the estimation of sparse Jacobian matrices* (1974). In a matrix of bandwidth b, column j
gets color j mod b, which is the least there can be where the band is full; elsewhere each column, one after the other,
gets the first color that none of its neighbours has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli.engine.transforms.structure import Columns, Pattern

_GREEDY_LIMIT = 50_000  # entries, up to which columns are colored one by one


def color_columns(patterns: Sequence[Pattern], starts: Sequence[int]) -> tuple[Columns, int]:
    """A color for each column, and how many there are.

    ``starts`` holds the first column of each leaf, and the number of columns. The columns of a leaf that some output
    depends on as a whole have a color each; all other columns share theirs.
    """
    whole = sorted(frozenset().union(*(p.leaves for p in patterns)))
    rest = np.ones(starts[-1], bool)
    parts: list[tuple[Columns, Columns, int]] = []  # columns, their colors within the part, how many colors
    for leaf in whole:
        rest[starts[leaf] : starts[leaf + 1]] = False
        size = starts[leaf + 1] - starts[leaf]
        parts.append((np.arange(starts[leaf], starts[leaf + 1]), np.arange(size), size))
    if rest.any():
        parts.append((np.flatnonzero(rest), *_thin_colors(patterns, np.flatnonzero(rest), rest)))
    colors = np.zeros(starts[-1], np.int64)
    outputs = [_touched(p, starts) for p in patterns] if len(parts) > 1 else []
    begins: list[int] = []
    for k, (columns, own, _) in enumerate(parts):  # parts that meet in an output get colors apart
        rivals = (j for j in range(k) if any(o[columns].any() and o[parts[j][0]].any() for o in outputs))
        begins.append(max((begins[j] + parts[j][2] for j in rivals), default=0))
        colors[columns] = own + begins[k]
    return colors, max((b + width for b, (_, _, width) in zip(begins, parts, strict=True)), default=0)


def _touched(pattern: Pattern, starts: Sequence[int]) -> Any:
    """Which columns an output depends on."""
    mask = np.zeros(starts[-1], bool)
    for leaf in pattern.leaves:
        mask[starts[leaf] : starts[leaf + 1]] = True
    for layer in pattern.layers:
        mask[layer[layer >= 0]] = True
    return mask


def _thin_colors(patterns: Sequence[Pattern], columns: Columns, mask: Any) -> tuple[Columns, int]:
    """Colors of columns that only layers hold."""
    rank = np.full(mask.size + 1, -1)  # the last entry is that of -1, which stands for no column
    rank[columns] = np.arange(columns.size)
    tables = [np.stack([rank[layer.reshape(-1)] for layer in p.layers], 1) for p in patterns if p.layers]
    if all(t.shape[1] == 1 for t in tables):
        return np.zeros(columns.size, np.int64), 1 if tables else 0
    span, most = 1, 1
    for table in tables:
        high = table.max(1)
        low = np.where(table < 0, columns.size, table).min(1)
        span = max(span, int((high - low).max(initial=0)) + 1)
        ordered = np.sort(table, 1)
        distinct = (ordered[:, :1] >= 0).sum(1) + ((ordered[:, 1:] != ordered[:, :-1]) & (ordered[:, 1:] >= 0)).sum(1)
        most = max(most, int(distinct.max(initial=0)))
    band = np.arange(columns.size) % span
    if span <= most or 2 * most > columns.size or sum(t.size for t in tables) > _GREEDY_LIMIT:
        return band, span
    greedy = _greedy_colors(tables, columns.size)
    width = int(greedy.max()) + 1
    return (greedy, width) if width < span else (band, span)


def _greedy_colors(tables: Sequence[Columns], n: int) -> Columns:
    rows: list[list[int]] = [[c for c in row if c >= 0] for table in tables for row in table.tolist()]
    rows_of: list[list[int]] = [[] for _ in range(n)]
    for i, row in enumerate(rows):
        for c in row:
            rows_of[c].append(i)
    used: list[set[int]] = [set() for _ in rows]
    colors = np.zeros(n, np.int64)
    for c, mine in enumerate(rows_of):
        taken = set().union(*(used[i] for i in mine))
        color = next(k for k in range(len(taken) + 1) if k not in taken)
        colors[c] = color
        for i in mine:
            used[i].add(color)
    return colors


def spread_columns(pattern: Pattern, values: Any, colors: Columns, starts: Sequence[int]) -> Any:
    """The Jacobian [rows, columns] of one output from its products [rows, colors] with the sums of columns."""
    out = np.zeros((values.shape[0], starts[-1]), values.dtype)
    for layer in pattern.layers:
        flat = layer.reshape(-1)
        rows = np.flatnonzero(flat >= 0)
        out[rows, flat[rows]] = values[rows, colors[flat[rows]]]
    for leaf in pattern.leaves:
        part = slice(starts[leaf], starts[leaf + 1])
        out[:, part] = values[:, colors[part]]
    return out


def seeds(colors: Columns, count: int, dtype: Any) -> Any:
    """For each color the sum of its columns' basis vectors: [colors, columns]."""
    out = np.zeros((count, colors.size), dtype)
    if count:
        out[colors, np.arange(colors.size)] = 1
    return out

"""Rows of ``gradcli.numpy``: other names of the same, creation, comparison, sets, and what places values."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.conformance.row import ABOVE, UNIT, Draw, Row, rows_of

Case = rows_of("numpy")
real = Draw(10)

A, B, V, T, S = real((2, 3)), real((2, 3)), real((3,)), real((2, 3, 2)), real((3, 3))
INTS, BOOLS = np.array([[3, -1, 2], [0, 5, -4]]), np.array([[True, False, True], [False, True, True]])
NAN = np.array([[0.5, np.nan, 2.0], [np.nan, -1.0, 0.25]])
ZEROS = np.array([0.0, 1.5, 0.0, 2.0])
LENGTH = "the length of the result depends on values"


def const(name: str, *args: Any, **options: Any) -> Row:
    """A row without arrays."""
    return Case(name, (), options, lambda f, **o: f(*args, **o), order=0, id="-".join(map(str, args)))


def untraced(name: str, *arrays: Any, **rest: Any) -> Row:
    """A row that needs its arguments' values."""
    return Case(name, arrays, order=0, traced=False, why=LENGTH, **rest)


def length(n: int) -> Any:
    """The options under which sets have a known length."""
    return {"size": n, "fill_value": 0}


ALIASES = [
    *[Case(n, (real((3,), d),)) for n, d in (("acos", UNIT), ("asin", UNIT), ("atanh", UNIT), ("acosh", ABOVE))],
    *[Case(n, (real((3,), (0.2, 2.0)),)) for n in ("absolute", "asinh", "atan")],
    *[Case(n, (A,), {"axis": -2}) for n in ("amax", "amin")],
    Case("around", (A,)),
    Case("fix", (A,), jax=False),  # deprecated there
    Case("atan2", (V, real((3,)))),
    Case("pow", (real((3,), ABOVE), V)),
    *[Case(n, (INTS,), order=0) for n in ("bitwise_invert",)],
    *[Case(n, (np.abs(INTS), np.array([1, 2, 0])), order=0) for n in ("bitwise_left_shift", "bitwise_right_shift")],
    Case("concat", (A, B), call=lambda f, x, y: f([x, y], axis=-1)),
    Case("permute_dims", (T,), {"axes": (2, 0, 1)}),
    Case("matrix_transpose", (T,)),
]

CREATION = [
    *[const("arange", *args) for args in ((4,), (1, 7, 2), (0.5, 3.0, 0.75))],
    *[const(n, shape) for n in ("zeros", "ones") for shape in ((2, 3), (0, 2), ())],
    Case("empty", (), {"shape": (2, 3)}, order=0, numpy=False),
    *[const("eye", *args, **o) for args, o in (((3,), {}), ((2, 4), {"k": 1}), ((3,), {"k": -1}))],
    const("identity", 3),
    Case("tri", (), {"k": -1}, lambda f, k: f(3, 4, k), order=0, jax=False),  # there float32 whatever is enabled
    const("indices", (2, 3)),
    Case("full", (np.float64(0.5),), call=lambda f, x: f((2, 3), x)),
    Case("fromfunction", (), call=lambda f: f(lambda i, j: i * 2 + j, (2, 3)), order=0),
    *[Case(n, (A,)) for n in ("asarray", "copy")],
    Case("empty_like", (A,), order=0, why="zeros whatever the argument", numpy=False),
    *[Case("diagflat", (A,), {"k": k}) for k in (0, -1)],
    Case("astype", (A,), call=lambda f, x: f(x, "complex128"), single=None),
    Case("astype", (A,), call=lambda f, x: f(x, "int32"), order=0, id="int"),
    Case("broadcast_arrays", (A, V), call=lambda f, x, y: f(x, y)[1]),
]

SPLITS = [
    Case("vsplit", (real((4, 2)),), call=lambda f, x: f(x, 2)[1]),
    Case("hsplit", (real((2, 4)),), call=lambda f, x: f(x, [1, 3])[1]),
    Case("dsplit", (real((1, 2, 4)),), call=lambda f, x: f(x, 2)[0]),
]

PLACING = [
    Case("fill_diagonal", (S, np.float64(0.5)), {"inplace": False}, numpy=False),
    Case("place", (A, V), call=lambda f, x, v: f(x, BOOLS, v, inplace=False), numpy=False),
    Case("put", (A, V), call=lambda f, x, v: f(x, np.array([0, -1, 2]), v, inplace=False), numpy=False),
    Case("put_along_axis", (A, real((2, 1))), numpy=False,
         call=lambda f, x, v: f(x, np.array([[2], [0]]), v, axis=1, inplace=False)),
    *[Case("partition", (T,), {"axis": axis}, call=lambda f, x, axis: f(x, 1, axis)) for axis in (0, -2)],
    Case("argpartition", (V,), call=lambda f, x: f(x, 1), order=0),
    Case("vecdot", (A, B)),
    Case("vecdot", (T, T), {"axis": 1}),
    Case("vectorize", (A, V), call=lambda f, x, y: f(lambda a, b: a * b + a)(x, y)),
    Case("frompyfunc", (A, B), call=lambda f, x, y: f(lambda a, b: a * b, 2, 1)(x, y) * 1.0, numpy=False),
    Case("divmod", (real((3,), (2.2, 2.8)), real((3,), (0.95, 1.05))), call=lambda f, x, y: f(x, y)[1]),
]  # fmt: skip

STATISTICS = [
    *[Case("nanprod", (T,), {"axis": axis}) for axis in (None, 1)],
    Case("nanprod", (NAN,), order=0, why="at NaN", id="nan"),
    Case("nanpercentile", (A,), {"q": 30.0, "axis": 1}),
    Case("nanpercentile", (NAN,), {"q": 30.0}, order=0, why="at NaN", id="nan"),
    *[Case(n, (A, B), order=0) for n in ("allclose", "array_equal", "array_equiv")],
    Case("polyfit", (real((5,)),), call=lambda f, y: f(np.linspace(-1, 1, 5), y, 2), single=None),
    Case("roots", (np.array([1.0, -3.5, 2.0, 0.7]),), {"strip_zeros": False}, numpy=False),
]

SETS = [
    *[Case("isin", (INTS, np.array([3, 5])), {"invert": i}, order=0) for i in (False, True)],
    *[
        Case(n, (INTS, np.array([3, 5, 9])), {"size": 4}, order=0, id="size", numpy=False)
        for n in ("intersect1d", "setdiff1d", "setxor1d", "union1d")
    ],
    *[untraced(n, INTS, np.array([3, 5, 9])) for n in ("intersect1d", "setdiff1d", "setxor1d", "union1d")],
    *[untraced("unique", x, options={"axis": axis}) for x, axis in ((INTS, None), (INTS[:, [0, 0, 1]], 1))],
    Case("unique", (INTS,), {"size": 4}, order=0, id="size", numpy=False),
    *[untraced(n, INTS) for n in ("unique_all", "unique_counts", "unique_inverse")],
    untraced("unique_values", INTS, numpy=False),
    Case("unique_values", (INTS,), {"size": 4}, order=0, id="size", numpy=False),
    *[
        Case(n, (ZEROS,), length(3), order=0, id="size", numpy=False)
        for n in ("argwhere", "flatnonzero", "nonzero")
    ],
    *[untraced(n, ZEROS) for n in ("argwhere", "flatnonzero", "nonzero")],
    Case("ix_", (), call=lambda f: f(np.array([0, 2]), np.array([1])), order=0),
    Case("mask_indices", (), call=lambda f: f(3, lambda m, k: m * np.tri(3, 3, k), 1), order=0),
]  # fmt: skip

ROWS = [*ALIASES, *CREATION, *SPLITS, *PLACING, *STATISTICS, *SETS]

"""Rows of ``gradcli.numpy``: polynomials, windows, differences, bits, choosing, counting and index grids."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.conformance.row import POSITIVE, Draw, Row, rows_of

Case = rows_of("numpy")
real = Draw(8)

A, B, V, T = real((2, 3)), real((2, 3)), real((3,)), real((2, 3, 2))
W, Z = real((4,)), real((3,)) + 1j * real((3,))
INTS, BOOLS = np.array([[3, -1, 2], [0, 5, -4]]), np.array([[True, False, True], [False, True, True]])
PLACES, MASK = np.array([2, 0, 2]), np.array([True, False, True])
NAN = np.array([[0.5, np.nan, 2.0], [np.nan, -1.0, 0.25]])

POINTS = real((4, 2))
ZEROS = np.array([0.0, 0.0, 1.5, 0.0, 2.0, 0.0])
LENGTH = "the length of the result depends on values"
LIMITS, STEPS = "at the ends of the range of numbers", "piecewise constant: differences see steps"


def const(name: str, *args: Any, id: str = "", **options: Any) -> Row:
    """A case of arguments that are no arrays."""
    return Case(name, (), call=lambda f: f(*args, **options), order=0, id=id or "-".join(map(str, args)))


def first(name: str, *arrays: Any, order: int = 2, id: str = "", why: str = "", **options: Any) -> Row:
    """The first of several results."""
    return Case(name, arrays, call=lambda f, *xs: f(*xs, **options)[0], order=order, id=id, why=why)


def static(name: str, array: Any, *args: Any, order: int = 2, **options: Any) -> Row:
    """An array, then arguments that are none."""
    text = "-".join([str(a).replace(" ", "") for a in (*args, *options.values())])
    return Case(name, (array,), call=lambda f, x: f(x, *args, **options), order=order, id=text)


POLYNOMIALS = [
    Case("polyval", (V, A)),
    *[Case(n, (x, y)) for n in ("polyadd", "polysub", "polymul") for x, y in ((V, W), (W, V))],
    first("polydiv", W, real((2,), POSITIVE)),
    Case("polydiv", (W, real((2,), POSITIVE)), call=lambda f, u, v: 1 * f(u, v)[0], id="rest"),
    *[static("polyder", W, m) for m in (0, 1, 3)],
    *[static("polyint", W, m) for m in (0, 1, 3)],
    Case("polyint", (W, real((2,))), call=lambda f, p, k: f(p, 2, k)),
    Case("polyint", (W, np.float64(0.5)), call=lambda f, p, k: f(p, 2, k)),
    *[Case(n, (INTS[0], INTS[1]), order=0, id="int") for n in ("polyadd", "polysub", "polyval")],
    Case("polymul", (Z, V + 0j), id="complex"),
    Case("poly", (V,)),
    Case("poly", (Z,), id="complex"),
]

WINDOWS = [
    *[const(n, m) for n in ("bartlett", "blackman", "hamming", "hanning") for m in (0, 1, 2, 7)],
    *[const("kaiser", m, 2.5) for m in (0, 1, 6)],
    Case("kaiser", (np.float64(2.5),), call=lambda f, b: f(5, b), single=None),
    Case("i0", (real((4,)),)),
    Case("i0", (np.array([0.0, -30.0]),)),
]

DIFFERENCES = [
    *[Case("gradient", (T,), {"axis": axis}, call=lambda f, x, axis: f(x, axis=axis)) for axis in (0, -2)],
    first("gradient", A),
    Case("gradient", (W, np.float64(0.5))),
    Case("gradient", (W, np.array([0.0, 1.0, 1.5, 4.0]))),
    first("gradient", A, np.float64(0.5), np.array([0.0, 1.0, 3.0])),
    Case("ediff1d", (A,)),
    Case("ediff1d", (A, V, W)),
    Case("ediff1d", (INTS,), order=0),
    *[Case("unwrap", (3 * T,), {"axis": axis}) for axis in (-1, 1)],
    static("unwrap", 3 * W, period=4.0),
    Case("unwrap", (INTS,), {"period": 4}, order=0, id="int"),
    *[
        Case(n, (T,), {"axis": axis, "include_initial": initial})
        for n in ("cumulative_sum", "cumulative_prod")
        for axis, initial in ((1, False), (-1, True))
    ],
    *[
        Case(n, (NAN,), {"axis": axis}, order=0, why="at NaN")
        for n in ("nancumsum", "nancumprod")
        for axis in (None, 1)
    ],
    *[Case(n, (NAN,), {"axis": axis}, order=0) for n in ("nanargmax", "nanargmin") for axis in (None, 0, -1)],
    *[Case(n, (INTS,), order=0, id="int") for n in ("nanargmax", "nancumsum")],
    Case("apply_along_axis", (A,), call=lambda f, x: f(lambda v: v[1:] * v[:-1], 1, x)),
    Case("apply_along_axis", (T,), call=lambda f, x: f(lambda v: v.sum(), -1, x)),
    Case("apply_over_axes", (T,), call=lambda f, x: f(lambda v, axis: v.sum(axis), x, (0, -1))),
]

NUMBERS = [
    *[Case(n, (np.array([12, -7, 0, 18, 0]), np.array([8, 21, 5, -12, 0])), order=0) for n in ("gcd", "lcm")],
    Case("gcd", (INTS, np.array([[4], [6]])), order=0),
    *[Case(n, (INTS,), order=0) for n in ("bitwise_count", "isreal", "iscomplex", "sort_complex")],
    *[Case("bitwise_count", (INTS.astype(t),), order=0, id=t) for t in ("int8", "uint16")],
    *[Case("packbits", (x,), {"axis": axis}, order=0) for x in (INTS, BOOLS) for axis in (None, 0, -1)],
    Case("packbits", (np.arange(20) % 3,), {"bitorder": "little"}, order=0),
    *[
        Case("unpackbits", (np.array([[3, 200], [255, 7]], np.uint8),), {"axis": axis, "count": count}, order=0)
        for axis, count in ((None, None), (0, 11), (-1, 20), (1, -3))
    ],
    Case("unpackbits", (np.array([3], np.uint8),), {"bitorder": "little"}, order=0),
    *[Case("frexp", (x,), call=lambda f, x: f(x)[0]) for x in (np.array([6.0, -0.3, 0.7, 5e10]),)],
    *[
        Case("frexp", (x,), call=lambda f, x, i=i: f(x)[i], order=0, why=LIMITS, id=f"special{i}", single=None)
        for i in (0, 1)
        for x in (np.array([0.0, -np.inf, np.nan, 1.0, -0.5, 1.7e308, 3e-308]),)
    ],
    Case("ldexp", (V, np.array([3, -2, 0]))),
    Case(
        "ldexp",
        (np.array([1.0, 1.5, 0.0, 1e300, -np.inf]), np.array([-1074, 1023, 9999, -2000, 3])),
        order=0,
        why=LIMITS,
        single=None,
    ),
    Case("nextafter", (V, np.array([9.0, -9.0, V[2]])), order=0, why=STEPS),
    Case("spacing", (np.array([1.0, -3.0, 0.0, 1e-310, np.nan]),), order=0, why=STEPS, single=None),
    *[Case(n, (Z,), order=0, id="complex") for n in ("isreal", "iscomplex")],
    Case("sort_complex", (Z,), id="complex"),
]

CHOOSING = [
    *[
        Case("choose", (A, B), {"mode": mode, "a": a}, lambda f, x, y, mode, a: f(a, [x, y], mode=mode), id=mode)
        for mode, a in (("raise", np.array([[1, 0, 1]])), ("wrap", INTS), ("clip", INTS))
    ],
    Case("piecewise", (W,), call=lambda f, x: f(x, [x < 0, x > 1], [lambda v: v * v, 2.0, lambda v: -v * 0.5])),
    Case("piecewise", (W,), call=lambda f, x: f(x, [x < 1, x < 0], [lambda v: v**3, lambda v: v]), id="last"),
    *[Case("compress", (A,), {"axis": a}, call=lambda f, x, axis: f(MASK, x, axis)) for a in (None, 1, -1)],
    Case("extract", (A,), call=lambda f, x: f(BOOLS, x)),
    *[static("delete", A, *a) for a in ((1, 1), (-1, 0), (PLACES, 1), (slice(0, 4, 2), None), (MASK, 1))],
    *[
        Case("insert", (A, np.float64(9)), {"at": at}, call=lambda f, x, v, at: f(x, at, v, axis=1))
        for at in (0, -1, np.array([0, 2]), np.array([1, 1, 3]))
    ],
    Case("insert", (A, V), call=lambda f, x, v: f(x, 1, v, axis=0)),
    Case("insert", (A, V), call=lambda f, x, v: f(x, slice(0, 6, 2), v)),
    Case("insert", (A, B[:, :2]), call=lambda f, x, v: f(x, np.array([2]), v, axis=-1)),
    *[static("resize", A, shape) for shape in ((2, 2), (3, 4), 7)],
    *[
        Case("trim_zeros", (ZEROS,), {"trim": trim}, order=0, traced=False, why=LENGTH, id=trim)
        for trim in ("fb", "f", "b")
    ],
    Case("unstack", (A,), call=lambda f, x: f(x, axis=1)[2]),
    Case("block", (A, V), call=lambda f, x, v: f([[x, x], [v, v * 2]])),
    Case("matvec", (T, real((2,)))),
    Case("vecmat", (real((3,)), T)),
    Case("vecmat", (Z, T + 1j), id="complex"),
]

COUNTING = [
    Case("bincount", (np.array([1, 3, 1]),), order=0, traced=False, why=LENGTH),
    Case("bincount", (np.array([1, 3, 1]),), {"minlength": 6}, order=0, traced=False, why=LENGTH),
    Case("bincount", (V,), call=lambda f, w: f(PLACES, w, minlength=5)),
    *[
        Case("histogram", (A,), {**o}, call=lambda f, x, i=i, **o: f(x, **o)[i] * 1.0, order=2 * i,
             why="" if i else STEPS, id=f"{i}{sorted(o)}")
        for i in (0, 1)
        for o in ({}, {"bins": 4, "range": (-1.0, 1.0)}, {"bins": np.array([-1.0, 0, 2]), "density": True})
    ],
    Case("histogram", (real((2, 3), POSITIVE),), call=lambda f, w: f(A, 3, weights=w, density=True)[0], single=None),
    Case("histogram_bin_edges", (A,), call=lambda f, x: f(x, 4)),
    Case("histogram_bin_edges", (np.zeros(3),), call=lambda f, x: f(x, 2), order=0, why="equal values are special"),
    *[first("histogram2d", W, real((4,)), bins=b, order=0, id=str(b), why=STEPS) for b in (3, [2, 3])],
    Case("histogramdd", (real((4,), POSITIVE),), call=lambda f, w: f(POINTS, 3, weights=w)[0], single=None),
    *[first("histogramdd", real((6, 3)), bins=2, density=d, order=0, id=str(d), why=STEPS) for d in (False, True)],
]

GRIDS = [
    *[
        Case("mgrid", (), call=lambda g, key=key: g[key], order=0, id=str(i))
        for i, key in enumerate((np.s_[0:3], np.s_[0:2, 1:3], np.s_[0:1:3j], np.s_[0:2, 0:1:3j]))
    ],
    *[Case("ogrid", (), call=lambda g, i=i: g[0:2, 0:1:3j][i], order=0, id=str(i)) for i in (0, 1)],
    *[
        Case("r_", (V, W), call=lambda g, x, y, key=key: g[(*key, x, y)], id=str(i))
        for i, key in enumerate(((), (0.5, slice(0, 2, 1))))
    ],
    Case("r_", (A, B), call=lambda g, x, y: g["1", x, y]),
    Case("r_", (V, V), call=lambda g, x, y: g["0,2", x, y]),
    Case("r_", (V, V), call=lambda g, x, y: g["1,2,0", x, y]),
    *[Case("c_", (x, y), call=lambda g, x, y: g[x, y]) for x, y in ((V, V), (A, B))],
    *[
        Case(n, (), call=lambda f, i=i, a=a: f(*a)[i], order=0, id=f"{a}{i}")
        for n, a in (
            ("tril_indices", (3,)), ("triu_indices", (3, 1, 4)), ("diag_indices", (3,)), ("tril_indices", (2, -1, 4)),
            ("tril_indices_from", (A,)), ("triu_indices_from", (A, -1)), ("diag_indices_from", (np.eye(3),)),
            ("unravel_index", (np.array([0, 5]), (2, 3))),
        )
        for i in (0, 1)
    ],
    *[
        Case("ravel_multi_index", (INTS, INTS[::-1]), {"mode": mode, "order": order},
             call=lambda f, i, j, **o: f((i, j), (4, 5), **o), order=0)
        for mode in ("wrap", "clip")
        for order in "CF"
    ],
    Case("interp", (A, np.array([0.1, 2.5, 1.2]), V), {"period": 3.0}),
]  # fmt: skip

PADDING = [
    *[
        Case("pad", (A,), o, lambda f, x, **o: f(x, ((1, 2), (0, 3)), **o),
             complex=False if o.get("mode") == "median" else None)
        for o in (
            {"mode": "linear_ramp", "end_values": 0.5}, {"mode": "linear_ramp", "end_values": ((1, 2), (3, 4))},
            {"mode": "maximum"}, {"mode": "minimum", "stat_length": 2}, {"mode": "median"},
            {"mode": "mean", "stat_length": ((1, 2), (2, 1))}, {"mode": "reflect", "reflect_type": "odd"},
            {"mode": "symmetric", "reflect_type": "odd"},
            {"constant_values": ((1.0, 2.0), (3.0, 4.0))}, {"constant_values": (5, 6)},
        )
    ],
    Case("pad", (INTS,), {"mode": "mean"}, call=lambda f, x, mode: f(x, 1, mode), order=0),
    Case("pad", (V,), call=lambda f, x: f(x, np.array([2, 1]), "edge")),
    *[Case("repeat", (A,), {"axis": a}, call=lambda f, x, axis: f(x, PLACES[:2], axis)) for a in (0, -2)],
]  # fmt: skip

WEIGHTS = real((3,), POSITIVE)
STATISTICS = [
    *[Case(n, (T,), {"q": 0.3, "method": "inverted_cdf", "axis": 1}) for n in ("quantile", "nanquantile")],
    Case("quantile", (T,), {"q": [0.1, 0.6], "axis": (2, 1), "weights": np.abs(T), "method": "inverted_cdf"},
         call=lambda f, x, q, **o: f(x, np.array(q), **o), id="weights", single=None),
    Case("cov", (A, A[0]), {"ddof": 2}),
    Case("cov", (A,), {"fweights": np.array([1, 3, 2])}),
    Case("cov", (A, WEIGHTS), call=lambda f, x, w: f(x, aweights=w)),
    Case("cov", (A, WEIGHTS), call=lambda f, x, w: f(x, aweights=w, fweights=PLACES + 1)),
    Case("cov", (A, WEIGHTS), call=lambda f, x, w: f(x, aweights=w, bias=True)),
    Case("cov", (A,), {"dtype": "float32"}, order=0, why="computed in float32"),
    Case("corrcoef", (real((2, 4)) + 1j * real((2, 4)),)),
    Case("nanvar", (NAN,), {"axis": 1, "mean": np.array([[1.0], [0.5]])}, order=0, why="at NaN", single=None),
]  # fmt: skip

BEYOND_NUMPY = [  # or where NumPy fails
    Case("interp", (A, np.array([-1.5, -0.5, 0.2, 1.7]), W), {"left": "extrapolate", "right": "extrapolate"},
         numpy=False),
    Case("nanquantile", (NAN,), {"axis": 1, "weights": WEIGHTS, "method": "inverted_cdf"},
         call=lambda f, x, **o: f(x, 0.5, **o), order=0, why="at NaN", id="weights", single=None,
         numpy=False),
]  # fmt: skip

ROWS = [
    *PADDING, *STATISTICS, *POLYNOMIALS, *WINDOWS, *DIFFERENCES, *NUMBERS, *CHOOSING, *COUNTING, *GRIDS,
    *BEYOND_NUMPY,
]  # fmt: skip

"""Rows of ``gradcli.numpy``: elementwise functions, reductions, shapes, products, sorting."""

from __future__ import annotations

import numpy as np

from gradcli.conformance.row import ABOVE, POSITIVE, UNIT, WIDE, Draw, Row, rows_of

Case = rows_of("numpy")
real = Draw(7)

A, B, V, T = real((2, 3)), real((2, 3)), real((3,)), real((2, 3, 2))
S, W = real((3, 3)), real((4,))
INTS, BOOLS = np.array([[3, -1, 2], [0, 5, -4]]), np.array([[True, False, True], [False, True, True]])


def each(names: str, *domains: tuple[float, float], order: int = 2) -> list[Row]:
    """One case a name, with one array a domain."""
    return [Case(n, tuple(real((3,), d) for d in domains), order=order) for n in names.split()]


UFUNCS = [
    *each("exp exp2 expm1 sin cos sinh cosh tanh arctan arcsinh square negative positive abs fabs", (0.2, 2.0)),
    *each("tan sinc deg2rad rad2deg degrees radians angle nan_to_num real imag conj conjugate", (0.2, 1.2)),
    *each("log log2 log10 log1p sqrt cbrt reciprocal", POSITIVE),
    *each("arcsin arccos arctanh", UNIT),
    *each("arccosh", ABOVE),
    Case("sign", (real((3,), (0.1, 0.4)),), complex=False),  # of complex numbers: 0, as in JAX, though it is not
    *each("floor ceil trunc rint round", (0.1, 0.4)),
    *each("isnan isinf isfinite signbit logical_not isposinf isneginf", WIDE, order=0),
    *each("add subtract multiply maximum minimum fmax fmin logaddexp logaddexp2 arctan2", WIDE, WIDE),
    *each("divide true_divide power float_power hypot copysign heaviside", POSITIVE, POSITIVE),
    *each("floor_divide mod remainder fmod", (2.2, 2.8), (0.95, 1.05)),
    *each("equal not_equal less less_equal greater greater_equal isclose", WIDE, WIDE, order=0),
    *each("logical_and logical_or logical_xor", WIDE, WIDE, order=0),
    Case("add", (A, V), id="broadcast"),
    Case("multiply", (real((2, 1)), real((1, 3)))),
    Case("where", (A, B), call=lambda f, x, y: f(BOOLS, x, y)),
    Case("where", (A, V), call=lambda f, x, y: f(BOOLS, x, y)),
    Case("clip", (A,), call=lambda f, x: f(x, -1.0, 1.0)),
    Case("round", (A,), {"decimals": 2}, order=0, why="piecewise constant: differences see steps"),
    Case("power", (A,), call=lambda f, x: f(x, 3), id="int"),
    Case("power", (A,), call=lambda f, x: f(abs(x), -2), id="negative"),
    Case("modf", (A,), call=lambda f, x: f(x)[0]),
    *[Case(n, (INTS,), order=0, id="int") for n in ("abs", "sign", "square", "sqrt", "sin", "bitwise_not", "invert")],
    *[
        Case(n, (INTS, np.array([[2, 3, -2], [1, -3, 5]])), order=0, id="int")
        for n in (
            "floor_divide",
            "mod",
            "fmod",
            "remainder",
            "bitwise_and",
            "bitwise_or",
            "bitwise_xor",
            "true_divide",
        )
    ],
    *[Case(n, (np.abs(INTS), np.array([1, 2, 3])), order=0, id="int") for n in ("left_shift", "right_shift", "power")],
    *[Case(n, (A + 1j * B,), id="complex") for n in ("exp", "sin", "abs", "angle", "real", "imag", "conj", "square")],
]

REDUCTIONS = [
    *[
        Case(name, (T,), {"axis": axis, "keepdims": keepdims})
        for name in (
            "sum",
            "prod",
            "mean",
            "var",
            "std",
            "max",
            "min",
            "nansum",
            "nanmean",
            "nanmax",
            "nanmin",
            "nanvar",
            "nanstd",
            "median",
        )
        for axis, keepdims in ((None, False), (1, True), (-1, False), ((0, 2), False))
    ],
    *[Case(n, (T,), {"axis": axis}, order=0) for n in ("any", "all", "count_nonzero") for axis in (None, 1, (0, 2))],
    *[Case(n, (T,), {"axis": axis}, order=0) for n in ("argmax", "argmin") for axis in (None, 0, -1)],
    *[Case(n, (T,), {"axis": axis}) for n in ("cumsum", "cumprod") for axis in (None, 0, -1)],
    *[Case(n, (A,), {"where": BOOLS, "axis": 1}) for n in ("sum", "prod", "mean", "var", "std")],
    *[Case(n, (A,), {"where": BOOLS, "initial": 0.5, "axis": 1}) for n in ("sum", "prod", "max", "min")],
    *[Case(n, (INTS,), order=0, id="int") for n in ("sum", "prod", "mean", "max", "var", "cumsum", "argmax", "any")],
    *[Case(n, (BOOLS,), order=0, id="bool") for n in ("sum", "prod", "mean", "all", "cumsum", "max")],
    Case("var", (A,), {"ddof": 1, "axis": 0}),
    Case("average", (A, real((3,), POSITIVE)), call=lambda f, x, w: f(x, 1, w)),
    Case("ptp", (A,), {"axis": 1}),
    Case("diff", (A,)),
    Case("diff", (A,), {"n": 2, "axis": 1}),
    Case("sum", (A + 1j * B,), id="complex"),
    Case("mean", (A + 1j * B,), id="complex"),
    Case("var", (A + 1j * B,), id="complex"),
]

SHAPES = [
    Case("reshape", (A,), call=lambda f, x: f(x, (3, -1))),
    Case("reshape", (A,), {"order": "F"}, call=lambda f, x, order: f(x, (3, 2), order=order)),
    *[Case(n, (T,)) for n in ("ravel", "transpose", "squeeze", "flip", "flipud", "fliplr", "atleast_3d")],
    Case("transpose", (T,), {"axes": (1, 2, 0)}),
    Case("swapaxes", (T,), call=lambda f, x: f(x, 0, 2)),
    Case("moveaxis", (T,), call=lambda f, x: f(x, (0, 1), (-1, 0))),
    Case("rollaxis", (T,), call=lambda f, x: f(x, 2)),
    Case("expand_dims", (A,), call=lambda f, x: f(x, (0, 2))),
    Case("broadcast_to", (V,), call=lambda f, x: f(x, (2, 3))),
    *[Case("roll", (A,), {"axis": axis}, call=lambda f, x, axis: f(x, 2, axis)) for axis in (None, 0, 1)],
    *[Case("rot90", (A,), {"k": k}, id=str(k)) for k in (-1, 0, 2, 3)],
    *[Case(n, (V,), id="vector") for n in ("atleast_1d", "atleast_2d", "atleast_3d")],
    *[
        Case(n, (A, B), call=lambda f, x, y: f([x, y]))
        for n in ("stack", "concatenate", "vstack", "hstack", "dstack", "column_stack")
    ],
    *[Case(n, (V, V), call=lambda f, x, y: f([x, y])) for n in ("vstack", "hstack", "dstack", "column_stack")],
    Case("stack", (A, B), {"axis": -1}, call=lambda f, x, y, axis: f([x, y], axis=axis)),
    Case("append", (A, B)),
    Case("split", (A,), call=lambda f, x: f(x, 3, axis=1)[1]),
    Case("array_split", (A,), call=lambda f, x: f(x, 2, axis=1)[0]),
    Case("tile", (A,), call=lambda f, x: f(x, (2, 1, 2))),
    Case("repeat", (A,), call=lambda f, x: f(x, 2, axis=1)),
    Case("repeat", (A,), call=lambda f, x: f(x, np.array([0, 1, 2]), axis=1), id="counts"),
    *[
        Case("pad", (A,), {"mode": mode}, call=lambda f, x, mode: f(x, ((1, 2), (2, 4)), mode=mode), id=mode)
        for mode in ("constant", "edge", "reflect", "symmetric", "wrap")
    ],
    Case("pad", (A,), {"constant_values": 2.0}, call=lambda f, x, **o: f(x, 1, **o)),
    Case("meshgrid", (V, W), call=lambda f, x, y: f(x, y)[0]),
    Case("meshgrid", (V, W), call=lambda f, x, y: f(x, y, indexing="ij")[1], id="ij"),
]

CREATION = [
    Case("linspace", (A, B), {"num": 4}),
    Case("linspace", (A, B), {"num": 4, "axis": -1, "endpoint": False}),
    Case("logspace", (np.float64(0.5), np.float64(1.5)), {"num": 3}),
    Case("geomspace", (np.float64(0.5), np.float64(1.5)), {"num": 3}),
    *[Case(n, (A,)) for n in ("zeros_like", "ones_like")],
    Case("full_like", (A,), call=lambda f, x: f(x, 3)),
    Case("array", (V, V), call=lambda f, x, y: f([[x, y], [y, x]])),
]

LINEAR = [
    *[
        Case(name, (real(left), real(right)))
        for name in ("dot", "matmul")
        for left, right in (((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 2)))
    ],
    *[
        Case("matmul", (real(left), real(right)))
        for left, right in (
            ((2, 2, 3), (3, 2)), ((2, 2, 3), (2, 3, 1)), ((1, 2, 3), (2, 3, 2)), ((3,), (2, 3, 2)),
            ((2, 1, 2, 3), (2, 3, 2)),
        )
    ],
    Case("dot", (T, real((2, 2)))),
    Case("inner", (A, B)),
    Case("outer", (V, W)),
    Case("vdot", (A, B)),
    Case("tensordot", (T, real((3, 2, 2))), {"axes": ([1, 2], [0, 2])}),
    Case("kron", (A, S)),
    Case("cross", (A, B)),
    Case("cross", (V, real((3,)))),
    Case("diagonal", (T,), {"offset": 1, "axis1": 1, "axis2": 2}),
    *[Case(n, (S,), {"k": k}) for n in ("tril", "triu", "diag") for k in (-1, 0, 2)],
    Case("diag", (V,), {"k": 1}),
    Case("trace", (S,)),
    Case("polyval", (V, A)),
    *[Case("convolve", (V, W), {"mode": m}) for m in ("full", "same", "valid")],
    *[Case("correlate", (W, V), {"mode": m}) for m in ("full", "same", "valid")],
    Case("cov", (A,)),
    Case("corrcoef", (real((2, 4)),)),
    Case("trapezoid", (A, V)),
    Case("vander", (V,)),
    Case("matmul", (A + 1j * B, S + 1j), id="complex"),
    *[
        Case("einsum", arrays, {"subscripts": text}, lambda f, *xs, subscripts: f(subscripts, *xs), id=text)
        for text, arrays in (
            ("ij,jk->ik", (A, S)), ("ii", (S,)), ("ii->i", (S,)), ("ij->ji", (A,)), ("ij->j", (A,)),
            ("i,j->ij", (V, W)),
            ("ij,jk,kl->il", (A, S, real((3, 2)))), ("...j,jk->...k", (T.swapaxes(1, 2), S)), ("ijk,ijk->i", (T, T)),
            ("ij,ij", (A, B)), ("bij,bjk->bik", (T, T.swapaxes(1, 2))), ("i,ij,j", (real((2,)), A, V)),
        )
    ],
]  # fmt: skip

KNOTS = np.array([-1.5, -0.5, 0.2, 1.7])

SORTING = [
    *[Case("sort", (T,), {"axis": axis}) for axis in (None, 0, -1)],
    *[Case("argsort", (T,), {"axis": axis}, order=0) for axis in (None, 0, -1)],
    Case("lexsort", (INTS,), order=0),
    Case("take", (A,), call=lambda f, x: f(x, np.array([2, 0, 2]), axis=1)),
    Case("take_along_axis", (A,), call=lambda f, x: f(x, np.array([[2, 0], [1, 1]]), axis=1)),
    *[
        Case("searchsorted", (np.sort(real((n,))), A), {"side": side}, order=0)
        for n in (4, 40)
        for side in ("left", "right")
    ],
    Case("searchsorted", (np.array([1, 2, 2, 4]), INTS), order=0, id="int"),
    *[Case("digitize", (A, bins), order=0) for bins in (KNOTS, KNOTS[::-1].copy())],
    Case("select", (A, B), call=lambda f, x, y: f([x > 1, x > 0], [x, y], 0.5)),
    Case("interp", (A, KNOTS, real((4,)))),
    Case("interp", (V, KNOTS, real((4,))), {"left": 0.0, "right": 9.0}),
    *[
        Case("quantile", (T,), {"q": 0.3, "method": m, "axis": 1}, id=m)
        for m in ("linear", "lower", "higher", "nearest", "midpoint")
    ],
    Case("quantile", (T,), {"q": np.array([0.1, 0.5]), "axis": (0, 2), "keepdims": True}),
    Case("percentile", (A,), {"q": 25}),
    Case("nanmedian", (A,)),
]

ROWS = [*SORTING, *UFUNCS, *REDUCTIONS, *SHAPES, *CREATION, *LINEAR]

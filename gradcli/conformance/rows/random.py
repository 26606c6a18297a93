"""Rows of ``gradcli.random``: JAX's numbers for the same key, and derivatives with respect to parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.conformance.row import Draw, Row, home, rows_of

Case = rows_of("random")
real = Draw(26)

KEY = np.array([0, 7], np.uint32)
KEYS = np.array([[0, 7], [3, 1]], np.uint32)
POINTS = np.arange(12.0).reshape(4, 3)
LOW, HIGH = np.array([-1.0, 0.2, 0.5]), np.array([1.5, 1.0, 2.5])
SHAPE = np.array([0.7, 3.5, 40.0])
COUNTS = "steps, or in single precision"


def drawn(name: str, *args: Any, **options: Any) -> Row:
    """Numbers from a key, which is an argument so that keys are mapped over."""
    return Case(name, (KEY,), options, lambda f, key, **o: f(key, *args, **o), order=0, id=f"{args}")


def moved(name: str, *arrays: Any, **options: Any) -> list[Row]:
    """Numbers from a fixed key, as functions of parameters; and the same in single precision."""

    def call(f: Any, *xs: Any, **o: Any) -> Any:
        return f(KEY, *xs, **o)

    narrow = tuple(x.astype(np.float32) if x.dtype == np.float64 else x for x in arrays)
    return [
        Case(name, arrays, options, call, complex=False, single=None),
        Case(name, narrow, {**options, "dtype": "float32"}, call, order=0, why="in single precision"),
    ]


def implicit(name: str, *arrays: Any, **options: Any) -> Row:
    """Numbers by rejection, and their derivatives in both modes: those that keep the probability, not the path."""

    def call(f: Any, *xs: Any) -> Any:
        m, n = home(f), home(f, "numpy")
        draw = lambda *ys: f(KEY, *ys, **options)  # noqa: E731
        out, pull = m.vjp(draw, *xs)
        return out, pull(n.ones_like(out)), m.jvp(draw, xs, tuple(n.ones_like(x) for x in xs))[1]

    why = "the derivative keeps the probability, where differences see steps"
    return Case(name, arrays, call=call, order=0, why=why, single=None, id="-".join(options))


def counted(name: str, *arrays: Any, **options: Any) -> Row:
    """Numbers from a fixed key, of which the values alone are compared."""
    return Case(name, arrays, options, lambda f, *xs, **o: f(KEY, *xs, **o), order=0, why=COUNTS, single=None)


def seeded(name: str, call: Any, *arrays: Any, id: str = "") -> Row:
    """What is made of a seed or a typed key, as words."""
    return Case(name, arrays, {}, lambda f, *xs: words(f, call(f, home(f, "random"), *xs)), order=0, id=id)


def words(f: Any, keys: Any) -> Any:
    """The words of keys, typed or not."""
    return home(f, "random").key_data(keys)


KEY_ROWS = [
    *[seeded(n, lambda f, r, seed: f(seed), np.int64(seed)) for n in ("key", "PRNGKey") for seed in (0, 2**40 + 3, -1)],
    *[seeded("key", lambda f, r, n=n: f(n), id=str(n)) for n in (42, -7)],
    *[seeded("PRNGKey", lambda f, r, n=n: f(n), id=str(n)) for n in (2**31, 2**33 + 1)],
    *[seeded("split", lambda f, r, key, n=n: f(key, n), KEY, id=str(n)) for n in (2, 5, (2, 3))],
    seeded("split", lambda f, r, seed: f(r.key(seed)), np.int64(3)),
    *[seeded("fold_in", lambda f, r, key, i: f(key, i), KEY, i) for i in (np.int64(5), np.uint32(2**31 + 7))],
    seeded("fold_in", lambda f, r, key: f(r.wrap_key_data(key), 3), KEY),
    seeded("wrap_key_data", lambda f, r, key: f(key), KEYS),
    seeded("wrap_key_data", lambda f, r, key: f(key)[1:].reshape(-1), KEYS, id="reshaped"),
    Case("key_data", (KEYS,), call=lambda f, key: f(home(f, "random").wrap_key_data(key)), order=0),
    seeded("clone", lambda f, r, key: f(r.wrap_key_data(key)), KEY),
]

BITS = [
    *[
        drawn("bits", shape, t)
        for shape, t in (((3,), "uint8"), ((2, 2), "uint16"), ((), "uint32"), ((0, 2), "uint64"))
    ],
    *[drawn("uniform", (2, 3), t) for t in ("float32", "float64", "float16")],
    *[drawn("normal", (2, 3), t) for t in ("float32", "float64", "complex64", "complex128")],
    *[
        drawn(n, shape, t)
        for n in ("exponential", "gumbel", "laplace", "logistic", "cauchy", "maxwell")
        for shape, t in (((3,), "float64"), ((2, 0), "float64"), ((), "float32"))
    ],
    drawn("gumbel", (3,), mode="high"),
    *[drawn("rademacher", (4,), t) for t in ("int32", "float64")],
    *[
        drawn("randint", (4,), low, high, t)
        for low, high, t in (
            (0, 7, "int64"),
            (-100, 1000, "int8"),
            (5, 5, "int32"),
            (3, 200, "uint8"),
            (0, 9, "uint64"),
        )
    ],
    Case("randint", (np.array([0, 5, 9]), np.array([3, 50, 8])), call=lambda f, a, b: f(KEY, (3,), a, b), order=0),
    *[drawn("ball", d, p, (4,)) for d, p in ((3, 2), (2, 1.5))],
    *[drawn("orthogonal", *args) for args in ((3, (2,)), (2, (), "float64", 4), (4, (), "float64", 2))],
    drawn("permutation", 9),
    *[
        drawn("choice", 9, (3, 2)),
        drawn("choice", 9, (4,), False),
        drawn("choice", 3, (), True, np.array([0.2, 0.5, 0.3])),
    ],
    drawn("choice", 5, (3,), False, np.array([0.2, 0.3, 0.1, 0.1, 0.3])),
    drawn("bernoulli", 0.3, (5,)),
    drawn("bernoulli", 0.3, (5,), mode="high"),
    drawn("bernoulli"),
    drawn("generalized_normal", 1.5, (5,)),
]

MOVED = [
    Case("uniform", (LOW, HIGH), call=lambda f, a, b: f(KEY, (2, 3), minval=a, maxval=b), complex=False, single=None),
    *moved("truncated_normal", LOW, HIGH),
    *moved("truncated_normal", LOW, HIGH, shape=(2, 3)),
    *[row for n in ("pareto", "rayleigh", "lognormal", "wald") for row in moved(n, np.array([1.5, 2.5, 0.7]))],
    *moved("triangular", LOW, np.array([0.3, 0.9, 1.0]), HIGH),
    *moved("weibull_min", np.array([1.5, 0.7]), np.array([2.0, 1.2]), shape=(2,)),
    *moved("double_sided_maxwell", LOW, HIGH, shape=(2,)),
    *[implicit(n, SHAPE) for n in ("gamma", "loggamma", "chisquare", "t")],
    *[counted(n, SHAPE.astype(np.float32), dtype="float32") for n in ("gamma", "loggamma", "t")],
    implicit("gamma", SHAPE, shape=(2, 3)),
    implicit("beta", SHAPE, np.array([2.0, 0.4, 7.0])),
    implicit("f", SHAPE, np.array([4.0, 9.0, 30.0])),
    implicit("dirichlet", SHAPE),
    implicit("dirichlet", np.stack([SHAPE, SHAPE[::-1]]), shape=(2,)),
    implicit("generalized_normal", np.float64(1.5), shape=(3,)),
    *[
        row
        for method in ("cholesky", "eigh", "svd")
        for row in moved("multivariate_normal", LOW, np.diag(HIGH) + 0.2, method=method)[:1]
    ],
    *moved("multivariate_normal", LOW, np.diag(HIGH) + 0.2, shape=(2,)),
    Case("permutation", (POINTS,), call=lambda f, x: f(KEY, x)),
    Case("permutation", (POINTS,), {"axis": 1, "independent": True}, lambda f, x, **o: f(KEY, x, **o)),
    *[
        Case("choice", (POINTS,), {"replace": r, "axis": a}, lambda f, x, **o: f(KEY, x, (2,), **o))
        for r, a in ((True, 0), (False, 1))
    ],
]

COUNTED = [
    counted("poisson", np.array([0.0, 0.5, 9.9, 10.0, 90.0]), shape=(3, 5)),
    counted("poisson", np.array([3.0, np.nan]), dtype="int32"),
    counted("binomial", np.array([0.0, 5, 30, 1000, -1, np.inf]), np.array([0.3, 0.5, 0.9, 0.2, 1, 0.5])),
    counted("binomial", np.array([9.0, 40.0], np.float32), np.array([0.3, 0.6], np.float32), dtype="float32"),
    counted("multinomial", np.array(50.0), np.array([0.1, 0.2, 0.3, 0.4]), shape=(3, 4)),
    counted("geometric", np.array([0.3, 0.01, 0.9])),
    counted("bernoulli", np.array([0.3, 0.01, 0.9])),
    counted("categorical", np.log(np.array([[0.1, 0.9], [0.6, 0.4]]))),
    counted("categorical", np.arange(8.0).reshape(2, 4), axis=0, shape=(3, 4)),
    counted("categorical", np.arange(8.0).reshape(2, 4), shape=(3, 2), replace=False),
    counted("categorical", np.arange(8.0).reshape(2, 4), mode="high"),
]

ROWS = [*KEY_ROWS, *BITS, *MOVED, *COUNTED]

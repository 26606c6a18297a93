"""Rows of ``gradcli.lax``: control flow, solves, collectives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.conformance.row import Draw, Row, home, rows_of

Case = rows_of("lax")
real = Draw(23)

A, B, V, X = real((2, 3)), real((2, 3)), real((3,)), real((3, 3, 2))
V6, M = real((6,)), real((3, 3)) + 4 * np.eye(3)
TWO, FAR = np.int32(2), np.int32(7)
BACKWARD = "reverse mode needs to know the number of steps"


def along(name: str, *arrays: Any, call: Callable[..., Any], **rest: Any) -> Row:
    """The derivative along ones of what has no derivative in reverse mode."""

    def both(f: Any, *xs: Any) -> Any:
        floats = [i for i, x in enumerate(arrays) if np.asarray(x).dtype.kind == "f"]

        def smooth(*moved: Any) -> Any:
            given = list(xs)
            for i, x in zip(floats, moved, strict=True):
                given[i] = x
            return call(f, *given)

        point = tuple(xs[i] for i in floats)
        return home(f).jvp(smooth, point, tuple(home(f, "numpy").ones_like(x) for x in point))

    return Case(name, arrays, call=both, order=0, why=BACKWARD, **rest)


# --- branches and loops -----------------------------------------------------------------------------------------------


def nested(f: Any, x: Any, y: Any) -> Any:
    """Branches that capture values, and that are inside of each other; on pytrees."""
    n = home(f, "numpy")
    inner = lambda t: {"a": f(t["b"].sum() > 0, lambda u: n.sin(u) * y, lambda u: u * u, t["a"]), "b": t["b"] * 2.0}  # noqa: E731
    return f(x[0, 0] > 10.0, lambda t: {"a": t["b"], "b": t["a"]}, inner, {"a": x, "b": y})


def powers(f: Any, x: Any) -> Any:
    """A loop of known length over a pytree, with the index."""
    return f(1, 4, lambda i, c: {"x": c["x"] * x * i, "sum": c["sum"] + c["x"]}, {"x": x, "sum": 0 * x})


def count_up(f: Any, x: Any) -> Any:
    """A loop whose number of steps depends on the value."""
    return f(lambda c: c[0].sum() < 50.0, lambda c: (c[0] * c[0] + 1.0, c[1] + 1), (x, 0))[0]


def doubled(f: Any, x: Any) -> Any:
    """A loop on integers alone, beside which there are floats."""
    return x * f(lambda i: i < 5, lambda i: i + 2, 0)


def recurrence(f: Any, x: Any, y: Any, **options: Any) -> Any:
    """A recurrence with state and results that are pytrees, and a captured value."""
    n = home(f, "numpy")

    def step(carry: Any, row: Any) -> Any:
        new = {"h": n.sin(carry["h"] * row) + y, "n": carry["n"] + 1}
        return new, (new["h"] * row, carry["n"])

    return f(step, {"h": x[0], "n": 0}, x, **options)


def composed(f: Any, x: Any, y: Any) -> Any:
    """Composition of maps x -> a x + b is associative and does not commute."""
    return f(lambda p, q: (p[0] * q[0], q[0] * p[1] + q[1]), (x, y))


BRANCHES = [
    *[
        Case("cond", (A, B), {"which": w},
             lambda f, x, y, which: f(which, lambda a, b: a * b, lambda a, b: a - b * b, x, y))
        for w in (True, False)
    ],
    Case("cond", (V, np.True_), call=lambda f, x, p: f(p, lambda a: a * a, lambda a: 2.0 * a, x), id="operand"),
    Case("cond", (V,), call=lambda f, x: f(x[0] < x[1], lambda a: (a, a * a), lambda a: (a * a, a), x), complex=False),
    Case("cond", (A, B), call=nested, id="nested", complex=False),
    *[
        Case("switch", (V, i), call=lambda f, x, i: f(i, [lambda a: a * a, lambda a: a, lambda a: 3.0 - a], x))
        for i in (np.int32(0), TWO, FAR, np.int32(-1))
    ],
    Case("platform_dependent", (V,), call=lambda f, x: f(x, cpu=home(f, "lax").sin, default=home(f, "lax").cos)),
    Case("platform_dependent", (V,), call=lambda f, x: f(x, cuda=home(f, "lax").sin, default=home(f, "lax").cos),
         id="default"),
    Case("fori_loop", (V,), call=powers),
    Case("fori_loop", (V,), call=lambda f, x: f(0, 3, lambda i, c: c * home(f, "numpy").asarray(x)[i], x),
         id="index"),
    Case("fori_loop", (V,), call=lambda f, x: f(3, 1, lambda i, c: c * x, x), id="no steps"),
    along("fori_loop", V, np.int32(3), call=lambda f, x, n: f(0, n, lambda i, c: c * c * 0.5 + i, x)),
    Case("while_loop", (V,), call=doubled),
    along("while_loop", V, call=count_up),
    along("while_loop", V, id="captured",
          call=lambda f, x: f(lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] * x), (0, x))[1]),
    *[
        Case("scan", (X[0], V[:2]), o, recurrence, id="-".join(o), complex=True)
        for o in ({}, {"reverse": True}, {"unroll": 2}, {"length": 3})
    ],
    Case("scan", (V,), call=lambda f, x: f(lambda c, _: (c * c, c[0]), x, None, length=2), id="no rows"),
    Case("scan", (V,), call=lambda f, x: f(
        lambda c, i: (c + home(f, "numpy").asarray(x)[i], c * i), x, np.arange(3)), id="integers"),
    Case("scan", (V, np.zeros((0, 3))), call=lambda f, x, rows: f(lambda c, r: (c * r, c), x, rows), id="empty"),
    Case("scan", (X[0], B[0, :2]), call=lambda f, x, y: f(
        lambda c, r: (home(f, "lax").cond(r.sum() > 0, lambda: c * r, lambda: c - r), c), y, x), id="cond",
         complex=False),
    Case("scan", (A, V[:2]), call=lambda f, x, y: f(
        lambda c, r: f(lambda d, s: (d * s + r, d), c, y), x[:, 0], x.T[:, :1])[0], id="nested"),
    Case("map", (A,), call=lambda f, x: f(lambda r: {"a": r * r[0], "b": r.sum()}, x)),
    *[Case("map", (X[0],), {"batch_size": n}, lambda f, x, **o: f(lambda r: r * r[0], x, **o)) for n in (2, 3, 9)],
    Case("associative_scan", (V6,), call=lambda f, x: f(home(f, "lax").add, x)),
    Case("associative_scan", (A,), call=lambda f, x: f(home(f, "lax").mul, x, reverse=True, axis=1), id="reverse"),
    Case("associative_scan", (V6, real((6,))), call=composed),
    Case("composite", (A, B), call=lambda f, x, y: f(lambda x, y: (x * y, x), "my.pair")(x, y), order=0,
         why="JAX has no derivative"),
    Case("composite", (V,), jax=False, call=lambda f, x: f(lambda x, *, n: x**n, "my.power", version=2)(x, n=3)),
    Case("composite", (A, B), call=lambda f, x, y: f(lambda x, y: (x * y, x), "my.pair")(x, y), jax=False),
]  # fmt: skip


# --- solves -----------------------------------------------------------------------------------------------------------


def newton(f: Any) -> Any:
    """A scalar root by Newton's method in a while loop, through which reverse mode could not go."""
    m, n = home(f), home(f, "numpy")

    def solve(g: Any, x: Any) -> Any:
        def step(state: Any) -> Any:
            x, _ = state
            value, slope = m.jvp(g, (x,), (n.ones_like(x),))
            return x - value / slope, value

        return home(f, "lax").while_loop(lambda s: n.abs(s[1]) > 1e-13, step, (x, n.ones_like(x)))[0]

    return solve


def cube_root(f: Any, a: Any) -> Any:
    """The root of x**3 - a."""
    return f(
        lambda x: x**3 - a,
        home(f, "numpy").full_like(a, 1.5),
        newton(f),
        lambda g, y: y / g(home(f, "numpy").ones_like(y)),
    )


def two_roots(f: Any, a: Any) -> Any:
    """Roots of a pytree, by Newton's method with a fixed number of steps; with more to return."""

    def solve(f: Any, x: Any) -> Any:
        for _ in range(8):
            residual = f(x)
            x = {k: x[k] - residual[k] / (2.0 * x[k]) for k in x}
        return x, 8.0

    one = home(f, "numpy").ones_like(a)
    return f(
        lambda x: {"u": x["u"] ** 2 - a, "v": x["v"] ** 2 - 2.0 * a}, {"u": one, "v": one}, solve,
        lambda g, y: {k: y[k] / g({"u": one, "v": one})[k] for k in y}, has_aux=True,
    )[0]  # fmt: skip


def eliminate(f: Any) -> Any:
    """Solves three equations by elimination written out."""
    m, n = home(f), home(f, "numpy")

    def solve(matvec: Any, y: Any) -> Any:
        columns = m.vmap(matvec, 1, 1)(n.eye(3, dtype=y.dtype))
        for k in range(2):
            factor = columns[k + 1 :, k] / columns[k, k]
            columns = n.concatenate([columns[: k + 1], columns[k + 1 :] - factor[:, None] * columns[k]])
            y = n.concatenate([y[: k + 1], y[k + 1 :] - factor * y[k]])
        x2 = y[2] / columns[2, 2]
        x1 = (y[1] - columns[1, 2] * x2) / columns[1, 1]
        return n.stack([(y[0] - columns[0, 1] * x1 - columns[0, 2] * x2) / columns[0, 0], x1, x2])

    return solve


def system(f: Any, a: Any, b: Any, symmetric: bool, has_aux: bool) -> Any:
    """x with A x = b."""
    matrix, plain = a + a.T if symmetric else a, eliminate(f)
    solve = (lambda matvec, y: (plain(matvec, y), {"steps": 2})) if has_aux else plain
    transposed = None if symmetric else solve
    out = f(lambda x: matrix @ x, b, solve, transposed, symmetric=symmetric, has_aux=has_aux)
    return out[0] if has_aux else out


SOLVES = [
    Case("custom_root", (np.float64(2.7),), call=cube_root, complex=False, single=None),
    Case("custom_root", (np.float64(2.7),), call=two_roots, id="pytree", complex=False),
    *[
        Case("custom_linear_solve", (M, V), {"symmetric": s, "has_aux": a}, system, complex=False)
        for s, a in ((False, False), (True, False), (False, True))
    ],
]


# --- collectives ------------------------------------------------------------------------------------------------------


def mapped(name: str, one: Callable[..., Any], x: Any = X, **rest: Any) -> Row:
    """``one(f, numpy, x)`` of every slice of an array, which are samples along the axis ``i``."""

    def call(f: Any, x: Any) -> Any:
        return home(f).vmap(lambda v: one(f, home(f, "numpy"), v), axis_name="i")(x)

    return Case(name, (x,), call=call, **rest)


CYCLE = [(0, 1), (1, 2), (2, 0)]
COLLECTIVES = [
    mapped("psum", lambda f, n, x: x / f(n.exp(x), "i")),
    mapped("psum", lambda f, n, x: x / f(1, "i"), id="number"),
    mapped("psum", lambda f, n, x: x + f(n.ones(2, x.dtype), "i"), id="constant"),
    mapped("psum", lambda f, n, x: f({"a": x, "b": x * x}, "i"), id="pytree"),
    mapped("psum", lambda f, n, x: home(f).vmap(lambda y: n.sin(f(y, ("i", "j"))) * y, axis_name="j")(x),
           id="two axes"),
    mapped("pmean", lambda f, n, x: n.sin(x) * f(n.cos(x), "i")),
    *[
        mapped(name, lambda f, n, x: x * f(n.cos(x), "i"), complex=False, jax=False)  # there without a derivative
        for name in ("pmax", "pmin")
    ],
    *[
        mapped(name, lambda f, n, x: x * f(n.cos(x), "i"), order=0, why="JAX has no derivative", id="value")
        for name in ("pmax", "pmin")
    ],
    mapped("all_gather", lambda f, n, x: f(n.sin(x), "i", axis=1)),
    mapped("all_gather", lambda f, n, x: f(n.sin(x), "i", axis=1, tiled=True), id="tiled"),
    mapped("ppermute", lambda f, n, x: x * f(n.sin(x), "i", CYCLE)),
    mapped("ppermute", lambda f, n, x: x * f(n.sin(x), "i", CYCLE[:2]), id="in part", jax=False),  # there all send
    mapped("pshuffle", lambda f, n, x: n.sin(f(x, "i", [2, 0, 1]))),
    mapped("all_to_all", lambda f, n, x: f(n.sin(x), "i", 0, 0)),
    mapped("all_to_all", lambda f, n, x: f(n.sin(x), "i", 0, 1), id="moved"),
    mapped("all_to_all", lambda f, n, x: f(n.sin(x), "i", 0, 1, tiled=True), id="tiled"),
    mapped("psum_scatter", lambda f, n, x: f(n.sin(x), "i")),
    mapped("psum_scatter", lambda f, n, x: f(n.sin(x), "i", tiled=True), id="tiled"),
    mapped("pswapaxes", lambda f, n, x: n.sin(f(x, "i", 0))),
    mapped("pbroadcast", lambda f, n, x: x * f(n.sin(x), "i", 2), jax=False),  # there not under vmap
    mapped("pcast", lambda f, n, x: n.sin(f(x, "i", to="varying")), jax=False),  # there an error under vmap
    mapped("axis_index", lambda f, n, x: x * f("i")),
    mapped("axis_size", lambda f, n, x: x * f("i")),
    mapped("psum", lambda f, n, x: home(f, "lax").scan(lambda c, t: (c + f(t, "i"), c), x[0], x)[1], id="in a scan"),
    mapped("psum", lambda f, n, x: home(f).grad(lambda v: (f(v * v, "i") * v).sum())(x), id="gradient inside",
           complex=False),
]  # fmt: skip

ROWS = [*BRANCHES, *SOLVES, *COLLECTIVES]

"""``jax.test_util``: derivatives against finite differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.engine.array import raw, type_of
from gradcli.engine.numeric import check_grads as check_grads
from gradcli.engine.tree import tree_leaves, tree_map

_STEP = {"f": 1e-4, "d": 1e-6}  # central differences: about the cube root of the precision, and safely above it
_CLOSE = {"f": 1e-2, "d": 1e-5}


def _random_like(tree: Any, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    return tree_map(lambda x: rng.standard_normal(np.shape(x)).astype(type_of(x).dtype), tree)


def _single(tree: Any) -> bool:
    return any(type_of(x).dtype.itemsize <= 4 for x in tree_leaves(tree))


def _moved(args: Any, tangents: Any, step: float) -> Any:
    return tree_map(lambda x, v: raw(x) + np.asarray(step, type_of(x).dtype) * v, args, tangents)


def _difference(f: Callable[..., Any], args: Any, tangents: Any, eps: float) -> Any:
    plus, minus = f(*_moved(args, tangents, eps)), f(*_moved(args, tangents, -eps))
    return tree_map(lambda a, b: (np.asarray(a) - np.asarray(b)) / (2 * eps), plus, minus)


def _assert_close(found: Any, expected: Any, atol: float, rtol: float, message: str) -> None:
    for a, b in zip(tree_leaves(found), tree_leaves(expected), strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol, atol, err_msg=message)


def _tolerances(args: Any, atol: float | None, rtol: float | None, eps: float | None) -> tuple[float, float, float]:
    kind = "f" if _single(args) else "d"
    standard = _CLOSE[kind]
    return atol or standard, rtol or standard, eps or _STEP[kind]


def check_jvp(
    f: Callable[..., Any], f_jvp: Callable[..., Any], args: Sequence[Any], atol: float | None = None,
    rtol: float | None = None, eps: float | None = None, err_msg: str = "",
) -> None:  # fmt: skip
    """Compares ``f_jvp(primals, tangents)`` with a difference quotient. Raises AssertionError where they differ."""
    atol, rtol, eps = _tolerances(args, atol, rtol, eps)
    args = tuple(args)
    tangents = _random_like(args, 0)
    out, dot = f_jvp(args, tangents)
    _assert_close(out, f(*args), atol, rtol, f"{err_msg}value of the JVP")
    _assert_close(dot, _difference(f, args, tangents, eps), atol, rtol, f"{err_msg}tangent of the JVP")


def check_vjp(
    f: Callable[..., Any], f_vjp: Callable[..., Any], args: Sequence[Any], atol: float | None = None,
    rtol: float | None = None, eps: float | None = None, err_msg: str = "",
) -> None:  # fmt: skip
    """Compares ``f_vjp(*primals) -> (out, pull)`` with a difference quotient along a random direction."""
    atol, rtol, eps = _tolerances(args, atol, rtol, eps)
    args = tuple(args)
    tangents = _random_like(args, 0)
    out, pull = f_vjp(*args)
    _assert_close(out, f(*args), atol, rtol, f"{err_msg}value of the VJP")
    cotangent = _random_like(out, 1)
    along = _difference(f, args, tangents, eps)
    # The transposed map times the direction must be the map of the direction times the cotangent.
    expected, found = _inner(cotangent, along), _inner(pull(cotangent), tangents)
    np.testing.assert_allclose(found, expected, rtol, atol, err_msg=f"{err_msg}cotangent of the VJP")


def _inner(a: Any, b: Any) -> Any:
    pairs = zip(tree_leaves(a), tree_leaves(b), strict=True)
    return np.real(sum(np.sum(np.asarray(x) * np.asarray(y)) for x, y in pairs))

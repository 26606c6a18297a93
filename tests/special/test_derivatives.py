"""Derivatives of special functions: against differences, by both modes, under vmap, in float32."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

from gradcli.engine.api import check_grads, grad, jacfwd, jacrev, jit, vmap
from gradcli.engine.array import raw
from gradcli.engine.errors import RuleError
from gradcli.engine.tree import tree_leaves
from gradcli.scipy import special as sp
from tests.special.cases import SMOOTH


def total(f: Any) -> Any:
    def run(*args: Any) -> Any:
        parts = tree_leaves(f(*args))
        return sum((abs(p) ** 2 if p.dtype.kind == "c" else p).sum() for p in parts)

    return run


@pytest.mark.parametrize("name", list(SMOOTH))
def test_against_differences(name: str) -> None:
    f, args, order = SMOOTH[name]
    first = tuple(a[:1] for a in args) if order == 2 and len(args) > 2 else args
    check_grads(f, first, order=1, atol=1e-7, rtol=1e-6)
    if order == 2:
        check_grads(
            lambda *a: total(f)(*a), tuple(a[-1:] for a in first), order=2, modes=("fwd",), atol=1e-6, rtol=1e-5
        )


@pytest.mark.parametrize("name", list(SMOOTH))
def test_modes_and_mapping(name: str) -> None:
    f, args, _ = SMOOTH[name]
    real = all(a.dtype.kind == "f" for a in args)
    if real:
        for forward, reverse in zip(tree_leaves(jacfwd(f)(*args)), tree_leaves(jacrev(f)(*args)), strict=True):
            np.testing.assert_allclose(raw(forward), raw(reverse), rtol=1e-12, atol=1e-300)
    if name in ("softmax", "log_softmax", "logsumexp", "expn"):
        return
    mapped = tree_leaves(vmap(f)(*args))
    loop = [tree_leaves(f(*(a[i] for a in args))) for i in range(len(args[0]))]
    for k, m in enumerate(mapped):
        np.testing.assert_allclose(raw(m), np.stack([raw(one[k]) for one in loop]), rtol=1e-13)
    for a, b in zip(tree_leaves(jit(f)(*args)), tree_leaves(f(*args)), strict=True):
        np.testing.assert_array_equal(raw(a), raw(b))


@pytest.mark.parametrize("name", [n for n in SMOOTH if n != "wofz"])
def test_single_precision(name: str) -> None:
    f, args, _ = SMOOTH[name]
    double = tree_leaves(f(*args))
    single = tree_leaves(f(*(a.astype(np.float32) for a in args)))
    for s, d in zip(single, double, strict=True):
        assert s.dtype == np.float32
        np.testing.assert_allclose(raw(s), raw(d), rtol=2e-5 if "large" not in name else 1e-3, atol=1e-6)


def test_singular_derivatives() -> None:
    assert raw(grad(sp.spence)(1.0)) == -1.0
    assert raw(grad(sp.i1e)(0.0)) == 0.5
    assert raw(grad(lambda x: sp.sici(x)[0])(0.0)) == 1.0
    assert raw(grad(sp.gammainc, argnums=0)(2.0, 0.0)) == 0.0
    np.testing.assert_allclose(raw(grad(sp.boxcox, argnums=1)(3.0, 0.0)), 0.5 * np.log(3.0) ** 2, rtol=1e-12)
    np.testing.assert_allclose(raw(grad(grad(sp.expn, argnums=1), argnums=1)(0, 2.0)), np.exp(-2) * (2 + 2 + 1) / 4)


@pytest.mark.parametrize("f", [lambda n: sp.polygamma(n, 2.0), lambda n: sp.expn(n, 2.0)])
def test_orders_have_no_derivative(f: Any) -> None:
    with pytest.raises(RuleError, match="no derivative"):
        grad(f)(2.0)


def test_every_function_is_checked() -> None:
    public = {n for n in sp.__all__ if callable(getattr(sp, n)) and inspect.isfunction(getattr(sp, n))}
    elsewhere = {"bernoulli", "gammasgn", "loggamma", "psi", "sinc", "sph_harm_y", "xlogy"}
    assert public - {name.split()[0] for name in SMOOTH} <= elsewhere


def test_harmonics_in_both_angles() -> None:
    n, m = np.array([0, 1, 3, 4]), np.array([0, -1, 2, -4])
    check_grads(lambda t, p: sp.sph_harm_y(n, m, t, p).real, (np.linspace(0.3, 2.8, 4), np.linspace(0.1, 6.0, 4)), 2)


def test_complex_gamma_is_analytic() -> None:
    check_grads(sp.loggamma, (np.array([0.3 + 0.7j, -2.4 + 0.5j]),), 1)

"""Rows of elementwise gradients over many samples, against the gradient written by hand in plain NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.benchmarks.measure import peak_of
from tests.benchmarks.peers import AVAILABLE, Function, Peer, by_hand, contenders
from tests.benchmarks.rows import Group, Plan, Row, Scale, Target

SAMPLES = (100_000, 1_000_000, 10_000_000)
NAMES = {100_000: "1e5", 1_000_000: "1e6", 10_000_000: "1e7"}
MU, SIGMA = 0.3, 0.8


@dataclass(frozen=True)
class Work:
    """A function of one scalar, its gradient as one writes it in NumPy, and the interval of its samples."""

    f: Function
    gradient: Function
    low: float
    high: float


def tanh(x: Any, np: Any) -> Any:
    return np.tanh(x)


def tanh_gradient(x: Any) -> Any:
    return 1 - np.tanh(x) ** 2


def softlog(x: Any, np: Any) -> Any:
    return np.log1p(np.exp(np.sin(x) * x)) / (1 + x**2)


def softlog_gradient(x: Any) -> Any:
    s = np.sin(x)
    e = np.exp(s * x)
    q = 1 + x**2
    return e / (1 + e) * (np.cos(x) * x + s) / q - np.log1p(e) * 2 * x / q**2


def logistic_normal(x: Any, np: Any) -> Any:
    z = (np.log(x / (1 - x)) - MU) / SIGMA
    return np.exp(-0.5 * z**2) / (SIGMA * 2.5066282746310002 * x * (1 - x))


def logistic_normal_gradient(x: Any) -> Any:
    y = 1 - x
    z = (np.log(x / y) - MU) / SIGMA
    density = np.exp(-0.5 * z**2) / (SIGMA * 2.5066282746310002 * x * y)
    return density * (2 * x - 1 - z / SIGMA) / (x * y)


def polynomial(x: Any, np: Any) -> Any:
    return (((0.5 * x - 1.2) * x + 0.7) * x + 2.0) * x - 3.0


def polynomial_gradient(x: Any) -> Any:
    return ((2.0 * x - 3.6) * x + 1.4) * x + 2.0


WORK = {
    "tanh": Work(tanh, tanh_gradient, -3.0, 3.0),
    "softlog": Work(softlog, softlog_gradient, -3.0, 3.0),
    "lognormal": Work(logistic_normal, logistic_normal_gradient, 0.05, 0.95),
    "poly": Work(polynomial, polynomial_gradient, -3.0, 3.0),
}


def _row(name: str, dtype: str, nominal: int, scale: Scale) -> Row:
    work, n = WORK[name], scale.size(nominal)

    def samples() -> Any:
        return np.random.default_rng(0).uniform(work.low, work.high, n).astype(dtype)

    def build(p: Peer) -> Function:
        f = getattr(p, "elementwise_grad", None) or p.grad
        g: Function = p.jit(p.vmap(f(lambda x: work.f(x, p.np))))
        return g

    entrants = {
        peer: (lambda peer=peer: contenders(build, samples(), names=(peer,))[peer]())
        for peer in ("gradcli", "jax", "autograd") if peer in AVAILABLE and (peer != "autograd" or nominal < 10**7)
    }  # fmt: skip
    entrants |= {"numpy": lambda: by_hand(work.gradient, samples())["numpy"]()}
    return Row(
        f"{name}-{'f64' if dtype == 'float64' else 'f32'}-{NAMES[nominal]}", "ns", entrants, (Target("numpy", 0.5),),
        per=n, tolerance=1e-9 if dtype == "float64" else 2e-4, group="elementwise", heavy=nominal > 10**6,
    )  # fmt: skip


def elementwise(scale: Scale) -> Plan:
    """``jit(vmap(grad(f)))`` by function, size and precision."""
    rows = [_row(name, dtype, n, scale) for name in WORK for dtype in ("float64", "float32") for n in SAMPLES]
    return Plan(tuple(rows), groups=(Group("elementwise", (Target("numpy", 0.5), Target("jax", 1.0))),))


def memory(scale: Scale) -> Plan:
    """What the first call at 10⁷ samples adds to a process, beyond its inputs (80 MB)."""
    rows = []
    for name in WORK:
        row = f"{name}-f64-1e7"
        entrants = {peer: peak_of(row, peer) for peer in ("gradcli", "jax", "numpy") if peer in AVAILABLE}
        target = Target("numpy", 1.0, "bytes")
        rows.append(Row(f"memory-{row}", "MiB", entrants, (target,), once=True, tolerance=None, heavy=True))
    return Plan(tuple(rows))

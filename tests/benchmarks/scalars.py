"""Rows of scalar functions: Python loops, straight-line programs, derivatives of high order, scans."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.benchmarks.measure import Call
from tests.benchmarks.peers import AVAILABLE, Build, Function, Peer, compile_only, contenders, peer
from tests.benchmarks.rows import Factory, Group, Growth, Plan, Row, Scale, Target

TORCH_US_PER_OP = 5.5  # PyTorch's tape, for machines without it
LOOPS = (10, 100, 1_000, 10_000, 100_000)


def loop(x: Any, np: Any, n: int) -> Any:
    """n scalar operations, one after the other, of three kinds."""
    for i in range(n):
        x = np.sin(x) if i % 3 == 0 else x * 1.01 if i % 3 == 1 else x + 0.3
    return x


def product(x: Any, y: Any, np: Any) -> Any:
    return x * y


def rosenbrock2(x: Any, y: Any, np: Any) -> Any:
    return (1.0 - x) ** 2 + 100.0 * (y - x**2) ** 2


def softplus(x: Any, np: Any) -> Any:
    return np.log(1.0 + np.exp(x))


def bell(x: Any, np: Any) -> Any:
    return x * np.sin(x) * np.exp(-(x**2))


def with_np(f: Function, p: Peer, *more: Any) -> Function:
    """The function with a peer's namespace, a new object each time: no cache of an earlier one fits it."""
    return lambda *args: f(*args, p.np, *more)


def loops(scale: Scale) -> Plan:
    """Un-jitted gradients of Python loops."""
    rows = []
    for nominal in LOOPS:
        n = scale.size(nominal)
        names = ["gradcli", "autograd", "torch"] + (["jax"] if nominal <= 1_000 else [])
        targets = (Target(None, TORCH_US_PER_OP), Target("torch", 1.0), Target("jax", 1 / 30))

        def build(p: Peer, n: int = n) -> Function:
            f: Function = p.grad(with_np(loop, p, n))
            return f

        rows.append(
            Row(f"loop-{nominal}", "us", contenders(build, 0.7, names=names), targets, per=n, heavy=nominal > 10_000)
        )
    growth = Growth("loop-growth-10000", "loop-10000", "loop-1000", (Target(None, 1.3),))
    long = Growth("loop-growth-100000", "loop-100000", "loop-1000", (Target(None, 1.3),))
    return Plan(tuple(rows), (growth, long))


def steady(scale: Scale) -> Plan:
    """Jitted gradients of small scalar functions, called over and over."""
    chain = scale.size(100)
    work: list[tuple[str, Function, tuple[float, ...]]] = [
        ("product", product, (3.0, 4.0)),
        ("rosenbrock", rosenbrock2, (0.5, 0.7)),
        ("softplus", softplus, (0.5,)),
        ("chain-100", lambda x, np: loop(x, np, chain), (0.7,)),
    ]
    rows = []
    for name, f, inputs in work:

        def build(p: Peer, f: Function = f, n: int = len(inputs)) -> Function:
            g: Function = p.jit(p.grad(with_np(f, p), tuple(range(n)) if n > 1 else 0))
            return g

        rows.append(Row(f"steady-{name}", "us", contenders(build, *inputs), (Target("jax", 1 / 3),), group="steady"))
    return Plan(tuple(rows), groups=(Group("steady", (Target("jax", 1 / 3),)),))


def first_calls(scale: Scale) -> Plan:
    """What it costs to have a jitted gradient for the first time."""
    rows = []
    for nominal in (100, 3_000):
        n = scale.size(nominal)

        def build(p: Peer, n: int = n) -> Function:
            f: Function = p.jit(p.grad(with_np(loop, p, n)))
            return f

        entrants = contenders(build, 0.7, names=("gradcli", "jax")) | compile_only(build, 0.7)
        targets = (Target("jax compile", 1 / 20), Target("jax", 1 / 20))
        rows.append(Row(f"first-call-{nominal}", "ms", entrants, targets, once=True, heavy=nominal > 1_000))
    return Plan(tuple(rows))


def nested(order: int, jitted: bool) -> Build:
    """grad of grad of … of ``bell``."""

    def build(p: Peer) -> Function:
        f = with_np(bell, p)
        for _ in range(order):
            f = p.grad(f)
        return p.jit(f) if jitted else f

    return build


def _taylor(order: int, x: float) -> dict[str, Factory]:
    def ours() -> Call:
        from gradcli.engine.taylor import taylor

        p = peer("gradcli")
        return Call(lambda: taylor(with_np(bell, p), (x,), (1.0,), order)[order], p.plain)

    def jax() -> Call:
        from jax.experimental.jet import jet

        p = peer("jax")
        series = [1.0] + [0.0] * (order - 1)
        return Call(lambda: p.done(jet(with_np(bell, p), (p.np.asarray(x),), ([*series],))[1][order - 1]), p.plain)

    return {"gradcli": ours} | ({"jax": jax} if "jax" in AVAILABLE else {})


def orders(scale: Scale) -> Plan:
    """The n-th derivative of x sin(x) exp(-x²)."""
    rows = []
    for n in (1, 3, 5):
        limit = (Target(None, 1.0),) if n == 5 else ()
        rows.append(Row(f"nested-{n}", "ms", contenders(nested(n, False), 0.5), (Target("jax", 1.0),)))
        names = ("gradcli", "jax")
        rows.append(
            Row(f"nested-jit-{n}", "us", contenders(nested(n, True), 0.5, names=names),
                (Target("jax", 1.0), *(Target(None, 1_000 * t.at_most) for t in limit)))
        )  # fmt: skip
        rows.append(
            Row(f"nested-first-{n}", "ms", contenders(nested(n, True), 0.5, names=names), (Target("jax", 1.0),),
                once=True)
        )  # fmt: skip
    for n in (5, 10, 20):
        limit = (Target(None, 1.0),) if n == 5 else ()
        rows.append(Row(f"taylor-{n}", "ms", _taylor(n, 0.5), (*limit, Target("jax", 1.0)), heavy=n == 20))
    growth = Growth("nested-growth-5", "nested-5", "nested-1", (Target("jax", 1.0),))
    return Plan(tuple(rows), (growth,))


def recurrence(W: Any, b: Any, start: Any, np: Any, scan: Any, length: int) -> Any:
    """A small recurrent network without input."""

    def step(carry: Any, _: Any) -> Any:
        return np.tanh(np.dot(W, carry) + b), None

    last, _ = scan(step, start, None, length)
    return np.sum(last**2)


def scans(scale: Scale) -> Plan:
    """A scan of many small steps, and its gradient."""
    length, rng = scale.size(10_000), np.random.default_rng(0)
    inputs = (rng.standard_normal((4, 4)) * 0.6, rng.standard_normal(4), rng.standard_normal(4))

    def forward(p: Peer) -> Function:
        f: Function = p.jit(lambda W, b, s: recurrence(W, b, s, p.np, p.scan, length))
        return f

    def gradient(p: Peer) -> Function:
        f: Function = p.jit(p.grad(lambda W, b, s: recurrence(W, b, s, p.np, p.scan, length), (0, 1, 2)))
        return f

    targets = (Target("autograd", 0.1), Target("jax", 1.0))
    return Plan((
        Row("scan-10000", "us", contenders(forward, *inputs), targets, per=length),
        Row("scan-10000-grad", "us", contenders(gradient, *inputs), targets, per=length, heavy=True),
    ))  # fmt: skip

"""Random programs, written once over the names that JAX and gradcli share, for comparing the two.

A program is a list of steps drawn from a seed; :func:`build` turns it into a function of the namespaces given, so that
the very same program runs on either. Values stay in a range where every operation is smooth and well conditioned.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

Step = tuple[str, tuple[int, ...], float]

UNARY: dict[str, Callable[[Any, Any], Any]] = {
    "sin": lambda m, x: m.np.sin(x),
    "tanh": lambda m, x: m.np.tanh(x),
    "exp": lambda m, x: m.np.exp(-x * x),
    "log1p": lambda m, x: m.np.log1p(x * x),
    "sqrt": lambda m, x: m.np.sqrt(x * x + 1.0),
    "arctan": lambda m, x: m.np.arctan(x),
    "logistic": lambda m, x: 1.0 / (1.0 + m.np.exp(-x)),
    "cube": lambda m, x: m.np.tanh(x) ** 3,
    "power": lambda m, x: (x * x + 0.5) ** 1.5 / 4.0,
    "abs": lambda m, x: m.np.abs(x + 0.01),
    "where": lambda m, x: m.np.where(x > 0.1, x, m.np.sin(x) * 0.5),
    "stop": lambda m, x: x * m.lax.stop_gradient(m.np.cos(x)),
    "center": lambda m, x: x - m.np.mean(x),
    "scale": lambda m, x: x / (1.0 + m.np.sum(x * x)),
    "cumsum": lambda m, x: m.np.cumsum(x * 0.3) if x.ndim else x,
    "reverse": lambda m, x: x[::-1] if x.ndim else x,
    "softmax": lambda m, x: m.np.exp(x - m.np.max(x)) / m.np.sum(m.np.exp(x - m.np.max(x))),
    "outer": lambda m, x: m.np.tanh(m.np.outer(x, x) @ (x if x.ndim else m.np.reshape(x, (1,)))).reshape(x.shape),
}

BINARY: dict[str, Callable[[Any, Any, Any], Any]] = {
    "add": lambda m, x, y: x + y,
    "sub": lambda m, x, y: x - 0.5 * y,
    "mul": lambda m, x, y: m.np.tanh(x * y),
    "div": lambda m, x, y: x / (y * y + 1.0),
    "max": lambda m, x, y: m.np.maximum(x, y + 0.03),
    "atan2": lambda m, x, y: m.np.arctan2(x, y * y + 0.7),
    "dot": lambda m, x, y: x * m.np.tanh(m.np.vdot(x, y)),
}


def _cond(m: Any, x: Any, y: Any) -> Any:
    return m.lax.cond(m.np.sum(x) > 0.2, lambda a, b: m.np.sin(a) * b, lambda a, b: a - m.np.tanh(b), x, y)


def _scan(m: Any, x: Any, y: Any) -> Any:
    carry, ys = m.lax.scan(lambda c, t: (m.np.tanh(c * 0.7 + t * x), c * t), y, np.array([0.3, -0.2, 0.5]))
    return carry + m.np.sum(ys, axis=0)


def _loop(m: Any, x: Any, y: Any) -> Any:
    return m.lax.fori_loop(0, 3, lambda i, c: m.np.sin(c + 0.1 * i) + 0.2 * y, x)


def _while(m: Any, x: Any, y: Any) -> Any:
    """Forward mode only, so the tangent is stopped: the values still have to agree."""
    out = m.lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] * 0.5 + y), (0, x))
    return m.lax.stop_gradient(out[1]) * 0.1 + x


def _jit(m: Any, x: Any, y: Any) -> Any:
    return m.api.jit(lambda a, b: m.np.cos(a) * b + a)(x, y)


def _vmap(m: Any, x: Any, y: Any) -> Any:
    return m.api.vmap(lambda a: m.np.sin(a) * m.np.sum(y))(x) if x.ndim else x


def _grad(m: Any, x: Any, y: Any) -> Any:
    return m.api.grad(lambda a: m.np.sum(m.np.sin(a) * m.np.tanh(y) * a))(x)


def _jvp(m: Any, x: Any, y: Any) -> Any:
    return m.api.jvp(lambda a: m.np.tanh(a) * y, (x,), (m.np.cos(x),))[1]


NESTED: dict[str, Callable[[Any, Any, Any], Any]] = {
    "cond": _cond, "scan": _scan, "loop": _loop, "while": _while, "jit": _jit, "vmap": _vmap, "grad": _grad,
    "jvp": _jvp,
}  # fmt: skip


def draw(seed: int, depth: int) -> list[Step]:
    """The steps of a program: operation, which earlier values it takes, and a constant."""
    rng = np.random.default_rng(seed)
    names = [*UNARY] + 2 * [*BINARY] + [*NESTED]
    return [
        (str(rng.choice(names)), (int(rng.integers(0, k + 2)), int(rng.integers(0, k + 2))), float(rng.uniform(-1, 1)))
        for k in range(depth)
    ]


def build(steps: list[Step], modules: SimpleNamespace) -> Callable[[Any, Any], Any]:
    """The program as a function of two arrays of one shape, with a scalar result."""

    def program(x: Any, y: Any) -> Any:
        values = [x, y]
        for name, (i, j), constant in steps:
            if name in UNARY:
                out = UNARY[name](modules, values[i])
            else:
                out = (BINARY.get(name) or NESTED[name])(modules, values[i], values[j])
            values.append(modules.np.tanh(out * 0.9 + constant))
        return modules.np.sum(values[-1] * values[-2]) + 0.1 * modules.np.sum(sum(values[2:]))

    return program


def gradcli_modules() -> SimpleNamespace:
    import gradcli.engine.api as api
    import gradcli.lax as lax
    import gradcli.numpy as gnp

    return SimpleNamespace(np=gnp, lax=lax, api=api)


def jax_modules() -> SimpleNamespace:
    import jax

    return SimpleNamespace(np=jax.numpy, lax=jax.lax, api=jax)

"""Programs as JAX users write them, run by the stand-ins for jax and, as an oracle, by JAX itself."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import pytest

from gradcli.compat.jax import modules

PROGRAMS: dict[str, str] = {
    "a convolutional network with checkpointed layers": """
        import jax, jax.numpy as jnp
        from jax import lax
        from jax.ad_checkpoint import checkpoint_name

        def layer(w, x):
            y = lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
            y = checkpoint_name(jnp.tanh(y), "act")
            return lax.reduce_window(y, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")

        @jax.jit
        def loss(params, x):
            for w in params:
                x = jax.checkpoint(layer, policy=jax.checkpoint_policies.save_only_these_names("act"))(w, x)
            return jnp.mean(x ** 2)

        ws = [jnp.sin(jnp.arange(18.0)).reshape(3, 3, 1, 2), jnp.cos(jnp.arange(36.0)).reshape(3, 3, 2, 2)]
        result = jax.value_and_grad(loss)(ws, jnp.linspace(-1.0, 1.0, 64).reshape(1, 8, 8, 1))
    """,
    "an implicit layer by custom_vjp": """
        from functools import partial
        import jax, jax.numpy as jnp

        @partial(jax.custom_vjp, nondiff_argnums=(0,))
        def fixed_point(f, a, x_guess):
            def cond(carry):
                before, x = carry
                return jnp.abs(before - x) > 1e-10
            def body(carry):
                _, x = carry
                return x, f(a, x)
            return jax.lax.while_loop(cond, body, (x_guess, f(a, x_guess)))[1]

        def fwd(f, a, x_init):
            x_star = fixed_point(f, a, x_init)
            return x_star, (a, x_star)

        def rev(f, res, ct):
            a, x_star = res
            _, vjp_a = jax.vjp(lambda a: f(a, x_star), a)
            w = fixed_point(partial(step, f), (a, x_star, ct), ct)
            return vjp_a(w)[0], jnp.zeros_like(x_star)

        def step(f, packed, u):
            a, x_star, ct = packed
            _, vjp_x = jax.vjp(lambda x: f(a, x), x_star)
            return ct + vjp_x(u)[0]

        fixed_point.defvjp(fwd, rev)

        def newton(a):
            return fixed_point(lambda a, x: 0.5 * (x + a / x), a, a)

        result = [newton(2.0), jax.grad(newton)(2.0), jax.grad(jax.grad(newton))(2.0)]
        result += [jax.vmap(newton)(jnp.array([2.0, 3.0]))]
    """,
    "gradients clipped on their way": """
        import jax, jax.numpy as jnp
        from functools import partial

        @partial(jax.custom_vjp, nondiff_argnums=(0, 1))
        def clip(lo, hi, x):
            return x

        clip.defvjp(lambda lo, hi, x: (x, None), lambda lo, hi, _, g: (jnp.clip(g, lo, hi),))
        f = lambda x: jnp.sin(clip(-0.75, 0.75, x))
        result = [jax.vmap(jax.grad(f))(jnp.linspace(0.0, 6.0, 5)), jax.jacrev(jax.vmap(f))(jnp.linspace(0.0, 6.0, 3))]
    """,
    "normalising over a named axis": """
        import jax, jax.numpy as jnp

        def normalise(x):
            m = jax.lax.pmean(x, "batch")
            v = jax.lax.pmean((x - m) ** 2, "batch")
            return (x - m) / jnp.sqrt(v + 1e-3)

        x = jnp.cos(jnp.arange(12.0)).reshape(4, 3)
        mapped = jax.vmap(normalise, axis_name="batch")
        result = [mapped(x), jax.grad(lambda x: jnp.sum(mapped(x) ** 3))(x), jax.jacfwd(mapped)(x)[0, 1]]
    """,
    "training a vector of parameters": """
        import jax, jax.numpy as jnp
        from jax.flatten_util import ravel_pytree

        params = {"w": jnp.ones((2, 3)), "b": jnp.zeros(2)}
        flat, unravel = ravel_pytree(params)
        x = jnp.arange(3.0)

        def loss(v):
            p = unravel(v)
            return jnp.sum(jnp.tanh(p["w"] @ x + p["b"]) ** 2)

        for _ in range(3):
            flat = flat - 0.1 * jax.grad(loss)(flat)
        result = [flat, jax.hessian(loss)(flat)]
    """,
    "Taylor series of a scan": """
        import jax, jax.numpy as jnp
        from jax.experimental.jet import jet

        def f(x):
            out = x
            for _ in range(3):
                out = jnp.sin(out) * x + jnp.exp(-out)
            return out

        value, terms = jet(f, (0.5,), ((1.0, 0.0, 0.0),))
        result = [value, *terms]
    """,
    "matrix-free Jacobian products": """
        import jax, jax.numpy as jnp

        f = lambda x: jnp.stack([jnp.sum(x ** 2), jnp.prod(x)])
        x = jnp.array([1.0, 2.0, 3.0])
        y, push = jax.linearize(f, x)
        back = jax.linear_transpose(push, x)
        result = [y, push(jnp.ones(3)), back(jnp.ones(2))[0]]
    """,
}


def run(source: str, names: dict[str, Any]) -> list[Any]:
    """Runs a program; under the stand-ins, imports of jax are taken from ``names``."""
    scope: dict[str, Any] = {"__builtins__": {**vars(__import__("builtins"))}}
    if names:
        real = scope["__builtins__"]["__import__"]

        def stand_in(name: str, scope: Any = None, local: Any = None, wanted: Any = (), level: int = 0) -> Any:
            if name.split(".")[0] != "jax":
                return real(name, scope, local, wanted, level)
            return names[name] if wanted else names["jax"]

        scope["__builtins__"]["__import__"] = stand_in
    exec(textwrap.dedent(source), scope)
    leaves = []
    stack = [scope["result"]]
    while stack:
        x = stack.pop()
        if isinstance(x, dict):
            stack += [x[k] for k in sorted(x)]
        elif isinstance(x, (list, tuple)):
            stack += list(x)
        else:
            leaves.append(np.asarray(x))
    return leaves


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_run(name: str) -> None:
    leaves = run(PROGRAMS[name], modules())
    assert leaves and all(np.isfinite(x).all() for x in leaves)


@pytest.mark.oracle
@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_agree_with_jax(name: str) -> None:
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        theirs = run(PROGRAMS[name], {})
    ours = run(PROGRAMS[name], modules())
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10)

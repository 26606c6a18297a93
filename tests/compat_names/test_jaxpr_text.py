"""Programs printed under JAX's names read as JAX prints them, to the character; gradcli's own text stays short."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradcli.compat.jaxnames.programs import install_names
from gradcli.engine.api import make_jaxpr
from gradcli.engine.ir.jaxstyle import jax_text
from gradcli.engine.ir.layout import cat, group, layout, line, nest
from gradcli.engine.ir.text import jaxpr_text
from gradcli.engine.settings import override
from gradcli.numpy import sum as total
from tests.compat_names.running import real, standin

SCRIPT = """
import jax, jax.numpy as jnp
from jax import lax
x, v, i = jnp.ones((2, 3)), jnp.arange(3.0), jnp.arange(3)
b = jnp.array([True, False, True])
inner = jax.jit(lambda u: u * jnp.sin(u))
@jax.custom_jvp
def cube(u):
    return u**3
cube.defjvp(lambda p, t: (cube(p[0]), 3 * p[0] ** 2 * t[0]))
@jax.custom_vjp
def clipped(u):
    return u + 1
clipped.defvjp(lambda u: (clipped(u), u), lambda u, g: (jnp.sin(u) * g,))
programs = {}
def show(f, *args):
    programs[len(programs)] = str(jax.make_jaxpr(f)(*args))
show(lambda x: x.sum(), x)
show(lambda x: x.sum(0, keepdims=True) / x.mean(), x)
show(lambda x: x @ x.T, x)
show(lambda x: x.reshape(3, 2) * jnp.arange(2.0), x)
show(lambda x: jnp.concatenate([x, x], 1), x)
show(lambda x: jnp.zeros((2, 3)) + x, x)
show(lambda x: x[:, 1:], x)
show(lambda x, i: x[i], v, i)
show(lambda x: 0.1 * x + jnp.pi, v)
show(lambda x, y: (inner(x), inner(y)), v, v)
show(lambda x: inner(x)[0], v)
show(jax.grad(lambda x: jnp.sum(jnp.tanh(x) ** 2)), v)
show(jax.jit(lambda x: (x, x + 1)), v)
show(lambda *xs: sum(jnp.sin(a) for a in xs), *[v] * 14)
show(lambda *xs: [a for a in xs] * 3, *[v] * 12)
show(lambda c, x: lax.cond(c, jnp.sin, jnp.cos, x), True, v)
show(lambda n, x: lax.switch(n, [lambda u: u + 1, lambda u: u - 1, jnp.exp], x), 1, v)
show(lambda x: lax.while_loop(lambda u: u.sum() < 9.0, lambda u: u + 1.0, x), v)
show(lambda x: lax.scan(lambda c, a: (c + a, c), x[0], x), v)
show(lambda x: lax.fori_loop(0, 3, lambda k, u: u * 2.0, x), v)
show(cube, v)
show(clipped, v)
show(jax.vmap(lambda a: a @ a), x)
show(lambda x: lax.conv_general_dilated(x[None, None], x[None, None], (1, 1), "SAME"), x)
show(lambda x: jnp.conj(x * 1j), v)
show(lambda x: jax.random.normal(jax.random.key(0), (2,)) if False else x, v)
show(lambda b, n: (b & (n > 1), ~b, n << 2), b, i)
show(lambda x: [jax.jit(jnp.exp)(x * k) for k in range(11)], v)
show(jax.checkpoint(lambda x: jnp.sin(jnp.sin(x))), 1.0)
closed = jax.make_jaxpr(lambda x: jnp.sin(x) * 2.0)(v)
parts = [str(closed.eqns[0]), repr(closed.jaxpr.eqns[1].invars[1]), str(closed.in_avals)]
parts += [closed.pretty_print(print_shapes=False), str(closed.jaxpr.eqns[1].invars[1].val)]
result = [*programs.values(), *parts]
"""


@pytest.mark.oracle
def test_programs_read_as_jax_prints_them() -> None:
    pytest.importorskip("jax")
    for found, expected in zip(standin(SCRIPT)["result"], real(SCRIPT)["result"], strict=True):
        assert found == expected


def test_parameters_for_several_devices_are_in_jax_s_style_alone() -> None:
    program = make_jaxpr(total)(np.ones((2, 3)))
    assert "out_sharding" not in jaxpr_text(program) and "out_sharding=None" in jax_text(program)
    install_names()
    assert str(program) == jaxpr_text(program)
    with override(jax_text=True):
        assert str(program) == jax_text(program)


@pytest.mark.parametrize("width", [4, 8, 9, 10, 30])
def test_a_group_breaks_where_it_alone_is_wider_than_the_line(width: int) -> None:
    doc: Any = cat("ab", group(nest(2, cat("c", line(), "d", line(), "ef"))), "rest of it")
    fits = len("abc d ef") <= width
    assert layout(doc, width) == ("abc d efrest of it" if fits else "abc\n  d\n  efrest of it")

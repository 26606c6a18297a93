"""Names and ways to call that JAX has had are what JAX has in their place now."""

from __future__ import annotations

import numpy as np
import pytest

from tests.compat_names.running import standin

HEAD = """
import jax
import jax.numpy as jnp
import numpy as np

x = jnp.arange(6.0).reshape(2, 3) - 2.0
key = jax.random.PRNGKey(3)
"""
SAME = [
    ("jax.ops.index_update(x, jax.ops.index[0, 1:], 7.0)", "x.at[0, 1:].set(7.0)"),
    ("jax.ops.index_add(x, jnp.array([0, 0]), 7.0)", "x.at[jnp.array([0, 0])].add(7.0)"),
    ("jax.ops.index_mul(x, jax.ops.index[..., 0], 7.0)", "x.at[..., 0].multiply(7.0)"),
    ("jax.ops.index_min(x, 0, 0.5)", "x.at[0].min(0.5)"),
    ("jax.ops.index_max(x, 0, 0.5)", "x.at[0].max(0.5)"),
    ("jax.grad(lambda v: jax.ops.index_update(v, jax.ops.index[0], v[1] ** 2).sum())(x)",
     "jax.grad(lambda v: v.at[0].set(v[1] ** 2).sum())(x)"),
    ("jax.tree_multimap(jnp.multiply, (x, 2.0), (3.0, x))", "jax.tree_util.tree_map(jnp.multiply, (x, 2.0), (3.0, x))"),
    ("jax.tree_util.tree_multimap(jnp.add, [x], [x])", "[x + x]"),
    ("jnp.clip(x, a_min=0.0)", "jnp.clip(x, min=0.0)"),
    ("jnp.clip(x, a_max=1)", "jnp.clip(x, max=1)"),
    ("jnp.clip(a=x, a_min=-1, a_max=1)", "jnp.clip(x, -1, 1)"),
    ("jnp.clip(x, -1.0, max=1.0)", "jnp.maximum(-1.0, jnp.minimum(x, 1.0))"),
    ("jnp.in1d(x, jnp.array([1.0, 2.0]))", "jnp.isin(x.ravel(), jnp.array([1.0, 2.0]))"),
    ("jnp.trapz(x, dx=0.5)", "jnp.trapezoid(x, dx=0.5)"),
    ("(jnp.product(x), jnp.cumproduct(x), jnp.alltrue(x < 9), jnp.sometrue(x > 9), jnp.round_(x / 3, 1))",
     "(jnp.prod(x), jnp.cumprod(x), jnp.all(x < 9), jnp.any(x > 9), jnp.round(x / 3, 1))"),
    ("jnp.row_stack([x, x]) + jnp.msort(-x).sum()", "jnp.vstack([x, x]) + jnp.sort(-x, 0).sum()"),
    ("jax.random.shuffle(key, x, axis=1)", "jax.random.permutation(key, x, 1, independent=True)"),
    ("x.split(3, axis=1) + [x.tile((1, 2))]", "jnp.split(x, 3, axis=1) + [jnp.tile(x, (1, 2))]"),
    ("jax.lax.tie_in(x, x + 1)", "x + 1"),
    ("jax.partial(jnp.add, 1)(x)", "x + 1"),
    ("isinstance(x, jnp.DeviceArray)", "isinstance(x, jax.Array)"),
    ("isinstance(key, jax.random.KeyArray)", "True"),
]  # fmt: skip


@pytest.mark.parametrize(("earlier", "now"), SAME, ids=[e for e, _ in SAME])
def test_an_earlier_name_is_the_present_one(earlier: str, now: str) -> None:
    found = standin(f"{HEAD}\nresult = jax.tree_util.tree_flatten(({earlier}, {now}))")["result"]
    leaves = found[0]
    assert len(leaves) % 2 == 0 and leaves
    for a, b in zip(leaves[: len(leaves) // 2], leaves[len(leaves) // 2 :], strict=True):
        assert getattr(a, "dtype", None) == getattr(b, "dtype", None)
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


@pytest.mark.parametrize(("earlier", "now"), [
    ("jax.experimental.stax", "jax.example_libraries.stax"), ("jax.api", "jax"),
    ("jax.experimental.optimizers", "jax.example_libraries.optimizers"), ("jax.abstract_arrays", "jax.core"),
    ("jax.linear_util", "jax.extend.linear_util"), ("jax.lib.xla_bridge", "jax.extend.backend"),
])  # fmt: skip
def test_an_earlier_module_is_the_present_one(earlier: str, now: str) -> None:
    package, _, last = earlier.rpartition(".")
    source = f"import {earlier} as a\nfrom {package} import {last} as b\nimport {now} as c\nresult = a is b is c"
    assert standin(source)["result"] is True


RULES = """
import jax
import jax.numpy as jnp
from jax import custom_transforms, defjvp, defjvp_all, defvjp, defvjp_all


@jax.custom_transforms
def f(x, y):
    return jnp.sin(x) * y


g = custom_transforms(f.fun)
plain = jax.grad(g, (0, 1))(1.0, 2.0)
"""


@pytest.mark.parametrize("rule", [
    "defvjp_all(f, lambda x, y: (f.fun(x, y), lambda ct: (ct * 10.0 * y, ct * x)))",
    "defvjp(f, lambda ct, ans, x, y: ct * 10.0 * y, lambda ct, ans, x, y: ct * x)",
    "defjvp_all(f, lambda p, t: (f.fun(*p), t[0] * 10.0 * p[1] + t[1] * p[0]))",
    "defjvp(f, lambda t, ans, x, y: t * 10.0 * y, lambda t, ans, x, y: t * x)",
])  # fmt: skip
def test_rules_by_their_first_names(rule: str) -> None:
    found = standin(f"{RULES}\n{rule}\nresult = jax.jit(jax.value_and_grad(f, (0, 1)))(1.0, 2.0), plain")["result"]
    (value, slopes), plain = found
    np.testing.assert_allclose(value, 2.0 * np.sin(1.0), rtol=1e-6)
    np.testing.assert_allclose(slopes, (20.0, 1.0), rtol=1e-6)
    np.testing.assert_allclose(plain, (2.0 * np.cos(1.0), np.sin(1.0)), rtol=1e-6)


def test_an_argument_without_a_rule_has_a_zero_gradient() -> None:
    rule = "defvjp(f, None, lambda ct, ans, x, y: ct * x)"
    assert standin(f"{RULES}\n{rule}\nresult = jax.grad(f, (0, 1))(3.0, 2.0)")["result"] == (0.0, 3.0)


TAPS = """
import jax
import jax.numpy as jnp
from jax.experimental import host_callback as hcb

seen = []


def f(x):
    y = hcb.id_tap(lambda value, transforms: seen.append(float(value)), jnp.sin(x))
    z = hcb.id_print(y, result=y * 2, label="y")
    return z + hcb.call(lambda v: v * v, jax.lax.stop_gradient(x), result_shape=x)


result = jax.jit(f)(jnp.float32(0.5)), jax.grad(f)(0.5), jax.vmap(f)(jnp.array([1.0, 2.0])), hcb.barrier_wait()
"""


def test_taps_of_the_host(capsys: pytest.CaptureFixture[str]) -> None:
    made = standin(TAPS)
    value, slope, batch, nothing = made["result"]
    np.testing.assert_allclose(value, 2 * np.sin(0.5) + 0.25, rtol=1e-6)
    np.testing.assert_allclose(slope, 2 * np.cos(0.5), rtol=1e-6)
    np.testing.assert_allclose(batch, 2 * np.sin([1.0, 2.0]) + [1.0, 4.0], rtol=1e-6)
    np.testing.assert_allclose(made["seen"], np.sin([0.5, 0.5, 1.0, 2.0]), rtol=1e-6)
    assert nothing is None and capsys.readouterr().out.count("label: y 0.47942") == 2

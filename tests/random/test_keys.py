"""Keys, typed and plain, and random numbers under transformations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradcli.numpy as gnp
from gradcli import lax, random
from gradcli.engine.api import custom_vjp, grad, jacfwd, jit, make_jaxpr, vmap
from gradcli.engine.array import raw
from gradcli.engine.control.scan import scan
from gradcli.engine.settings import override
from gradcli.engine.tree import tree_leaves, tree_map


def same(x: Any, y: Any) -> None:
    np.testing.assert_array_equal(raw(x), raw(y))


def test_typed_and_plain_keys_are_the_same_keys() -> None:
    typed, plain = random.key(5), random.PRNGKey(5)
    same(random.normal(typed, (3,)), random.normal(plain, (3,)))
    keys = random.split(typed, 4)
    assert keys.shape == (4,) and len(keys) == 4 and len(list(keys)) == 4 and keys.size == 4 and keys.ndim == 1
    same(random.key_data(keys[1]), raw(random.split(plain, 4))[1])
    same(random.key_data(random.wrap_key_data(raw(plain))), plain)
    assert repr(random.key(0)) == "Array((), dtype=key<fry>) overlaying:\n[0 0]"
    assert typed.dtype == random.key_dtype() and str(typed.dtype) == "key<fry>"
    assert random.key_impl(plain) == "threefry2x32"
    assert len(tree_leaves({"a": typed, "b": keys})) == 2


def test_arrays_of_keys() -> None:
    keys = random.split(random.key(1), (2, 3))
    words = raw(random.key_data(keys))
    for found, expected in (
        (keys[0, 1], words[0, 1]),
        (keys[..., -1], words[:, -1]),
        (keys[:, None], words[:, None]),
        (keys[np.array([1, 0])], words[[1, 0]]),
        (keys.reshape(-1), words.reshape(6, 2)),
        (keys.ravel().reshape(3, 2), words.reshape(3, 2, 2)),
        (keys.T, words.transpose(1, 0, 2)),
        (keys.take(np.array([2, 0]), axis=1), words[:, [2, 0]]),
        (list(keys)[1], words[1]),
    ):
        same(random.key_data(found), expected)
    assert bool(keys[0, 0] == keys[0, 0]) and not bool(keys[0, 0] == keys[1, 0])
    assert raw(keys != keys[::-1]).all()
    first, second = random.split(random.key(1))
    assert bool(first != second)
    with pytest.raises(IndexError):
        keys[0, 0, 0]
    for wrong in (lambda: len(first), lambda: iter(first), lambda: bool(first), lambda: np.asarray(first)):
        with pytest.raises(TypeError):
            wrong()


@pytest.mark.parametrize(
    ("seed", "double", "words"),
    [
        (0, True, [0, 0]),
        (-1, True, [2**32 - 1, 2**32 - 1]),
        (-1, False, [0, 2**32 - 1]),
        (2**40 + 3, True, [256, 3]),
        (2**40 + 3, False, [0, 3]),
        (np.int32(-2), True, [0, 2**32 - 2]),
        (np.uint64(2**63), True, [2**31, 0]),
    ],
)
def test_seeds(seed: Any, double: bool, words: list[int]) -> None:
    with override(precision="float64" if double else "float32"):
        same(random.PRNGKey(seed), np.array(words, np.uint32))
        same(random.key_data(random.key(seed)), np.array(words, np.uint32))


def test_wrong_seeds() -> None:
    for wrong in (1.5, np.arange(3), random.key(0), True):
        with pytest.raises(TypeError):
            random.key(wrong)
    with pytest.raises(OverflowError):
        random.key(2**64)
    with pytest.raises(ValueError, match="no generator 'rbg'"):
        random.key(0, impl="rbg")


def test_vmap_over_keys_is_a_loop() -> None:
    for plain in (random.split(random.key(1), 3), random.split(random.PRNGKey(1), 3)):
        for f in (
            lambda k: random.normal(k, (5,)),
            lambda k: random.split(k, 2),
            lambda k: random.fold_in(k, 3),
            lambda k: random.uniform(random.split(k)[1], minval=-1.0),
            lambda k: random.permutation(k, 6),
            lambda k: random.randint(k, (4,), 0, 9),
            lambda k: random.choice(k, 5, (3,), replace=False),
        ):
            batch = tree_leaves(vmap(f)(plain))[0]
            same(batch, np.stack([raw(tree_leaves(f(k))[0]) for k in plain]))


def test_vmap_over_numbers() -> None:
    k = random.key(2)
    folded = vmap(lambda i: random.fold_in(k, i))(np.arange(4))
    assert isinstance(folded, random.PRNGKeyArray) and folded.shape == (4,)
    same(random.key_data(folded[3]), random.key_data(random.fold_in(k, 3)))
    same(vmap(random.PRNGKey)(np.arange(-2, 2)), np.stack([raw(random.PRNGKey(i)) for i in range(-2, 2)]))
    lows = np.linspace(-1.0, 1.0, 3)
    found = vmap(lambda low: random.uniform(k, (4,), minval=low, maxval=2.0))(lows)
    same(found, np.stack([raw(random.uniform(k, (4,), minval=low, maxval=2.0)) for low in lows]))
    same(vmap(lambda x: x + random.normal(k))(lows), lows + raw(random.normal(k)))


def test_jit_and_scan() -> None:
    k = random.key(4)
    for partitionable in (True, False):
        with override(prng_partitionable=partitionable):
            f = jit(lambda k: (random.normal(k, (4,)), random.split(k)))
            values, keys = f(k)
            same(values, random.normal(k, (4,)))
            same(random.key_data(keys), random.key_data(random.split(k)))

    def step(k: Any, x: Any) -> tuple[Any, Any]:
        k, last = random.split(k)
        return k, x + random.normal(last)

    same(scan(step, k, np.zeros(3))[1][0], random.normal(random.split(k)[1]))
    same(scan(lambda c, k: (c, random.normal(k)), 0.0, random.split(k, 3))[1], vmap(random.normal)(random.split(k, 3)))


def test_gradients() -> None:
    k = random.key(3)
    unit = float(random.uniform(k))
    assert float(grad(lambda s: random.normal(k) * s)(2.0)) == float(random.normal(k))
    np.testing.assert_allclose(float(grad(lambda m: random.uniform(k, minval=m, maxval=2.0))(0.5)), 1 - unit)
    np.testing.assert_allclose(float(grad(lambda m: random.uniform(k, minval=-1.0, maxval=m))(0.5)), unit)
    jacobian = raw(jacfwd(lambda s: random.lognormal(k, s, (3,)))(0.5))
    np.testing.assert_allclose(jacobian, raw(random.lognormal(k, 0.5, (3,))) * raw(random.normal(k, (3,))))
    step = 1e-6
    slope = grad(lambda low: random.truncated_normal(k, low, 2.0))(-1.0)
    ends = [float(random.truncated_normal(k, -1.0 + s * step, 2.0)) for s in (1, -1)]
    np.testing.assert_allclose(float(slope), (ends[0] - ends[1]) / (2 * step), rtol=1e-6)
    loss = grad(lambda w, k: (w * random.normal(k, (3,))).sum())
    same(loss(np.ones(3), k), random.normal(k, (3,)))


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("pareto", (2.5,)),
        ("rayleigh", (1.5,)),
        ("truncated_normal", (-1.0, 2.0)),
        ("lognormal", (0.5,)),
        ("wald", (1.5,)),
        ("triangular", (-1.0, 0.3, 2.0)),
    ],
)
def test_gradients_against_jax(name: str, args: tuple[float, ...]) -> None:
    jax = pytest.importorskip("jax")

    def total(r: Any) -> Any:
        return lambda *a: getattr(r, name)(r.key(2), *a, (5,)).sum()

    with jax.enable_x64(True):
        arrays = [np.asarray(a) for a in args]
        for i in range(len(args)):
            ours, theirs = (
                grad(total(random), i)(*arrays),
                jax.grad(total(jax.random), i)(*map(jax.numpy.asarray, arrays)),
            )
            np.testing.assert_allclose(raw(ours), np.asarray(theirs), rtol=1e-9)


def test_the_program_says_what_is_drawn() -> None:
    text = str(make_jaxpr(lambda k: random.normal(k, (3,)))(random.key(0)))
    assert "random_bits[" in text and "bit_width=64" in text and "erf_inv" in text


def test_keys_are_leaves() -> None:
    keys = random.split(random.key(3), 4)
    words = raw(random.key_data(keys))
    tree = {"a": keys[0], "b": keys[1]}
    drawn = tree_map(lambda x, k: random.normal(k, x.shape), {"a": np.zeros(2), "b": np.zeros(3)}, tree)
    same(drawn["b"], random.normal(keys[1], (3,)))
    mask = np.array([True, False, True, False])
    for found, expected in (
        (gnp.stack([keys[0], keys[2]]), words[[0, 2]]),
        (gnp.array([keys[1], keys[3]]), words[[1, 3]]),
        (gnp.concatenate([keys, keys[:1]]), words[[0, 1, 2, 3, 0]]),
        (gnp.where(mask, keys, keys[::-1]), np.where(mask[:, None], words, words[::-1])),
        (keys.at[1].set(keys[0]), words[[0, 0, 2, 3]]),
        (gnp.broadcast_to(keys[0], (2,)), words[[0, 0]]),
    ):
        same(random.key_data(found), expected)
    with pytest.raises(TypeError, match="add does not accept dtype key<fry>"):
        lax.add(keys, keys)
    with pytest.raises(TypeError, match="no dtype for"):
        gnp.concatenate([keys, gnp.zeros(2)])


def test_programs_hold_keys() -> None:
    program = str(make_jaxpr(lambda k: random.key_data(k))(random.key(0)))
    assert program.split() == "{ lambda ; a:key<fry>[]. let b:u32[2] = random_unwrap a in (b,) }".split()

    def walk(k: Any, x: Any) -> Any:
        def body(c: Any) -> Any:
            i, k, total = c
            k, last = random.split(k)
            return i + 1, k, total + x * random.normal(last)

        k = lax.cond(x > 0, lambda k: random.fold_in(k, 1), lambda k: k, k)
        return lax.fori_loop(0, 3, lambda _, c: body(c), (0, k, 0.0))[2]

    k = random.key(5)
    expected, moving = 0.0, random.fold_in(k, 1)
    for _ in range(3):
        moving, last = random.split(moving)
        expected += float(random.normal(last))
    for f in (walk, jit(walk)):
        np.testing.assert_allclose(float(f(k, 2.0)), 2 * expected, rtol=1e-12)
        np.testing.assert_allclose(float(grad(f, argnums=1)(k, 2.0)), expected, rtol=1e-12)
        np.testing.assert_allclose(float(jacfwd(f, argnums=1)(k, 2.0)), expected, rtol=1e-12)


def test_rules_of_users_get_keys() -> None:
    @custom_vjp
    def noisy(x: Any, k: Any) -> Any:
        return x * random.normal(k)

    noisy.defvjp(lambda x, k: (noisy(x, k), k), lambda k, g: (g * random.normal(k), None))
    k = random.key(7)
    for f in (grad(noisy), jit(grad(noisy)), lambda x, k: vmap(grad(noisy), (None, 0))(x, k[None])[0]):
        np.testing.assert_allclose(float(f(2.0, k)), float(random.normal(k)), rtol=1e-12)

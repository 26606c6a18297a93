"""Indexing: any index expression against NumPy, derivatives against differences, vmap against loops, JAX as oracle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gradcli.engine.api import check_grads, grad, jit, make_jaxpr, vjp, vmap
from gradcli.engine.array import Array, raw
from gradcli.engine.control.loop import fori_loop
from gradcli.engine.errors import NonConcreteBooleanIndexError, diagnostic_of
from gradcli.engine.ir.check import check_jaxpr
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops.index_numpy import GatherDimensionNumbers, ScatterDimensionNumbers
from gradcli.engine.ops.indexing import AtIndexer, getitem
from gradcli.engine.ops.shape import reduce_sum
from gradcli.engine.settings import override
from tests.engine.harness import check_operation

Gather, Scatter = GatherDimensionNumbers, ScatterDimensionNumbers
RNG = np.random.default_rng(7)
V = RNG.uniform(0.5, 2.0, 5)
X = RNG.uniform(0.5, 2.0, (4, 5))
T = RNG.uniform(0.5, 2.0, (3, 4, 5))
I = np.array([2, 0, 2, -1])  # noqa: E741
MASK = np.array([True, False, True, True])

# --- x[index] ---------------------------------------------------------------------------------------------------------

EXPRESSIONS: list[tuple[str, Any, Any]] = [
    ("int", T, 1),
    ("negative", T, -1),
    ("ints", T, (1, -2, 3)),
    ("numpy_int", T, np.int32(2)),
    ("slice", T, np.s_[1:]),
    ("slice_negative", T, np.s_[-2:]),
    ("slice_reverse", T, np.s_[::-1]),
    ("slice_steps", T, np.s_[::2, ::-2, 4:0:-3]),
    ("slice_empty", T, np.s_[2:1, 3:0]),
    ("slice_empty_reverse", T, np.s_[0:2:-1, :, 5:7]),
    ("slice_beyond", T, np.s_[-9:9, 9:]),
    ("none", T, None),
    ("none_middle", T, np.s_[:, None, 1, None]),
    ("ellipsis", T, np.s_[..., 0]),
    ("ellipsis_empty", T, np.s_[0, 1, ..., 2]),
    ("ellipsis_alone", T, ...),
    ("everything", T, ()),
    ("array", T, I[:2]),
    ("array_2d", T, np.array([[0, 1], [2, -1]])),
    ("array_empty", T, np.zeros(0, int)),
    ("array_0d", T, np.array(1)),
    ("list", T, [2, 0]),
    ("list_empty", T, []),
    ("lists", T, ([2, 0], [1, 1])),
    ("arrays", T, (I[:2], I[:2])),
    ("arrays_broadcast", T, (np.array([[0], [2]]), I)),
    ("array_axis_1", T, np.s_[:, I]),
    ("array_last", T, np.s_[..., I]),
    ("array_int", T, (I[:2], 1)),
    ("int_array", T, np.s_[1, :, I]),
    ("int_slice_array", T, np.s_[:, 1, I]),
    ("apart", T, np.s_[I[:2], :, I[:2]]),
    ("apart_by_none", T, np.s_[I[:2], None, I[:2]]),
    ("apart_by_empty_ellipsis", T, np.s_[:, I, ..., I]),
    ("none_array", T, np.s_[None, :, I]),
    ("array_none_slice", T, np.s_[1:, I, None, ::-2]),
    ("array_step", T, np.s_[::-2, I, 1:4]),
    ("array_0d_and_array", T, np.s_[np.array(1), :, I]),
    ("mask", X, MASK),
    ("mask_last", X.T, np.s_[:, MASK]),
    ("mask_full", X, X > 1),
    ("mask_two_axes", T, T[:, :, 0] > 1),
    ("mask_and_array", T, np.s_[np.array([True, False, True]), I[:2]]),
    ("mask_none_true", X, np.zeros(4, bool)),
    ("mask_list", X, [True, False, True, False]),
    ("true", X, True),
    ("false", X, np.False_),
    ("true_and_array", T, np.s_[:, True, I]),
    ("int_and_true", T, np.s_[0, True]),
    ("uint8", T, np.array([2, 1], np.uint8)),
    ("int8", np.arange(300.0), np.array([-1, -128], np.int8)),
]


@pytest.mark.parametrize(("name", "x", "i"), EXPRESSIONS, ids=[row[0] for row in EXPRESSIONS])
def test_indexing_is_numpys(name: str, x: Any, i: Any) -> None:
    for dtype in ("d", "f", "D", "i", "?"):
        cast = x.astype(dtype)
        out = Array(cast)[i]
        np.testing.assert_array_equal(raw(out), cast[i])
        assert raw(out).dtype == cast.dtype and out.shape == cast[i].shape
    check_operation(lambda a: a[i], [x], order=1)
    check_jaxpr(make_jaxpr(lambda a: a[i])(x))


SETTABLE = [row for row in EXPRESSIONS if row[0] not in ("array_0d",)]


@pytest.mark.parametrize(("name", "x", "i"), SETTABLE, ids=[row[0] for row in SETTABLE])
def test_writing_is_numpys(name: str, x: Any, i: Any) -> None:
    shape = x[i].shape
    y = np.random.default_rng(3).uniform(0.5, 2.0, shape)
    for method, ufunc in (("set", None), ("add", np.add), ("subtract", np.subtract), ("multiply", np.multiply),
                          ("min", np.minimum), ("max", np.maximum)):  # fmt: skip
        expected = x.copy()
        if ufunc is None:
            expected[i] = y
        elif isinstance(i, np.integer):
            expected[i] = ufunc(x[i], y)
        else:
            ufunc.at(expected, i, y)
        found = getattr(Array(x).at[i], method)(y)
        np.testing.assert_allclose(raw(found), expected, rtol=1e-14)
    check_operation(lambda a, b: AtIndexer(a)[i].set(b), [x, y], order=1)
    check_operation(lambda a, b: AtIndexer(a)[i].add(b), [x, y], order=1)


METHODS = ["set", "add", "subtract", "multiply", "divide", "min", "max", "power"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("i", [1, I, np.s_[1:3], np.s_[I, ::2]], ids=["int", "repeated", "slice", "mixed"])
def test_derivatives_of_writing(method: str, i: Any) -> None:
    values = np.random.default_rng(3).permutation(np.linspace(0.5, 2.0, X.size + X[i].size))  # far from ties
    x, y = values[: X.size].reshape(X.shape), values[X.size :].reshape(X[i].shape)
    check_operation(lambda a, b: getattr(AtIndexer(a)[i], method)(b), [x, y], order=2)


@pytest.mark.parametrize("dtype", ["f", "D"])
@pytest.mark.parametrize("method", ["set", "add", "multiply", "divide"])
def test_derivatives_of_writing_by_dtype(method: str, dtype: str) -> None:
    x, y = X.astype(dtype), RNG.uniform(0.5, 2.0, X[I].shape).astype(dtype)
    if dtype == "D":
        x, y = x * (1 + 0.5j), y * (1 - 0.3j)
    check_operation(lambda a, b: getattr(AtIndexer(a)[I], method)(b), [x, y], order=1)


@st.composite
def index_expressions(draw: Any) -> tuple[tuple[int, ...], Any]:
    """A shape and an index that NumPy accepts for it."""
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
    broadcast = draw(st.sampled_from([(2,), (3,), (2, 3), ()]))
    parts: list[Any] = []
    used = 0
    for n in shape[: draw(st.integers(0, len(shape)))]:
        while draw(st.integers(0, 5)) == 0:
            parts.append(None)
        kind = draw(st.sampled_from(["int", "slice", "array", "array", "mask"]))
        if kind == "int":
            parts.append(draw(st.integers(-n, n - 1)))
        elif kind == "slice":
            ends = st.none() | st.integers(-n - 1, n + 1)
            parts.append(slice(draw(ends), draw(ends), draw(st.none() | st.sampled_from([1, 2, -1, -2, 3]))))
        elif kind == "array":
            own = tuple(draw(st.sampled_from([m, m, 1])) for m in broadcast)
            size = int(np.prod(own))
            values = draw(st.lists(st.integers(-n, n - 1), min_size=size, max_size=size))
            parts.append(np.array(values, int).reshape(own))
        else:
            mask = np.zeros(n, bool)
            mask[draw(st.integers(0, n - 1))] = True
            parts.append(mask)
        used += 1
    if draw(st.booleans()):
        parts.insert(draw(st.integers(0, len(parts))), Ellipsis)
    return shape, tuple(parts)


@settings(max_examples=150, deadline=None)
@given(index_expressions())
def test_any_index_expression(case: tuple[tuple[int, ...], Any]) -> None:
    shape, i = case
    x = np.random.default_rng(0).uniform(size=shape)
    try:
        expected = x[i]
    except IndexError:
        assume(False)
    out, pull = vjp(lambda a: getitem(a, i), x)
    np.testing.assert_array_equal(raw(out), expected)
    ct = np.random.default_rng(1).uniform(size=expected.shape)
    back = np.zeros(shape)
    np.add.at(back, i, ct)
    np.testing.assert_allclose(raw(pull(ct)[0]), back, rtol=1e-12, atol=1e-15)
    written = x.copy()
    written[i] = ct
    np.testing.assert_array_equal(raw(AtIndexer(x)[i].set(ct)), written)


@settings(max_examples=60, deadline=None)
@given(index_expressions(), st.data())
def test_traced_index_arrays_mean_the_same(case: tuple[tuple[int, ...], Any], data: Any) -> None:
    shape, i = case
    arrays = [p for p in i if isinstance(p, np.ndarray) and p.dtype == int]
    assume(arrays)
    x = np.random.default_rng(0).uniform(size=shape)
    try:
        expected = x[i]
    except IndexError:
        assume(False)

    def rebuilt(a: Any, *given_arrays: Any) -> Any:
        stream = iter(given_arrays)
        return a[tuple(next(stream) if isinstance(p, np.ndarray) and p.dtype == int else p for p in i)]

    np.testing.assert_array_equal(raw(jit(rebuilt)(x, *arrays)), expected)
    batched = [np.stack([a, np.zeros_like(a)]) for a in arrays]
    mapped = vmap(rebuilt, (None, *[0] * len(arrays)))(x, *batched)
    for k in range(2):
        np.testing.assert_array_equal(raw(mapped)[k], raw(rebuilt(Array(x), *[b[k] for b in batched])))


@pytest.mark.parametrize("i", [0, 2, -1, -3])
def test_traced_scalars(i: int) -> None:
    for expression in (
        lambda x, i: x[i],
        lambda x, i: x[i, 1:3],
        lambda x, i: x[..., i, ::-1, None],
        lambda x, i: x[i, i],
        lambda x, i: x[::2, i],
        lambda x, i: x[i, I],
        lambda x, i: x[1, i, ::2],
    ):
        np.testing.assert_array_equal(raw(jit(expression)(T, i)), expression(T, i))
        check_operation(lambda x, e=expression: e(x, Array(np.int64(i))), [T], order=1)
        mapped = vmap(expression, (None, 0))(T, np.array([i, 0, 1]))
        np.testing.assert_array_equal(raw(mapped), np.stack([expression(T, k) for k in (i, 0, 1)]))
        both = vmap(expression, (0, 0))(np.stack([T, 2 * T]), np.array([i, 1]))
        np.testing.assert_array_equal(raw(both), np.stack([expression(T, i), expression(2 * T, 1)]))
        g = grad(lambda x, i, e=expression: reduce_all(e(x, i) ** 2))(T, i)
        where = np.zeros_like(T)
        np.add.at(where, _numpy_index(expression, i), 1.0)
        np.testing.assert_allclose(raw(g), 2 * T * where)


@pytest.mark.parametrize("method", ["set", "add", "multiply"])
def test_writing_at_traced_scalars(method: str) -> None:
    def write(x: Any, i: Any, y: Any) -> Any:
        return getattr(x.at[i, 1:3], method)(y)

    y = np.array([3.0, 4.0])
    rows = [raw(write(Array(X), k, y)) for k in (2, -1, 0)]
    np.testing.assert_array_equal(raw(jit(write)(X, -1, y)), rows[1])
    np.testing.assert_array_equal(raw(vmap(write, (None, 0, None))(X, np.array([2, -1, 0]), y)), np.stack(rows))
    looped = fori_loop(0, 4, lambda k, x: x.at[k].add(x[k - 1]), Array(V))
    expected = V.copy()
    for k in range(4):
        expected[k] += expected[k - 1]
    np.testing.assert_allclose(raw(looped), expected)
    check_grads(lambda x: fori_loop(0, 4, lambda k, v: v.at[k].multiply(v[k - 1]), x), (V,), 2, ("fwd", "rev"))


def test_single_precision() -> None:
    with override(precision="float32"):
        x = Array(X.astype(np.float32))
        g = grad(lambda a: reduce_all(a.at[I].set(a[I] ** 2)[np.array([2, 3])]))(x)
        assert g.dtype == np.float32
        np.testing.assert_allclose(raw(g)[2], 2 * X[2], rtol=1e-6)
        h = grad(lambda a: reduce_all(a.at[I].multiply(a[I])))(x)
        assert h.dtype == np.float32


def reduce_all(x: Any) -> Any:
    return reduce_sum(x, tuple(range(x.ndim)))


class _Recorder:
    def __getitem__(self, index: Any) -> Any:
        return index


def _numpy_index(expression: Any, i: int) -> Any:
    return expression(_Recorder(), i)


def test_masks_under_transformations() -> None:
    x = np.array([1.0, -2.0, 3.0])
    np.testing.assert_array_equal(raw(grad(lambda a: reduce_all(a[a > 0] ** 2))(x)), [2, 0, 6])
    np.testing.assert_array_equal(raw(grad(lambda a: reduce_all(a.at[a > 0].set(0.0)))(x)), [0, 1, 0])
    for transformed in (jit(lambda a: a[a > 0]), vmap(lambda a: a[a > 0])):
        with pytest.raises(NonConcreteBooleanIndexError, match="mask") as caught:
            transformed(np.ones((2, 3)))
        diagnostic = diagnostic_of(caught.value)
        assert diagnostic is not None and diagnostic.hint is not None and "where" in diagnostic.hint


def test_iteration_and_unpacking() -> None:
    a, b = Array(np.array([1.0, 2.0]))
    assert (float(a), float(b)) == (1.0, 2.0)
    assert [float(v) for v in raw(grad(lambda x: sum(v * k for k, v in enumerate(x)))(np.ones(3)))] == [0, 1, 2]


@pytest.mark.parametrize(
    ("i", "cls", "message"),
    [
        (5, IndexError, "index 5 is out of bounds for axis 0 with size 4"),
        (-5, IndexError, "index -5 is out of bounds for axis 0 with size 4"),
        ((0, 7), IndexError, "index 7 is out of bounds for axis 1 with size 5"),
        ((I, 7), IndexError, "index 7 is out of bounds for axis 1 with size 5"),
        ((0, 0, 0), IndexError, "too many indices for array: array is 2-dimensional, but 3 were indexed"),
        ((..., ...), IndexError, "single ellipsis"),
        (np.ones(3, bool), IndexError, "boolean index did not match indexed array along axis 0"),
        ((I, I[:3]), IndexError, "shape mismatch"),
        ("a", TypeError, "not str"),
        (1.0, TypeError, "not float"),
        (np.array([1.0]), TypeError, "not an array of float64"),
        (slice(None, None, 0), ValueError, "step cannot be zero"),
    ],
)
def test_what_is_no_index_is_said(i: Any, cls: type[Exception], message: str) -> None:
    for f in (lambda: Array(X)[i], lambda: make_jaxpr(lambda x: x[i])(X)):
        with pytest.raises(cls, match=message.replace("[", r"\[")):
            f()


def test_a_place_on_an_empty_axis() -> None:
    empty = Array(np.zeros((0, 3)))
    for i in (0, I):
        with pytest.raises(IndexError, match="axis 0 with size 0"):
            empty[i]
    assert empty[np.zeros(0, int)].shape == (0, 3) and empty[:, 1].shape == (0,)


def test_known_indices_need_no_program() -> None:
    """What NumPy does at once, and what only looks like it."""
    x = Array(X)
    np.testing.assert_array_equal(raw(x[Array(I), 1:3]), X[I, 1:3])
    np.testing.assert_array_equal(raw(x[Array(np.array(1))]), X[1])
    np.testing.assert_array_equal(raw(x[Array(X > 1)]), X[X > 1])
    np.testing.assert_array_equal(raw(x[Array(np.array(9))]), X[3])
    np.testing.assert_array_equal(raw(grad(lambda a: reduce_all(x[I] * a))(1.0)), X[I].sum())


def test_traced_slice_bounds() -> None:
    assert raw(grad(lambda x, n: reduce_all(x[:n]))(V, 2)).tolist() == [1, 1, 0, 0, 0]
    with pytest.raises(IndexError, match="traced integer") as caught:
        jit(lambda x, n: x[:n])(V, 2)
    assert "dynamic_slice" in str(diagnostic_of(caught.value))


def test_out_of_bounds() -> None:
    x, far = Array(np.arange(3.0)), np.array([5, -7, 1])
    np.testing.assert_array_equal(raw(x[far]), [2, 0, 1])
    np.testing.assert_array_equal(raw(x.at[far].get(mode="fill")), [np.nan, np.nan, 1])
    np.testing.assert_array_equal(raw(x.at[far].get(mode="fill", fill_value=9)), [9, 9, 1])
    np.testing.assert_array_equal(raw(x.at[far].get(mode="clip")), [2, 0, 1])
    np.testing.assert_array_equal(raw(x.at[far].set(7.0)), [0, 7, 2])
    np.testing.assert_array_equal(raw(x.at[far].set(7.0, mode="clip")), [7, 7, 7])
    np.testing.assert_array_equal(raw(x.at[far].multiply(3.0)), [0, 3, 2])
    np.testing.assert_array_equal(raw(x.at[7].set(1.0)), [0, 1, 2])
    np.testing.assert_array_equal(raw(x.at[7].get(mode="fill")), np.nan)
    assert raw(x.at[7].get()) == raw(x)[-1] and raw(x.at[-9].get()) == raw(x)[0]
    np.testing.assert_array_equal(raw(jit(lambda a, i: a[i])(x, 9)), 2.0)
    np.testing.assert_array_equal(raw(jit(lambda a, i: a[i])(x, far)), [2, 0, 1])
    np.testing.assert_array_equal(raw(x.at[np.array([-1])].set(7.0, wrap_negative_indices=False)), [0, 1, 2])
    assert raw(Array(np.arange(3)).at[np.array([5])].get(mode="fill"))[0] == np.iinfo(int).min
    check_operation(lambda a: getitem(a, far), [raw(x)], order=1)
    check_operation(lambda a: AtIndexer(a)[far].get(mode="fill", fill_value=2.0), [raw(x)], order=1)
    for mode in ("clip", "drop"):
        for method in ("set", "add", "multiply", "min"):

            def write(a: Any, b: Any, method: str = method, mode: str = mode) -> Any:
                return getattr(AtIndexer(a)[far], method)(b, mode=mode)

            check_operation(write, [raw(x) + 0.5, V[:3]], order=1)
    with pytest.raises(ValueError, match="unknown mode 'nowhere'"):
        x.at[far].get(mode="nowhere")
    with pytest.raises(TypeError, match="unexpected keyword argument 'modus'"):
        x.at[far].add(1.0, modus="clip")


def test_dtypes_of_writing() -> None:
    ints = Array(np.arange(3))
    assert raw(ints.at[0].set(2.7)).tolist() == [2, 1, 2] and ints.at[0].set(2.7).dtype == np.int64
    assert raw(ints.at[1].add(0.5)).tolist() == [0, 1, 2]
    single = Array(np.ones(3, np.float32))
    assert single.at[0].set(np.float64(2)).dtype == single.at[0].add(2).dtype == np.float32
    assert Array(np.zeros(2, np.int8)).at[0].set(100).dtype == np.int8
    assert raw(ints.at[0].divide(2)).dtype == np.float64
    assert raw(Array(np.array([True, False])).at[1].set(True)).tolist() == [True, True]
    np.testing.assert_array_equal(raw(ints.at[I[:2]].apply(lambda v: v * 10)), [0, 1, 20])
    np.testing.assert_array_equal(raw(ints.at[1].mul(5)), [0, 5, 2])
    g = grad(lambda x: reduce_all(x.at[1:].apply(e.sin)))(V)
    np.testing.assert_allclose(raw(g), [1, *np.cos(V[1:])])
    with pytest.raises(ValueError, match=r"shape \(2,\) cannot be put into x\[index\] of shape \(3,\)"):
        ints.at[:].set(np.ones(2))


# --- programs, and JAX ------------------------------------------------------------------------------------------------


def primitives(f: Any, *args: Any) -> list[str]:
    return [eqn.primitive.name for eqn in make_jaxpr(f)(*args).eqns]


def test_programs_are_short() -> None:
    assert primitives(lambda x: x[0], X) == ["slice", "squeeze"]
    assert primitives(lambda x: x[1:], X) == ["slice"]
    assert primitives(lambda x: x[:], X) == []
    assert primitives(lambda x: x[::-1], X) == ["rev"]
    assert primitives(lambda x: x[..., None], X) == ["broadcast_in_dim"]
    assert primitives(lambda x, i: x[i], V, 1) == ["lt", "add", "select_n", "dynamic_slice", "squeeze"]
    assert primitives(lambda x: x[I], X) == ["gather"]
    assert primitives(lambda x: x.at[I].set(1.0), X) == ["broadcast_in_dim", "scatter"]
    assert primitives(lambda x: x.at[0, 1].add(2.0), X) == ["broadcast_in_dim", "scatter-add"]


@pytest.fixture(scope="module")
def jax() -> Any:
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    return jax


WITH_JAX = ["int", "slice_steps", "none_middle", "arrays_broadcast", "apart", "array_none_slice", "mask_and_array"]


@pytest.mark.oracle
@pytest.mark.parametrize(("name", "x", "i"), [r for r in EXPRESSIONS if r[0] in WITH_JAX], ids=WITH_JAX)
def test_indexing_against_jax(jax: Any, name: str, x: Any, i: Any) -> None:
    y = np.random.default_rng(3).uniform(0.5, 2.0, x[i].shape)
    ct = np.random.default_rng(4).uniform(size=x.shape)
    np.testing.assert_array_equal(raw(Array(x)[i]), jax.numpy.asarray(x)[i])
    for method in ("set", "min"):
        out, pull = vjp(lambda a, b, m=method: getattr(AtIndexer(a)[i], m)(b), x, y)
        expected, jax_pull = jax.vjp(lambda a, b, m=method: getattr(a.at[i], m)(b), x, y)
        np.testing.assert_allclose(raw(out), expected, rtol=1e-13)
        for a, b in zip(pull(ct), jax_pull(ct), strict=True):
            np.testing.assert_allclose(raw(a), b, rtol=1e-12, atol=1e-14)


@pytest.mark.oracle
def test_programs_against_jax(jax: Any) -> None:
    rows: list[tuple[Any, tuple[Any, ...]]] = [
        (lambda x: x[0], (X,)),
        (lambda x: x[0, 1], (X,)),
        (lambda x: x[::2, ::-2], (X,)),
        (lambda x: x[-1:, None, 3], (X,)),
        (lambda x, i: x[i], (V, 1)),
        (lambda x, i: x[i], (X, I)),
        (lambda x, i: x[i, i], (X, I)),
        (lambda x, i: x[:, i], (X, I)),
        (lambda x, i: x.at[i].set(1.0), (X, I)),
        (lambda x, i: x.at[i].mul(2.0), (X, I)),
        (lambda x: x.at[0].set(1.0), (X,)),
    ]
    for f, args in rows:
        theirs = [eqn.primitive.name for eqn in jax.make_jaxpr(f)(*args).jaxpr.eqns]
        ours = primitives(f, *args)
        kept = [name for name in theirs if name in ours]
        assert [n for n in ours if n != "broadcast_in_dim"] == [n for n in kept if n != "broadcast_in_dim"]


@pytest.mark.oracle
def test_out_of_bounds_against_jax(jax: Any) -> None:
    x, far = np.arange(3.0), np.array([5, -7, 1])
    for mode in (None, "clip", "fill"):
        np.testing.assert_array_equal(raw(Array(x).at[far].get(mode=mode)), jax.numpy.asarray(x).at[far].get(mode=mode))
        for method in ("set", "add", "max"):
            theirs = getattr(jax.numpy.asarray(x).at[far], method)(2.0, mode=mode)
            np.testing.assert_array_equal(raw(getattr(Array(x).at[far], method)(2.0, mode=mode)), theirs)




def test_apply_as_often_as_an_index_names_an_element() -> None:
    def twice(x: Any, i: Any) -> Any:
        return x.at[i].apply(lambda v: v**2 + 1)

    x, places = np.array([0.5, 2.0, 3.0, 4.0]), np.array([1, 1, 2])
    expected = [0.5, (2.0**2 + 1) ** 2 + 1, 10.0, 4.0]
    np.testing.assert_array_equal(raw(twice(Array(x), places)), expected)
    np.testing.assert_array_equal(raw(jit(twice)(x, places)), expected)
    np.testing.assert_array_equal(raw(jit(lambda x: twice(x, places))(x)), expected)
    slope = grad(lambda x: e.sin(twice(x, places)).sum())(x)
    d = np.array([1.0, 2 * (2.0**2 + 1) * 2 * 2.0, 6.0, 1.0])
    np.testing.assert_allclose(raw(slope), np.cos(expected) * d, rtol=1e-12)

"""Reductions, dot_general and sorting by table: values, derivatives, ties and zeros, vmap, dtypes, errors."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from gradcli.engine.api import grad, hessian, jacfwd, jacrev, jvp, make_jaxpr, vmap
from gradcli.engine.array import raw
from gradcli.engine.numeric import check_grads
from gradcli.engine.ops import elementwise as e
from gradcli.engine.ops import reduce as r
from gradcli.engine.ops.dot import dot_general
from gradcli.engine.ops.shape import reduce_sum
from gradcli.engine.ops.sort import argsort, sort, top_k
from tests.engine.harness import check_operation, check_program, check_vmap

Function = Callable[..., Any]


def values(shape: tuple[int, ...], letter: str, seed: int = 0) -> Any:
    """Distinct values around 0, well apart from each other."""
    rng = np.random.default_rng(seed)
    size = int(np.prod(shape))
    x = (rng.permutation(size) + 0.5) / max(size, 1) * 3 - 1.4
    if letter in "FD":
        x = x + 1j * rng.permutation(size) / max(size, 1)
    elif letter in "?bilBIQ":
        x = np.round(x * 3) if letter in "?bil" else np.abs(np.round(x * 3))
    return x.reshape(shape).astype(letter)


def tolerance(letter: str) -> float:
    return {"f": 1e-5, "F": 1e-5, "e": 2e-3}.get(letter, 1e-12)


def same(found: Any, expected: Any, tol: float = 1e-12) -> None:
    found = np.asarray(raw(found))
    assert found.shape == np.shape(expected)
    np.testing.assert_allclose(found, expected, rtol=tol, atol=tol)


# --- reductions -------------------------------------------------------------------------------------------------------


class Reduction(NamedTuple):
    op: Function
    reference: Function
    dtypes: str


REDUCTIONS = [
    Reduction(r.reduce_max, np.max, "fdFDil?"),
    Reduction(r.reduce_min, np.min, "fdFDil?"),
    Reduction(r.reduce_prod, np.prod, "fdFDil"),
    Reduction(r.reduce_and, np.bitwise_and.reduce, "il?B"),
    Reduction(r.reduce_or, np.bitwise_or.reduce, "il?B"),
    Reduction(r.reduce_xor, np.bitwise_xor.reduce, "il?B"),
]


@pytest.mark.parametrize("axes", [(0,), (1,), (2, 0), (0, 1, 2)], ids=str)
@pytest.mark.parametrize("row", REDUCTIONS, ids=lambda row: row.op.__name__)
def test_reduction(row: Reduction, axes: tuple[int, ...]) -> None:
    for letter in row.dtypes:
        x = values((2, 3, 2), letter)
        found = row.op(x, axes)
        assert found.dtype == x.dtype
        same(found, row.reference(x, axis=axes), tolerance(letter))
        check_operation(lambda x: row.op(x, axes), (x,), order=2 if axes == (2, 0) else 1)


@pytest.mark.parametrize("row", REDUCTIONS, ids=lambda row: row.op.__name__)
def test_reduction_of_nothing_gives_its_neutral_element(row: Reduction) -> None:
    for letter in row.dtypes:
        x = np.zeros((0, 3), letter)
        found = row.op(x, (0,))
        assert found.shape == (3,) and found.dtype == x.dtype
        again = row.op(np.concatenate([np.asarray(found)[None], values((1, 3), letter)]), (0,))
        np.testing.assert_array_equal(again, values((1, 3), letter)[0])
        assert row.op(x, (1,)).shape == (0,)
    if "d" in row.dtypes:
        assert grad(lambda x: reduce_sum(row.op(x, (0,)), (0,)))(np.zeros((0, 3))).shape == (0, 3)


def test_reduction_rejects_dtypes_and_axes() -> None:
    with pytest.raises(TypeError, match="reduce_and does not accept dtype float64"):
        r.reduce_and(np.ones(3), (0,))
    with pytest.raises(TypeError, match="reduce_prod does not accept dtype bool"):
        r.reduce_prod(np.ones(3, bool), (0,))
    with pytest.raises(TypeError, match="do not fit"):
        r.reduce_max(np.ones(3), (1,))
    with pytest.raises(TypeError, match="do not fit"):
        r.reduce_max(np.ones((3, 3)), (1, 1))


def test_extrema_share_gradients_at_ties() -> None:
    x = np.array([[1.0, 2.0, 2.0], [5.0, 5.0, 5.0]])
    same(grad(lambda x: reduce_sum(r.reduce_max(x, (1,)), (0,)))(x), [[0, 0.5, 0.5], [1 / 3, 1 / 3, 1 / 3]])
    same(grad(lambda x: r.reduce_max(x, (0, 1)))(x), [[0, 0, 0], [1 / 3, 1 / 3, 1 / 3]])
    same(grad(lambda x: reduce_sum(r.reduce_min(x, (1,)), (0,)))(x), [[1, 0, 0], [1 / 3, 1 / 3, 1 / 3]])


def test_gradient_of_maximum_is_written_as_eq_convert_sum_div_mul() -> None:
    program = make_jaxpr(grad(lambda x: r.reduce_max(x, (0,))))(np.arange(3.0))
    names = [eqn.primitive.name for eqn in program.eqns]
    assert names == [
        "reduce_max", "reshape", "eq", "convert_element_type", "reduce_sum", "div", "broadcast_in_dim", "mul"
    ]  # fmt: skip


def test_extrema_carry_nan() -> None:
    x = np.array([1.0, np.nan, 3.0])
    for op in (r.reduce_max, r.reduce_min):
        assert np.isnan(raw(op(x, (0,))))
        assert np.all(np.isnan(np.asarray(grad(lambda x, op=op: op(x, (0,)))(x))))


# --- products with zeros ----------------------------------------------------------------------------------------------

ZEROS = [
    (2.0, 0.0, 3.0),
    (0.0, 0.0, 3.0, 1.5),
    (0.0,),
    (0.0, 0.0, 0.0),
    (1.0, 0.0, 2.0, 0.0, 3.0),
    (2.0, 3.0, -1.5, 0.5),
]


def product_derivative(x: Any, order: int) -> Any:
    """The tensor of derivatives of prod(x): products of the other elements, zero where an index repeats."""
    out = np.zeros((len(x),) * order)
    for index in itertools.permutations(range(len(x)), order):
        out[index] = np.prod([v for i, v in enumerate(x) if i not in index])
    return out


@pytest.mark.parametrize("x", ZEROS, ids=str)
def test_product_with_zeros(x: tuple[float, ...]) -> None:
    def f(x: Any) -> Any:
        return r.reduce_prod(x, (0,))

    x = np.array(x)
    same(grad(f)(x), product_derivative(x, 1))
    same(jacfwd(f)(x), product_derivative(x, 1))
    same(hessian(f)(x), product_derivative(x, 2))
    same(jacrev(jacrev(f))(x), product_derivative(x, 2))
    same(jacfwd(hessian(f))(x), product_derivative(x, 3))


# --- argmax and argmin ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("op", "reference"), [(r.argmax, np.argmax), (r.argmin, np.argmin)])
def test_position(op: Function, reference: Function) -> None:
    for letter, axis, index in itertools.product("fdl?B", (0, 1, -1), (np.int32, np.int64)):
        x = values((3, 4), letter)
        found = op(x, axis, index)
        assert found.dtype == index
        np.testing.assert_array_equal(found, reference(x, axis))
        check_program(lambda x, axis=axis: op(x, axis, np.int32), (x,))
        check_vmap(lambda x, axis=axis: op(x, axis, np.int32), (x,))
    assert int(op(np.array([1.0, np.nan, 3.0, np.nan]), 0, np.int32)) == 1
    assert int(op(np.array([2.0, 2.0]), 0, np.int32)) == 0
    same(
        jacfwd(lambda x: e.mul(x, e.convert_element_type(op(x, 0, np.int32), np.float64)))(np.ones(3)), np.zeros((3, 3))
    )
    with pytest.raises(ValueError, match="there is no element"):
        op(np.zeros((0, 3)), 0, np.int32)
    with pytest.raises(TypeError, match="integer dtype"):
        op(np.zeros(3), 0, np.float32)
    with pytest.raises(TypeError, match="does not accept dtype complex128"):
        op(np.zeros(3, complex), 0, np.int32)


# --- dot_general ------------------------------------------------------------------------------------------------------

DOTS = [
    # the shapes, ((lhs_contracting, rhs_contracting), (lhs_batch, rhs_batch)), the same for einsum
    ((3,), (3,), (((0,), (0,)), ((), ())), "i,i->"),
    ((2, 3), (3,), (((1,), (0,)), ((), ())), "ij,j->i"),
    ((3,), (3, 2), (((0,), (0,)), ((), ())), "i,ij->j"),
    ((2, 3), (3, 4), (((1,), (0,)), ((), ())), "ij,jk->ik"),
    ((3, 2), (4, 3), (((0,), (1,)), ((), ())), "ji,kj->ik"),
    ((2, 3), (4, 3), (((1,), (1,)), ((), ())), "ij,kj->ik"),
    ((2, 3, 4), (4, 2), (((2,), (0,)), ((), ())), "abi,ij->abj"),
    ((2, 3, 4), (4, 2, 3), (((2, 0), (0, 1)), ((), ())), "abc,cad->bd"),
    ((2, 3, 2), (3, 2, 2), (((1, 2, 0), (0, 1, 2)), ((), ())), "abc,bca->"),
    ((2,), (3,), (((), ()), ((), ())), "i,j->ij"),
    ((), (2, 2), (((), ()), ((), ())), ",ij->ij"),
    ((2, 3), (2, 3), (((1,), (1,)), ((0,), (0,))), "bi,bi->b"),
    ((2, 3), (3, 2), (((), ()), ((0, 1), (1, 0))), "ab,ba->ab"),
    ((2, 3), (4, 2), (((), ()), ((0,), (1,))), "bi,jb->bij"),
    ((2, 3, 4), (2, 4, 2), (((2,), (1,)), ((0,), (0,))), "bij,bjk->bik"),
    ((3, 4, 2), (4, 2, 2), (((1,), (0,)), ((2,), (2,))), "ijb,jkb->bik"),
    ((2, 3, 2, 2), (2, 2, 3), (((3,), (1,)), ((1, 0), (2, 0))), "bakc,bca->abk"),
    ((0, 3), (3, 2), (((1,), (0,)), ((), ())), "ij,jk->ik"),
    ((2, 0), (0, 3), (((1,), (0,)), ((), ())), "ij,jk->ik"),
    ((2, 2, 0), (2, 0, 3), (((2,), (1,)), ((0,), (0,))), "bij,bjk->bik"),
]


@pytest.mark.parametrize(("left", "right", "numbers", "spec"), DOTS, ids=[d[3] + str(d[0]) for d in DOTS])
def test_dot_general(left: Any, right: Any, numbers: Any, spec: str) -> None:
    for letter in "fdFDl":
        x, y = values(left, letter), values(right, letter, 1)
        found = dot_general(x, y, numbers)
        assert found.dtype == x.dtype
        same(found, np.einsum(spec, x, y), tolerance(letter) * 10)
        check_operation(lambda x, y: dot_general(x, y, numbers), (x, y))


@pytest.mark.parametrize(("left", "right", "numbers", "spec"), DOTS[3:16], ids=[d[3] for d in DOTS[3:16]])
def test_dot_general_under_vmap_twice(left: Any, right: Any, numbers: Any, spec: str) -> None:
    x, y = values((2, 3, *left), "d"), values((3, *right), "d", 1)
    a, b = spec.split("->")[0].split(",")
    found = vmap(vmap(lambda x, y: dot_general(x, y, numbers)), (0, None))(x, y)
    same(found, np.einsum(f"yz{a},z{b}->yz{spec.split('->')[1]}", x, y))


def test_dot_general_uses_batch_dimensions_under_vmap() -> None:
    def f(x: Any, y: Any) -> Any:
        return dot_general(x, y, (((0,), (0,)), ((), ())))

    def numbers(in_axes: Any, *args: Any) -> Any:
        (eqn,) = make_jaxpr(vmap(f, in_axes))(*args).eqns
        return eqn.params["dimension_numbers"]

    x = np.ones((2, 3))
    assert numbers((0, 0), x, x) == (((1,), (1,)), ((0,), (0,)))
    assert numbers((1, 0), x.T, x) == (((0,), (1,)), ((1,), (0,)))
    assert numbers((0, None), x, x[0]) == (((1,), (0,)), ((), ()))


def test_dot_general_preferred_type() -> None:
    x = values((2, 3), "b") * 40
    numbers = (((1,), (1,)), ((), ()))
    found = dot_general(x, x, numbers, preferred_element_type=np.int32)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, x.astype(int) @ x.astype(int).T)
    half = values((2, 3), "e")
    assert dot_general(half, half, numbers).dtype == np.float16
    single = values((2, 3), "f")
    wide = dot_general(single, single, numbers, preferred_element_type=np.float64)
    assert wide.dtype == np.float64
    np.testing.assert_array_equal(wide, single.astype("d") @ single.astype("d").T)

    def f(x: Any) -> Any:
        return reduce_sum(dot_general(x, x, numbers, preferred_element_type=np.float64), (0, 1))

    assert grad(f)(single).dtype == np.float32
    same(grad(f)(single), 2 * single.sum(0) + np.zeros_like(single), 1e-6)
    with pytest.raises(TypeError, match="narrower"):
        dot_general(x.astype(int), x.astype(int), numbers, preferred_element_type=np.int8)


def test_dot_general_of_integers_is_exact() -> None:
    rng = np.random.default_rng(0)
    for high in (100, 2**40, 2**62):
        x, y = rng.integers(-high, high, (20, 30)), rng.integers(-high, high, (30, 25))
        np.testing.assert_array_equal(dot_general(x, y, (((1,), (0,)), ((), ()))), x @ y)
    flags = rng.integers(0, 2, (20, 30)).astype(bool)
    np.testing.assert_array_equal(dot_general(flags, flags, (((1,), (1,)), ((), ()))), flags @ flags.T)


def test_dot_general_reads_views() -> None:
    x = values((4, 6), "d")
    for view in (x[::2, ::-1], x.T[:, ::2].T[:, ::-1], np.broadcast_to(x[0], (4, 6)), np.broadcast_to(1.5, (4, 6))):
        same(dot_general(view, x, (((1,), (1,)), ((), ()))), view @ x.T)


@pytest.mark.parametrize(
    ("left", "right", "numbers"),
    [
        ((2, 3), (2, 3), (((1,), (0,)), ((), ()))),
        ((2, 3), (4, 3), (((1,), (1,)), ((0,), (0,)))),
        ((2, 3), (2, 3), (((2,), (0,)), ((), ()))),
        ((2, 3), (2, 3), (((0, 0), (0, 0)), ((), ()))),
        ((2, 3), (2, 3), (((1,), ()), ((), ()))),
        ((2, 2), (2, 2), (((0,), (0,)), ((0,), (0,)))),
    ],
)
def test_dot_general_names_what_does_not_fit(left: Any, right: Any, numbers: Any) -> None:
    with pytest.raises(TypeError, match="dot_general"):
        dot_general(np.ones(left), np.ones(right), numbers)


# --- sort, argsort, top_k ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dimension", [0, 1, -1])
def test_sort(dimension: int) -> None:
    for letter in "fdFDl?":
        x = values((3, 4), letter)
        found = sort(x, dimension)
        assert found.dtype == x.dtype
        same(found, np.sort(x, dimension))
        np.testing.assert_array_equal(argsort(x, dimension), np.argsort(x, dimension, kind="stable"))
        check_operation(lambda x: sort(x, dimension), (x,))


def test_sort_of_several() -> None:
    keys, second = np.array([2.0, 1.0, 2.0, 1.0]), np.array([1.5, 4.0, 0.5, 3.0])
    payload = np.arange(4)
    out = sort((keys, second, payload))
    assert [np.asarray(o).tolist() for o in out] == [[1, 1, 2, 2], [4, 3, 1.5, 0.5], [1, 3, 0, 2]]
    out = sort((keys, second, payload), num_keys=2)
    assert [np.asarray(o).tolist() for o in out] == [[1, 1, 2, 2], [3, 4, 0.5, 1.5], [3, 1, 2, 0]]
    for i in range(2):
        check_operation(lambda x, y, i=i: sort((x, y))[i], (keys + [0, 0, 0.5, 0.5], second))
    check_vmap(lambda x, y: sort((x, y), num_keys=2)[1], (keys, second))
    with pytest.raises(ValueError, match="keys"):
        sort((keys, second), num_keys=3)
    with pytest.raises(ValueError, match="sort of 0 operands"):
        sort(())
    with pytest.raises(TypeError, match="one shape"):
        sort((keys, second[:2]))
    with pytest.raises(ValueError, match="out of bounds"):
        sort(keys, 1)


def test_sort_puts_nan_last_and_keeps_the_order_of_zeros() -> None:
    x = np.array([np.nan, 0.0, -0.0, -np.inf, np.inf, 1.0])
    found = np.asarray(sort(x))
    np.testing.assert_array_equal(found, [-np.inf, 0, 0, 1, np.inf, np.nan])
    assert np.signbit(found[1:3]).tolist() == [False, True]
    np.testing.assert_array_equal(argsort(x), [3, 1, 2, 5, 4, 0])


def test_sort_permutes_gradients_stably_at_ties() -> None:
    x, w = np.array([2.0, 1.0, 2.0, 1.0]), np.array([1.0, 10.0, 100.0, 1000.0])
    same(grad(lambda x: reduce_sum(e.mul(sort(x), w), (0,)))(x), [100, 1, 1000, 10])


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_top_k(axis: int) -> None:
    for letter in "fdl":
        x = values((4, 4), letter)
        found, places = top_k(x, 2, axis=axis)
        expected = np.flip(np.sort(x, axis), axis).take(range(2), axis)
        same(found, expected)
        assert found.dtype == x.dtype and places.dtype == np.int32
        np.testing.assert_array_equal(np.take_along_axis(x, np.asarray(places), axis), expected)
        check_operation(lambda x: top_k(x, 2, axis=axis)[0], (x,))
        check_vmap(lambda x: top_k(x, 2, axis=axis)[1], (x,))


def test_top_k_ties_nan_and_errors() -> None:
    found, places = top_k(np.array([3.0, np.nan, 3.0, 1.0]), 3)
    np.testing.assert_array_equal(found, [np.nan, 3, 3])
    assert np.asarray(places).tolist() == [1, 0, 2]
    assert top_k(np.zeros((2, 0)), 0)[0].shape == (2, 0)
    with pytest.raises(ValueError, match="there are no 4 elements"):
        top_k(np.zeros(3), 4)
    with pytest.raises(TypeError, match="complex"):
        top_k(np.zeros(3, complex), 1)


def test_composed_second_order() -> None:
    def f(x: Any) -> Any:
        ranked = sort(dot_general(x, r.cumprod(x, 1), (((1,), (1,)), ((), ()))), 0)
        return e.add(r.reduce_max(ranked, (0,)), r.reduce_prod(r.cumlogsumexp(ranked, 0), (1,)))

    check_grads(f, (values((3, 3), "d"),), order=2)


# --- against JAX ------------------------------------------------------------------------------------------------------


@pytest.fixture
def lax() -> Any:
    jax = pytest.importorskip("jax")
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield jax.lax
    jax.config.update("jax_enable_x64", before)


TIED = np.array([[1.0, 0.0, 2.0, 0.0, 2.0], [3.0, 3.0, 0.5, -1.0, 3.0], [1.0, 1.0, 1.0, 1.0, 1.0]])
ORACLE: list[tuple[str, Function]] = [
    *((name, lambda op, x: op(x, (1,))) for name in ("reduce_max", "reduce_min", "reduce_prod")),
    *((name, lambda op, x: op(x, (0, 1))) for name in ("reduce_max", "reduce_min", "reduce_prod")),
    *((name, lambda op, x: op(x, 1)) for name in ("cumsum", "cumprod", "cummax", "cummin", "cumlogsumexp")),
    *((name, lambda op, x: op(x, 0, True)) for name in ("cumsum", "cumprod", "cummax", "cummin", "cumlogsumexp")),
    ("sort", lambda op, x: op(x, 1)),
    ("sort", lambda op, x: op((x, -x), 0, num_keys=2)[1]),
    ("top_k", lambda op, x: op(x, 3, axis=1)[0]),
    ("dot_general", lambda op, x: op(x, x, (((1,), (1,)), ((), ())))),
    ("dot_general", lambda op, x: op(x, x, (((1,), (1,)), ((0,), (0,))))),
]
OURS = {**vars(r), "sort": sort, "top_k": top_k, "dot_general": dot_general}


@pytest.mark.oracle
@pytest.mark.parametrize(("name", "call"), ORACLE, ids=[f"{i}-{n}" for i, (n, _) in enumerate(ORACLE)])
def test_agrees_with_jax_at_ties_and_zeros(lax: Any, name: str, call: Function) -> None:
    import jax

    def mine(x: Any) -> Any:
        return call(OURS[name], x)

    def theirs(x: Any) -> Any:
        return call(getattr(lax, name), x)

    expected = theirs(jax.numpy.asarray(TIED))
    assert mine(TIED).dtype == expected.dtype
    same(mine(TIED), np.asarray(expected))
    slopes = np.asarray(jax.jacfwd(theirs)(TIED))
    same(jacfwd(mine)(TIED), slopes)
    same(jacrev(mine)(TIED), slopes)
    w = np.cos(np.arange(expected.size)).reshape(expected.shape)
    axes = tuple(range(expected.ndim))
    ours = hessian(lambda x: reduce_sum(e.mul(e.square(mine(x)), w), axes))(TIED)
    if name != "cumlogsumexp":  # JAX's second derivative of it is that of max and abs, wrong at ties
        same(ours, np.asarray(jax.hessian(lambda x: (theirs(x) ** 2 * w).sum())(TIED)))


@pytest.mark.oracle
@pytest.mark.parametrize("name", ["reduce_max", "dot_general", "cumsum", "argmax", "sort", "top_k"])
def test_programs_are_those_of_jax(lax: Any, name: str) -> None:
    import jax

    calls: dict[str, Function] = {
        "reduce_max": lambda op, x: op(x, (0, 1)),
        "dot_general": lambda op, x: op(x, x, (((1,), (1,)), ((0,), (0,)))),
        "cumsum": lambda op, x: op(x, 1),
        "argmax": lambda op, x: op(x, 1, np.int32),
        "sort": lambda op, x: op(x, 0),
        "top_k": lambda op, x: op(x, 2)[0],
    }

    def names(program: Any) -> list[str]:
        return [str(eqn.primitive) for eqn in program.eqns]

    def mine(x: Any) -> Any:
        return calls[name](OURS[name], x)

    def theirs(x: Any) -> Any:
        return calls[name](getattr(lax, name), x)

    assert names(make_jaxpr(mine)(TIED)) == names(jax.make_jaxpr(theirs)(TIED))
    if name != "argmax":
        expected = jax.make_jaxpr(lambda x: jax.jvp(theirs, (x,), (x,)))(TIED)
        assert names(make_jaxpr(lambda x: jvp(mine, (x,), (x,)))(TIED)) == names(expected)
